/**
 * Lives a path through a model: the real wallet, the simulated mint, and a transport that holds each request up until the
 * path says how it is answered. After each step the operation must be in the state that the model says. Then the process
 * dies, another one finishes without any faults, and the oracle judges.
 */
import { openWallet } from '../../../src/wallet/wallet.ts'
import { mintClient } from '../../../src/cashu/client.ts'
import type { OperationRow } from '../../../src/kernel/define/operation.ts'
import type { Random } from '../../../src/kernel/util/ports.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { Store } from '../../../src/store/port.ts'
import { Choices } from '../../../src/testing/explorer/choices.ts'
import type { Coverage } from '../../../src/testing/explorer/coverage.ts'
import { afterwards, beginning } from '../../../src/testing/explorer/explorer.ts'
import { sentOf } from '../../../src/testing/faults/faulty-mint.ts'
import { answered as heardSo, askedBy, cameOf } from '../../../src/testing/invariants/reasons.ts'
import { faultyStore } from '../../../src/testing/faults/faulty-store.ts'
import { Life, VirtualClock, worldRandom } from '../../../src/testing/explorer/life.ts'
import { runLife } from '../../../src/testing/explorer/run-life.ts'
import { foreignProofs, spendElsewhere } from '../../../src/testing/scenarios/stage.ts'
import { stubCrypto } from '../../../src/testing/environments/stub-crypto.ts'
import type { Place } from '../../../src/testing/explorer/run-life.ts'
import { plainTerms, type MintFixture } from '../../../src/testing/environments/mint-fixture.ts'
import type { Scenario } from '../../../src/testing/explorer/subject.ts'
import {
  MINT_URL,
  SEED,
  type WalletOutside,
  type WalletStage as Stage,
  type WalletEnvironment,
} from '../../../src/testing/environments/wallet-subject.ts'
import type { World as Lived } from '../../../src/testing/explorer/world.ts'
import type { OutputRow } from '../../../src/wallet/tables.ts'
import type { Exchange, InputProof } from '../../../machines/wallet/exchange-model.ts'
import type { Deed, Flavour, Path, World } from './model.ts'

/** Where a model's paths are lived. */
export interface Subject {
  readonly world: World
  /** Makes the world in which they begin. */
  readonly scenario: Scenario<Stage>
  /** Changes the wallet's rows once the operation is there. */
  readonly tamper?: (wallet: Lived['rows']) => Lived['rows']
  /** The call that creates the operation, or finds it. */
  readonly prepare: (stage: Stage) => Promise<Handle>
}

interface Handle {
  readonly id: string
  execute?(): Promise<unknown>
  reclaim?(): Promise<unknown>
}

type Body = { readonly [name: string]: unknown }
type Context = Body & { readonly exchange?: Exchange | null; readonly inputs?: readonly InputProof[]; readonly sent?: readonly InputProof[]; readonly body?: string; readonly sets?: Exchange['sets'] } // prettier-ignore

interface HeldRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string | undefined
  readonly answer: (as: Answer | Error) => void
}
interface Answer {
  readonly status: number
  readonly body: string
}

/** The request of each effect and poll. */
const REQUESTS: { readonly [src: string]: RegExp } = {
  'mint.swap': /^POST \/v1\/swap$/,
  'mint.check': /^POST \/v1\/checkstate$/,
  'restore.check': /^POST \/v1\/checkstate$/,
  token: /^POST \/v1\/checkstate$/,
  'mint.restore': /^POST \/v1\/restore$/,
  'restore.batch': /^POST \/v1\/restore$/,
  change: /^POST \/v1\/restore$/,
  'mint.keysets': /^GET \/v1\/keysets$/,
  'restore.keysets': /^GET \/v1\/keysets$/,
  'mint.createQuote': /^POST \/v1\/mint\/quote\/bolt11$/,
  'mint.quote': /^GET \/v1\/mint\/quote\/bolt11\//,
  quote: /^GET \/v1\/mint\/quote\/bolt11\//,
  late: /^GET \/v1\/mint\/quote\/bolt11\//,
  'mint.issue': /^POST \/v1\/mint\/bolt11$/,
  'melt.createQuote': /^POST \/v1\/melt\/quote\/bolt11$/,
  'melt.pay': /^POST \/v1\/melt\/bolt11$/,
  'melt.quote': /^GET \/v1\/melt\/quote\/bolt11\//,
  payment: /^GET \/v1\/melt\/quote\/bolt11\//,
}
/** Requests that carry outputs to be signed. */
const MONEY = /^\/v1\/(swap|(mint|melt)\/bolt11)$/
/** Requests that no effect of a chart stands for. */
const ASIDE = /^GET \/v1\/(info|keys\/.*)$/
const MOST_WAITS = 5_000
const HOUR_MS = 3_600_000

