/**
 * Compares the reason of a wait, as `explain` gives it, with the answers that the wallet received. A reason that names
 * something that never happened is false.
 */
import type { AnyStateNode } from 'xstate'
import type { OperationKind, OperationRow } from '../../kernel/define/operation.ts'
import type { Write } from '../../store/port.ts'
import { kindOf, operationIn } from './rows.ts'

const ASKED = ['keysets', 'swap', 'issue', 'melt', 'check', 'restore', 'quote'] as const
type Asked = (typeof ASKED)[number]
/**
 * `unanswered`: the result is unknown. `nonsense`: a 200 that is not the mint's, so the result is unknown too. `none`:
 * an answer with nothing useful in it, such as no active keyset.
 */
type Came = 'begun' | 'unanswered' | 'nonsense' | 'refused' | 'none' | 'pending'

/** The results of requests so far, by request and answer. */
export type Heard = Readonly<Partial<Record<`${Asked} ${Came}`, true>>>

export function askedBy(path: string): Asked | undefined {
  if (/^\/v1\/keys(ets)?(\/|$)/.test(path)) return 'keysets'
  if (path === '/v1/swap') return 'swap'
  if (/^\/v1\/(mint|melt)\/quote\//.test(path)) return 'quote'
  if (path === '/v1/checkstate') return 'check'
  if (path === '/v1/restore') return 'restore'
  return /^\/v1\/mint\/\w+$/.test(path) ? 'issue' : /^\/v1\/melt\/\w+$/.test(path) ? 'melt' : undefined
}

/** The result of a request for the wallet; undefined if it was answered well. */
export function cameOf({ status, body }: { readonly status: number; readonly body: string }): Came | undefined {
  if (status === 413) return 'refused'
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return status < 300 ? 'nonsense' : 'unanswered'
  }
  if (status >= 500 || status === 429) return 'unanswered'
  if (status >= 400) return 'refused'
  if (body.includes('"PENDING"')) return 'pending'
  const { keysets } = json as { keysets?: { active?: boolean; keys?: object }[] }
  return keysets && !keysets.some(({ active, keys }) => active === true || keys !== undefined) ? 'none' : undefined
}

/** The next process sends requests that move money again, since it cannot know whether they were answered. */
const MONEY: readonly Asked[] = ['swap', 'issue', 'melt']

/** What a new process knows of earlier requests, some of which belong to operations that have not ended. */
export const afterwards = (heard: Heard, isUnfinished: boolean): Heard => ({
  ...heard,
  ...Object.fromEntries(
    ASKED.filter((asked) => heard[`${asked} begun`] && (isUnfinished || !MONEY.includes(asked))).map((asked) => [
      `${asked} unanswered`,
      true,
    ]),
  ),
})

/** What is known after an answer. */
export function answered(heard: Heard, asked: Asked, came: Came | undefined): Heard {
  const { [`${asked} begun` as const]: _, ...rest } = heard
  return {
    ...(MONEY.includes(asked) ? heard : rest),
    ...(came && { [`${asked} ${came}`]: true }),
    ...(came === 'nonsense' && { [`${asked} unanswered`]: true }),
  }
}

type Need = readonly (keyof Heard)[]

/** What a reason claims: at least one entry of every list has happened. */
const CLAIMS: readonly (readonly [RegExp, ...Need[]])[] = [
  [/has no active keyset/, ['keysets none', 'swap refused', 'issue refused', 'melt refused']],
  [/did not answer; the same request/, ['swap unanswered', 'issue unanswered']],
  [/keeps refusing/, ['swap refused', 'check refused', 'restore refused']],
  [/does not issue\./, ['issue refused', 'issue unanswered']],
  [/does not answer the proofs’ states/, ['check refused', 'check unanswered']],
  [/lists no active keyset/, ['keysets none']],
  [/make no sense where it is asked what became of an earlier request/, ['check nonsense', 'restore nonsense']],
  [
    /make no sense where it is asked (how the quote|what became of the payment|whether the payment)/,
    ['quote nonsense'],
  ],
  [/make no sense where it is asked which outputs/, ['restore nonsense']],
  [/make no sense where it is asked which keysets/, ['keysets nonsense']],
  [/gave no clear answer/, ['check pending', 'check unanswered', 'check refused', 'restore unanswered', 'restore refused', 'quote pending', 'quote unanswered', 'quote refused', 'issue refused', 'swap refused', 'swap unanswered', 'melt refused', 'melt unanswered']], // prettier-ignore
]

/** The reason of an operation's wait, from its row. */
export function reasonOf(row: OperationRow, kinds: readonly OperationKind<never>[]): string | undefined {
  if (row.status !== 'active') return undefined
  const kind = kindOf(kinds, row) as unknown as OperationKind | undefined
  if (!kind) return undefined
  let node: AnyStateNode = kind.machine.root
  let description = node.description
  for (const key of row.state.split('|')[0]!.split('.')) {
    node = node.states[key]!
    description = node.description ?? description
  }
  const { context } = JSON.parse(row.snapshot) as { context: never }
  return [description, kind.because?.(context)].filter(Boolean).join(' ')
}

/** Operations whose reason names something that never happened. */
export function falseReasons(
  write: Write,
  kinds: readonly OperationKind<never>[],
  heard: Heard,
): readonly `reason: ${string}`[] {
  const row = operationIn(write)
  const why = row && reasonOf(row, kinds)
  if (!row || why === undefined) return []
  return CLAIMS.filter(
    ([claim, ...needs]) => claim.test(why) && !needs.every((need) => need.some((it) => heard[it])),
  ).map(([claim]) => `reason: ${row.kind} in '${row.state}' says '${claim.exec(why)![0]}', which never was so` as const)
}
