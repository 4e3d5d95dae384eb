/** Scenarios of the wallet once more, at a mint server that crashes as well: one after the other, or both at once. */
import type { WalletScenario } from '../wallet-subject.ts'
import { melts } from './melt.ts'
import { mints } from './mint.ts'
import { receives } from './receive.ts'
import { sends } from './send.ts'
import { swaps } from './swap.ts'

const WANTED = ['mint.plain', 'melt.paid', 'melt.failed', 'receive.plain', 'swap.plain', 'send.swapped-reclaimed']

const all = [mints, melts, receives, swaps, sends].flatMap(({ scenarios }) => scenarios)

export const acrossTheWire: readonly WalletScenario[] = WANTED.map((wanted) => {
  const scenario = all.find(({ kind, name }) => `${kind}.${name}` === wanted)
  if (!scenario) throw new Error(`no scenario is called ${wanted}`)
  // Twice in all: once each, or both times the one. Beyond it a mint's timers and a wallet's patience take too many waits.
  return { ...scenario, name: `${scenario.name}-crashing-mint`, live: true, depth: 2 }
})
