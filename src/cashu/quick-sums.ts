/**
 * Sums of multiples of secp256k1's points, as quickly as JavaScript does them. The time that they take depends on the scalars, so
 * private keys take noble-curves' own way. The field is noble-curves'; what is ours is which additions are made:
 * the library halves a scalar too, but knows no tables of halves, and its formulas take one and a half times as long,
 * because they hold at infinity as well.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { noPoint } from './curve.ts'

const { Fp, Fn } = secp256k1.Point
const p = Fp.ORDER

/** A point other than infinity. */
export interface Affine {
  readonly x: bigint
  readonly y: bigint
}

const mod = (n: bigint): bigint => {
  const rest = n % p
  return rest < 0n ? rest + p : rest
}

/** A point as (X/Z², Y/Z³), which changes in place. Z = 0 is infinity. */
class Sum {
  X = 0n
  Y = 0n
  Z = 0n

  static of({ x, y }: Affine): Sum {
    const sum = new Sum()
    sum.#set(x, y, 1n)
    return sum
  }

  copy(): Sum {
    const sum = new Sum()
    sum.#set(this.X, this.Y, this.Z)
    return sum
  }

  #set(X: bigint, Y: bigint, Z: bigint): void {
    this.X = X
    this.Y = Y
    this.Z = Z
  }

  /** dbl-2009-l of the Explicit-Formulas Database. Infinity stays: its Z is a factor of the new one. */
  double(): this {
    const { X, Y, Z } = this
    const B = (Y * Y) % p
    const D = (4n * X * B) % p
    const E = (3n * X * X) % p
    const x = mod(E * E - 2n * D)
    this.#set(x, mod(E * (D - x) - 8n * B * B), (2n * Y * Z) % p)
    return this
  }

  /** madd-2004-hmv. What it cannot add are the cases that are told apart first. */
  add({ x, y }: Affine): void {
    const { X, Y, Z } = this
    if (Z === 0n) return this.#set(x, y, 1n)
    const ZZ = (Z * Z) % p
    const H = mod(x * ZZ - X)
    const R = mod(y * ((Z * ZZ) % p) - Y)
    if (H === 0n) {
      if (R === 0n) this.double()
      else this.#set(0n, 0n, 0n)
      return
    }
    const HH = (H * H) % p
    const HHH = (H * HH) % p
    const V = (X * HH) % p
    const sum = mod(R * R - HHH - 2n * V)
    this.#set(sum, mod(R * (V - sum) - Y * HHH), (Z * H) % p)
  }

  /** P, 3P, 5P, … */
  odds(size: number): Sum[] {
    // With the double's Z taken out of all coordinates it is (X, Y, 1), and can be added; afterwards it is put in again.
    const { X: x, Y: y, Z } = this.copy().double()
    const next = new Sum()
    next.#set((((this.X * Z) % p) * Z) % p, (((((this.Y * Z) % p) * Z) % p) * Z) % p, this.Z)
    const odds: Sum[] = [this]
    while (odds.length < size) {
      next.add({ x, y })
      const odd = new Sum()
      odd.#set(next.X, next.Y, (next.Z * Z) % p)
      odds.push(odd)
    }
    return odds
  }
}

/** One inversion for all. @throws {CashuError} `POINT_MALFORMED` where one is infinity */
function affine(sums: readonly Sum[]): Affine[] {
  if (sums.some(({ Z }) => Z === 0n)) throw noPoint('the point at infinity has no encoding')
  return Fp.invertBatch(sums.map(({ Z }) => Z)).map((inverse, at) => {
    const { X, Y } = sums[at] ?? new Sum()
    const square = (inverse * inverse) % p
    return { x: (X * square) % p, y: (((Y * square) % p) * inverse) % p }
  })
}

/** Multiplication by LAMBDA is one of x by BETA, so that a scalar is two of half its length (GLV). */
const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een
const [A1, B1] = [0x3086d221a7d46bcde86c90e49284eb15n, -0xe4437ed6010e88286f547fa90abfe4c3n]
const [A2, B2] = [0x114ca50f7a8e2f3f657c1108d9d44cfd8n, 0x3086d221a7d46bcde86c90e49284eb15n]

