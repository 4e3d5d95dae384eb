/**
 * Pairs of faults. The scenario itself contains the first one, so one injected fault makes the pair. They occur in each
 * kind that moves money, at the request that moves it.
 */
import { HardshellError } from '../../kernel/util/errors.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { noteOf, notedText } from '../explorer/notes.ts'
import { moods, SOON_MS, type Mood } from '../faults/faulty-mint.ts'
import { ASLEEP_FOR_MS } from '../faults/faulty-port.ts'
import { outage, recurringOutages } from '../faults/outages.ts'
import { MELT_ENDS, writeOff } from './melt-ends.ts'
import { whenIn } from './mint-faults.ts'
import { foreignProofs, fund, HOUR_MS, MINUTE_MS, mood, reaches, tokenOf } from './stage.ts'
import { setting } from './upset.ts'

/** The ends of an exchange with refused requests. */
const ENDS = ['REFUSED', 'CANCELLED']

/**
 * Runs a call that must succeed or reject with one of these codes. Nobody resumes a quarantined operation, unless the
 * mint has lied.
 */
async function ended(run: () => Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof HardshellError) || !codes.includes(error.code)) throw error
  }
}

/** An operation of a kind, and its request that moves money. */
interface Base extends Pick<Scenario, 'drive'> {
  readonly kind: string
  /** The request. */
  readonly at: string
  /** In which it is made; which follows where no answer comes, and where it makes no sense. */
  readonly state: string
  readonly unanswered: string
  readonly puzzled: string
  /** In which a person is asked, where the mint lies. */
  readonly quarantined: string
  /** The question after it whose answer is looked at together with what is stored. */
  readonly asks: { readonly at: string; readonly state: string }
  /** As which it begins. */
  readonly begins: string
  setup(stage: Stage): Promise<void>
}

const EXCHANGE = {
  at: 'POST /v1/swap',
  state: 'exchanging.swapping',
  unanswered: 'exchanging.backoff',
  puzzled: 'exchanging.checking',
  quarantined: 'exchanging.quarantined',
  asks: { at: 'POST /v1/restore', state: 'exchanging.restoring' },
  begins: 'prepared',
}

const bases: readonly Base[] = [
  {
    ...EXCHANGE,
    kind: 'swap',
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key: 'swap' })
      await ended(() => swap.execute(), ...ENDS)
    },
  },
  {
    ...EXCHANGE,
    kind: 'receive',
    async setup(stage) {
      await fund(stage)
      stage.note('token', tokenOf(await foreignProofs(stage, [2, 4])))
    },
    async drive(stage) {
      const receive = await stage.wallet.receive.prepare({ token: notedText(stage.notes, 'token'), key: 'receive' })
      await ended(() => receive.execute(), ...ENDS)
    },
  },
  {
    ...EXCHANGE,
    kind: 'send',
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      const run = async (): Promise<void> => {
        const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: 3, key: 'send' })
        await send.execute()
        await send.reclaim()
      }
      await ended(run, ...ENDS)
    },
  },
  {
    kind: 'mint',
    at: 'POST /v1/mint/bolt11',
    state: 'minting',
    unanswered: 'retrying',
    puzzled: 'asking',
    quarantined: 'quarantined',
    asks: { at: 'POST /v1/restore', state: 'restoring' },
    begins: 'unpaid',
    setup: async ({ wallet }) => void (await wallet.mints.trust(MINT_URL)),
    async drive(stage) {
      const run = async (): Promise<void> => {
        const mint = await stage.wallet.mint.prepare({ mintUrl: MINT_URL, amount: 7, key: 'mint' })
        await mint.finished()
      }
      await ended(run, 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_WRONG')
    },
  },
  {
    kind: 'melt',
    at: 'POST /v1/melt/bolt11',
    state: 'melting',
    unanswered: 'checking',
    puzzled: 'checking',
    quarantined: 'quarantined',
    asks: { at: 'GET /v1/melt/quote', state: 'asking' },
    begins: 'prepared',
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
    },
    async drive(stage) {
      writeOff(stage)
      const run = async (): Promise<void> => {
        const request = notedText(stage.notes, 'invoice')
        const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key: 'melt' })
        await melt.execute()
        await melt.finished()
        if (melt.state.startsWith('change')) await reaches(stage, melt.id, 'paid')
      }
      await ended(run, ...MELT_ENDS)
    },
  },
]

const done = noteOf<true>('first fault')

