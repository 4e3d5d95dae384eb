/**
 * The explorer: every run of a scenario within a bound. A run is a chain of lives; a life ends when its caller has what
 * it wanted, or in a crash. Worlds that crashes leave are merged by fingerprint and each is lived on from once, with a
 * fresh budget of faults, until no new one appears: that covers any number of crashes.
 */
import { mintClient } from '../cashu/client.ts'
import { fakeBackend, type FakeBackend } from '../mint-server/backend.ts'
import { plainInvoice } from '../mint-server/bolt11.ts'
import { createMint, type Mint, type MintOptions } from '../mint-server/mint.ts'
import { mintSchema } from '../mint-server/tables.ts'
import { memoryStore, type Dump } from '../store/memory.ts'
import type { Store, Write } from '../store/port.ts'
import { openWallet, type Wallet } from '../wallet/wallet.ts'
import { Choices, parsePath } from './choices.ts'
import { faultyStore } from './faulty-store.ts'
import { faultyTransport } from './faulty-mint.ts'
import { Life, VirtualClock, worldRandom } from './life.ts'
import { judge } from './oracle.ts'
import { stubCrypto } from './stub-crypto.ts'
import { fingerprint, type World } from './world.ts'

export const MINT_URL = 'http://mint.test'
const START_MS = 1_750_000_000_000
export const SEED = new Uint8Array(64).fill(7)
/** Beyond these a life counts as one that does not converge. */
const MOST_COMMITS = 80
const MOST_REQUESTS = 80
const MOST_ADVANCES = 3_000

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
  /** The mint's client without faults: the rest of the world uses it. */
  readonly outside: ReturnType<typeof mintClient>
}

export interface Scenario {
  readonly kind: string
  readonly name: string
  readonly mint?: Partial<Pick<MintOptions, 'feePpk' | 'without' | 'cacheTtlMs' | 'quoteTtlMs'>> & { readonly autoPayMs?: number }
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
  readonly visited: ReadonlySet<string>
  readonly trace: readonly string[]
}

