/**
 * CPU time per output of each crypto that is installed against cashu-ts, in one run on one machine, in turns: derive, blind,
 * check the DLEQ, unblind, and find Y. All sides do the same work on the same outputs and start from hex. `--json` for
 * machines, `--outputs 400` for more of them.
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
import { parseArgs } from 'node:util'
import type { CryptoHalves, WalletCrypto } from '../src/cashu/crypto.ts'
import { nobleCrypto } from '../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../src/cashu/noble-mint-crypto.ts'
import { nativeCrypto } from '../src/crypto/secp256k1.ts'
import { wasmCrypto } from '../src/crypto/wasm.ts'
import { messageOf } from '../src/kernel/util/errors.ts'
import { stubCrypto } from '../src/testing/environments/stub-crypto.ts'
import { wholeNumber } from './kill-lab/run.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, outputs: { type: 'string', default: '200' } },
})
const OUTPUTS = wholeNumber('outputs', values.outputs)
/** How many outputs a side does before the next one has its turn. */
const TURN = 10

const seed = new Uint8Array(64).fill(7)
const amounts = Array.from({ length: 10 }, (_, i) => 2 ** i)
const privateKeys = nobleMintCrypto.keysetKeys(seed, 'sat', 0, amounts)
const keys = Object.fromEntries(Object.entries(privateKeys).map(([amount, a]) => [amount, nobleCrypto.publicKey(a)]))
const contents = { keys, unit: 'sat', inputFeePpk: 0 }
const amountOf = (counter: number): string => String(amounts[counter % amounts.length])

/** Numbers are milliseconds of CPU time. */
interface Costs {
  readonly derive: number
  readonly blind: number
  readonly prove: number
  readonly unblind: number
  readonly y: number
}

type Side = (keysetId: string) => Readonly<{
  derive(counter: number): void
  blind(): string
  prove(signature: Signature, counter: number): boolean
  unblind(signature: Signature, counter: number): string
  y(): string
}>
type Signature = ReturnType<typeof nobleMintCrypto.sign>

const sideOf =
  (crypto: WalletCrypto): Side =>
  (keysetId) => {
    const derive = crypto.deriver(seed, keysetId)
    let [secret, r, B_] = ['', '', '']
    return {
      derive: (counter) => void ({ secret, r } = derive(counter)),
      blind: () => (B_ = crypto.blind(secret, r)),
      prove: ({ C_, dleq }, counter) => crypto.verifyDleq(B_, C_, keys[amountOf(counter)]!, dleq),
      unblind: ({ C_ }, counter) => crypto.unblind(C_, r, keys[amountOf(counter)]!),
      y: () => crypto.hashToCurve(secret),
    }
  }

const cashuTs: Side = (keysetId) => {
  let secret = new Uint8Array()
  let r = 0n
  let B_ = ''
  const pointOf = (counter: number) => pointFromHex(keys[amountOf(counter)]!)
  return {
    derive(counter) {
      const derived = deriveSecretAndBlindingFactor(seed, keysetId, counter)
      secret = utf8ToBytes(bytesToHex(derived.secret))
      r = BigInt(`0x${bytesToHex(derived.blindingFactor)}`)
    },
    blind: () => (B_ = blindMessage(secret, r).B_.toHex()),
    prove: ({ C_, dleq }, counter) =>
      verifyDLEQProof({ e: hexToBytes(dleq.e), s: hexToBytes(dleq.s) }, pointFromHex(B_), pointFromHex(C_), pointOf(counter)), // prettier-ignore
    unblind: ({ C_ }, counter) => unblindSignature(pointFromHex(C_), r, pointOf(counter)).toHex(),
    y: () => hashToCurve(secret).toHex(),
  }
}

const installed: CryptoHalves[] = [{ name: 'noble', wallet: nobleCrypto, mint: nobleMintCrypto }]
for (const load of [wasmCrypto, nativeCrypto])
  await load().then(
    (halves) => installed.push(halves),
    (error: unknown) => console.error(`left out: ${messageOf(error)}`),
  )

