/** Splits requests that are larger than the mint's limit, and learns that limit from its refusals. */
import type { Refusal, Replied } from '../../machines/wallet/exchange-model.ts'
import { isTooLarge } from '../cashu/codes.ts'
import type { MintClient, Reply } from '../cashu/client.ts'
import type { BlindedMessage, ProofState, Restored } from '../cashu/parse.ts'
import { keepLimits, learnt, limitsOf, type LimitName } from './limits.ts'
import { answerOf } from './replies.ts'
import type { Reader, Write } from './tables.ts'

interface Ask<Item, Body> {
  readonly mintUrl: string
  readonly items: readonly Item[]
  readonly limit: LimitName & ('states' | 'restore')
  /** The NUT of the endpoint. A mint that does not list it has no such endpoint. */
  readonly nut: 7 | 9
  readonly ask: (items: readonly Item[]) => Promise<Reply<Body>>
}

/**
 * The answers to all parts, in order, and what was learnt. A part that is refused as too large is halved; any other
 * answer ends the asking, for half of the answers prove nothing.
 */
async function askAll<Item, Body>(
  { mintUrl, items, limit, nut, ask }: Ask<Item, Body>,
  read: Reader,
): Promise<Replied<{ bodies: readonly Body[]; writes: readonly Write[] }>> {
  let most = (await limitsOf(read, mintUrl))[limit]
  let writes: readonly Write[] = []
  const bodies: Body[] = []
  for (let at = 0; at < items.length;) {
    // Trust is checked before every request, because it may have been withdrawn since the last one.
    if (at > 0 && (await read.get('mints', [mintUrl]))?.trusted !== 1) return { answer: 'unknown' }
    const part = items.slice(at, at + most)
    const reply = await ask(part)
    if (reply.answer === 'ok') {
      bodies.push(reply.body)
      at += part.length
      continue
    }
    const answer = answerOf(reply, () => ({ bodies: [], writes: [] }))
    const refusal = answer.answer === 'refused' ? answer : hinted(answer)
    const less = refusal && learnt(refusal, part.length)
    if (less !== undefined) {
      most = less
      writes = await keepLimits(read, mintUrl, { [limit]: less })
      continue
    }
    if (refusal?.meaning === 'unsupported' && (answer.answer === 'refused' || (await lacks(read, mintUrl, nut))))
      return { answer: 'refused', code: refusal.code, detail: `the mint does not answer this question (NUT-0${nut})`, meaning: 'unsupported' } // prettier-ignore
    return answer
  }
  return { answer: 'ok', bodies, writes }
}

/** What an answer would mean if it were a refusal. A request that changes nothing may be tried. */
function hinted(answer: { readonly answer: string; readonly hint?: Refusal['meaning'] }): Refusal | undefined {
  const { hint } = answer
  return hint === 'unsupported' || isTooLarge(hint) ? { code: 0, detail: '', meaning: hint! } : undefined
}

/** The mint's info lists its NUTs, and this one is not among them. */
async function lacks(read: Reader, mintUrl: string, nut: number): Promise<boolean> {
  const info = (await read.get('mints', [mintUrl]))?.info
  return !!info && info.supported.length > 0 && !info.supported.includes(nut)
}

type States = Replied<{ states: readonly ProofState[]; writes: readonly Write[] }>

/** The states of proofs, in the order asked (NUT-07). */
export async function askStates(
  client: MintClient,
  Ys: readonly string[],
  { read, signal }: { readonly read: Reader; readonly signal: AbortSignal },
): Promise<States> {
  const ask = (part: readonly string[]) => client.checkState(part, { signal })
  const asked = await askAll({ mintUrl: client.mintUrl, items: Ys, limit: 'states', nut: 7, ask }, read)
  return asked.answer === 'ok' ? { answer: 'ok', states: asked.bodies.flat(), writes: asked.writes } : asked
}

/** Which outputs the mint has signed (NUT-09). */
export async function askRestore(
  client: MintClient,
  outputs: readonly BlindedMessage[],
  { read, signal }: { readonly read: Reader; readonly signal: AbortSignal },
): Promise<Replied<Restored & { writes: readonly Write[] }>> {
  const ask = (part: readonly BlindedMessage[]) => client.restore(part, { signal })
  const asked = await askAll({ mintUrl: client.mintUrl, items: outputs, limit: 'restore', nut: 9, ask }, read)
  if (asked.answer !== 'ok') return asked
  return {
    answer: 'ok',
    outputs: asked.bodies.flatMap((body) => body.outputs),
    signatures: asked.bodies.flatMap((body) => body.signatures),
    writes: asked.writes,
  }
}
