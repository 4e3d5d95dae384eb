/** The wallet as a subject: the wallet, a simulated mint behind a faulty network, and other people. */
import { mintClient, type Transport } from '../../cashu/client.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import type { OperationKind, PersistedSnapshot } from '../../kernel/define/operation.ts'
import type { Dump } from '../../store/memory.ts'
import { StoreError, type Row } from '../../store/port.ts'
import { walletKinds } from '../../wallet/kinds/index.ts'
import type { Wallet } from '../../wallet/api.ts'
import { openWallet } from '../../wallet/wallet.ts'
import type { AtomicMint } from './atomic-mint.ts'
import { faultyTransport, heldUntilOpen, spokenAt, type Wire } from '../faults/faulty-mint.ts'
import { VirtualClock, worldRandom } from '../explorer/life.ts'
import { foreignNote, judge, robbedNote } from '../invariants/oracle.ts'
import { newLiveMintFixture } from './live-mint.ts'
import { newMintFixture, plainTerms, SEED, type MintTraits, type MintFixture } from './mint-fixture.ts'
import { counted, NOTHING_MOVED, unbalanced } from '../invariants/books.ts'
import { mintOrphans } from '../invariants/mint-rows.ts'
import { defectsTold } from '../invariants/defects.ts'
import { isSetAside, leftAside, setAside } from '../invariants/quarantine.ts'
import { unissued } from '../invariants/unissued.ts'
import { orphans, undone } from '../invariants/wallet-rows.ts'
import { falseReasons } from '../invariants/reasons.ts'
import { senderOf } from '../invariants/senders.ts'
import { misstatements, unshown } from '../invariants/statement.ts'
import { stubCrypto } from './stub-crypto.ts'
import type { Means, Scenario, Stage, Subject, Environment } from '../explorer/subject.ts'
import { brokenByCommit } from '../invariants/commit-invariants.ts'
import { operationsIn } from '../invariants/rows.ts'
import type { Likeness } from '../explorer/world.ts'
import { sure } from '../../sure.ts'

export { POWERS, SEED } from './mint-fixture.ts'

/** The mint's address in the explorer's worlds. */
export const MINT_URL = 'http://mint.test'
const HOUR_MS = 3_600_000
/** A number larger than the random draws of any world. */
const LATER = 1_000_000_000

/** The environment of the wallet: the mint's rows, and the network. */
export interface WalletOutside extends Wire {
  readonly mint: Dump
}
/** The same state, as the explorer returns it. */
const outsideOf = (held: unknown): WalletOutside => held as WalletOutside

/** What a caller of the wallet can use. */
export interface WalletStage extends Stage {
  /** The wallet. */
  readonly wallet: Wallet
  /** Opens the wallet in another process (or tab), without faults. */
  readonly another: () => Promise<Wallet>
  /** The mint. */
  readonly mint: AtomicMint
  /** Somebody's invoice; the memo may script how its payment goes (see `fakeBackend`). */
  invoice(amountSat: number, memo?: object): string
  /** Makes an old keyset active again, beside the newest. */
  readonly activate: (keysetId: string) => Promise<void>
  /** Pays a mint quote's invoice. */
  readonly pay: (quoteId: string) => Promise<void>
  /** Decides the payments that are under way. */
  readonly settle: (state: 'paid' | 'failed') => Promise<void>
  /** Whether a person resumes operations that were set aside. No person repairs a fault of the wallet itself. */
  readonly mayResume: (id: string) => boolean
  /** A client of the mint without faults, for everybody else in the world. */
  readonly outside: ReturnType<typeof mintClient>
}

/** A scenario of the wallet, and the kind of its mint. */
export interface WalletScenario extends Omit<Scenario<WalletStage>, 'subject'> {
  /** The mint. */
  readonly mint?: MintTraits
  /** Whether the mint is a server that may crash too. By default it never crashes. */
  readonly live?: boolean
  /** States in which an operation may be set aside here, because the scenario's mint lies or a person has to decide. */
  readonly setsAside?: readonly string[]
}

/** Adds the subject to a scenario. */
export const onWallet = ({
  mint,
  live = false,
  setsAside = [],
  ...scenario
}: WalletScenario): Scenario<WalletStage> => ({
  ...scenario,
  // `drive` and `setup` may use `this`.
  setup: (stage) => scenario.setup?.(stage) ?? Promise.resolve(),
  drive: (stage) => scenario.drive(stage),
  subject: walletSubject({ live, setsAside, ...(mint && { mint }) }),
})

/** The environment of a wallet, and the fixture of its mint. */
export interface WalletEnvironment extends Environment<WalletStage> {
  readonly fixture: MintFixture
}

