/**
 * Goal: our own sums of points are the library's. Method: drawn points and scalars, with those at the ends of their ranges and
 * those that lead through infinity or a doubling, against noble-curves.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nobleCurve } from '../../src/cashu/noble-curve.ts'
import { sumOf, tablesOf, type Affine } from '../../src/cashu/quick-sums.ts'

const { Point } = secp256k1
type Point = InstanceType<typeof Point>
const N = Point.Fn.ORDER
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n

const scalars = fc.oneof(
  fc.bigInt({ min: 1n, max: N - 1n }),
  fc.bigInt({ min: 1n, max: 40n }),
  fc.bigInt({ min: 1n, max: 40n }).map((k) => N - k),
  fc.bigInt({ min: -9n, max: 9n }).map((k) => 2n ** 128n + k),
  fc.bigInt({ min: -9n, max: 9n }).map((k) => LAMBDA + k),
  fc.constantFrom(N / 2n, N / 2n + 1n, 2n ** 255n, 2n ** 64n, 2n ** 32n - 1n),
)
const points = scalars.map((k) => Point.BASE.multiplyUnsafe(k))

/** What a call gives, or the code that it throws. */
function outcome(call: () => Affine): Affine | { code: unknown } {
  try {
    return call()
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? error.code : error }
  }
}

/** A sum of both, or that neither has one. */
const same = (ours: () => Affine, theirs: Point): void =>
  expect(outcome(ours)).toEqual(theirs.is0() ? { code: 'POINT_MALFORMED' } : theirs.toAffine())

test('products with the generator, with a key and with points that are met once', () => {
  fc.assert(
    fc.property(scalars, scalars, points, points, (a, b, P, Q) => {
      const [p, q] = [P.toAffine(), Q.toAffine()]
      const [aG, aP, bP, bQ] = [Point.BASE.multiplyUnsafe(a), P.multiplyUnsafe(a), P.multiplyUnsafe(b), Q.multiplyUnsafe(b)] // prettier-ignore
      same(() => nobleCurve.timesG(a), aG)
      same(() => nobleCurve.plusG(q, a), Q.add(aG))
      same(() => nobleCurve.plusKey(q, p, a), Q.add(aP))
      same(() => nobleCurve.sumWithKey(a, b, p), aG.add(bP))
      same(() => nobleCurve.sum(a, p, b, q), aP.add(bQ))
      same(() => nobleCurve.secretTimes(p, a), aP)
    }),
    { numRuns: 60 },
  )
})

test('sums that meet a point again, its opposite, or infinity on the way', () => {
  fc.assert(
    fc.property(scalars, points, (k, P) => {
      const [p, kP] = [P.toAffine(), P.multiplyUnsafe(k)]
      const opposite = P.negate().toAffine()
      same(() => nobleCurve.sum(k, p, k, p), kP.double())
      same(() => nobleCurve.sum(k, p, k, opposite), Point.ZERO)
      same(() => nobleCurve.sum(k, p, N - k, p), Point.ZERO)
      same(() => nobleCurve.plusKey(kP.toAffine(), p, k), kP.double())
      same(() => nobleCurve.plusKey(kP.negate().toAffine(), p, k), Point.ZERO)
      // P·λ is a row of P's table.
      same(() => nobleCurve.sum(k, P.multiplyUnsafe(LAMBDA).toAffine(), (k * LAMBDA) % N, p), kP.multiplyUnsafe(LAMBDA).double()) // prettier-ignore
    }),
    { numRuns: 40 },
  )
})

test('tables of any shape', () => {
  const shapes = fc.tuple(fc.constantFrom(1, 2, 4, 8, 16), fc.integer({ min: 2, max: 7 }))
  fc.assert(
    fc.property(shapes, points, scalars, ([parts, window], P, k) => {
      const [table] = tablesOf([P.toAffine()], parts, window)
      same(() => sumOf(table ? [[table, k]] : []), P.multiplyUnsafe(k))
    }),
    { numRuns: 40 },
  )
})
