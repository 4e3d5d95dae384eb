/** The faults of an exchange, as factors that the tables of all kinds share. */
import type { WalletScenario as Scenario, WalletStage as Stage } from '../environments/wallet-subject.ts'
import { MINT_URL } from '../environments/wallet-subject.ts'
import {
  anchor,
  anchored,
  burnCounters,
  giveUp,
  HOUR_MS,
  hurry,
  MINUTE_MS,
  mood,
  nearGap,
  nextCounter,
} from './stage.ts'
import type { Row } from './table.ts'
import { moods } from '../faults/faulty-mint.ts'

export const MINT_FAULTS = {
  fees: ['none', 'some'],
  /** `rotated`: unknown to the wallet. `retired`: for a while no keyset is active, as the wallet knows. */
  keyset: ['current', 'rotated', 'retired'],
  /** `collision`: another device took the next counters. `gap`: few can be taken before an output must be signed. */
  counters: ['free', 'collision', 'gap'],
  /** For a while, it refuses every swap; or says that its keysets cost more than they do. */
  mint: ['willing', 'refuses', 'dear'],
  /** The NUT that the mint does without; of 07 and 09 the wallet cannot know, and the mint has it later. */
  lacks: ['nothing', '07', '09', '19'],
  /** `hasty` resumes and `resigned` cancels whatever waits. */
  person: ['patient', 'hasty', 'resigned'],
} as const

type MintFault = Row<typeof MINT_FAULTS>

export const traits = ({
  fees,
  lacks,
  mint,
}: Pick<MintFault, 'fees' | 'lacks' | 'mint'>): NonNullable<Scenario['mint']> => ({
  // An id of version 01 holds the fee: another one would be found out.
  ...(mint === 'dear' && { keysetVersion: '00' }),
  ...(fees === 'some' && { feePpk: 300 }),
  ...(lacks === '19' && { without: [19] }),
})

/**
 * The end of a set-up: from here on the mint has the faults of the row. Near the gap, `left` more outputs can be made.
 */
export async function faultyMint(stage: Stage, row: Omit<MintFault, 'fees' | 'person'>, left: number): Promise<void> {
  if (row.counters === 'gap') await nearGap(stage, left)
  if (row.keyset === 'rotated') await stage.mint.rotate('sat')
  if (row.counters === 'collision') await burnCounters(stage, 2, await nextCounter(stage))
  if (row.mint === 'refuses') mood(stage, 'POST /v1/swap', 'refused', 45 * MINUTE_MS)
  if (row.mint === 'dear') mood(stage, 'GET /v1/keysets', 'dearer', 45 * MINUTE_MS)
  if (row.lacks === '07') mood(stage, 'POST /v1/checkstate', 'refused', 2 * HOUR_MS)
  if (row.lacks === '09') mood(stage, 'POST /v1/restore', 'refused', 2 * HOUR_MS)
}

/** The caller's part, which every life runs from its beginning. */
export async function behave(
  stage: Stage,
  kind: string,
  { counters, person }: Pick<MintFault, 'counters' | 'person'>,
  act: () => Promise<void>,
): Promise<void> {
  if (counters === 'gap') anchor(stage)
  if (person === 'hasty') hurry(stage, kind)
  if (person === 'resigned') giveUp(stage, kind)
  await act()
  await anchored(stage)
}

/** For five minutes no keyset is active, and the wallet knows it. */
export async function retire(stage: Stage): Promise<void> {
  if (stage.notes['retired'] === undefined) {
    const before = moods.in(stage.notes) ?? []
    moods.write(stage, [])
    mood(stage, 'GET /v1/keysets', 'retired', 5 * MINUTE_MS)
    moods.write(stage, [...(moods.in(stage.notes) ?? []), ...before])
    stage.note('retired', true)
  }
  await stage.wallet.mints.refresh(MINT_URL).catch(() => {})
}

/** Does something whenever an operation comes into a state. */
export const whenIn = ({ wallet }: Stage, state: string, act: (id: string) => void): void =>
  void wallet.on('operation', (it) => it.state === state && act(it.id))