const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The world in which a subject's paths begin; its fixture serves them all, one after the other. */
export async function subjectOf(subject: Subject): Promise<(path: Path, coverage: Coverage) => Promise<string[]>> {
  const { start, ...place } = await beginning(subject.scenario)
  const judged = new Set<string>()
  return (path, coverage) => new Lifetime({ subject, place, start, coverage, judged }).run(path)
}

interface LifetimeOf {
  readonly subject: Subject
  readonly place: Place<Stage>
  readonly start: Lived
  readonly coverage: Coverage
  /** The worlds that were judged, by their fingerprints: those that are alike end alike. */
  readonly judged: Set<string>
}

class Lifetime {
  readonly #subject: Subject
  readonly #place: Place<Stage>
  readonly #fixture: MintFixture
  readonly #random: Random
  readonly #world: Lived
  readonly #clock: VirtualClock
  readonly #rows = memoryStore()
  readonly #life = new Life()
  readonly #coverage: Coverage
  readonly #judged: Set<string>
  readonly #held: HeldRequest[] = []
  /** What was sent and heard, as far as what the wallet says is held against it. */
  #wire: Pick<WalletOutside, 'sent' | 'senders' | 'heard'>
  #id: string | undefined
  readonly #outside

  constructor({ subject, place, start, coverage, judged }: LifetimeOf) {
    const { fixture } = place.environment as WalletEnvironment
    this.#place = place
    this.#subject = subject
    this.#fixture = fixture
    this.#world = { ...start }
    this.#coverage = coverage
    this.#judged = judged
    this.#clock = new VirtualClock(start.nowMs)
    this.#rows.load(start.rows)
    this.#random = worldRandom(this.#world)
    this.#enter(start.outside as WalletOutside)
    const { sent, senders, heard } = start.outside as WalletOutside
    // A wallet that knows of no active keyset has been told so.
    const told = subject.world.model.truth.keysets ? heard : { ...heard, 'keysets none': true as const }
    this.#wire = { sent, senders, heard: told }
    this.#outside = mintClient({ mintUrl: MINT_URL, transport: ({ method, url, body }) => fixture.mint.handle(method, url.slice(MINT_URL.length), body) }) // prettier-ignore
  }

