/**
 * Runs the embedded mint until SIGTERM or SIGINT. It prints one line of JSON, `{"url": …}`, when it listens.
 *
 *   node scripts/mint.ts --port 3338 --store sqlite:mint.db --fee-ppk 100 --auto-pay-ms 0 --admin
 */
import { parseArgs } from 'node:util'
import { createMintServer } from '../src/mint-server/index.ts'
import { memoryStore } from '../src/store/memory.ts'
import { sqliteStore } from '../src/store/sqlite.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    /** `memory`, or `sqlite:` and a path. */
    store: { type: 'string', default: 'memory' },
    'fee-ppk': { type: 'string', default: '0' },
    /** How long after its making an invoice is paid by itself; never, where left out. */
    'auto-pay-ms': { type: 'string' },
    admin: { type: 'boolean', default: false },
  },
})

function number(name: string, value: string): number {
  if (!/^\d+$/.test(value)) throw new TypeError(`--${name} is not a number: ${value}`)
  return Number(value)
}

const [kind, path = ''] = values.store.split(/:(.*)/s)
if (kind !== 'memory' && (kind !== 'sqlite' || path === '')) throw new TypeError('--store is memory or sqlite:PATH')
const autoPay = values['auto-pay-ms']

const server = await createMintServer({
  store: kind === 'memory' ? memoryStore() : sqliteStore({ path }),
  port: number('port', values.port),
  feePpk: number('fee-ppk', values['fee-ppk']),
  lightning: autoPay === undefined ? {} : { autoPayMs: number('auto-pay-ms', autoPay) },
  admin: values.admin,
})
console.log(JSON.stringify({ url: server.url }))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close())
