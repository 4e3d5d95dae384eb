/**
 * The durable world: everything that a crash leaves. The future after a crash depends on nothing else. Two worlds that
 * differ only in names, versions and the exact length of pauses have the same future, so only one of them is explored.
 */
import type { Dump } from '../../store/memory.ts'
import type { Row } from '../../store/port.ts'

/** What a life leaves: rows, the state outside, and the time. */
export interface World {
  /** The rows of the program under test. */
  rows: Dump
  /** The state of its environment: JSON that is never changed in place. */
  outside: unknown
  /** The time, in epoch ms. */
  nowMs: number
  /** How far the program's clock is ahead of the world's. */
  skewMs: number
  /** The number of random draws so far. */
  entropy: number
  /** The caller's notes, by name. */
  notes: Readonly<Record<string, unknown>>
}

/**
 * What makes two worlds of a program count as one. `test/explorer/likeness.test.ts` walks every chart. It fails if a
 * guard, an input, an action or a delay depends on what is ignored here. `test/explorer/merging.test.ts` starts lives
 * from merged worlds.
 */
export interface Likeness {
  /** Columns and fields that only explain, or say who wrote and when. Nothing that follows depends on them. */
  readonly ignore?: readonly string[]
  /**
   * Texts and numbers that name something, such as the period of an invoice. It matters whether two of them are equal, but
   * not what they say.
   */
  readonly names?: readonly string[]
  /** The largest number with which each count is compared: name → the least number that means "this many or more". */
  readonly counts?: Readonly<Record<string, number>>
  /** Times whose age matters. Of other past times, it only matters that they are past. */
  readonly ages?: readonly string[]
  /** Rows of the program on which nothing that follows depends. */
  readonly over?: (table: string, row: Row) => boolean
  /**
   * The part of the outside on which the future depends, given the ids that the program knows. All of it, unless given.
   */
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
  /** The times of its timers. */
  wakesMs?: readonly number[],
) => string

/** Columns of an operation's row that say who wrote and when. Its timers already say when it is due. */
const BOOKKEEPING = new Set(['version', 'commitId', 'updatedAt', 'createdAt', 'dueAt'])
/** Whether effects run for the first time. */
const MOST_ATTEMPTS = 2

/** A time of which the age matters. */
interface Aged {
  readonly sinceMs: number
}

/** A text split into its ids and times, in order, and a hash of the rest. */
interface Shape {
  readonly hash: readonly [number, number]
  readonly marks: readonly (string | number | Aged)[]
}

/**
 * Matches ids and hashes of 16 and 32 bytes, and times in milliseconds or seconds of the years of the worlds. No amount
 * and no count is as large. A tilde stands before a time whose age matters.
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

/** The waits of charts and explorer. Two times between the same waits count as equally far off. */
export const LIMITS_MS: readonly number[] = [
  ...[0, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS],
  ...[HOUR_MS, 2 * HOUR_MS, DAY_MS, 7 * DAY_MS, 8 * DAY_MS],
]

/** The distance of a time, as the number of these waits that it exceeds. */
export const distance = (aheadMs: number): number => LIMITS_MS.filter((limitMs) => aheadMs > limitMs).length

/** Whether a row is of step history, by which nothing decides. */
export const isHistory = (table: string, row: Row): boolean =>
  table === 'steps' && 'tookMs' in row && 'kindVersion' in row

/**
 * Makes the fingerprints of one program's worlds. Ids count by the order in which they appear. Future times count by
 * their order and roughly by their distance. All past times count as one.
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
      const rows = list.filter((row) => !over(table, row) && !isHistory(table, row))
      known = [shapes.of(table), ...rows.map((row) => shapes.of(row))]
      tables.set(list, known)
    }
    return known
  }
  const rows = (dump: Dump): readonly Shape[] => Object.entries(dump).flatMap(([table, list]) => rowsOf(table, list))
  return ({ rows: dump, outside, nowMs, skewMs, notes }, doing = [], wakesMs = []) => {
    const ours = [...rows(dump), ...doing.map((value) => shapes.of(value)), shapes.of(notes)]
    const known = new Set(ours.flatMap(({ marks }) => marks.filter((mark) => typeof mark !== 'object')))
    const theirs = matters(outside, known, nowMs).map((value) => shapes.of(value))
    // The times on each side come from that side's own clock.
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

/** One field of a row for the fingerprint; undefined if it is left out. */
export function likened({
  ignore = [],
  names = [],
  counts = {},
  ages = [],
}: Likeness): (key: string, value: unknown) => unknown {
  const [ignored, named, aged] = [new Set(ignore), new Set(names), new Set(ages)]
  return (key, value) => {
    if (ignored.has(key)) return undefined
    if (named.has(key) && (typeof value === 'string' || typeof value === 'number')) return nameIn(`${value}`)
    if (typeof value === 'number') {
      if (Object.hasOwn(counts, key)) return Math.min(counts[key]!, value)
      return aged.has(key) ? `~${value}` : value
    }
    return value
  }
}

const ID = /^(?:[0-9a-f]{64}|[0-9a-f]{32})$/

/** A text treated as an id: its content is ignored, but equal texts stay equal. */
function nameIn(text: string): string {
  if (ID.test(text)) return text
  return hashOf(text)
    .map((part) => part.toString(16).padStart(16, '0'))
    .join('')
}

const MOST_TEXTS = 10_000

/**
 * Caches the shape of each value, because rows and outside state are never changed in place. Equal values share a
 * shape.
 */
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

/** A text without its ids and times, which count by their order alone. */
export const unmarked = (text: string): string => text.replaceAll(MARKS, '#')

/** A row of the kernel, without bookkeeping. Its texts are parsed, because they contain ignored fields too. */
export function opened(value: object): object {
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

/** It matters whether a process owned the operation, but not which one. */
const withoutBookkeeping = ({ owner, ...row }: Row): Row => ({
  ...Object.fromEntries(Object.entries(row).filter(([column]) => !BOOKKEEPING.has(column))),
  ...(owner !== undefined && { owner: owner === '' ? 'nobody' : 'somebody' }),
  ...(typeof row['attempt'] === 'number' && { attempt: Math.min(MOST_ATTEMPTS, row['attempt']) }),
})

/** Mixes numbers to 64 bits. Among a million states, the chance of a collision is one in many millions. */

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
