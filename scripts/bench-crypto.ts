/**
 * CPU time per output of the default crypto against cashu-ts, in one run on one machine: derive, blind, unblind and
 * check the DLEQ. Both sides do the same work on the same outputs and start from hex. `--json` for machines.
 */
import {
  blindMessage,
  deriveSecretAndBlindingFactor,
  hashToCurve,
  pointFromHex,
  unblindSignature,
  verifyDLEQProof,
} from '@cashu/cashu-ts'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { nobleCrypto } from '../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../src/cashu/noble-mint-crypto.ts'
import { stubCrypto } from '../src/testing/environments/stub-crypto.ts'

const OUTPUTS = 200
const seed = new Uint8Array(64).fill(7)
const amounts = Array.from({ length: 10 }, (_, i) => 2 ** i)
const privateKeys = nobleMintCrypto.keysetKeys(seed, 'sat', 0, amounts)
const keys = Object.fromEntries(Object.entries(privateKeys).map(([amount, a]) => [amount, nobleCrypto.publicKey(a)]))
const contents = { keys, unit: 'sat', inputFeePpk: 0 }
const amountOf = (counter: number) => String(amounts[counter % amounts.length])

type Side = (keysetId: string) => (counter: number) => { B_: string; finish: (signature: Signature) => boolean }
type Signature = ReturnType<typeof nobleMintCrypto.sign>

const ours: Side = (keysetId) => {
  const derive = nobleCrypto.deriver(seed, keysetId)
  return (counter) => {
    const { secret, r } = derive(counter)
    const A = keys[amountOf(counter)]!
    const B_ = nobleCrypto.blind(secret, r)
    return {
      B_,
      finish: ({ C_, dleq }) => nobleCrypto.unblind(C_, r, A).length === 66 && nobleCrypto.verifyDleq(B_, C_, A, dleq),
    }
  }
}

const theirs: Side = (keysetId) => (counter) => {
  const derived = deriveSecretAndBlindingFactor(seed, keysetId, counter)
  const r = BigInt(`0x${bytesToHex(derived.blindingFactor)}`)
  const { B_ } = blindMessage(utf8ToBytes(bytesToHex(derived.secret)), r)
  return {
    B_: B_.toHex(),
    finish: ({ C_: hex, dleq }) => {
      const [C_, A] = [pointFromHex(hex), pointFromHex(keys[amountOf(counter)]!)]
      const proof = { e: hexToBytes(dleq.e), s: hexToBytes(dleq.s) }
      return unblindSignature(C_, r, A).toHex().length === 66 && verifyDLEQProof(proof, B_, C_, A)
    },
  }
}

/** Milliseconds of this process's CPU per output; the mint's signing in the middle is not counted. */
function measure(side: Side, keysetId: string): number {
  let spent = 0
  const timed = <T>(work: () => T): T => {
    const before = process.cpuUsage()
    const result = work()
    const { user, system } = process.cpuUsage(before)
    spent += user + system
    return result
  }
  const output = timed(() => side(keysetId))
  const started = timed(() => Array.from({ length: OUTPUTS }, (_, counter) => output(counter)))
  const signatures = started.map(({ B_ }, counter) => nobleMintCrypto.sign(B_, privateKeys[amountOf(counter)]!))
  const fine = timed(() => started.map(({ finish }, counter) => finish(signatures[counter]!)))
  if (!fine.every(Boolean)) throw new Error('a signature did not check')
  return spent / 1000 / OUTPUTS
}

/** Milliseconds per call of something small. */
function each(calls: number, work: (i: number) => unknown): number {
  work(0)
  const start = performance.now()
  for (let i = 1; i <= calls; i++) work(i)
  return (performance.now() - start) / calls
}

// The first 200 outputs pay for compilation and for the tables of the mint's keys, as they do in a wallet.
const rows = ['00', '01'].map((version) => {
  const id =
    version === '00' ? nobleCrypto.keysetId('00'.padEnd(16, '0'), contents) : nobleMintCrypto.keysetId(contents)
  const [ourMs, theirMs] = [measure(ours, id), measure(theirs, id)]
  return { keyset: version, ourMs, theirMs, ratio: theirMs / ourMs }
})
const stub = stubCrypto.deriver(seed, rows[0]!.keyset.padEnd(16, '0'))
const stubKey = stubCrypto.keysetKeys(seed, 'sat', 0, [1])['1']!
const stubA = stubCrypto.publicKey(stubKey)
const detail = {
  hashToCurveMs: each(300, (i) => nobleCrypto.hashToCurve(String(i))),
  theirHashToCurveMs: each(300, (i) => hashToCurve(utf8ToBytes(String(i))).toHex()),
  mintSignMs: each(50, (i) => nobleMintCrypto.sign(nobleCrypto.hashToCurve(String(i)), privateKeys['1']!)),
  stubMs: each(20_000, (i) => {
    const { secret, r } = stub(i)
    const B_ = stubCrypto.blind(secret, r)
    const { C_, dleq } = stubCrypto.sign(B_, stubKey)
    stubCrypto.unblind(C_, r, stubA)
    stubCrypto.verifyDleq(B_, C_, stubA, dleq)
  }),
}

if (process.argv.includes('--json')) console.log(JSON.stringify({ outputs: OUTPUTS, rows, detail }))
else {
  console.table(rows)
  console.table(detail)
}