  /** What is wrong with the wallet's way along the path; nothing, it is hoped. */
  async run(path: Path): Promise<string[]> {
    const { world: model, prepare } = this.#subject
    const wallet = await this.#open()
    const stage: Stage = { wallet, ...this.#stage() }
    const prepared = prepare(stage)
    prepared.catch(() => {})
    let place = model.start
    const told = [place.state]
    await quiet()
    const rows = this.#rows.dump()
    this.#rows.load(this.#subject.tamper?.(rows) ?? rows)
    const wrong = (): string[] => {
      const state = this.#row?.state
      return state === place.state ? [] : [`is in ${state}, and not in ${place.state}: ${told.join(' → ')}`]
    }
    if (wrong().length > 0) return wrong()
    for (const move of path) {
      const before = this.#row!
      told.push(move.name)
      if (move.from === 'caller') await this.#call(wallet, prepared, move.name)
      else if (move.from === 'delay') {
        // A request under way is held up for longer.
        const silent = !place.snapshot._nodes.some(({ invoke }) => invoke.length > 0)
        await this.#wait(() => this.#row!.version !== before.version, { silent })
      } else {
        const request = await this.#request(move.src!)
        if (!request) return [`${move.src!} asks nothing: ${told.join(' → ')}`]
        try {
          if (move.name.endsWith('says it')) this.#lie()
          await this.#say(move.flavour!, request)
        } catch (error) {
          return [`${String(error)}: ${told.join(' → ')}`]
        }
      }
      await quiet()
      place = model.step(place, move)
      told.push(place.state)
      if (wrong().length > 0) return wrong()
    }
    const found = await this.#afterwards()
    // A mint that says so of what it was paid for is believed in the end.
    const isDenied = told.includes('mint.quote UNPAID, says it')
    return found
      .filter((what) => !isDenied || !what.startsWith('unissued:'))
      .map((what) => `${what}: ${told.join(' → ')}`)
  }

  get #row(): OperationRow | undefined {
    const rows = (this.#rows.dump()['operations'] ?? []) as unknown as OperationRow[]
    const found = rows.find(({ id, key }) => (this.#id === undefined ? key === 'path' : id === this.#id))
    // An operation may give its key back when it ends.
    this.#id ??= found?.id
    return found
  }

  get #context(): Context {
    return (JSON.parse(this.#row!.snapshot) as { context: Context }).context
  }

  async #call({ operations }: Stage['wallet'], prepared: Promise<Handle>, name: string): Promise<void> {
    const { id } = this.#row!
    if (name === 'cancel') return operations.cancel(id)
    if (name === 'resume') return operations.resume(id)
    const handle = await prepared
    // What comes of it is seen step by step.
    ;(name === 'reclaim' ? handle.reclaim!() : handle.execute!()).catch(() => {})
  }

  /** The mint's next answer contradicts it: an operation that is set aside for that is not at fault. */
  #lie(): void {
    const held = this.#place.environment.leave() as WalletOutside
    this.#enter({ ...held, lies: { ...held.lies, told: held.lies.told + 1 } })
  }

  #enter(outside: WalletOutside): void {
    this.#place.environment.enter(outside, this.#clock, this.#random)
  }

  #stage(): Omit<Stage, 'wallet'> {
    const world = this.#world
    return {
      mint: this.#fixture.mint,
      clock: this.#clock,
      outside: this.#outside,
      get notes() {
        return world.notes
      },
      note: (key, value) => void (world.notes = { ...world.notes, [key]: value }),
      rows: () => this.#rows.dump(),
      requests: () => 0,
      violated: () => {},
      another: () => this.#open(),
      mayResume: () => false,
      activate: (keysetId) => this.#fixture.activate(keysetId),
      pay: (quoteId) => this.#fixture.pay(quoteId),
      settle: (state) => this.#fixture.settle(state),
      invoice: (amountSat, memo) => this.#fixture.invoice(amountSat, memo),
    }
  }

  async #open(): Promise<Stage['wallet']> {
    const life = this.#life
    return openWallet({
      store: {
        open: async (schema) =>
          faultyStore(this.#counted(await this.#rows.open(schema)), { inject: (_, [fault]) => ({ fault, applied() {} }), life, committed: () => {}, overtake: async () => {} }), // prettier-ignore
      },
      seed: SEED,
      crypto: stubCrypto,
      transport: ({ method, url, body }) => life.call(() => this.#take(method, url.slice(MINT_URL.length), body)),
      clock: this.#clock,
      // A request is answered when the path says so, however late that is.
      requestTimeoutMs: Infinity,
      random: this.#random,
      invoiceAmount: plainTerms,
      inspect: this.#coverage.inspect,
    })
  }

  /** A store whose commits are counted: the history is held against what moved. The explorer judges each by itself. */
  #counted(store: Store): Store {
    return {
      ...store,
      commit: async (writes) => {
        const before = this.#rows.dump()
        await store.commit(writes)
        this.#place.environment.committed?.(writes, { before, after: this.#rows.dump(), notes: this.#world.notes })
      },
    }
  }

