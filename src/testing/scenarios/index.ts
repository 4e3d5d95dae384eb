/** All scenarios that the explorer runs; one list, so that nothing is left out by forgetting it. */
import type { Scenario } from '../explorer.ts'
import { receiveScenarios } from './receive.ts'

export const scenarios: readonly Scenario[] = [...receiveScenarios]
