/**
 * The bounty as a subject: the bounty and its two services. Each service has a store of its own, and an index that may
 * fall behind.
 */
import { Bounties } from '../../bounty/bounties.ts'
import { bountyKind, bountySchema } from '../../bounty/kind.ts'
import type { BountyPorts } from '../../bounty/ports.ts'
import {
  claimsSchema,
  creditsSchema,
  storeClaims,
  storeCredits,
  type StoreClaims,
  type StoreCredits,
} from '../../bounty/store-services.ts'
import type { Operations } from '../../kernel/operations.ts'
import { memoryStore, type Dump } from '../../store/memory.ts'
import { StoreError, type Row, type Schema, type Store } from '../../store/port.ts'
import { judge, unsound } from '../invariants/bounty-judge.ts'
import { contextOf, FUNDS, type BountyOutside } from '../invariants/bounty-outside.ts'
import type { OwnFault } from '../faults/faulty-port.ts'
import { kindSubject, type KindStage } from './kind-subject.ts'
import type { VirtualClock } from '../explorer/life.ts'
import type { Subject } from '../explorer/subject.ts'
import { operationIn } from '../invariants/rows.ts'

/** Longer than a lease. */
const OUTAGE_MS = 240_000
/**
 * The last part of an outage, in which the services answer that they fail. The part before is longer than a request's
 * time-out.
 */
const FAILING_MS = 150_000

/** What a caller of bounties can use. */
export interface BountyStage extends KindStage<BountyOutside> {
  readonly bounties: Bounties
  /** The services without faults, for everybody else in the world. */
  readonly services: { readonly credits: StoreCredits; readonly claims: StoreClaims }
}

/** The faults of a request at its service. They are set for the next request, and hold while it is carried out. */
interface Trouble {
  nextBreaks: boolean
  breaks: boolean
}

/**
 * A store on rows that are kept elsewhere, with a callback for every commit. While it is broken, no index is written.
 */
function storeOver(rows: Dump, schema: Schema, trouble: Trouble, changed: (rows: Dump) => void): Store {
  const adapter = memoryStore()
  adapter.load(rows)
  const opened = adapter.open(schema)
  return {
    get: async <R extends Row = Row>(...args: Parameters<Store['get']>) => (await opened).get<R>(...args),
    query: async <R extends Row = Row>(...args: Parameters<Store['query']>) => (await opened).query<R>(...args),
    sum: async (...args) => (await opened).sum(...args),
    async commit(writes) {
      if (trouble.breaks && writes.some((write) => 'check' in write))
        throw new StoreError('BUSY', 'the index does not answer')
      await (await opened).commit(writes)
      changed(adapter.dump())
    },
    watch: () => () => {},
    close: async () => (await opened).close(),
  }
}

type Services = BountyStage['services'] & { readonly trouble: Trouble }

/** One pair of services for one state of the outside, however many processes use them. */
const known = new WeakMap<BountyOutside, Services>()

function servicesOf(outside: BountyOutside): Services {
  let found = known.get(outside)
  if (!found) {
    const trouble = { nextBreaks: false, breaks: false }
    found = {
      credits: storeCredits(
        storeOver(outside.credits, creditsSchema, trouble, (rows) => void (outside.credits = rows)),
      ),
      claims: storeClaims(storeOver(outside.claims, claimsSchema, trouble, (rows) => void (outside.claims = rows))),
      trouble,
    }
    known.set(outside, found)
  }
  return found
}

/** The requests of a bounty to both services. While the services are down, a request has no answer. */
function portsOf(outside: BountyOutside, clock: VirtualClock): BountyPorts {
  const { credits, claims, trouble } = servicesOf(outside)
  const ask = async <Out>(request: () => Promise<Out>): Promise<Out> => {
    const breaks = trouble.nextBreaks
    trouble.nextBreaks = false
    const leftMs = outside.downUntilMs - clock.rightMs
    if (leftMs > FAILING_MS) return new Promise(() => {})
    if (leftMs > 0) throw new Error('down')
    trouble.breaks = breaks
    try {
      return await request()
    } finally {
      trouble.breaks = false
    }
  }
  return {
    credits: {
      reserve: (it) => ask(() => credits.reserve(it)),
      get: (it) => ask(() => credits.get(it)),
      capture: (it) => ask(() => credits.capture(it)),
      void: (it) => ask(() => credits.void(it)),
    },
    claims: {
      acquire: (it) => ask(() => claims.acquire(it)),
      get: (it) => ask(() => claims.get(it)),
      renew: (it) => ask(() => claims.renew(it)),
      release: (it) => ask(() => claims.release(it)),
      complete: (it) => ask(() => claims.complete(it)),
    },
  }
}

/** The service refuses without a reason and does nothing. A person has the request sent again. */
const refuses: OwnFault = async () => ({ answer: 'rejected', reason: 'out of order' })

/** Bounties and the services that they talk to. */
function newSubject(): Subject<KindStage<BountyOutside>> {
  // Lives run one at a time.
  let now: { readonly outside: BountyOutside; readonly clock: VirtualClock } | undefined
  /** The request is not carried out, and no other request is for some minutes. */
  const down: OwnFault = () => {
    now!.outside.downUntilMs = now!.clock.rightMs + OUTAGE_MS
    return new Promise(() => {})
  }
  /** The document is written, but the index is not. The caller gets a failure. */
  const between: OwnFault = (deliver) => {
    servicesOf(now!.outside).trouble.nextBreaks = true
    return deliver()
  }
  const asked = { between, down }
  const firm = { ...asked, refuses }
  return kindSubject<BountyPorts, BountyOutside>({
    kinds: [bountyKind()],
    tables: bountySchema.tables,
    outside: () => ({
      credits: { accounts: [{ account: 'payer', balance: FUNDS }] },
      claims: {},
      downUntilMs: 0,
      meddled: false,
    }),
    ports(outside, clock) {
      now = { outside, clock }
      return portsOf(outside, clock)
    },
    faults: {
      'ports.credits.reserve': asked,
      'ports.credits.capture': firm,
      'ports.credits.void': firm,
      'ports.claims.acquire': asked,
      'ports.claims.renew': asked,
      'ports.claims.release': firm,
      'ports.claims.complete': firm,
    },
    judge: ({ outside, operations }) => judge(outside, operations),
    alike: { ignore: ['refusal', 'unmet'], counts: { tries: 8, revision: 3 } },
  })
}

const subject = newSubject()

/** Starts the API, and checks every commit. */
export const bountySubject: Subject<BountyStage> = {
  ...subject,
  async open() {
    const environment = await subject.open()
    let now: BountyOutside | undefined
    return {
      ...environment,
      committed: (writes) =>
        writes.flatMap((write) => {
          const operation = operationIn(write)
          if (!operation || !now) return []
          return unsound({ state: operation.state, context: contextOf(operation.snapshot) }, now)
        }),
      async start(means) {
        const { stage, ...running } = await environment.start(means)
        now = stage.outside
        const operations = stage.operations as Operations<BountyPorts>
        const bounties = new Bounties(operations, means.random, () => Promise.resolve())
        return { ...running, stage: { ...stage, bounties, services: servicesOf(now) } }
      },
    }
  },
}