  #take(method: 'GET' | 'POST', path: string, body: string | undefined): Promise<Answer> {
    if (ASIDE.test(`${method} ${path}`)) return this.#fixture.mint.handle(method, path, body)
    if (path === '/v1/melt/bolt11') {
      const { quote } = JSON.parse(body!) as { quote: string }
      const { environment } = this.#place
      const held = environment.leave() as WalletOutside
      this.#enter({ ...held, melts: { ...held.melts, [quote]: (held.melts[quote] ?? 0) + 1 } })
    }
    this.#note(path, body)
    return new Promise((resolve, reject) => {
      const answer = (as: Answer | Error): void => {
        const asked = askedBy(path)
        const came = as instanceof Error ? 'unanswered' : cameOf(as)
        if (asked) this.#wire = { ...this.#wire, heard: heardSo(this.#wire.heard, asked, came) }
        if (as instanceof Error) reject(as)
        else resolve(as)
      }
      this.#held.push({ method, path, body, answer })
    })
  }

  /** Notes that a request is under way, and whose outputs it carries. */
  #note(path: string, body: string | undefined): void {
    const asked = askedBy(path)
    const { sent, senders, heard } = this.#wire
    const outputs = body !== undefined && MONEY.test(path) ? sentOf(body, this.#row!.id) : {}
    this.#wire = {
      sent: { ...sent, ...Object.fromEntries(Object.keys(outputs).map((B_) => [B_, body!])) },
      senders: { ...outputs, ...senders },
      heard: asked ? { ...heard, [`${asked} begun`]: true } : heard,
    }
  }

  /** Lets time go on until it is so. Where nothing is to be answered, what a poll asks meanwhile is lost. */
  async #wait(until: () => boolean, { silent }: { silent: boolean }): Promise<void> {
    for (let waits = 0; waits < MOST_WAITS && !until(); waits++) {
      if (silent) for (const { answer } of this.#held.splice(0)) answer(new Error('no answer'))
      await quiet()
      if (!this.#clock.advance()) return
      await quiet()
    }
  }

  /** The request of an effect or a poll; time goes on until it is there. */
  async #request(src: string): Promise<HeldRequest | undefined> {
    const fits = ({ method, path }: HeldRequest): boolean => REQUESTS[src]!.test(`${method} ${path}`)
    await this.#wait(() => this.#held.some(fits), { silent: false })
    const at = this.#held.findLastIndex(fits)
    return at === -1 ? undefined : this.#held.splice(at, 1)[0]
  }

  async #say({ say, deed, gives }: Flavour, { method, path, body, answer }: HeldRequest): Promise<void> {
    if (deed) await this.#do(deed)
    if (say === 'unknown') return answer(new Error('no answer'))
    if (say === 'malformed') return answer({ status: 200, body: '<html>sign in</html>' })
    if (say === 'unsupported') return answer({ status: 404, body: JSON.stringify({ detail: 'Not Found' }) })
    if (say === 'hinted') return answer({ status: 500, body: JSON.stringify({ detail: 'Token already spent', code: 11001 }) }) // prettier-ignore
    if (say === 'refused') {
      const { code = 0 } = gives as { code?: number }
      return answer({ status: 400, body: JSON.stringify({ detail: 'no', code }) })
    }
    if (typeof say === 'object') {
      const { quote } = JSON.parse(body!) as { quote: string }
      const asked = await this.#fixture.mint.handle('GET', `/v1/melt/quote/bolt11/${quote}`)
      return answer({ ...asked, body: JSON.stringify(say.instead(JSON.parse(asked.body) as Body)) })
    }
    const honest = await this.#fixture.mint.handle(method, path, body)
    if (say === 'lost') return answer(new Error('connection reset'))
    answer(say === 'honest' ? honest : { ...honest, body: JSON.stringify(say(JSON.parse(honest.body) as Body)) })
  }

  /** Has somebody do something at the mint. */
  async #do(deed: Deed): Promise<void> {
    const { exchange, inputs = [], sent = [], body, sets } = this.#context
    const stage = this.#stage() as Stage
    const post = async (path: string, what: string): Promise<void> => {
      const { status, body: said } = await this.#fixture.mint.handle('POST', path, what)
      if (status !== 200) throw new Error(`${deed}: the mint says ${said}`)
    }
    switch (deed) {
      case 'land':
        return exchange ? post('/v1/swap', exchange.body) : post('/v1/mint/bolt11', body!)
      case 'melt':
        return post('/v1/melt/bolt11', body!)
      case 'steal':
        return spendElsewhere(stage, exchange?.inputs ?? inputs)
      case 'steal some':
        return spendElsewhere(stage, (exchange?.inputs ?? inputs).slice(0, 1))
      case 'claim':
        return spendElsewhere(stage, sent)
      case 'pay':
        for (const { id } of this.#fixture.dump()['mintQuotes']!) await this.#fixture.pay(id as string)
        return
      case 'burn': {
        const { keysetId, outputs } = (exchange?.sets ?? sets)!.at(-1)!
        const { outside } = stage
        const paid: Stage['outside'] = {
          ...outside,
          createMintQuote: async (...of) => {
            const quote = await outside.createMintQuote(...of)
            await this.#do('pay')
            return quote
          },
        }
        const rich = Object.defineProperty(this.#stage() as Stage, 'outside', { value: paid })
        const theirs = await foreignProofs(rich, outputs.map(({ amount }) => amount)) // prettier-ignore
        const given = theirs.map(({ id, amount, secret, C }) => ({ id, amount, secret, C }))
        const asked = outputs.map(({ amount, B_ }) => ({ amount, id: keysetId, B_ }))
        await post('/v1/swap', JSON.stringify({ inputs: given, outputs: asked }))
        const rows = this.#rows.dump()['outputs'] as unknown as OutputRow[]
        const secretOf = (B_: string): string => rows.find((row) => row.B_ === B_)!.secret
        const taken = outputs.map(({ B_, amount }) => ({ Y: stubCrypto.hashToCurve(secretOf(B_)), amount }))
        stage.note('foreign', [...(stage.notes['foreign'] as unknown[]), ...taken])
      }
    }
  }

  /** Another process finishes, without faults and with a person who helps where one is asked for; then the books. */
  async #afterwards(): Promise<string[]> {
    void this.#life.die()
    const { id } = this.#row!
    // What is paid once the operation has ended is paid to nobody.
    if (this.#subject.scenario.kind === 'mint' && this.#row?.status !== 'done') await this.#do('pay')
    const { environment } = this.#place
    const from: Lived = {
      ...this.#world,
      rows: this.#rows.dump(),
      outside: { ...(environment.leave() as WalletOutside), ...this.#wire },
      nowMs: this.#clock.rightMs,
    }
    const mark = this.#place.fingerprint(from)
    if (this.#judged.has(mark)) return []
    this.#judged.add(mark)
    const act = async (stage: Stage): Promise<void> => {
      const { operations, history } = stage.wallet
      for (;;) {
        const { state, status, needsHuman } = await operations.explain(id)
        const record = await history.get(id)
        if (status !== 'active' || record.status === 'failed' || state === 'tokenCreated') return
        if (state === 'prepared') void this.#subject.prepare(stage).then((handle) => handle.execute!()).catch(() => {}) // prettier-ignore
        if (needsHuman) await operations.resume(id)
        await new Promise<void>((resolve) => stage.clock.setTimeout(resolve, HOUR_MS))
      }
    }
    const life = { ...this.#place, act, from, choices: new Choices({ budget: { faults: 0, others: 0 } }) }
    const { world, violations } = await runLife(life)
    return [...violations, ...(await afterwards({ ...life, from: world }))]
  }
}
