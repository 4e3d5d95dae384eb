/** One life in a world: a process starts, does what its caller wants, and ends by that or in a crash. */
import { mintClient } from '../cashu/client.ts'
import { HardshellError } from '../kernel/errors.ts'
import type { InspectionEvent } from '../kernel/inspect.ts'
import type { Mint } from '../mint-server/mint.ts'
import { memoryStore, type Dump } from '../store/memory.ts'
import type { Write } from '../store/port.ts'
import { openWallet, type Wallet } from '../wallet/wallet.ts'
import type { Choices, Fate } from './choices.ts'
import { faultyTransport, placeOf } from './faulty-mint.ts'
import { faultyStore } from './faulty-store.ts'
import { Life, VirtualClock, worldRandom } from './life.ts'
import { SEED, type MintTraits, type Setting } from './setting.ts'
import { stubCrypto } from './stub-crypto.ts'
import { fingerprint, type World } from './world.ts'

export const MINT_URL = 'http://mint.test'
/** Beyond these a life counts as one that does not converge. */
const MOST_COMMITS = 120
const MOST_REQUESTS = 400
const MOST_ADVANCES = 3_000
const HOUR_MS = 3_600_000
/** Long enough to end whatever can end. */
const OVERTAKES_FOR_MS = 120_000

/** What a scenario can use. */
export interface Stage {
  readonly wallet: Wallet
  readonly mint: Mint
  readonly clock: VirtualClock
  /** What the caller wrote down earlier; survives crashes. */
  readonly notes: Readonly<Record<string, unknown>>
  note(key: string, value: unknown): void
  /** The wallet's rows as they are. */
  rows(): Dump
  /** Somebody's invoice; the memo may script how its payment goes (see `fakeBackend`). */
  invoice(amountSat: number, memo?: object): string
  /** Pays a mint quote's invoice. */
  pay(quoteId: string): Promise<void>
  /** Decides the payments that are under way. */
  settle(state: 'paid' | 'failed'): Promise<void>
  /** The mint's client without faults: the rest of the world uses it. */
  readonly outside: ReturnType<typeof mintClient>
}

export interface Scenario {
  readonly kind: string
  readonly name: string
  readonly mint?: MintTraits
  /** Makes the world in which the scenario begins. Nothing goes wrong here. */
  setup(stage: Stage): Promise<void>
  /** What the caller does, in every life from its beginning: it must be idempotent, as a caller's code has to be. */
  drive(stage: Stage): Promise<void>
  readonly mayQuarantine?: boolean
}

export interface LifeResult {
  readonly world: World
  readonly end: 'done' | 'crashed' | 'stuck'
  readonly violations: readonly string[]
}

/** One line of what happened, under its column. */
export interface Happening {
  readonly column: 'life' | 'fault' | 'commit' | 'request' | 'state'
  readonly text: string
  /** Milliseconds since the Unix epoch, by a clock that is right. */
  readonly atMs: number
}

/** Those who look on. */
export interface Onlookers {
  /** Gets every committed step of the kernel. */
  readonly inspect?: (event: InspectionEvent) => void
  readonly tell?: (happening: Happening) => void
}

