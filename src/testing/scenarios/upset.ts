/**
 * Scenarios of the wallet once more, at a mint that wants to be left alone for a while or redirects, and on a clock that
 * somebody sets while an operation pauses.
 */
import type { WalletScenario, WalletStage as Stage } from '../environments/wallet-subject.ts'
import { melts } from './melt.ts'
import { mints } from './mint.ts'
import { receives } from './receive.ts'
import { sends } from './send.ts'
import { HOUR_MS, MINUTE_MS, mood, retrying } from './stage.ts'
import { swaps } from './swap.ts'

/** What moves money, by the scenario in which it is asked for. */
const WANTED: Readonly<Record<string, string>> = {
  'mint.plain': 'POST /v1/mint/bolt11',
  'melt.paid': 'POST /v1/melt/bolt11',
  'receive.plain': 'POST /v1/swap',
  'swap.plain': 'POST /v1/swap',
  'send.swapped-reclaimed': 'POST /v1/swap',
}

const DAY_MS = 24 * HOUR_MS
/** More than a commit may be late that meets a fault of the store, or whose process is paused while another one goes on. */
const LATE_BY_MS = 3 * MINUTE_MS

const all = [mints, melts, receives, swaps, sends].flatMap(({ scenarios }) => scenarios)

/** Whenever an operation first comes into a pause, the clock is set, and the pause may not be longer for that. */
export function setting(stage: Stage, byMs: number): void {
  const { wallet, clock } = stage
  const row = (id: string) => stage.rows()['operations']?.find((it) => it['id'] === id)
  wallet.on('operation', ({ id, state }) => {
    if (stage.notes['set'] !== undefined || !retrying(state)) return
    const { timers, version } = row(id) ?? {}
    const ends = Object.values(JSON.parse((timers ?? '{}') as string) as Record<string, number>)
    const leftMs = Math.min(...ends) - clock.now()
    if (leftMs === Infinity) return
    stage.note('set', true)
    clock.set(clock.skewMs + byMs)
    void clock.pause(Math.max(0, leftMs) + LATE_BY_MS).then(() => {
      if (row(id)?.['version'] === version) stage.violated(`slow: ${state} is longer since the clock was set`)
    })
  })
}

const troubles: Readonly<Record<string, (stage: Stage, at: string) => void>> = {
  throttled: (stage, at) => mood(stage, at, 'throttled', 5 * MINUTE_MS),
  moved: (stage, at) => mood(stage, at, 'moved', 5 * MINUTE_MS),
}

export const upset: readonly WalletScenario[] = Object.entries(WANTED).flatMap(([wanted, at]) => {
  const scenario = all.find(({ kind, name }) => `${kind}.${name}` === wanted)
  if (!scenario) throw new Error(`no scenario is called ${wanted}`)
  const atMints = Object.entries(troubles).map(([trouble, begin]): WalletScenario => ({
    ...scenario,
    name: `${scenario.name}-${trouble}`,
    depth: 1,
    async setup(stage) {
      await scenario.setup?.(stage)
      begin(stage, at)
    },
  }))
  const onClocks = [
    ['back', -2 * DAY_MS],
    ['ahead', 2 * DAY_MS],
  ] as const
  const atTimes = onClocks.map(([way, byMs]): WalletScenario => ({
    ...scenario,
    name: `${scenario.name}-clock-${way}`,
    depth: 1,
    drive(stage) {
      setting(stage, byMs)
      return scenario.drive(stage)
    },
  }))
  return [...atMints, ...atTimes]
})
