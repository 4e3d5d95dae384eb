/** The mint server as a subject: the mint, its signatory and payment backend behind faulty ports, and a client. */
import type { OperationKind } from '../../kernel/define/operation.ts'
import type { FakeBackend } from '../../mint-server/lightning/fake-backend.ts'
import { fakeBackendTables } from '../../mint-server/lightning/fake-backend-tables.ts'
import { mintKinds } from '../../mint-server/operations/index.ts'
import type { Mint } from '../../mint-server/mint-api.ts'
import { createMint } from '../../mint-server/mint.ts'
import type { Outgoing } from '../../mint-server/lightning/payment-backend.ts'
import type { MintSettings } from '../../mint-server/ports.ts'
import type { Answer } from '../../mint-server/http/request.ts'
import { localSignatory, SignatoryRefusal, type Signatory } from '../../mint-server/signatory/signatory.ts'
import { mintSchema } from '../../mint-server/db/tables.ts'
import { memoryStore, type Dump } from '../../store/memory.ts'
import { arriveLate, faultyPort, type LateCall, type OwnFault } from '../faults/faulty-port.ts'
import { VirtualClock, worldRandom } from '../explorer/life.ts'
import { defectsTold } from '../invariants/defects.ts'
import { judgeMint, unsoundCommit } from '../invariants/mint-judge.ts'
import { fakeLightning, POWERS, SEED } from './mint-fixture.ts'
import { stubCrypto } from './stub-crypto.ts'
import type { Means, Scenario, Stage, Subject, Environment } from '../explorer/subject.ts'
import type { Likeness } from '../explorer/world.ts'
import { operationsIn } from '../invariants/rows.ts'

const ASKS_AGAIN_AFTER_MS = 1_000
/** Longer than all lives of a scenario. Other tests cover the expiry of quotes and stored answers. */
const QUOTE_TTL_MS = 90 * 86_400_000

/** The environment of the mint: Lightning, and requests that the network still holds. */
export interface MintOutside {
  readonly lightning: Dump
  readonly late: readonly LateCall[]
}
/** The same state, as the explorer returns it. */
const outsideOf = (held: unknown): MintOutside => held as MintOutside

/** What a client of the mint can use. */
export interface MintStage extends Stage {
  readonly mint: Mint
  /** Repeats a request until it is answered. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer>
  /** Lightning without faults, for other people. */
  readonly lightning: FakeBackend
  /** Another mint process on the same store, without faults. */
  readonly another: () => Promise<Mint>
}

export type MintTraits = Partial<Pick<MintSettings, 'feePpk' | 'feeReserve' | 'without' | 'quoteTtlMs' | 'cacheTtlMs'>>

export interface MintScenario extends Omit<Scenario<MintStage>, 'subject'> {
  readonly mint?: MintTraits
}

/** Adds the subject to a scenario. */
export const onMint = ({ mint = {}, ...scenario }: MintScenario): Scenario<MintStage> => ({
  ...scenario,
  setup: (stage) => scenario.setup?.(stage) ?? Promise.resolve(),
  drive: (stage) => scenario.drive(stage),
  subject: mintSubject(mint),
})

/** It refuses to sign for now. */
const refuses: OwnFault = () => Promise.reject(new SignatoryRefusal('not this'))
/** It has signed, but some signatures are lost on the way. */
const short: OwnFault = async (deliver) => ((await deliver()) as readonly unknown[]).slice(1)
/** The right number of signatures, one of which is invalid. */
const malformed: OwnFault = async (deliver) => {
  const [first, ...others] = (await deliver()) as readonly object[]
  return [{ ...first, C_: 'none' }, ...others]
}
/** It hangs for longer than any caller waits. */
const hangs: OwnFault = () => new Promise(() => {})
const says =
  (state: Outgoing['state']): OwnFault =>
  async (deliver) => {
    await deliver()
    return { state }
  }
/** It does nothing and answers that it failed. The mint must not believe that without a status request. */
const lies: OwnFault = async () => ({ state: 'failed' })

