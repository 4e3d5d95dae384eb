/** What a token is worth, by the token alone. */
import { decodeToken } from '../../src/cashu/codec.ts'

/** Input fee of the keysets of both mints, in thousandths of a sat per input. */
export const FEE_PPK = 100

/** What it costs to use so many coins up (NUT-02). */
const feeFor = (coins: number): number => Math.ceil((coins * FEE_PPK) / 1000)

/** The sats in a token. */
export const amountIn = (token: string): number =>
  decodeToken(token).proofs.reduce((sum, { amount }) => sum + amount, 0)

/** What is left of them for who takes it. */
export const worth = (token: string): number => amountIn(token) - feeFor(decodeToken(token).proofs.length)
