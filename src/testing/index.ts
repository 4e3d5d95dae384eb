/** `hardshell/testing`: prove operations under every crash. */
export { Choices, parsePath, type Choice } from './choices.ts'
export { exploreCrashes, replay, type Exploration, type ExploreOptions, type Scenario, type Stage } from './explorer.ts'
export { Life, VirtualClock, worldRandom } from './life.ts'
export { machineContract, type Samples } from './machine-contract.ts'
export { sampleCrashes, type Sampled, type Strike } from './sampling.ts'
export { storeContract, type ContractCase, type NewStore } from './store-contract.ts'
export { stubCrypto } from './stub-crypto.ts'
