/** Both mints are asked the same, and what they say is put side by side. */
import { beforeRotation, briefRows, failingRows, openRows, rotatedRows } from './late-rows.ts'
import { lockRows } from './lock-rows.ts'
import { meltRows } from './melt-rows.ts'
import type { TestMint } from './mints.ts'
import { quoteRows } from './quote-rows.ts'
import type { Row } from './rows.ts'
import { swapRows } from './swap-rows.ts'
import { World, type Coin, type Question } from './world.ts'

export interface Answer {
  readonly asks: string
  /** HTTP status and error code. */
  readonly ours: string
  readonly theirs: string
  readonly why: string | undefined
  /** Whether both could be asked, ours is what it must be, and nothing was changed by a refusal of ours. */
  readonly isFine: boolean
}

const ordinaryRows: readonly Row[] = [...swapRows, ...lockRows, ...quoteRows, ...meltRows]
const rows: readonly Row[] = [...ordinaryRows, ...failingRows, ...rotatedRows, ...openRows, ...briefRows]
const coinsIn = ({ body }: Question): readonly Coin[] => {
  const inputs = typeof body === 'object' ? (body as { inputs?: unknown }).inputs : undefined
  return Array.isArray(inputs) ? (inputs as Coin[]).filter(({ secret }) => typeof secret === 'string').slice(0, 10) : []
}

/** Asks, and gives status and code; says so, too, where a refusal changed the state of an input. */
async function told(world: World, row: Row): Promise<string> {
  const question = await row.ask(world)
  const coins = coinsIn(question)
  const before = await world.states(coins)
  const { status, code } = await world.ask(question)
  const after = status === 200 ? before : await world.states(coins)
  const changed = before === after ? '' : `, and inputs are ${after}`
  return `${status}${code === undefined ? '' : ` ${code}`}${changed}`
}

const UNASKED = 'could not be asked'

/** What a mint says to each row, in their order. */
export async function interview(mint: TestMint): Promise<string[]> {
  const world = new World(mint)
  const said: string[] = []
  const askAll = async (rows: readonly Row[]): Promise<void> => {
    for (const row of rows) said.push(await told(world, row).catch((error: unknown) => `${UNASKED}: ${String(error)}`))
  }
  await askAll(ordinaryRows)
  await world.stock()
  await mint.turn('failing')
  await askAll(failingRows)
  await beforeRotation(world)
  await mint.rotate()
  await mint.turn('open')
  await askAll([...rotatedRows, ...openRows])
  await mint.turn('brief')
  await askAll(briefRows)
  return said
}

/** Puts the answers of two interviews side by side. */
export const compare = (ours: readonly string[], theirs: readonly string[]): readonly Answer[] =>
  rows.map((row, at) => ({
    ...{ asks: row.asks, why: row.why, ours: ours[at]!, theirs: theirs[at]! },
    isFine: ours[at] === row.ours && !theirs[at]!.startsWith(UNASKED),
  }))
