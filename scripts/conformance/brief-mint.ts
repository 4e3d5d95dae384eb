/** Our mint with quotes that last for a second, on the store that its command line uses: its arguments are file and port. */
import { createMintServer } from '../../src/mint-server/index.ts'
import { readOrMakeSecret, seedOf } from '../../src/mint-server/signatory/secret-files.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'

const [path = '', port] = process.argv.slice(2)
const seedFile = `${path}.seed`
const server = await createMintServer({
  ...{ store: sqliteStore({ path }), seed: seedOf(readOrMakeSecret(seedFile), seedFile) },
  ...{ units: ['sat', 'usd'], quoteTtlMs: 1_000, admin: true, port: Number(port) },
})
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
console.log(JSON.stringify({ url: server.url }))
