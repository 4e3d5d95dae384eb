/** Scenarios of the wallet once more, at a mint server that crashes as well: one after the other, or both at once. */
import type { WalletScenario } from '../environments/wallet-subject.ts'
import { melts } from './melt.ts'
import { mints } from './mint.ts'
import { receives } from './receive.ts'
import { sends } from './send.ts'
import { swaps } from './swap.ts'

/**
 * How many faults in all: twice in all is once each, or both times the one. Beyond it a mint's timers and a wallet's
 * patience take too many waits; and so does the second one where two exchanges follow one another.
 */
const WANTED: Readonly<Record<string, number>> = {
  'mint.plain': 2,
  'melt.paid': 2,
  'melt.failed': 2,
  'receive.plain': 2,
  'swap.plain': 2,
  'send.swapped-reclaimed': 1,
}

const all = [mints, melts, receives, swaps, sends].flatMap(({ scenarios }) => scenarios)

export const acrossTheWire: readonly WalletScenario[] = Object.entries(WANTED).map(([wanted, depth]) => {
  const scenario = all.find(({ kind, name }) => `${kind}.${name}` === wanted)
  if (!scenario) throw new Error(`no scenario is called ${wanted}`)
  return { ...scenario, name: `${scenario.name}-crashing-mint`, live: true, depth }
})
