/**
 * The durable world: all that a crash leaves. What follows a crash depends on nothing else, so two worlds that differ
 * only in names, versions and the exact length of pauses have the same future, and are explored once.
 */
import type { Dump } from '../../store/memory.ts'
import type { Row } from '../../store/port.ts'

/** Where a life left everything: rows, the outside, and the time. */
export interface World {
  /** The rows of the program under test. */
  rows: Dump
  /** What is outside it, as its environment gave it: JSON, never changed in place. */
  outside: unknown
  /** The time, in epoch ms. */
  nowMs: number
  /** How far the program's clock is ahead of the world's. */
  skewMs: number
  /** How many random draws were made. */
  entropy: number
  /** What the caller wrote down beside the program, by name. */
  notes: Readonly<Record<string, unknown>>
}

/**
 * What makes two worlds of a program the same. `test/explorer/likeness.test.ts` walks every chart and fails where a guard,
 * an input, an action or a delay tells apart what is alike here; `test/explorer/merging.test.ts` lives on from merged worlds.
 */
export interface Likeness {
  /** Columns and fields that explain, or say who wrote when, and of which nothing that comes next depends. */
  readonly ignore?: readonly string[]
  /** Texts that name something: whether two are the same matters, and not what they say. */
  readonly names?: readonly string[]
  /** Counts that nothing compares with more than this: name → the least number that means "so many or more". */
  readonly counts?: Readonly<Record<string, number>>
  /** Times of which it matters how long ago they were; of all others that are past it matters that they are. */
  readonly ages?: readonly string[]
  /** Rows of the program of which nothing that comes next depends. */
  readonly over?: (table: string, row: Row) => boolean
  /** What of the outside can still make a difference, given the ids that are known inside. All of it, unless given. */
  readonly matters?: (
    outside: unknown,
    known: ReadonlySet<string | number>,
    nowMs: number,
  ) => readonly (string | object)[]
}

/** A short text that is equal for worlds with the same future. */
export type Fingerprint = (
  world: World,
  /** What a process is about to do in it. */
  doing?: readonly (object | string)[],
  /** When its timers will ring. */
  wakesMs?: readonly number[],
) => string

/** Columns of an operation's row that say who wrote when; when it is due, its timers say too. */
const BOOKKEEPING = new Set(['version', 'commitId', 'updatedAt', 'createdAt', 'dueAt'])
/** Whether effects begin for the first time. */
const MOST_ATTEMPTS = 2

/** A time of which the age matters. */
interface Aged {
  readonly sinceMs: number
}

/** A text with its ids and times taken out: what is left, hashed, and they in their order. */
interface Shape {
  readonly hash: readonly [number, number]
  readonly marks: readonly (string | number | Aged)[]
}

/**
 * Ids and hashes of 16 and 32 bytes, and times in milliseconds or seconds, of the years in which worlds are: no amount and no
 * count is as large. A tilde stands before a time of which the age matters.
 */
const MARKS = /\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b|(~?)\b(?:17[0-9]{11}|17[0-9]{8})\b/g

function shapeOf(text: string): Shape {
  const marks: (string | number | Aged)[] = []
  const rest = text.replaceAll(MARKS, (mark, aged?: string) => {
    if (aged === undefined) marks.push(mark)
    else {
      const digits = mark.slice(aged.length)
      const atMs = digits.length === 13 ? Number(digits) : Number(digits) * 1000
      marks.push(aged === '' ? atMs : { sinceMs: atMs })
    }
    return '#'
  })
  return { hash: hashOf(rest), marks }
}