/** Lives one life in a world. The world itself is left as it was. */
export async function live(scenario: Scenario, from: World, choices: Choices, act: 'setup' | 'drive'): Promise<LifeResult> {
  const world: World = { ...from }
  const life = new Life()
  const clock = new VirtualClock(world.nowMs)
  const random = worldRandom(world)
  const violations: string[] = []
  const visited = new Set<string>()
  const trace: string[] = []
  const [walletRows, mintRows] = [memoryStore(), memoryStore()]
  walletRows.load(world.wallet)
  mintRows.load(world.mint)
  const { mint, backend } = await openMint(scenario, mintRows, clock, random)
  let commits = 0
  let requests = 0
  const committed = (writes: readonly Write[]): void => {
    commits++
    for (const write of writes) {
      const state = 'put' in write && write.put === 'operations' ? `${String(write.row['kind'])} ${String(write.row['state'])}` : undefined
      if (state !== undefined) visited.add(state)
    }
    trace.push(`commit   ${describe(writes)}`)
  }
  const transport = faultyTransport({
    mint,
    mintUrl: MINT_URL,
    choices,
    life,
    world,
    answered: ({ path, status, fault }) => {
      requests++
      visited.add(`${path.replace(/[0-9a-f]{16,}/, '…')} ${status} ${fault}`)
      trace.push(`request  ${path} → ${status}${fault === 'ok' ? '' : ` (${fault})`}`)
    },
    violated: (what) => violations.push(what),
  })
  const adapter = {
    open: async (schema: Parameters<typeof walletRows.open>[0]): Promise<Store> =>
      faultyStore(await walletRows.open(schema), { choices, life, describe, committed }),
  }
  const run = async (): Promise<void> => {
    const wallet = await openWallet({ store: adapter, seed: SEED, crypto: stubCrypto, transport, clock, random, invoiceAmount: () => ({ msat: 1 }) })
    const outside = mintClient({ mintUrl: MINT_URL, transport: async ({ method, url, body }) => mint.handle(method, url.slice(MINT_URL.length), body) })
    const stage: Stage = {
      wallet,
      mint,
      clock,
      outside,
      get notes() {
        return world.notes
      },
      rows: () => walletRows.dump(),
      invoice: (amountSat, memo) => backend.foreignInvoice({ amountSat, ...(memo && { memo: JSON.stringify(memo) }) }),
      note: (key, value) => {
        if (!life.dead) world.notes = { ...world.notes, [key]: value }
      },
    }
    await scenario[act](stage)
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
  Object.assign(world, { wallet: walletRows.dump(), mint: mintRows.dump(), nowMs: clock.now() })
  return { world, end, violations, visited, trace }
}

async function openMint(
  scenario: Scenario,
  rows: ReturnType<typeof memoryStore>,
  clock: VirtualClock,
  random: (bytes: number) => Uint8Array,
): Promise<{ mint: Mint; backend: FakeBackend }> {
  const store = await rows.open(mintSchema)
  const now = (): number => clock.now()
  const { autoPayMs = 0, ...options } = scenario.mint ?? {}
  const backend = fakeBackend({ store, clock: now, random, invoiceCodec: plainInvoice, autoPayMs })
  const mint = await createMint({ store, crypto: stubCrypto, seed: SEED, backend, clock: now, random, amounts: POWERS, ...options })
  return { mint, backend }
}
export const POWERS = Array.from({ length: 12 }, (_, exponent) => 2 ** exponent)

/** All that can happen without time going on has happened. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function describe(writes: readonly Write[]): string {
  const states = writes.flatMap((write) => {
    if ('put' in write && write.put === 'operations') return [`${String(write.row['kind'])} ${String(write.row['state'])}`]
    return 'patch' in write && write.patch === 'operations' ? ['taken over'] : []
  })
  return states.length > 0 ? states.join(', ') : writes.map((write) => Object.values(write)[0] as string).join(' ')
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${'code' in error ? `${String(error.code)}: ` : ''}${error.message}` : String(error)

/** The world in which a scenario begins. */
export async function beginning(scenario: Scenario): Promise<World> {
  const empty: World = { wallet: {}, mint: {}, nowMs: START_MS, entropy: 0, late: [], sent: {}, notes: {} }
  const { world, end, violations, trace } = await live(scenario, empty, new Choices([], 0), 'setup')
  if (end !== 'done') throw new Error(`${scenario.kind}.${scenario.name}: the set-up ${end}: ${violations.join('; ')}\n${trace.join('\n')}`)
  return { ...world, sent: {} }
}

export interface Violation {
  /** Replays it: `npm run crash -- --replay PATH`. */
  readonly path: string
  readonly what: string
}

export interface Exploration {
  /** Places at which a life could be struck. */
  readonly sites: number
  readonly worlds: number
  readonly lives: number
  /** Every world that can come about was lived on from. */
  readonly closed: boolean
  readonly visited: ReadonlySet<string>
  readonly violations: readonly Violation[]
}

export interface ExploreOptions {
  /** Faults in one life, a crash included; 2 unless given. */
  readonly faults?: number
  /** Without merging: this many faults over all lives of a run. */
  readonly depth?: number
  readonly mostViolations?: number
  readonly progress?: (so: { worlds: number; lives: number; waiting: number }) => void
}

/** Explores a scenario. */
export async function exploreCrashes(scenario: Scenario, options: ExploreOptions = {}): Promise<Exploration> {
  const { faults = 2, depth, mostViolations = 10, progress } = options
  const start = await beginning(scenario)
  const name = `${scenario.kind}.${scenario.name}`
  const seen = new Set([fingerprint(start)])
  const waiting: { world: World; path: string; budget: number }[] = [{ world: start, path: `${name}:`, budget: depth ?? faults }]
  const sites = new Set<string>()
  const visited = new Set<string>()
  const violations: Violation[] = []
  let lives = 0
  let worlds = 0
  for (let item = waiting.shift(); item && violations.length < mostViolations; item = waiting.shift()) {
    worlds++
    for (let script: number[] | undefined = []; script && violations.length < mostViolations; ) {
      const choices = new Choices(script, item.budget)
      const result = await live(scenario, item.world, choices, 'drive')
      lives++
      const path = item.path + choices.path
      for (const choice of choices.taken) if (choice.count > 1) sites.add(choice.site)
      for (const what of result.visited) visited.add(what)
      const found = [...result.violations]
      if (result.end === 'done') found.push(...(await afterwards(scenario, result.world)))
      for (const what of found) violations.push({ path, what })
      if (result.end === 'crashed' && found.length === 0) {
        const used = choices.taken.filter(({ index }) => index > 0).length
        const budget = depth === undefined ? faults : item.budget - used
        const mark = fingerprint(result.world)
        if (depth !== undefined || !seen.has(mark)) waiting.push({ world: result.world, path: `${path}/`, budget })
        seen.add(mark)
      }
      script = choices.next()
      if (lives % 500 === 0) progress?.({ worlds, lives, waiting: waiting.length })
    }
  }
  return { sites: sites.size, worlds, lives, closed: violations.length === 0, visited, violations }
}

/** What must hold when a run is over: the books, and that one more recovery changes nothing. */
async function afterwards(scenario: Scenario, world: World): Promise<string[]> {
  const again = await live({ ...scenario, drive: async () => {} }, world, new Choices([], 0), 'drive')
  const violations = [...again.violations]
  const strip = (rows: World['wallet']): string =>
    JSON.stringify(rows, (key, value: unknown) => (['owner', 'attempt', 'version', 'commitId'].includes(key) ? undefined : value))
  if (strip(again.world.wallet) !== strip(world.wallet)) violations.push('restless: a second recovery changed more than attempt and owner')
  const rows = memoryStore()
  rows.load(world.mint)
  const judged: World = { ...world }
  const { mint } = await openMint(scenario, rows, new VirtualClock(world.nowMs), worldRandom(judged))
  const verdict = await judge({ world: judged, mint, crypto: stubCrypto, ...(scenario.mayQuarantine && { mayQuarantine: true }) })
  return [...violations, ...verdict.violations]
}

/** Runs exactly one path, and tells what happened. */
export async function replay(scenario: Scenario, path: string): Promise<{ trace: string[]; violations: string[] }> {
  const [, lives = ''] = /^[^:]*:(.*)$/.exec(path) ?? []
  const trace: string[] = []
  let world = await beginning(scenario)
  for (const part of lives.split('/')) {
    const choices = new Choices(parsePath(part), Infinity)
    const result = await live(scenario, world, choices, 'drive')
    trace.push(`── life: ${part || 'nothing goes wrong'}`, ...result.trace, ...choices.taken.filter(({ index }) => index > 0).map(({ place, site, option }) => `   ${place}. ${site}: ${option}`), `── ${result.end}`) // prettier-ignore
    world = result.world
    if (result.violations.length > 0) return { trace, violations: [...result.violations] }
    if (result.end === 'done') return { trace, violations: await afterwards(scenario, world) }
  }
  return { trace, violations: [] }
}
