/** `hardshell/testing`: prove operations under every crash. */
export { Choices, parsePath, type Budget, type Choice, type Inject } from './explorer/choices.ts'
export { covered, requirementsOf, type Covered, type Exception } from './explorer/coverage.ts'
export {
  inDialect,
  mintOptionsOf,
  transportInDialect,
  type Dialect,
  type Handle,
  type KeysetChoice,
} from './faults/dialects.ts'
export { OVERSIZE, WORDS, type Oversize, type Words } from './faults/dialect-words.ts'
export { exploreCrashes, replay, type ExploreOptions, type Progress, type Replayed } from './explorer/explorer.ts'
export type { Exploration, Violation } from './explorer/findings.ts'
export { CALL_FAULTS, faultyPort, type FaultyPortOptions, type LateCall, type OwnFault } from './faults/faulty-port.ts'
export { COMMIT_FAULTS, faultyStore } from './faults/faulty-store.ts'
export type { TestedStore } from './environments/backing-store.ts'
export {
  kindSubject,
  type KindLikeness,
  type KindStage,
  type KindSubjectOptions,
  type PortOperations,
  type RowsIn,
} from './environments/kind-subject.ts'
export { Life, VirtualClock, worldRandom } from './explorer/life.ts'
export type { TraceEvent } from './explorer/run-life.ts'
export { machineContract, type Samples } from './contracts/machine-contract.ts'
export {
  defineProof,
  type Proof,
  type ProofOptions,
  type ProofScenario,
  type ScenarioOptions,
  type Unreached,
} from './proof/proof.ts'
export {
  proveKind,
  replayOf,
  reportOf,
  wrongIn,
  ProofFailed,
  type ProofReport,
  type ProveOptions,
  type Proven,
} from './proof/prove-kind.ts'
export { traceLines } from './proof/trace-text.ts'
export { sampleCrashes, type Sampled, type Injection } from './explorer/sampling.ts'
export { storeContract, type ContractCase, type NewStore } from './contracts/store-contract.ts'
export { stubCrypto } from './environments/stub-crypto.ts'
export type { Landed, Means, Running, Scenario, Stage, Subject, Environment } from './explorer/subject.ts'
export {
  MINT_URL,
  onWallet,
  walletSubject,
  type WalletScenario,
  type WalletStage,
} from './environments/wallet-subject.ts'
export type { Likeness, World } from './explorer/world.ts'
