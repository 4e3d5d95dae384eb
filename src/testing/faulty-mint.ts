/** A mint behind a network on which anything may happen that may happen to a request. */
import type { Transport } from '../cashu/transport.ts'
import type { Life } from './life.ts'
import type { Pick } from './live.ts'
import type { Setting } from './setting.ts'
import type { LateRequest, World } from './world.ts'

/** What may befall a question. */
export const GET_FAULTS = ['crashBefore', 'lost', 'refused', 'malformed'] as const
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
  /** Delivered two times; the second answer is the one that arrives. */
  'twice',
] as const
/** What may befall a request that moves money, beside that. */
export const MONEY_FAULTS = [
  ...POST_FAULTS,
  /** Held up like `late`, while a proxy answers in its own name. */
  'gateway',
  /** The mint takes another keyset just before. */
  'rotated',
] as const
/** What may befall a request that is answered with signatures for all its outputs, beside that. */
export const SIGNING_FAULTS = [
  ...MONEY_FAULTS,
  /** Applied; the last signature is missing in the answer. */
  'short',
  /** Applied; the signatures come in another order. */
  'shuffled',
] as const
/** Where the mint remembers answers (NUT-19): it forgets them just before. */
const FORGOTTEN = 'forgotten'

const signing = /^\/v1\/(swap|mint\/bolt11)$/
/** What a payment cost, and so what change there is, is the mint's word alone: no answer to a melt is too short. */
const money = /^\/v1\/(swap|(mint|melt)\/bolt11)$/
const questions = /^\/v1\/(info|keys|keysets|checkstate|restore|(mint|melt)\/quote\/bolt11\/.+)/

const faultsOf = (path: string) =>
  questions.test(path) ? GET_FAULTS : signing.test(path) ? SIGNING_FAULTS : money.test(path) ? MONEY_FAULTS : POST_FAULTS

/** A path without the ids in it. */
export const placeOf = (path: string): string => path.replace(/[0-9a-f]{16,}/, '…')

export function faultyTransport(of: {
  setting: Setting
  mintUrl: string
  pick: Pick
  life: Life
  world: World
  answered: (what: { path: string; status: number; fault: string }) => void
  violated: (what: string) => void
}): Transport {
  const { setting, mintUrl, pick, life, world } = of
  const deliver = ({ method, path, body }: LateRequest) => {
    noteOutputs(body)
    return setting.mint.handle(method, path, body)
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
      const request = { method, path, ...(body !== undefined && { body }) }
      const more = money.test(path) && setting.remembers() ? ([FORGOTTEN] as const) : []
      const fault = pick(`${method} ${placeOf(path)}`, ['ok', ...faultsOf(path), ...more], [path, body ?? ''])
      switch (fault) {
        case 'crashBefore':
          return life.die()
        case 'refused':
          await arrive()
          of.answered({ path, status: 400, fault })
          return { status: 400, body: JSON.stringify({ detail: 'database is locked', code: 0 }) }
        case 'malformed':
          of.answered({ path, status: 200, fault })
          return { status: 200, body: '<html>sign in</html>' }
        case 'notSent':
          of.answered({ path, status: 0, fault })
          throw new Error('connection refused')
        case 'late':
        case 'gateway':
          await arrive()
          world.late = [request]
          of.answered({ path, status: 0, fault })
          if (fault === 'late') throw new Error('timed out')
          return { status: 429, body: JSON.stringify({ detail: 'too many requests' }) }
        case 'rotated':
          await setting.mint.rotate('sat')
          break
        case FORGOTTEN:
          await setting.forget()
          break
        case 'twice':
          await deliver(request)
          break
        default:
      }
      const answer = await deliver(request)
      await arrive()
      of.answered({ path, status: answer.status, fault })
      switch (fault) {
        case 'crashAfter':
          return life.die()
        case 'lost':
          throw new Error('connection reset')
        case 'short':
          return { ...answer, body: changed(answer.body, (signatures) => signatures.slice(0, -1)) }
        case 'shuffled':
          return { ...answer, body: changed(answer.body, (signatures) => signatures.toReversed()) }
        default:
          return answer
      }
    })
}

function changed(body: string, by: (signatures: unknown[]) => unknown[]): string {
  const answer = JSON.parse(body) as { signatures?: unknown[]; change?: unknown[] }
  return JSON.stringify({
    ...answer,
    ...(answer.signatures && { signatures: by(answer.signatures) }),
    ...(answer.change && { change: by(answer.change) }),
  })
}
