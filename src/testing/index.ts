/** `hardshell/testing`: prove operations under every crash. */
export { Choices, parsePath, type Budget, type Choice, type Fate } from './choices.ts'
export { covered, requirementsOf, type Covered, type Exception } from './coverage.ts'
export {
  inDialect,
  mintOptionsOf,
  transportInDialect,
  type Dialect,
  type Handle,
  type KeysetChoice,
} from './dialects.ts'
export { OVERSIZE, WORDS, type Oversize, type Words } from './dialect-words.ts'
export { exploreCrashes, replay, type Exploration, type ExploreOptions, type Violation } from './explorer.ts'
export { CALL_FAULTS, faultyPort, type FaultyPortOptions, type LateCall, type OwnFault } from './faulty-port.ts'
export { COMMIT_FAULTS, faultyStore } from './faulty-store.ts'
export type { TestedStore } from './ground.ts'
export { kindSubject, type KindStage, type KindSubjectOptions } from './kind-subject.ts'
export { Life, VirtualClock, worldRandom } from './life.ts'
export type { Happening } from './live.ts'
export { machineContract, type Samples } from './machine-contract.ts'
export { sampleCrashes, type Sampled, type Strike } from './sampling.ts'
export { storeContract, type ContractCase, type NewStore } from './store-contract.ts'
export { stubCrypto } from './stub-crypto.ts'
export type { Means, Running, Scenario, Stage, Subject, Surroundings } from './subject.ts'
export { MINT_URL, onWallet, walletSubject, type WalletScenario, type WalletStage } from './wallet-subject.ts'
export type { Likeness, World } from './world.ts'
