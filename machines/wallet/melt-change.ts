/**
 * The change of a melt that is paid (NUT-08), where it did not come with the first answer.
 *
 * ```text
 *  (settling) ──none is owed for certain──▶ changeOpen ⇄ changePausing ──none, three times──▶ paid
 *      │                                        │  ╲ no answer
 *      ╰──────some is owed for certain──────────┼──▶ changePending ──seven days──▶ lastChange ──▶ changeMissing
 *                                               │        │                             │  ╲ no NUT-09    │
 *                                               │        │                             │  lastReading ──▶│
 *                                               ▼        ▼                             ▼       ▼         ▼
 *                                         settlingChange* ◀───────────────────────── signatures ─────────╯
 * ```
 *
 * A mint without NUT-09 is asked for the quote instead, which tells of the change too (NUT-08).
 */
import { from, keeps, on, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { forget, inVain, newChange, owed, question, settle, settled, type FoundChange, type Kept, type MeltContext, type Payment } from './melt-model.ts' // prettier-ignore
import { parts } from './melt-setup.ts'

type Restored = Omit<FoundChange, 'isOrdered'>

/** The row from which balances know what is owed. */
const owedRow = (context: MeltContext): Write[] => {
  const amount = owed(context)
  const { id, mintUrl, unit } = context
  return amount > 0 ? [{ put: 'owed', row: { operationId: id, mintUrl, unit, amount } }] : []
}
const settledRow = ({ id, owed: was }: MeltContext): Write[] => (was > 0 ? [{ delete: 'owed', key: [id] }] : [])

/** The change is pending: what is owed of it for certain is shown. */
export const pending = [writes(owedRow), keeps((context: MeltContext) => ({ owed: Math.max(0, owed(context)) }))]

const blanksOf = ({ mintUrl, blanks }: MeltContext) => ({
  mintUrl,
  outputs: blanks.map(({ B_, id }) => ({ B_, id, amount: 0 })),
})
const restoredIn = ({ outputs, signatures }: Restored): Kept => ({ found: { outputs, signatures, isOrdered: false } })
const foundIn = ({ outputs, signatures, isOrdered }: FoundChange): Kept => ({
  found: { outputs, signatures, isOrdered },
})
/** The payment, with the change that its quote told last. */
const heard = ({ payment, found }: MeltContext): Payment | null =>
  payment && found?.isOrdered === true ? { ...payment, change: found.signatures } : payment
const NONE = { change: 0 }

const found = {
  target: '#melt.settlingChange',
  actions: { type: 'keep', params: ({ event }: { event: FoundChange }) => foundIn(event) },
} as const

export const changeStates = {
  changeOpen: parts.createStateConfig({
    description: 'Paid. The mint owes no change for certain; asks three times whether there is some.',
    invoke: {
      src: 'mint.restore',
      input: from(blanksOf),
      onDone: [
        on({
          answer: 'ok',
          such: 'isSomeSigned',
          target: '#melt.settlingChange',
          keep: ({ output }) => restoredIn(output),
        }),
        // It is over: no more is to come.
        on({ answer: 'ok', if: 'isLastAsk', target: 'paid', actions: writes(forget), keep: NONE }),
        on({ answer: 'ok', target: 'changePausing', actions: ['asked', 'tried'] }),
        on({ target: 'changePending', actions: pending }),
      ],
    },
  }),
  changePausing: parts.createStateConfig({
    description: 'Paid. The mint owes no change for certain; asks again whether there is some.',
    after: { meltBackoff: 'changeOpen' },
    on: { resume: 'changeOpen' },
  }),
  changePending: parts.createStateConfig({
    tags: ['ended'],
    description: 'Paid. The change is not here yet: asks for it for seven days.',
    meta: { poll: 'change' },
    entry: ['tell', { type: 'keep', params: { error: null } }],
    on: {
      'change.found': found,
      'change.none': [
        {
          guard: 'isLastAskNotOwed',
          target: 'paid',
          actions: [writes(forget), { type: 'keep', params: NONE }],
        },
        { guard: 'isNotOwed', actions: 'asked' },
      ],
    },
    after: { changeDeadline: 'lastChange' },
  }),
  lastChange: parts.createStateConfig({
    tags: ['ended'],
    description: 'Paid. Seven days are over; asks for the change for the last time.',
    invoke: {
      src: 'mint.restore',
      input: from(blanksOf),
      onDone: [
        on({
          answer: 'ok',
          such: 'isSomeSigned',
          target: '#melt.settlingChange',
          keep: ({ output }) => restoredIn(output),
        }),
        on({ if: 'isOwed', target: 'changeMissing' }),
        // No change was certainly owed, and a mint that does not return it now never will.
        on({ answer: 'ok', target: 'paid', actions: writes(forget), keep: NONE }),
        on({ answer: 'refused', target: 'lastReading' }),
        // The last question must be answered.
        on({ target: 'changePending' }),
      ],
    },
  }),
  lastReading: parts.createStateConfig({
    tags: ['ended'],
    description: 'Paid. Seven days are over, and the mint does not restore; asks for the quote for the last time.',
    invoke: {
      src: 'melt.quote',
      input: from(question),
      onDone: [
        on({
          answer: 'ok',
          such: 'tellsNewChange',
          target: '#melt.settlingChange',
          keep: ({ context, output: { payment } }) => ({ found: newChange(context, payment) ?? null }),
        }),
        // It told of change that is of no use: what it keeps is not given up.
        on({ answer: 'ok', if: 'wasToldChange', target: 'changeMissing' }),
        on({ answer: 'ok', such: 'wasPaid', target: 'paid', actions: writes(forget), keep: NONE }),
        on({ such: 'isForgotten', target: 'paid', actions: writes(forget), keep: NONE }),
        on({ target: 'changePending', keep: inVain }),
      ],
    },
  }),
  settlingChange: parts.createStateConfig({
    tags: ['local'],
    invoke: {
      src: 'melt.settle',
      input: from(settle),
      onDone: [
        on({ answer: 'ok', target: 'paid', actions: [write, writes(settledRow)], keep: settled }),
        // What the quote told is of no use, and is not tried again until it tells something else.
        on({
          target: 'changePending',
          actions: pending,
          keep: ({ context }) => ({ found: null, payment: heard(context) }),
        }),
      ],
    },
  }),
  changeMissing: parts.createStateConfig({
    tags: ['ended', 'human'],
    description: 'Paid, and the mint owes change that it has not given in seven days. Goes on asking, seldom.',
    meta: { poll: 'change' },
    on: { 'change.found': found },
  }),
}