function mintSubject(traits: MintTraits): Subject<MintStage> {
  return {
    kinds: mintKinds as unknown as readonly OperationKind<never>[],
    alike,
    async open() {
      const rows = memoryStore()
      const schema = { version: 1, tables: fakeBackendTables }
      const store = await rows.open(schema)
      let clock = new VirtualClock(0)
      let draw = worldRandom({ entropy: 0 })
      let late: readonly LateCall[] = []
      const lightning = fakeLightning({
        ...{ store, clock: () => clock.rightMs, random: (bytes) => draw(bytes) },
        sleep: (delayMs) => clock.pause(delayMs),
      })
      await lightning.start()
      const signatory = localSignatory({ seed: SEED, crypto: stubCrypto })

      const started = async ({
        store: adapter,
        life,
        inject,
        overtake,
        requested,
        inspect,
        ...means
      }: Omit<Means, 'another'>) => {
        const options = {
          ...{ inject, life, clock: means.clock, overtake, requested },
          late: { get: () => late, set: (calls: readonly LateCall[]) => void (late = calls) },
          faults: {
            'ports.signatory.sign': { refuses, short, malformed, hangs },
            'ports.backend.pay': { hangs, lies, unsure: says('unknown'), pending: says('pending') },
            'ports.backend.outgoing': { hangs, unsure: says('unknown') },
          },
        }
        const { pay, outgoing, incoming, createRequest } = lightning
        const asked = { signatory: pick(signatory), backend: { pay, outgoing, incoming, createRequest } }
        const ports = faultyPort('ports', asked, options)
        const opened = await adapter.open(mintSchema)
        const mint = await createMint({
          ...{
            store: opened,
            clock: means.clock,
            random: means.random,
            crypto: stubCrypto,
            amounts: POWERS,
            quoteTtlMs: QUOTE_TTL_MS,
            cacheTtlMs: QUOTE_TTL_MS,
            ...traits,
          },
          signatory: { ...signatory, ...ports.signatory },
          backend: { ...lightning, ...ports.backend, start: async () => {}, stop: async () => {} },
          ...(inspect && { inspect }),
          onError: defectsTold(means.stage),
        })
        return { mint, close: async () => (await mint.close({ deadlineMs: 0 }), opened.close()) }
      }

      const environment: Environment<MintStage> = {
        enter(held, time, random) {
          const outside = outsideOf(held)
          rows.load(outside.lightning)
          late = outside.late
          clock = time
          draw = random
        },
        leave: (): MintOutside => ({ lightning: rows.dump(), late }),
        async start({ another, ...means }) {
          const { mint, close } = await started(means)
          return {
            stage: {
              ...means.stage,
              ...{ mint, lightning },
              ask: async (method, path, body) => {
                for (;;)
                  try {
                    return await means.life.call(() => mint.handle(method, path, body && JSON.stringify(body)))
                  } catch {
                    // Over HTTP the mint answers that it does not know.
                    await means.clock.pause(ASKS_AGAIN_AFTER_MS)
                  }
              },
              another: async () => (await started(another())).mint,
            },
            resume: (id) => mint.operations.resume(id),
            close,
          }
        },
        committed: (writes, { before, after }) => unsoundCommit(writes, before, after),
        async judge({ rows: after, outside: held, nowMs }) {
          const { lightning: dump, late: calls } = outsideOf(held)
          rows.load(dump)
          clock = new VirtualClock(nowMs)
          await arriveLate('ports', { signatory, backend: lightning }, calls)
          return judgeMint({ rows: after, lightning: rows.dump(), operations: operationsIn(after) })
        },
      }
      return environment
    },
  }
}

/** The calls of a signatory while requests are carried out. */
const pick = (signatory: Signatory): Pick<Signatory, 'sign' | 'verify'> => ({
  sign: (outputs) => signatory.sign(outputs),
  verify: (proofs) => signatory.verify(proofs),
})

const alike: Likeness = {
  ignore: ['version', 'commitId', 'updatedAt', 'createdAt', 'dueAt'],
  counts: { attempt: 2, tries: 1 },
  // Nobody asks about an ended operation: its answer is stored elsewhere.
  over: (table, row) => table === 'operations' && row['status'] === 'done',
  matters(outside, known) {
    const { lightning, late } = outsideOf(outside)
    const { fakeOutgoing = [], ...others } = lightning
    // A failed payment of an ended operation has no effect on the future.
    const payments = fakeOutgoing.filter((row) => row['state'] !== 'failed' || known.has(row['id'] as string))
    return [...Object.values(others).flat(), ...payments, ...late]
  },
}
