/**
 * How long crypto holds up a process: a wallet makes 1,000 outputs, and a mint signs 1,000, each with its counterpart in another process,
 * while the delays of the event loop are measured; and how long large tokens do: texts of 1,000, 5,000 and 10,000 proofs are read and prepared. An idle process is measured first: what it has is the machine's.
 *
 *   node scripts/loop-delay.ts [--crypto noble|wasm|secp256k1] [--outputs 1000] [--json]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { encodeToken } from '../src/cashu/codec.ts'
import type { CryptoHalves } from '../src/cashu/crypto.ts'
import { nobleCrypto } from '../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../src/cashu/noble-mint-crypto.ts'
import { nativeCrypto } from '../src/crypto/secp256k1.ts'
import { wasmCrypto } from '../src/crypto/wasm.ts'
import { openWallet, parseCashu } from '../src/index.ts'
import { createMintServer } from '../src/mint-server/index.ts'
import { memoryStore } from '../src/store/memory.ts'
import { wholeNumber } from './kill-lab/run.ts'

const { values } = parseArgs({
  options: {
    crypto: { type: 'string', default: 'noble' },
    outputs: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    /** Asks a mint at this address for signatures; the script runs itself like that. */
    ask: { type: 'string' },
  },
})
const outputs = wholeNumber('outputs', values.outputs)

const LIBRARIES: Readonly<Record<string, () => Promise<CryptoHalves>>> = {
  noble: async () => ({ name: 'noble', wallet: nobleCrypto, mint: nobleMintCrypto }),
  wasm: wasmCrypto,
  secp256k1: nativeCrypto,
}

/** As many amounts as a swap takes. */
const MOST = 64

interface Delays {
  readonly what: string
  readonly tookMs: number
  readonly longestMs: number
  readonly p99Ms: number
  /** The most CPU time of the thread between two turns of the loop: other programs have no part in it. */
  readonly longestCpuMs: number
}

/** The most CPU time that the thread takes between two turns of the loop, until it is asked. */
function longestTurn(): () => number {
  let longest = 0
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let before = spent()
  const ticking = setInterval(() => {
    const now = spent()
    longest = Math.max(longest, now - before)
    before = now
  }, 1)
  return () => {
    clearInterval(ticking)
    return Math.round(longest * 10) / 10
  }
}

/** The event loop's delays during some work. */
async function during(what: string, work: () => Promise<unknown>): Promise<Delays> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const longest = longestTurn()
  const startMs = performance.now()
  await work()
  const longestCpuMs = longest()
  delays.disable()
  const ms = (nanoseconds: number): number => Math.round(nanoseconds / 1e5) / 10
  const tookMs = Math.round(performance.now() - startMs)
  return { what, tookMs, longestMs: ms(delays.max), p99Ms: ms(delays.percentile(99)), longestCpuMs }
}

/** The first line that a program prints, and the way to end it. */
async function started(...args: readonly string[]): Promise<{ line: string; [Symbol.dispose](): void }> {
  // Its log is of no interest.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { line: line.toString(), [Symbol.dispose]: () => void child.kill() }
}

async function ofWallet({ wallet: crypto }: CryptoHalves): Promise<Delays> {
  using mint = await started('src/mint-server/cli/cli.ts', 'mint', '--port', '0', '--auto-pay-ms', '0')
  const { url: mintUrl } = JSON.parse(mint.line) as { url: string }
  await using wallet = await openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(1), crypto })
  await wallet.mints.trust(mintUrl)
  const funded = await wallet.mint.prepare({ mintUrl, amount: 2 * outputs })
  await funded.refresh()
  await funded.finished()
  return await during(`a wallet makes ${outputs} outputs`, async () => {
    for (let left = outputs; left > 0; left -= MOST) {
      const amounts = Array.from({ length: Math.min(left, MOST) }, () => 1)
      await (await wallet.swap.prepare({ mintUrl, amounts })).execute()
    }
  })
}

/** Those of strangers, at a mint that is not trusted: nothing is sent. */
async function ofTokens({ wallet: crypto }: CryptoHalves): Promise<Delays[]> {
  await using wallet = await openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(1), crypto })
  const rows: Delays[] = []
  for (const count of [1_000, 5_000, 10_000]) {
    const token = tokenOf(count)
    rows.push(await during(`a token of ${count} proofs is read`, () => parseCashu(token)))
    // One that is too large is refused.
    const prepare = () => wallet.receive.prepare({ token }).catch(() => undefined)
    rows.push(await during(`a token of ${count} proofs is prepared`, prepare))
  }
  return rows
}

const tokenOf = (count: number): string =>
  encodeToken({
    mintUrl: 'https://mint.example',
    unit: 'sat',
    proofs: Array.from({ length: count }, (_, at) => ({
      amount: 1,
      id: '009a1f293253e41e',
      secret: at.toString(16).padStart(64, '0'),
      C: '02bc9097997d81afb2cc7346b5e4345a9346bd2a506eb7958598a72f0cf85163ea',
    })),
  })

async function ofMint({ mint: crypto }: CryptoHalves): Promise<Delays> {
  const server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 }, crypto, waitMs: 600_000 })
  try {
    const args = ['--ask', server.url, '--outputs', String(outputs)]
    const child = spawn(process.execPath, [import.meta.filename, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    return await during(`a mint signs ${outputs} outputs`, async () => {
      child.stdin.end()
      const [code] = (await once(child, 'exit')) as [number]
      if (code !== 0) throw new Error('the mint did not sign')
    })
  } finally {
    await server.close()
  }
}

/** Blinds, says that it has, and asks when it is told to. */
async function ask(url: string): Promise<void> {
  const json = async <T>(path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${url}${path}`, body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) // prettier-ignore
    if (!answer.ok) throw new Error(await answer.text())
    return (await answer.json()) as T
  }
  const { keysets } = await json<{ keysets: { id: string }[] }>('/v1/keysets')
  const id = keysets[0]?.id
  const r = '7'.padStart(64, '0')
  const B_s = Array.from({ length: outputs }, (_, at) => ({ amount: 1, id, B_: nobleCrypto.blind(`${at}`, r) }))
  const { quote } = await json<{ quote: string }>('/v1/mint/quote/bolt11', { amount: outputs, unit: 'sat' })
  process.stdout.write('ready\n')
  await once(process.stdin.resume(), 'end')
  const { signatures } = await json<{ signatures: unknown[] }>('/v1/mint/bolt11', { quote, outputs: B_s })
  if (signatures.length !== outputs) process.exitCode = 1
}

if (values.ask !== undefined) await ask(values.ask)
else {
  const load = LIBRARIES[values.crypto]
  if (!load) throw new TypeError(`--crypto is one of ${Object.keys(LIBRARIES).join(', ')}`)
  const halves = await load()
  const rows = [await during('nothing at all', () => delay(3_000)), ...(await ofTokens(halves)), await ofWallet(halves), await ofMint(halves)] // prettier-ignore
  if (values.json) console.log(JSON.stringify({ crypto: halves.name, rows }))
  else console.table(rows)
}