const nearest = (n: bigint): bigint => (n + (n < 0n ? -Fn.ORDER : Fn.ORDER) / 2n) / Fn.ORDER

/** k = first + LAMBDA · second, of 129 bits at most. */
function halves(k: bigint): readonly [first: bigint, second: bigint] {
  const [c1, c2] = [nearest(B2 * k), nearest(-B1 * k)]
  return [k - c1 * A1 - c2 * A2, -c1 * B1 - c2 * B2]
}

/** Bits of half a scalar. */
const HALF = 128

/** Odd multiples of a point, and of the same point doubled so often that it takes later bits of a scalar. */
export interface Table {
  readonly window: number
  /** How many bits of half a scalar a row takes; the last one takes the rest. */
  readonly bits: number
  /** P, 3P, 5P, …; of each part one row for each half. */
  readonly rows: readonly (readonly [first: readonly Affine[], second: readonly Affine[]])[]
}

/** The tables of points. The more parts, the fewer doublings when they are used; the wider the window, the fewer additions. */
export function tablesOf(points: readonly Affine[], parts: number, window: number): Table[] {
  const bits = HALF / parts
  const starts = points.flatMap((point) => {
    const sums = [Sum.of(point)]
    for (let last = sums[0]; last && sums.length < parts; sums.push(last)) {
      last = last.copy()
      for (let bit = 0; bit < bits; bit++) last.double()
    }
    return sums
  })
  const size = 2 ** (window - 2)
  const multiples = affine(starts.flatMap((start) => start.odds(size)))
  const rows = starts.map((_, at) => {
    const first = multiples.slice(at * size, (at + 1) * size)
    return [first, first.map(({ x, y }) => ({ x: (x * BETA) % p, y }))] as const
  })
  return points.map((_, at) => ({ window, bits, rows: rows.slice(at * parts, (at + 1) * parts) }))
}

/** Some bits of a scalar as digits that are 0 or odd, one for each bit, the lowest first (width-w NAF). */
function digitsOf(scalar: bigint, window: number): Int16Array {
  const text = scalar.toString(2)
  const digits = new Int16Array(text.length + 1)
  const bit = (at: number): number => (text.charCodeAt(text.length - 1 - at) === 49 ? 1 : 0)
  let carry = 0
  let at = 0
  while (at < digits.length) {
    if (bit(at) === carry) {
      at++
      continue
    }
    let digit = carry
    for (let i = 0; i < window; i++) digit += bit(at + i) * 2 ** i
    carry = digit < 2 ** (window - 1) ? 0 : 1
    digits[at] = digit - carry * 2 ** window
    at += window
  }
  return digits
}

/** What is added of one row, bit by bit. */
interface Stream {
  readonly row: readonly Affine[]
  readonly digits: Int16Array
  readonly isNegative: boolean
}

function streamsOf({ rows, bits, window }: Table, k: bigint): Stream[] {
  const signed = halves(k)
  return rows.flatMap((both, part) =>
    both.map((row, half): Stream => {
      const scalar = signed[half] ?? 0n
      const all = (scalar < 0n ? -scalar : scalar) >> BigInt(part * bits)
      const digits = digitsOf(part === rows.length - 1 ? all : BigInt.asUintN(bits, all), window)
      return { row, digits, isNegative: scalar < 0n }
    }),
  )
}

/**
 * The sum of products of scalars with the points of tables, and of one more point, if there is one.
 * @throws {CashuError} `POINT_MALFORMED` where it is infinity
 */
export function sumOf(products: readonly (readonly [table: Table, k: bigint])[], more?: Affine): Affine {
  const streams = products.flatMap(([table, k]) => streamsOf(table, k))
  const sum = new Sum()
  for (let bit = Math.max(...streams.map(({ digits }) => digits.length)) - 1; bit >= 0; bit--) {
    sum.double()
    for (const { row, digits, isNegative } of streams) {
      const digit = digits[bit] ?? 0
      const point = digit === 0 ? undefined : row[Math.abs(digit) >> 1]
      if (point) sum.add(digit < 0 === isNegative ? point : { x: point.x, y: p - point.y })
    }
  }
  if (more) sum.add(more)
  const [point] = affine([sum])
  return point ?? more ?? { x: 0n, y: 0n }
}
