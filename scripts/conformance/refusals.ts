/** Both mints are asked the same, and what they say is put side by side. */
import { beforeRotation, briefRows, failingRows, openRows, rotatedRows } from './late-rows.ts'
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
  /** Whether ours is what it must be, and nothing was changed by a refusal. */
  readonly isFine: boolean
}

const rows: readonly Row[] = [...swapRows, ...quoteRows, ...failingRows, ...rotatedRows, ...openRows, ...briefRows]
/** What ours must say is a status as well: 400, but where nothing is at a path. */
const STATUS: Readonly<Record<string, number>> = { 'a path that there is not': 404, 'a GET of what takes a POST': 404 }

const expectedOf = ({ asks, ours }: Row): string => (ours === 'taken' ? '200' : `${STATUS[asks] ?? 400} ${ours}`)

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

/** What a mint says to each row, in their order. */
async function interview(mint: TestMint): Promise<string[]> {
  const world = new World(mint)
  const said: string[] = []
  const askAll = async (rows: readonly Row[]): Promise<void> => {
    for (const row of rows)
      said.push(await told(world, row).catch((error: Error) => `could not be asked: ${error.message}`))
  }
  await askAll([...swapRows, ...quoteRows])
  await world.stock()
  await mint.turn('failing')
  await askAll(failingRows)
  await beforeRotation(world)
  await mint.rotate()
  await askAll(rotatedRows)
  await mint.turn('open')
  await askAll(openRows)
  await mint.turn('brief')
  await askAll(briefRows)
  return said
}

export async function compare(ours: TestMint, theirs: TestMint): Promise<readonly Answer[]> {
  const [us, them] = await Promise.all([interview(ours), interview(theirs)])
  return rows.map((row, at) => ({
    ...{ asks: row.asks, ours: us[at]!, theirs: them[at]! },
    isFine: us[at] === expectedOf(row),
  }))
}
