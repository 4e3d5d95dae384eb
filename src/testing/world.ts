/**
 * The durable world: all that a crash leaves. What follows a crash depends on nothing else, so two worlds that differ
 * only in names, versions and the exact length of pauses have the same future, and are explored once.
 */
import type { Dump } from '../store/memory.ts'
import type { Row } from '../store/port.ts'

export interface LateRequest {
  readonly method: string
  readonly path: string
  readonly body?: string | undefined
  /** It arrives after so many other requests. */
  readonly after: number
}

export interface World {
  wallet: Dump
  mint: Dump
  nowMs: number
  /** How far the wallet's clock is ahead of the world's. */
  skewMs: number
  /** How many random draws were made. */
  entropy: number
  /** Requests that the network still holds. */
  late: readonly LateRequest[]
  /** The mint once contradicted itself: then it takes a person to go on. */
  lied: boolean
  /** Output → the request that first carried it. */
  sent: Readonly<Record<string, string>>
  /** Melt quote → how often the wallet asked for its payment. */
  melts: Readonly<Record<string, number>>
  /** What the caller wrote down outside the wallet: tokens, proofs of others. */
  notes: Readonly<Record<string, unknown>>
}

/** Columns and fields that say who wrote when and what a caller asked for, or explain, and nothing about what comes next. */
const BOOKKEEPING = new Set([
  ...['version', 'commitId', 'owner', 'updatedAt', 'createdAt', 'infoAt', 'dueAt'],
  ...['detail', 'request', 'ask'],
])
/** Counts of which it matters only how they begin: whether it is the first time. */
const COUNTS: Readonly<Record<string, number>> = { attempt: 2, tries: 1 }

const strip = (key: string, value: unknown): unknown => {
  if (BOOKKEEPING.has(key)) return undefined
  if (typeof value === 'number' && key in COUNTS) return Math.min(COUNTS[key]!, value)
  return value
}

/** A text with its ids and times taken out: what is left, hashed, and they in their order. */
interface Shape {
  readonly hash: readonly [number, number]
  readonly marks: readonly (string | number)[]
}

/** Ids and hashes of 16 and 32 bytes, and times in milliseconds or seconds. */
const MARKS = /\b(?:[0-9a-f]{64}|[0-9a-f]{32}|1[0-9]{12}|1[0-9]{9})\b/g

function shapeOf(text: string): Shape {
  const marks: (string | number)[] = []
  const rest = text.replaceAll(MARKS, (mark) => {
    marks.push(mark.length >= 32 ? mark : mark.length === 13 ? Number(mark) : Number(mark) * 1000)
    return '#'
  })
  const mixer = new Mixer()
  mixer.add(rest.length)
  for (let at = 0; at < rest.length; at++) mixer.add(rest.charCodeAt(at))
  return { hash: mixer.values, marks }
}

/** Rows and other values are never changed in place, so the shape of each is found once; and of equal ones too. */
const shapes = new WeakMap<object, Shape>()
const shapesByText = new Map<string, Shape>()
const MOST_TEXTS = 10_000

function shape(value: object): Shape {
  const known = shapes.get(value)
  if (known) return known
  const text = JSON.stringify(value)
  let found = shapesByText.get(text)
  if (!found) {
    if (shapesByText.size >= MOST_TEXTS) shapesByText.clear()
    found = shapeOf(JSON.stringify('snapshot' in value ? opened(value as Row) : value, strip))
    shapesByText.set(text, found)
  }
  shapes.set(value, found)
  return found
}

/** An operation's row with its texts read, for what is bookkeeping stands in them too. */
const opened = (row: Row): object => ({
  ...row,
  timers: JSON.parse(row['timers'] as string) as unknown,
  snapshot: JSON.parse(row['snapshot'] as string) as unknown,
})

const LIMITS_MS = [0, 120_000, 7_200_000, 172_800_000]

/** How far off a time is, roughly: past, minutes, hours, days, longer. */
const distance = (aheadMs: number): number => LIMITS_MS.filter((limitMs) => aheadMs > limitMs).length

/**
 * A short text that is equal for worlds with the same future. Ids count by the order in which they appear; times by
 * their order and roughly by how far ahead they are, those that are past as one. `doing` is what a process is about to
 * do in this world, and `wakesMs` when its timers will ring.
 */
