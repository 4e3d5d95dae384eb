/**
 * What a receiver asks of a token: that at least so much comes, and that the mint signed its proofs (NUT-12). Somebody has
 * claimed some of it, or claims it under way; and the mint says late, or never, what of it is unspent.
 */
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { notedText } from '../explorer/notes.ts'
import { whenIn } from './mint-faults.ts'
import {
  claim,
  ending,
  foreignProofs,
  fund,
  giveUp,
  HOUR_MS,
  hurry,
  MINUTE_MS,
  mood,
  speak,
  spendElsewhere,
  tokenOf,
} from './stage.ts'

const ENDS = ['TOO_LITTLE', 'ALREADY_SPENT', 'REFUSED', 'CANCELLED']
const CHECK = 'POST /v1/checkstate'
const AMOUNTS = [2, 4, 8]
const WHOLE = 14

/** The wallet trusts the mint, and somebody else has a token. */
async function given(stage: Stage): Promise<void> {
  await fund(stage)
  stage.note('token', tokenOf(await foreignProofs(stage, AMOUNTS)))
}

/** Somebody has claimed a part of the token. */
async function claimed(stage: Stage): Promise<void> {
  await fund(stage)
  const proofs = await foreignProofs(stage, AMOUNTS)
  await spendElsewhere(stage, proofs.slice(0, 1))
  stage.note('token', tokenOf(proofs))
}

/** Less than the least never comes. */
async function receive(stage: Stage, atLeast: number): Promise<void> {
  const token = notedText(stage.notes, 'token')
  const operation = await stage.wallet.receive.prepare({ token, atLeast, key: 'receive' })
  await ending(stage, () => operation.execute(), ...ENDS)
  const { amount, state } = await stage.wallet.history.get(operation.id)
  if (amount.toNumber() < atLeast && state !== 'rejected' && state !== 'cancelled')
    stage.violated(`misstated: ${amount.toNumber()} came of a token of which at least ${atLeast} was wanted`)
}

const least = (name: string, of: Omit<Scenario, 'kind' | 'name' | 'depth'>): Scenario => ({
  ...of,
  kind: 'receive',
  name: `least-${name}`,
  depth: 1,
})

/** The mint does not say what is unspent for a while. */
const silent = (name: string, person: (stage: Stage) => void): Scenario =>
  least(name, {
    async setup(stage) {
      await given(stage)
      mood(stage, CHECK, 'notSent', HOUR_MS)
    },
    async drive(stage) {
      person(stage)
      await receive(stage, WHOLE)
    },
  })

export const leasts: readonly Scenario[] = [
  least('whole', { setup: given, drive: (stage) => receive(stage, WHOLE) }),
  least('claimed', { setup: claimed, drive: (stage) => receive(stage, WHOLE) }),
  least('rest', { mint: { feePpk: 300 }, setup: claimed, drive: (stage) => receive(stage, 8) }),
  least('claimed-under-way', {
    setup: given,
    async drive(stage) {
      whenIn(stage, 'exchanging.swapping', () => {
        if (stage.notes['claimed'] !== undefined) return
        stage.note('claimed', true)
        void claim(stage, notedText(stage.notes, 'token'), 1).catch(() => {})
      })
      await receive(stage, WHOLE)
    },
  }),
  least('stateless', {
    async setup(stage) {
      await claimed(stage)
      speak(stage, { without: [7] })
    },
    drive: (stage) => receive(stage, WHOLE),
  }),
  least('denied', {
    async setup(stage) {
      await given(stage)
      mood(stage, CHECK, 'refused', 10 * MINUTE_MS)
    },
    drive: (stage) => receive(stage, WHOLE),
  }),
  least('given-up', {
    setup: given,
    async drive(stage) {
      whenIn(stage, 'asking', (id) => void stage.wallet.operations.cancel(id).catch(() => {}))
      await receive(stage, WHOLE)
    },
  }),
  // Nobody has spent any of it. Once is not believed; a process that begins anew at once may hear it twice.
  least('said-spent', {
    async setup(stage) {
      await given(stage)
      mood(stage, CHECK, 'spent', 400)
    },
    drive: (stage) => receive(stage, WHOLE),
  }),
  silent('hasty', (stage) => hurry(stage, 'receive')),
  silent('resigned', (stage) => giveUp(stage, 'receive')),
]

const received = ({ wallet, notes }: Stage) =>
  wallet.receive.prepare({ token: notedText(notes, 'token'), key: 'receive' })

/** The mint was not known when the token was stored: its DLEQ is found wrong before the first request. */
export const misproven: Scenario = {
  kind: 'receive',
  name: 'misproven',
  depth: 1,
  async setup(stage) {
    const [first, second, ...rest] = await foreignProofs(stage, AMOUNTS)
    if (!first?.dleq || !second?.dleq) throw new Error('the mint outside gives no DLEQ')
    stage.note('token', tokenOf([{ ...first, dleq: second.dleq }, second, ...rest]))
    await received(stage)
    await stage.wallet.mints.trust(MINT_URL)
  },
  async drive(stage) {
    const operation = await received(stage)
    await ending(stage, () => operation.execute(), 'DLEQ_INVALID', 'CANCELLED')
    if (operation.state === 'received') stage.violated('misstated: a token with a wrong DLEQ was received')
  },
}