/** Lives one life in a world. The world itself is left as it was. */
export async function live(
  {
    setting,
    act,
    from,
    choices,
  }: { setting: Setting; act: (stage: Stage) => Promise<void>; from: World; choices: Choices },
  { inspect, tell }: Onlookers = {},
): Promise<LifeResult> {
  const world: World = { ...from, ...awaking(from, choices) }
  const life = new Life()
  const clock = new VirtualClock(world.nowMs, world.skewMs)
  const random = worldRandom(world)
  const violations: string[] = []
  const rows = memoryStore()
  rows.load(world.wallet)
  setting.enter(world, clock)
  const now = (): World => ({ ...world, wallet: rows.dump(), mint: setting.dump(), nowMs: clock.rightMs })
  const say = (column: Happening['column'], text: string): void => tell?.({ column, text, atMs: clock.rightMs })
  let overtaken = false
  let astray: Error | undefined
  const fate: Fate = (site, options, doing) => {
    const [usual, ...faults] = options
    const open = faults.filter((option) => option !== 'overtaken' || !overtaken)
    try {
      const option = choices.pick(site, [usual, ...open], () => fingerprint(now(), doing, clock.ringsMs))
      if (option !== usual) say('fault', `${choices.taken.length}. ${site}: ${option}`)
      return option
    } catch (error) {
      // A path that leads nowhere, or a run that does not repeat itself: the wallet would take it for a fault of its own.
      astray = error as Error
      throw error
    }
  }
  const luck: Fate = (_, [usual]) => usual
  let commits = 0
  let requests = 0
  const committed = (_: readonly Write[], about: string): void => {
    commits++
    say('commit', about)
  }
  const answered = ({ path, status, fault }: { path: string; status: number; fault: string }): void => {
    requests++
    say('request', `${placeOf(path)} → ${status === 0 ? 'no answer' : status}${fault === 'ok' ? '' : ` (${fault})`}`)
  }
  const inspected = (event: InspectionEvent): void => {
    inspect?.(event)
    if (event.snapshot)
      say('state', `${event.name.replace(/ .*/, '')} ${(event.snapshot.context as { state: string }).state}`)
  }
  const outside = mintClient({
    mintUrl: MINT_URL,
    transport: ({ method, url, body }) => setting.mint.handle(method, url.slice(MINT_URL.length), body),
  })
  const open = (pick: Fate): Promise<Wallet> =>
    openWallet({
      store: { open: async (schema) => faultyStore(await rows.open(schema), { pick, life, committed, overtake }) },
      seed: SEED,
      crypto: stubCrypto,
      transport: faultyTransport({
        setting,
        mintUrl: MINT_URL,
        rows: () => rows.dump(),
        pick,
        life,
        world,
        nowMs: () => clock.rightMs,
        overtake,
        answered,
        violated: (what) => violations.push(what),
      }),
      clock,
      random,
      invoiceAmount: () => ({ msat: 1 }),
      ...((inspect ?? tell) && { inspect: inspected }),
    })
  /** Another process opens the same wallet, without anybody to call it, and takes up what is unfinished. */
  const overtake = async (): Promise<void> => {
    overtaken = true
    say('life', 'another process begins')
    const wallet = await open(luck)
    await sleep(clock, OVERTAKES_FOR_MS)
    await wallet.close()
    say('life', 'the other process ends')
  }
  const run = async (): Promise<void> => {
    const wallet = await open(fate)
    const stage: Stage = {
      wallet,
      mint: setting.mint,
      clock,
      outside,
      get notes() {
        return world.notes
      },
      rows: () => rows.dump(),
      invoice: (amountSat, memo) => setting.invoice(amountSat, memo),
      pay: (quoteId) => setting.pay(quoteId),
      settle: (state) => setting.settle(state),
      note: (key, value) => {
        if (!life.dead) world.notes = { ...world.notes, [key]: value }
      },
    }
    await withPerson({ wallet, clock, world }, () => act(stage))
    await wallet.close()
  }
  let ended: 'done' | { error: unknown } | undefined
  run().then(
    () => (ended = 'done'),
    (error: unknown) => (ended = { error }),
  )
  let end: LifeResult['end'] = 'stuck'
  for (let advances = 0; ; advances++) {
    await quiet()
    life.paused()
    if (astray) throw astray
    if (life.endless) {
      violations.push('endless: it goes round and round, and never lets time go on')
      break
    }
    if (life.dead) {
      end = 'crashed'
      break
    }
    if (ended) {
      if (ended === 'done') end = 'done'
      else violations.push(`failed: ${messageOf(ended.error)}`)
      break
    }
    if (advances > MOST_ADVANCES || commits > MOST_COMMITS || requests > MOST_REQUESTS) {
      violations.push(`does not converge: ${commits} commits, ${requests} requests, ${advances} waits`)
      break
    }
    if (!clock.advance()) {
      violations.push('stuck: nothing is under way, and no timer runs')
      break
    }
  }
  if (!life.dead && end !== 'done') void life.die()
  return { world: now(), end, violations }
}

/** Where the mint contradicted itself, a person looks at it an hour later, has it go on, and asks again. */
async function withPerson(
  { wallet, clock, world }: { wallet: Wallet; clock: VirtualClock; world: World },
  act: () => Promise<void>,
): Promise<void> {
  for (;;)
    try {
      return await act()
    } catch (error) {
      if (!world.lied || !(error instanceof HardshellError) || error.code !== 'QUARANTINED') throw error
      await sleep(clock, HOUR_MS)
      await wallet.operations.resume(error.operationId!)
    }
}

/** The time at which a process starts that finds something unfinished: a while after the last one ended, or wrong. */
function awaking(world: World, choices: Choices): Pick<World, 'nowMs' | 'skewMs'> {
  const { nowMs, skewMs } = world
  const unfinished = world.wallet['operations']?.some((row) => row['status'] === 'active') ?? false
  if (!unfinished) return { nowMs, skewMs }
  switch (choices.pick('start', ['now', 'hourLater', 'dayLater', 'hourBack'], () => fingerprint(world))) {
    case 'now':
      return { nowMs, skewMs }
    case 'hourLater':
      return { nowMs: nowMs + HOUR_MS, skewMs }
    case 'dayLater':
      return { nowMs: nowMs + 24 * HOUR_MS, skewMs }
    case 'hourBack':
      return { nowMs, skewMs: skewMs - HOUR_MS }
  }
}

const sleep = (clock: VirtualClock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimeout(resolve, delayMs))

/** All that can happen without time going on has happened. */
const quiet = (): Promise<void> => new Promise((resolve) => soon(resolve))

/** After all microtasks. Browsers have no `setImmediate`, and wait a little longer. */
const soon: (call: () => void) => void =
  (globalThis as { setImmediate?: (call: () => void) => void }).setImmediate ?? ((call) => void setTimeout(call, 0))

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${'code' in error ? `${String(error.code)}: ` : ''}${error.message}` : String(error)