function hashOf(text: string): readonly [number, number] {
  const mixer = new Mixer()
  mixer.add(text.length)
  for (let at = 0; at < text.length; at++) mixer.add(text.charCodeAt(at))
  return mixer.values
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** As long as what charts and explorer wait for: what is as far off as the same of them is as far off. */
export const LIMITS_MS: readonly number[] = [
  ...[0, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS],
  ...[HOUR_MS, 2 * HOUR_MS, DAY_MS, 7 * DAY_MS, 8 * DAY_MS],
]

/** How far off a time is, roughly. */
export const distance = (aheadMs: number): number => LIMITS_MS.filter((limitMs) => aheadMs > limitMs).length

/**
 * Makes the fingerprints of one program's worlds. Ids count by the order in which they appear; times by their order and
 * roughly by how far ahead they are, those that are past as one.
 */
export function fingerprints({
  over = () => false,
  matters = (all) => [all as object],
  ...alike
}: Likeness): Fingerprint {
  const shapes = new Shapes(alike)
  const tables = new WeakMap<readonly Row[], readonly Shape[]>()
  /** A table's rows are another array as soon as one of them is another. */
  const rowsOf = (table: string, list: readonly Row[]): readonly Shape[] => {
    let known = tables.get(list)
    if (!known) {
      known = [shapes.of(table), ...list.filter((row) => !over(table, row)).map((row) => shapes.of(row))]
      tables.set(list, known)
    }
    return known
  }
  const rows = (dump: Dump): readonly Shape[] => Object.entries(dump).flatMap(([table, list]) => rowsOf(table, list))
  return ({ rows: dump, outside, nowMs, skewMs, notes }, doing = [], wakesMs = []) => {
    const ours = [...rows(dump), ...doing.map((value) => shapes.of(value)), shapes.of(notes)]
    const known = new Set(ours.flatMap(({ marks }) => marks.filter((mark) => typeof mark !== 'object')))
    const theirs = matters(outside, known, nowMs).map((value) => shapes.of(value))
    // Each side's times are by its own clock.
    const sides = [
      [ours, nowMs + skewMs],
      [theirs, nowMs],
    ] as const
    const ahead = new Set<number>()
    for (const [list, atMs] of sides)
      for (const { marks } of list)
        for (const mark of marks) if (typeof mark === 'number' && mark > atMs) ahead.add(mark - atMs)
    for (const wakeMs of wakesMs) ahead.add(wakeMs - nowMs)
    const order = [...ahead].sort((a, b) => a - b)
    const placed = (aheadMs: number): number => order.indexOf(aheadMs) * (LIMITS_MS.length + 1) + distance(aheadMs)
    const mixer = new Mixer()
    mixer.add(skewMs)
    const ids = new Map<string, number>()
    for (const [list, atMs] of sides)
      for (const { hash, marks } of list) {
        mixer.add(hash[0])
        mixer.add(hash[1])
        for (const mark of marks)
          if (typeof mark === 'number') mixer.add(mark > atMs ? placed(mark - atMs) : -1)
          else if (typeof mark === 'object') mixer.add(-2 - distance(Math.abs(atMs - mark.sinceMs)))
          else {
            if (!ids.has(mark)) ids.set(mark, ids.size)
            mixer.add(ids.get(mark)!)
          }
      }
    for (const wakeMs of wakesMs.toSorted((a, b) => a - b)) mixer.add(placed(wakeMs - nowMs))
    return mixer.values.map((value) => value.toString(36)).join('.')
  }
}

/** One field of a row, as fingerprints see it: undefined where it is left out. */
export function likened({
  ignore = [],
  names = [],
  counts = {},
  ages = [],
}: Likeness): (key: string, value: unknown) => unknown {
  const [ignored, named, aged] = [new Set(ignore), new Set(names), new Set(ages)]
  return (key, value) => {
    if (ignored.has(key)) return undefined
    if (typeof value === 'number') {
      if (Object.hasOwn(counts, key)) return Math.min(counts[key]!, value)
      return aged.has(key) ? `~${value}` : value
    }
    return typeof value === 'string' && named.has(key) ? nameIn(value) : value
  }
}

const ID = /^(?:[0-9a-f]{64}|[0-9a-f]{32})$/

/** A text as an id: what it says is left out, and whether it is the same as another is not. */
function nameIn(text: string): string {
  if (ID.test(text)) return text
  return hashOf(text)
    .map((part) => part.toString(16).padStart(16, '0'))
    .join('')
}

const MOST_TEXTS = 10_000

/** Finds shapes, of each value once: rows and what is outside are never changed in place. And of equal ones once, too. */
class Shapes {
  readonly #known = new WeakMap<object, Shape>()
  readonly #byText = new Map<string, Shape>()
  readonly #likened: (key: string, value: unknown) => unknown

  constructor(alike: Likeness) {
    this.#likened = likened(alike)
  }

  of(value: object | string): Shape {
    if (typeof value === 'string') return this.#ofText(value, () => value)
    const known = this.#known.get(value)
    if (known) return known
    const found = this.#ofText(JSON.stringify(value), () => JSON.stringify(opened(value), this.#likened))
    this.#known.set(value, found)
    return found
  }

  #ofText(text: string, stripped: () => string): Shape {
    let found = this.#byText.get(text)
    if (!found) {
      if (this.#byText.size >= MOST_TEXTS) this.#byText.clear()
      this.#byText.set(text, (found = shapeOf(stripped())))
    }
    return found
  }
}

/** What the kernel writes, without its bookkeeping and with its texts read: what is to be ignored stands in them too. */
function opened(value: object): object {
  if ('snapshot' in value && 'commitId' in value) {
    const { snapshot, timers, ...row } = value as Row
    return {
      ...withoutBookkeeping(row),
      timers: JSON.parse(timers as string) as unknown,
      snapshot: JSON.parse(snapshot as string) as unknown,
    }
  }
  if ('patch' in value && value.patch === 'operations')
    return { patch: value.patch, set: withoutBookkeeping((value as unknown as { set: Row }).set) }
  return value
}

/** Which process had it makes no difference to the next one, only whether one had. */
const withoutBookkeeping = ({ owner, ...row }: Row): Row => ({
  ...Object.fromEntries(Object.entries(row).filter(([column]) => !BOOKKEEPING.has(column))),
  ...(owner !== undefined && { owner: owner === '' ? 'nobody' : 'somebody' }),
  ...(typeof row['attempt'] === 'number' && { attempt: Math.min(MOST_ATTEMPTS, row['attempt']) }),
})

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
