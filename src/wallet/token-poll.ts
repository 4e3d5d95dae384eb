/** Polls whether the tokens of many sends were claimed, in one request (NUT-07). A token that the mint refuses does not
 * affect the others. */
import type { SendContext } from '../../machines/wallet/send.ts'
import { isTooLarge } from '../cashu/codes.ts'
import type { EventObject, Poll } from '../kernel/define/operation.ts'
import type { Reply } from '../cashu/client.ts'
import type { ProofState } from '../cashu/parse.ts'
import { limitsOf } from './limits.ts'
import type { WalletPorts } from './ports.ts'
import type { Reader } from './tables.ts'
import { sure } from '../sure.ts'

/** The size of a request that every mint accepts. */
const MOST_ASKED = 100
/** After this many more refusals than answers, the rest waits for the next poll. */
const MOST_REFUSALS = 32

type Ask = (Ys: readonly string[]) => Promise<Reply<readonly ProofState[]>>

/**
 * Which of these tokens were claimed, all of their proofs. A token is done with at its first proof that is not spent, or that
 * the mint does not answer. A refused request is split into smaller ones; tokens of unknown state count as not claimed.
 */
async function claimed(
  tokens: readonly (readonly string[])[],
  { most, ask }: { readonly most: number; readonly ask: Ask },
): Promise<ReadonlySet<number>> {
  const over = new Set<number>()
  // Small tokens come first, so that a large one does not delay them.
  let queue = [...tokens.entries()]
    .toSorted(([, a], [, b]) => a.length - b.length)
    .flatMap(([token, Ys]) => Ys.map((Y) => ({ token, Y })))
  let cap = most
  for (let size = cap, refusals = 0; queue.length > 0 && refusals <= MOST_REFUSALS;) {
    const part = queue.slice(0, size)
    const reply = await ask(part.map(({ Y }) => Y))
    const meaning =
      reply.answer === 'refused' ? reply.meaning : reply.answer === 'unknown' ? reply.hint : 'unclassified'
    if (reply.answer === 'ok') {
      for (const [at, { token }] of part.entries()) if (reply.body[at]?.state !== 'SPENT') over.add(token)
      queue = queue.slice(part.length)
      size = Math.min(cap, 2 * size)
      refusals = Math.max(0, refusals - 1)
    } else if (meaning === undefined || meaning === 'passing' || meaning === 'unsupported') {
      // The mint does not answer: the rest is not sent.
      for (const { token } of queue) over.add(token)
    } else {
      refusals++
      if (part.length === 1) over.add(part[0]!.token)
      size = Math.max(1, Math.floor(part.length / 2))
      if (isTooLarge(meaning)) cap = size
    }
    queue = queue.filter(({ token }) => !over.has(token))
  }
  for (const { token } of queue) over.add(token)
  return new Set([...tokens.keys()].filter((token) => !over.has(token)))
}

export const tokenPoll = ({ client }: WalletPorts): Poll<SendContext, EventObject> => ({
  firstMs: 5_000,
  maxMs: 600_000,
  // As many tokens as make a request of about a hundred proofs.
  most: 25,
  sends: ['token.states'],
  async ask({ contexts, signal, read }) {
    const { mintUrl } = sure(contexts[0], 'context')
    let isFirst = true
    const ask: Ask = async (Ys) => {
      // Trust was checked before the first request, and may be withdrawn before the others.
      const isTrusted = isFirst || (await read.get('mints', [mintUrl]))?.trusted === 1
      isFirst = false
      return isTrusted ? client(mintUrl).checkState(Ys, { signal }) : { answer: 'unknown', reason: 'not trusted' }
    }
    const tokens = contexts.map(({ sent }) => sent.map(({ Y }) => Y))
    const done = await claimed(tokens, { most: await mostAsked(read, mintUrl), ask })
    return contexts.map(({ sent }, at) =>
      done.has(at) ? { type: 'token.states', states: sent.map(() => 'SPENT') } : undefined,
    )
  },
})

const mostAsked = async (read: Reader, mintUrl: string): Promise<number> =>
  Math.min(MOST_ASKED, (await limitsOf(read, mintUrl)).states)