/** What each side takes per output; the mint's signing in the middle is not counted. */
function measure(sides: ReadonlyMap<string, Side>, keysetId: string): ReadonlyMap<string, Costs> {
  const spent = new Map([...sides.keys()].map((name) => [name, { derive: 0, blind: 0, prove: 0, unblind: 0, y: 0 }]))
  const bound = new Map([...sides].map(([name, side]) => [name, side(keysetId)]))
  const signatures: Signature[] = []
  for (let from = 0; from < OUTPUTS; from += TURN)
    for (const [name, side] of bound) {
      const costs = spent.get(name)!
      const timed = <T>(part: keyof Costs, work: () => T): T => {
        const before = process.cpuUsage()
        const result = work()
        const { user, system } = process.cpuUsage(before)
        costs[part] += (user + system) / 1000 / OUTPUTS
        return result
      }
      for (let counter = from; counter < from + TURN; counter++) {
        timed('derive', () => side.derive(counter))
        const B_ = timed('blind', () => side.blind())
        const signature = (signatures[counter] ??= signatory.sign(B_, privateKeys[amountOf(counter)]!))
        const fits = timed('prove', () => side.prove(signature, counter))
        const isPoint = timed('unblind', () => side.unblind(signature, counter)).length === 66
        if (!fits || !isPoint || timed('y', () => side.y()).length !== 66) throw new Error(`${name} is wrong`)
      }
    }
  return spent
}

/** Signs, and is as quick as can be: it is not measured. */
const signatory = installed.at(-1)!.mint

/** Milliseconds of CPU time per call of something small. */
function each(calls: number, work: (i: number) => unknown): number {
  work(0)
  const before = process.cpuUsage()
  for (let i = 1; i <= calls; i++) work(i)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / calls
}

// The first outputs pay for compilation and for the tables of the mint's keys, as they do in a wallet.
const sides = new Map([...installed.map(({ name, wallet }) => [name, sideOf(wallet)] as const), ['cashu-ts', cashuTs]])
const totalOf = (costs: Costs): number => Object.values<number>({ ...costs }).reduce((sum, cost) => sum + cost, 0)
const rows = ['00', '01'].map((version) => {
  const id =
    version === '00' ? nobleCrypto.keysetId('00'.padEnd(16, '0'), contents) : nobleMintCrypto.keysetId(contents)
  const costs = [...measure(sides, id)].map(([name, parts]) => ({ name, ...parts, all: totalOf(parts) }))
  const theirs = costs.at(-1)!.all
  return { keyset: version, ratio: theirs / costs[0]!.all, costs }
})

/** A mint's share of a swap of two inputs for two outputs: Y, check, sign. */
const mintOf = ({ name, mint }: CryptoHalves) => {
  const a = privateKeys['1']!
  const C = mint.publicKey(a)
  const B_s = Array.from({ length: 400 }, (_, i) => mint.hashToCurve(`${i}`))
  return {
    name,
    verifyMs: each(60, (i) => mint.verify(`input ${i}`, C, a)),
    signMs: each(60, (i) => mint.sign(B_s[i]!, a)),
    swapOf2For2Ms: each(60, (i) => {
      for (const input of [`a ${i}`, `b ${i}`]) mint.verify(mint.hashToCurve(input) && input, C, a)
      for (const B_ of [B_s[100 + i]!, B_s[200 + i]!]) mint.sign(mint.isPoint(B_) ? B_ : '', a)
    }),
  }
}
const mints = installed.map(mintOf)

const stub = stubCrypto.deriver(seed, rows[0]!.keyset.padEnd(16, '0'))
const stubKey = stubCrypto.keysetKeys(seed, 'sat', 0, [1])['1']!
const stubA = stubCrypto.publicKey(stubKey)
const stubMs = each(20_000, (i) => {
  const { secret, r } = stub(i)
  const B_ = stubCrypto.blind(secret, r)
  const { C_, dleq } = stubCrypto.sign(B_, stubKey)
  stubCrypto.unblind(C_, r, stubA)
  stubCrypto.verifyDleq(B_, C_, stubA, dleq)
})

if (values.json) console.log(JSON.stringify({ outputs: OUTPUTS, rows, mints, stubMs }))
else {
  for (const { keyset, costs } of rows) {
    console.log(`keyset version ${keyset}, ms per output`)
    console.table(Object.fromEntries(costs.map(({ name, ...parts }) => [name, parts])))
  }
  console.log('a mint, ms per call')
  console.table(Object.fromEntries(mints.map(({ name, ...parts }) => [name, parts])))
  console.log(`the explorer's stub: ${stubMs.toFixed(3)} ms per output`)
}