/** Runs an action once, when an operation first comes into a state, whatever crashes later. */
function once(stage: Stage, state: string, act: () => void): void {
  whenIn(stage, state, () => {
    if (done.in(stage.notes)) return
    done.write(stage, true)
    act()
  })
}

/** A base with its first fault. */
const pair = (
  base: Base,
  name: string,
  of: { setup?: (stage: Stage) => void; drive?: (stage: Stage) => void },
): Scenario => ({
  kind: base.kind,
  name,
  depth: 1,
  async setup(stage) {
    await base.setup(stage)
    of.setup?.(stage)
  },
  drive(stage) {
    of.drive?.(stage)
    return base.drive(stage)
  },
})

/** The mint, or the network, does one thing with the first request, and another with the ones that follow it. */
const oneThenOther = (base: Base, name: string, one: Mood['does'], other?: Mood['does']): Scenario =>
  pair(base, name, {
    setup: (stage) => mood(stage, base.at, one, HOUR_MS),
    drive: (stage) =>
      once(stage, base.unanswered, () => {
        moods.write(stage, [])
        if (other) mood(stage, base.at, other, 45 * MINUTE_MS)
      }),
  })

/** The store becomes unavailable with a commit, for this long, this many times. */
const away = (base: Base, name: string, of: Parameters<typeof outage>[1]): Scenario =>
  pair(base, name, { setup: (stage) => outage(stage, of) })

const LONG_MS = 2 * MINUTE_MS
const SIX = 6

const each = bases.flatMap((base): Scenario[] => [
  // The network holds the request up, and the mint refuses the next one.
  oneThenOther(base, 'held-refused', 'held', 'refused'),
  // In the place of an answer there comes a page, and the request arrives later.
  oneThenOther({ ...base, unanswered: base.puzzled }, 'portal-late', 'portal'),
  // A commit is in doubt, and the store is away for longer than anybody who begins an operation waits.
  away(base, 'in-doubt-landed', { at: `${base.kind} ${base.state}`, how: 'landed', forMs: LONG_MS, times: 1 }),
  away(base, 'in-doubt-lost', { at: `${base.kind} ${base.begins}`, how: 'lost', forMs: LONG_MS, times: 1 }),
  // The answer is lost, and each time that it is asked what became of it, the store is away when that is known.
  pair(base, 'six-outages', {
    setup: (stage) => mood(stage, base.at, 'lost', HOUR_MS),
    drive: (stage) =>
      once(stage, base.asks.state, () => {
        mood(stage, base.asks.at, 'asleep', SIX * ASLEEP_FOR_MS)
        recurringOutages(stage, { everyMs: ASLEEP_FOR_MS + MINUTE_MS, awayMs: LONG_MS, times: SIX })
      }),
  }),
  // The clock is set back while it pauses.
  pair(base, 'pause-clock-back', {
    setup: (stage) => mood(stage, base.at, 'notSent', MINUTE_MS),
    drive: (stage) => setting(stage, -48 * HOUR_MS),
  }),
  // Another process takes it over while the answer is on its way, which this one hears after that.
  pair(base, 'stale-answer', {
    drive: (stage) => once(stage, base.state, () => mood(stage, base.at, 'overtaken', SOON_MS)),
  }),
])

const only = (kind: string): Base[] => bases.filter((base) => base.kind === kind)

/** A melt is sent twice: the first request never arrives, and of the second one nothing good comes either. */
const sentTwice = only('melt').flatMap((base) =>
  (['lost', 'held', 'refused', 'portal'] as const).map((other) =>
    oneThenOther(base, `twice-${other}`, 'notSent', other),
  ),
)

/** The answer is lost, and the mint lies about the result until a person has it asked again. */
const lies = (
  [
    ['swap', 'POST /v1/restore', 'forged'],
    ['mint', 'POST /v1/restore', 'forged'],
    ['melt', 'GET /v1/melt/quote', 'disowned'],
  ] as const
).flatMap(([kind, at, does]) =>
  only(kind).map((base) =>
    pair(base, 'quarantined', {
      setup(stage) {
        mood(stage, base.at, 'lost', HOUR_MS)
        mood(stage, at, does, HOUR_MS)
      },
      drive: (stage) => once(stage, base.quarantined, () => moods.write(stage, [])),
    }),
  ),
)

export const pairs: readonly Scenario[] = [...each, ...sentTwice, ...lies]