export function fingerprint(
  world: World,
  doing: readonly (object | string)[] = [],
  wakesMs: readonly number[] = [],
): string {
  const { nowMs, skewMs, wallet, mint, late, notes } = world
  const ours = [
    ...rows(wallet),
    shape(world.melts),
    ...doing.map((value) => (typeof value === 'string' ? shapeOf(value) : shape(value))),
    shape(notes),
  ]
  const theirs = [...rows(reachable(mint, [...ours, ...late.map(shape)], nowMs)), ...late.map(shape)]
  const ahead = new Set<number>()
  for (const [shapes, atMs] of [
    [ours, nowMs + skewMs],
    [theirs, nowMs],
  ] as const)
    for (const { marks } of shapes)
      for (const mark of marks) if (typeof mark === 'number' && mark > atMs) ahead.add(mark - atMs)
  for (const wakeMs of wakesMs) ahead.add(wakeMs - nowMs)
  const order = [...ahead].sort((a, b) => a - b)
  const mixer = new Mixer()
  mixer.add(world.lied ? 1 : 0)
  const ids = new Map<string, number>()
  for (const [shapes, atMs] of [
    [ours, nowMs + skewMs],
    [theirs, nowMs],
  ] as const)
    for (const { hash, marks } of shapes) {
      mixer.add(hash[0])
      mixer.add(hash[1])
      for (const mark of marks)
        if (typeof mark === 'number')
          mixer.add(mark > atMs ? order.indexOf(mark - atMs) * 8 + distance(mark - atMs) : -1)
        else {
          if (!ids.has(mark)) ids.set(mark, ids.size)
          mixer.add(ids.get(mark)!)
        }
    }
  for (const wakeMs of wakesMs.toSorted((a, b) => a - b))
    mixer.add(order.indexOf(wakeMs - nowMs) * 8 + distance(wakeMs - nowMs))
  return mixer.values.map((value) => value.toString(36)).join('.')
}

function rows(dump: Dump): Shape[] {
  const found: Shape[] = []
  for (const name of Object.keys(dump)) {
    found.push(nameOf(name))
    for (const row of dump[name]!) found.push(shape(row))
  }
  return found
}

/** Of a mint's rows, those that can still make a difference: nobody asks about a quote whose id got lost. */
function reachable(mint: Dump, known: readonly Shape[], nowMs: number): Dump {
  const ids = new Set(known.flatMap(({ marks }) => marks))
  const { mintQuotes = [], meltQuotes = [], invoices = [], responses = [], ...others } = mint
  const asked = (row: Row): boolean => ids.has(row['id'] as string)
  const quotes = mintQuotes.filter(asked)
  const hashes = new Set(quotes.map((row) => row['paymentHash']))
  const past = (row: Row, column: string): boolean => row[column] !== null && (row[column] as number) <= nowMs
  return {
    ...others,
    mintQuotes: quotes.map((row) => (row['state'] === 'ISSUED' ? timeless(row, 'expiryAt') : row)),
    meltQuotes: meltQuotes.filter(asked),
    invoices: invoices
      .filter((row) => hashes.has(row['paymentHash']))
      .map((row) => (past(row, 'paidAt') ? timeless(row, 'paidAt') : row)),
    // Answers kept for replays are there or not: that one may expire at any moment is a fault of its own.
    responses: responses.filter((row) => !past(row, 'expiresAt')).map((row) => timeless(row, 'expiresAt')),
  }
}

const timelessRows = new WeakMap<Row, Row>()

function timeless(row: Row, column: string): Row {
  let known = timelessRows.get(row)
  if (!known) timelessRows.set(row, (known = { ...row, [column]: 0 }))
  return known
}

const names = new Map<string, Shape>()

function nameOf(name: string): Shape {
  if (!names.has(name)) names.set(name, shapeOf(name))
  return names.get(name)!
}

/** Mixes numbers to 64 bits: among a million states, two that look alike by chance are one chance in many millions. */
class Mixer {
  #low = 0x2545f491
  #high = 0x6c8e9cf5

  add(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x5bd1e995)
    this.#low ^= this.#low >>> 15
    this.#high = Math.imul(this.#high ^ this.#low ^ value, 0x1b873593)
    this.#high ^= this.#high >>> 13
  }

  get values(): readonly [number, number] {
    return [this.#high >>> 0, this.#low >>> 0]
  }
}
