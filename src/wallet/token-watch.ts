/** Asks whether tokens were claimed, of many sends in one request (NUT-07). One that spoils the question spoils no other. */
import type { SpentState } from '../../machines/wallet/exchange-model.ts'
import type { SendContext } from '../../machines/wallet/send.ts'
import type { EventObject, Reader, Watch } from '../kernel/operation.ts'
import { limitsOf } from './limits.ts'
import type { WalletPorts } from './ports.ts'

/** Mints take so many at once without a word about it. */
const MOST_ASKED = 100
/** Halving a question that is refused costs requests; what is left unknown is asked about at the next turn. */
const MOST_REQUESTS = 32

type Ask = (Ys: readonly string[]) => Promise<readonly SpentState[] | 'refused' | 'silent'>

/** The states that the mint tells of these proofs; those that it refuses to tell are left out. */
async function statesOf(Ys: readonly string[], most: number, ask: Ask): Promise<Map<string, SpentState>> {
  const found = new Map<string, SpentState>()
  const parts: (readonly string[])[] = []
  for (let at = 0; at < Ys.length; at += most) parts.push(Ys.slice(at, at + most))
  for (let requests = 0; parts.length > 0 && requests < MOST_REQUESTS; requests++) {
    const part = parts.shift()!
    const states = await ask(part)
    // Nobody is there: the rest would not be answered, either.
    if (states === 'silent') break
    if (states !== 'refused') for (const [at, Y] of part.entries()) found.set(Y, states[at]!)
    else if (part.length > 1) {
      const half = Math.ceil(part.length / 2)
      parts.push(part.slice(0, half), part.slice(half))
    }
  }
  return found
}

export const tokenWatch = ({ client }: WalletPorts): Watch<SendContext, EventObject> => ({
  firstMs: 5_000,
  maxMs: 600_000,
  // As many tokens as make a request of about a hundred proofs.
  most: 25,
  sends: ['token.states'],
  async ask({ contexts, signal, read }) {
    const { mintUrl } = contexts[0]!
    const ask: Ask = async (Ys) => {
      const reply = await client(mintUrl).checkState(Ys, { signal })
      if (reply.answer === 'ok') return reply.body.map(({ state }) => state)
      return reply.answer === 'unknown' && reply.hint === undefined ? 'silent' : 'refused'
    }
    // Small tokens come first: a large one keeps none of them waiting.
    const Ys = contexts.toSorted((a, b) => a.sent.length - b.sent.length).flatMap(({ sent }) => sent.map(({ Y }) => Y))
    const states = await statesOf(Ys, await mostAsked(read, mintUrl), ask)
    return contexts.map(({ sent }) =>
      sent.every(({ Y }) => states.get(Y) === 'SPENT')
        ? ({ type: 'token.states', states: sent.map(() => 'SPENT') } as EventObject)
        : undefined,
    )
  },
})

const mostAsked = async (read: Reader, mintUrl: string): Promise<number> =>
  Math.min(MOST_ASKED, (await limitsOf(read, mintUrl)).states)
