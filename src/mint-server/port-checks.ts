/** Checks of the ports that callers hand to a mint: each has the methods that the mint calls. */
import { checkMethods } from '../arguments.ts'

/** @throws {TypeError} naming the argument */
export function checkStore(store: unknown): void {
  checkMethods(store, 'store', ['get', 'query', 'sum', 'commit', 'watch'])
}

/** @throws {TypeError} naming the argument */
export function checkMintCrypto(crypto: unknown): void {
  checkMethods(crypto, 'crypto', ['hashToCurve', 'isPoint', 'keysetId', 'verifyDleq', 'verifyMintRequest'])
}

/** @throws {TypeError} naming the argument */
export function checkSignatoryCrypto(crypto: unknown): void {
  checkMethods(crypto, 'crypto', ['keysetKeys', 'publicKey', 'sign', 'verify'])
}

/** @throws {TypeError} naming the argument */
export function checkSignatory(signatory: unknown): void {
  checkMethods(signatory, 'signatory', ['publicKeys', 'verify', 'sign'])
}

/** @throws {TypeError} naming the argument */
export function checkBackend(backend: unknown): void {
  checkMethods(backend, 'backend', ['start', 'stop', 'decode', 'createRequest', 'incoming', 'pay', 'outgoing'])
}
