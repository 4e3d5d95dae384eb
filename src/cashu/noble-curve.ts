/** secp256k1 in JavaScript, on noble-curves: runs everywhere. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { checkCompressed, firstOnCurve, noPoint, scalarHex, type Curve } from './curve.ts'
import { sumOf, tablesOf, type Affine, type Table } from './quick-sums.ts'

const { Point } = secp256k1
const { Fp, Fn } = Point

/** The point with this x, if there is one: the one with an even y, or the other. */
function lift(x: bigint, isOdd = false): Affine | undefined {
  if (!Fp.isValid(x)) return undefined
  try {
    const y = Fp.sqrt(Fp.add(Fp.mul(Fp.sqr(x), x), 7n))
    return { x, y: (y & 1n) === (isOdd ? 1n : 0n) ? y : Fp.neg(y) }
  } catch {
    return undefined // half of all x are on the curve
  }
}

const tables = new WeakMap<Affine, Table>()

/**
 * The table of a point that is met often. It pays back at the second product: made at the first one, it takes the time of two
 * products without a table, and some 20 kB. It goes when the point goes.
 */
function tableOf(point: Affine, window = 5): Table {
  const found = tables.get(point)
  if (found) return found
  const [made] = tablesOf([point], 4, window) as [Table]
  tables.set(point, made)
  return made
}

const G: Affine = Point.BASE.toAffine()
/** Its table is made once for all, so that a wider one pays back. */
const tableOfG = (): Table => tableOf(G, 8)

/** @throws {CashuError} `POINT_MALFORMED` */
function parse(hex: string): Affine {
  checkCompressed(hex)
  const point = lift(BigInt(`0x${hex.slice(2)}`), hex[1] === '3')
  if (!point) throw noPoint()
  return point
}

export const nobleCurve: Curve<Affine> = {
  name: 'noble',
  order: Fn.ORDER,
  parse,
  hex: ({ x, y }) => (y & 1n ? '03' : '02') + scalarHex(x),
  plain: ({ x, y }) => `04${scalarHex(x)}${scalarHex(y)}`,
  hashToCurve: (message) => firstOnCurve(message, (x) => lift(BigInt(`0x${bytesToHex(x)}`))),
  timesG: (k) => sumOf([[tableOfG(), k]]),
  plusG: (point, k) => sumOf([[tableOfG(), k]], point),
  plusKey: (point, A, k) => sumOf([[tableOf(A), k]], point),
  sumWithKey: (a, b, A) =>
    sumOf([
      [tableOfG(), a],
      [tableOf(A), b],
    ]),
  sum(a, P, b, Q) {
    const [ofP, ofQ] = tablesOf([P, Q], 1, 5) as [Table, Table]
    return sumOf([
      [ofP, a],
      [ofQ, b],
    ])
  },
  secretTimesG: (k) => Point.BASE.multiply(k).toAffine(),
  secretTimes: (point, k) => Point.fromAffine(point).multiply(k).toAffine(),
}