/** A wallet that trusts nobody yet, and a mint at `MINT_URL`. */
export function walletSubject(
  of: { mint?: MintTraits; live?: boolean; setsAside?: readonly string[] } = {},
): Subject<WalletStage> & {
  open(): Promise<WalletEnvironment>
} {
  const kinds = walletKinds as readonly OperationKind<never>[]
  const { setsAside = [] } = of
  return {
    kinds,
    alike,
    async open() {
      const fixture = await (of.live ? newLiveMintFixture : newMintFixture)(of.mint)
      const wire: Wire = {
        ...{ late: [], lies: { told: 0, fooled: [] }, moved: NOTHING_MOVED },
        ...{ sent: {}, melts: {}, dead: {}, senders: {}, heard: {} },
      }
      const outside = mintClient({
        mintUrl: MINT_URL,
        transport: ({ method, url, body }) => fixture.mint.handle(method, url.slice(MINT_URL.length), body),
      })
      const opened = async ({
        stage,
        store,
        clock,
        ownClock,
        random,
        inspect,
        ...means
      }: Omit<Means, 'another'>): Promise<Wallet> => {
        const { rows, notes, violated } = stage
        const { sending } = means
        const recorded = new Set<string>()
        const about = { fixture, wire, clock, rows, recorded, notes, violated, mintUrl: MINT_URL }
        const faulty = faultyTransport({ ...means, ...about })
        const watched: Transport = async (request) => {
          const { method, url, body } = request
          if (body !== undefined && senderOf(body, rows())) recorded.add(body)
          await sending?.({ method, path: url.slice(MINT_URL.length), body })
          return faulty(request)
        }
        const held = heldUntilOpen({ transport: sending ? watched : faulty, clock, violated })
        const wallet = await openWallet({
          ...{ store, clock: ownClock, random, transport: held.transport },
          seed: SEED,
          crypto: stubCrypto,
          invoiceAmount: plainTerms,
          ...(inspect && { inspect }),
          // A timer that always runs would hide that nothing else does.
          keepSteps: { days: Infinity },
          onError: defectsTold(stage),
        })
        held.opened()
        return wallet
      }
      return {
        fixture,
        enter(held, clock, random) {
          const { mint, ...rest } = outsideOf(held)
          fixture.enter(mint, clock, random)
          Object.assign(wire, rest)
        },
        leave: (): WalletOutside => ({ mint: fixture.dump(), ...wire }),
        async start({ another, ...means }) {
          fixture.begin?.(means)
          const wallet = await opened(means)
          const { stage, clock } = means
          const mayResume = (id: string): boolean => {
            const row = operationsIn(stage.rows()).find((it) => it.id === id)
            // Nobody heals what the kernel set aside: that is a defect.
            if (row?.status === 'quarantined') return false
            if (wire.lies.fooled.includes(id)) return true
            // The operation may have gone on by itself meanwhile.
            return row !== undefined && (setsAside.includes(row.state) || !isSetAside(row.state))
          }
          return {
            stage: {
              ...stage,
              wallet,
              another: () => opened(another()),
              mint: fixture.mint,
              outside,
              mayResume,
              invoice: (amountSat, memo) => fixture.invoice(amountSat, memo),
              activate: (keysetId) => fixture.activate(keysetId),
              pay: (quoteId) => fixture.pay(quoteId),
              settle: (state) => fixture.settle(state),
            },
            close: () => wallet.close(),
            resume: (id) => wallet.operations.resume(id),
            sharer: {
              role: () => wallet.role,
              resumed: () => wallet.operations.resumed(),
              hear: (heard) => void wallet.on('operation', heard),
            },
            attend: (act) => attended({ wallet, clock, mayResume }, act),
          }
        },
        committed(writes, { before, after, notes }) {
          const { moved, wrong } = counted(writes, {
            before,
            moved: wire.moved,
            foreign: (foreignNote.in(notes) ?? []).map(({ Y }) => Y),
          })
          const aside = setAside(writes, { before, lies: wire.lies, expected: setsAside })
          Object.assign(wire, { moved, lies: aside.lies })
          return [
            ...aside.wrong,
            ...wrong,
            ...orphans(after),
            ...undone(writes, before),
            ...writes.flatMap((write) => falseReasons(write, kinds, wire.heard)),
            ...unshown(writes, { before, mint: () => fixture.dump() }),
            ...brokenByCommit(writes, {
              before,
              mint: () => fixture.dump(),
              late: wire.late,
              robbed: robbedNote.in(notes) ?? [],
            }),
          ]
        },
        async judge({ rows, outside: held, nowMs, notes }) {
          // A separate mint answers these requests, without faults.
          const { mint, ...sending } = outsideOf(held)
          fixture.enter(mint, new VirtualClock(nowMs), worldRandom({ entropy: LATER }))
          const world = { wallet: rows, notes, ...outsideOf(held) }
          const dialect = spokenAt(notes, nowMs)
          const judged = { world, nowMs, mint: fixture.mint, crypto: stubCrypto, dialect }
          const changeless = [...(of.mint?.without ?? []), ...(dialect.without ?? [])].includes(8)
          return [
            ...misstatements({
              wallet: rows,
              mint,
              sending,
              isChangeless: changeless || dialect.closing === true || notes['forgone'] === true,
            }),
            ...(await judge(judged)).violations,
            ...leftAside(rows, setsAside),
            ...unbalanced(rows, outsideOf(held).moved),
            ...unissued({ wallet: rows, mint, nowMs }),
            ...(of.live ? mintOrphans(mint) : []),
          ]
        },
      }
    },
  }
}

