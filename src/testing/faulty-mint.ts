/** A mint behind a network on which anything may happen that may happen to a request. */
import type { Transport } from '../cashu/transport.ts'
import type { Mint } from '../mint-server/mint.ts'
import type { Choices } from './choices.ts'
import type { Life } from './life.ts'
import type { World } from './world.ts'

/** What may befall a request that changes something at the mint. */
export const POST_FAULTS = [
  'crashBefore',
  /** Applied; the process dies before the answer. */
  'crashAfter',
  /** Applied; the answer is lost. */
  'lost',
  'notSent',
  /** Held up by the network, and applied after the next request. */
  'late',
  /** A definite error of the mint that changed nothing. */
  'refused',
  /** A 200 that is not the mint’s. */
  'malformed',
] as const
/** What may befall a request that is answered with signatures, beside that: applied, and the last one is missing. */
export const SIGNING_FAULTS = [...POST_FAULTS, 'short'] as const
/** What may befall a question. */
export const GET_FAULTS = ['crashBefore', 'lost', 'refused', 'malformed'] as const

/** Not melts: what a payment cost, and so what change there is, is the mint's word alone. */
const signing = /^\/v1\/(swap|mint\/bolt11)$/
const questions = /^\/v1\/(info|keys|keysets|checkstate|restore|(mint|melt)\/quote\/bolt11\/.+)/

export function faultyTransport(of: {
  mint: Mint
  mintUrl: string
  choices: Choices
  life: Life
  world: World
  answered: (what: { path: string; status: number; fault: string }) => void
  violated: (what: string) => void
}): Transport {
  const { mint, mintUrl, choices, life, world } = of
  const deliver = async (request: { method: string; path: string; body?: string | undefined }) => {
    noteOutputs(request.body)
    return mint.handle(request.method, request.path, request.body)
  }
  const noteOutputs = (body: string | undefined): void => {
    if (body === undefined) return
    const { outputs = [], inputs } = JSON.parse(body) as { outputs?: { B_: string }[]; inputs?: unknown; quote?: string }
    if (inputs === undefined && !body.includes('"quote"')) return // a restore asks about outputs, it sends none
    for (const { B_ } of outputs) {
      const first = world.sent[B_]
      if (first !== undefined && first !== body) of.violated(`reuse: output ${B_.slice(-8)} was sent in two different requests`)
      world.sent = { ...world.sent, [B_]: body }
    }
  }
  /** What the network held up arrives after the next request. */
  const arrive = async (): Promise<void> => {
    const late = world.late
    world.late = []
    for (const request of late) await deliver(request)
  }
  return ({ method, url, body }) =>
    life.call(async () => {
      const path = url.slice(mintUrl.length)
      const request = { method, path, body }
      const faults = questions.test(path) ? GET_FAULTS : signing.test(path) ? SIGNING_FAULTS : POST_FAULTS
      const fault = choices.pick(`${method} ${path.replace(/[0-9a-f]{16,}/, '…')}`, ['ok', ...faults])
      if (fault === 'crashBefore') return life.die()
      if (fault === 'refused') {
        await arrive()
        return { status: 400, body: JSON.stringify({ detail: 'database is locked', code: 0 }) }
      }
      if (fault === 'malformed') return { status: 200, body: '<html>sign in</html>' }
      if (fault === 'notSent') throw new Error('connection refused')
      if (fault === 'late') {
        const held = world.late
        world.late = []
        for (const earlier of held) await deliver(earlier)
        world.late = [request]
        throw new Error('timed out')
      }
      const answer = await deliver(request)
      await arrive()
      of.answered({ path, status: answer.status, fault })
      if (fault === 'crashAfter') return life.die()
      if (fault === 'lost') throw new Error('connection reset')
      if (fault === 'short') return { ...answer, body: shorten(answer.body) }
      return answer
    })
}

function shorten(body: string): string {
  const answer = JSON.parse(body) as { signatures?: unknown[]; change?: unknown[] }
  return JSON.stringify({ ...answer, signatures: answer.signatures?.slice(0, -1), change: answer.change?.slice(0, -1) })
}
