/**
 * The change of a melt that is paid (NUT-08), where it did not come with the first answer.
 *
 * ```text
 *  (settling) ──none is owed for certain──▶ changeOpen ⇄ changePausing ──none, three times──▶ paid
 *      │                                        │  ╲ no answer
 *      ╰──────some is owed for certain──────────┼──▶ changePending ──seven days──▶ lastChange ──▶ changeMissing
 *                                               ▼        │                             │              │
 *                                         settlingChange* ◀──────── signatures ────────┴──────────────╯
 * ```
 */
import { assign } from 'xstate'
import { answered } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { write } from './common.ts'
import { forget, owed, settle, settled, type MeltContext, type Settled } from './melt-model.ts'
import type { Replied, Signature } from './exchange-model.ts'

// A part of the melt chart in a file of its own: XState's types know a chart only as a whole.
type Loose = never
type Found = { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] }
type Restored = { context: MeltContext; event: { output: Replied<Found> } }
type News = { context: MeltContext; event: Found }
const set = (by: (args: never) => Partial<MeltContext>): Loose => assign(by as Loose) as Loose

/** So often the mint is asked for change that it does not owe for certain. */
const MOST_ASKS = 3

/** The row from which balances know what is owed. */
const owedRow = ({ context }: { context: MeltContext }): Write[] => {
  const amount = owed(context)
  const { id, mintUrl, unit } = context
  return amount > 0 ? [{ put: 'owed', row: { operationId: id, mintUrl, unit, amount } }] : []
}
const settledRow = ({ context: { id, owed: was } }: { context: MeltContext }): Write[] =>
  was > 0 ? [{ delete: 'owed', key: [id] }] : []

/** The change is pending: what is owed of it for certain is shown. */
export const pending = [
  { type: 'tx', params: owedRow },
  assign(({ context }: { context: MeltContext }) => ({ owed: Math.max(0, owed(context)) })),
] as Loose

const restore: Loose = {
  src: 'mint.restore',
  input: ({ context: { mintUrl, blanks } }: Restored) => ({
    mintUrl,
    outputs: blanks.map(({ B_, id }) => ({ B_, id, amount: 0 })),
  }),
} as Loose
const signed = {
  guard: ({ event: { output } }: Restored) => output.answer === 'ok' && output.outputs.length > 0,
  target: '#melt.settlingChange',
  actions: set(({ event: { output } }: Restored) =>
    output.answer === 'ok' ? { found: { outputs: output.outputs, signatures: output.signatures } } : {},
  ),
} as Loose
const found = {
  target: '#melt.settlingChange',
  actions: set(({ event }: News) => ({ found: { outputs: event.outputs, signatures: event.signatures } })),
} as Loose
/** It is over: no more is to come. */
const over = [{ type: 'tx', params: forget }, assign({ change: 0 })] as Loose
const asked = set(({ context }: Restored) => ({ asks: Math.min(MOST_ASKS, context.asks + 1) }))
const lastAsk = ({ context }: { context: MeltContext }): boolean => context.asks + 1 >= MOST_ASKS

export const changeStates: Readonly<Record<string, Loose>> = {
  changeOpen: {
    description: 'Paid. The mint owes no change for certain; asks three times whether there is some.',
    invoke: {
      ...(restore as object),
      onDone: [
        signed,
        {
          guard: (({ context, event: { output } }: Restored) =>
            output.answer === 'ok' && lastAsk({ context })) as Loose,
          target: 'paid',
          actions: over,
        },
        { guard: answered('ok') as Loose, target: 'changePausing', actions: [asked, 'tried'] },
        { target: 'changePending', actions: pending },
      ],
    },
  } as Loose,
  changePausing: {
    description: 'Paid. The mint owes no change for certain; asks again whether there is some.',
    after: { meltBackoff: 'changeOpen' },
    on: { resume: 'changeOpen' },
  } as Loose,
  changePending: {
    tags: ['ended'],
    description: 'Paid. The change is not here yet: asks for it for seven days.',
    meta: { watch: 'change' },
    entry: ['tell', assign({ error: null })] as Loose,
    on: {
      'change.found': found,
      'change.none': [
        {
          guard: (({ context }: News) => owed(context) <= 0 && lastAsk({ context })) as Loose,
          target: 'paid',
          actions: over,
        },
        { guard: (({ context }: News) => owed(context) <= 0) as Loose, actions: asked },
      ],
    },
    after: { changeDeadline: 'lastChange' },
  } as Loose,
  lastChange: {
    tags: ['ended'],
    description: 'Paid. Seven days are over; asks for the change for the last time.',
    invoke: {
      ...(restore as object),
      onDone: [
        signed,
        { guard: (({ context }: Restored) => owed(context) > 0) as Loose, target: 'changeMissing' },
        // Nothing was ever owed for certain, and a mint that does not tell now never will.
        { guard: answered('ok', 'refused') as Loose, target: 'paid', actions: over },
        // The last question must be answered.
        { target: 'changePending' },
      ],
    },
  } as Loose,
  settlingChange: {
    tags: ['local'],
    invoke: {
      src: 'melt.settle',
      input: settle as Loose,
      onDone: [
        {
          guard: answered('ok') as Loose,
          target: 'paid',
          actions: [
            write,
            { type: 'tx', params: settledRow },
            set(({ event: { output } }: Settled) => settled(output)),
          ] as Loose,
        },
        { target: 'changePending', actions: [assign({ found: null }), ...(pending as object[])] as Loose },
      ],
    },
  } as Loose,
  changeMissing: {
    tags: ['ended', 'human'],
    description: 'Paid, and the mint owes change that it has not signed in seven days. Goes on asking, seldom.',
    meta: { watch: 'change' },
    on: { 'change.found': found },
  } as Loose,
}