/** An hour after the mint contradicted itself, a person resumes the operation and calls again. */
async function attended(
  { wallet, clock, mayResume }: Pick<WalletStage, 'wallet' | 'clock' | 'mayResume'>,
  act: () => Promise<void>,
): Promise<void> {
  for (;;)
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof HardshellError) || error.code !== 'QUARANTINED') throw error
      const id = sure(error.operationId, 'operation')
      if (!mayResume(id)) throw error
      await clock.pause(HOUR_MS)
      // Where the store does not take it, the person hears of it and tries again later.
      await wallet.operations.resume(id).catch((failure: unknown) => {
        if (!(failure instanceof StoreError)) throw failure
      })
    }
}

/** Whether nothing came of an operation that has failed: its kind says that its key is free again. */
function gaveKeyBack({ kind, state, snapshot }: Row): boolean {
  if (state !== 'failed' || typeof snapshot !== 'string') return false
  const of: Pick<OperationKind, 'freesKey'> | undefined = walletKinds.find((it) => it.kind === kind)
  const { context } = JSON.parse(snapshot) as PersistedSnapshot
  return of?.freesKey?.(context, state) === true
}

/** The kinds of which that may be so. */
const FREEING = new Set<unknown>(
  walletKinds.flatMap((it: Pick<OperationKind, 'kind' | 'freesKey'>) => (it.freesKey ? it.kind : [])),
)

/**
 * Nothing depends on history, sent requests and their senders, but the wallet's books are compared with them at the
 * end.
 */
const alike: Likeness = {
  ignore: ['version', 'commitId', 'updatedAt', 'createdAt', 'infoAt', 'dueAt'],
  names: ['request', 'ask'],
  counts: { attempt: 2, tries: 8, asks: 3 },
  ages: ['refusedAt'],
  // Nothing came of an operation that gave its key back: each life that asks again leaves one more of them.
  over: (table, row) =>
    (table === 'operations' && gaveKeyBack(row)) ||
    (table === 'history' &&
      FREEING.has(row['kind']) &&
      row['state'] === 'failed' &&
      row['amount'] === 0 &&
      row['fee'] === 0),
  matters(outside, known, nowMs) {
    const { mint, late, lies, melts, dead, sent, senders } = outsideOf(outside)
    const inLate = late.flatMap(({ body = '' }) => body.match(/\b[0-9a-f]{32}\b/g) ?? [])
    const rows = reachable(mint, new Set([...known, ...inLate]), nowMs)
    return [
      ...Object.entries(rows).flatMap(([table, list]) => [table, ...list]),
      ...late,
      melts,
      dead,
      sent,
      senders,
      lies.told > 0 ? `lied, and fooled ${lies.told > lies.fooled.length ? 'nobody yet' : 'somebody'}` : 'did not lie',
    ]
  },
}

/** The rows of a mint on which the future depends: nobody asks about a quote whose id was lost. */
function reachable(mint: Dump, known: ReadonlySet<string | number>, nowMs: number): Dump {
  const { mintQuotes = [], mintPayments = [], meltQuotes = [], responses = [], ...others } = mint
  const { fakeRequests = [], fakeIncoming = [], operations = [], steps: _, ...rest } = others
  const asked = (row: Row): boolean => known.has(row['id'] as string)
  const quotes = mintQuotes.filter(asked)
  const requests = new Set(quotes.map((row) => row['requestId']))
  const past = (row: Row, column: string): boolean => row[column] !== null && (row[column] as number) <= nowMs
  return {
    ...rest,
    operations: operations.filter((row) => row['status'] !== 'done'),
    mintQuotes: quotes.map((row) => (row['amountIssued'] === row['amount'] ? timeless(row, 'expiryAt') : row)),
    mintPayments: mintPayments.filter((row) => known.has(row['quoteId'] as string)),
    meltQuotes: meltQuotes.filter(asked),
    fakeRequests: fakeRequests.filter((row) => requests.has(row['requestId'])),
    fakeIncoming: fakeIncoming
      .filter((row) => requests.has(row['requestId']))
      .map((row) => (past(row, 'dueAt') ? timeless(row, 'dueAt') : row)),
    // It only matters whether answers for replays are stored: their expiry is a fault of its own.

    responses: responses.filter((row) => !past(row, 'expiresAt')).map((row) => timeless(row, 'expiresAt')),
  }
}

const timelessRows = new WeakMap<Row, Row>()

function timeless(row: Row, column: string): Row {
  let known = timelessRows.get(row)
  if (!known) timelessRows.set(row, (known = { ...row, [column]: 0 }))
  return known
}
