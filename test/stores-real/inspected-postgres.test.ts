/**
 * Goal: `hardshell inspect` and PostgreSQL: which of the namespaces of a database is shown, and that nothing is made in one that has none.
 * Method: a server of its own, and the command as a process.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../../scripts/postgres-server.ts'
import { openWallet } from '../../src/index.ts'
import { createMintServer } from '../../src/mint-server/index.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'

const cli = fileURLToPath(new URL('../../src/cli/cli.ts', import.meta.url))

/** What the page is told of the totals. */
async function overviewOf(args: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [cli, 'inspect', '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { origin, hash } = new URL((JSON.parse(line) as { url: string }).url)
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
  const answer: unknown = await (await fetch(`${origin}/api/overview`, { headers })).json()
  child.kill('SIGINT')
  await once(child, 'close')
  return answer
}

/** What the command says where it cannot. */
const refusal = async (args: readonly string[]): Promise<string> =>
  promisify(execFile)(process.execPath, [cli, 'inspect', ...args]).then(
    () => 'it is shown',
    (error: unknown) => String((error as { stderr?: unknown }).stderr),
  )

test('the only namespace with operations is shown, of several the one that is named, and none is made', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const { connection } = server
  expect(await refusal(['--store', connection])).toContain('NO_DATABASE')
  const client = new Client({ connectionString: connection })
  await client.connect()
  const { rows } = await client.query(`SELECT 1 FROM pg_namespace WHERE nspname LIKE 'hardshell%'`)
  await client.end()
  expect(rows).toEqual([])

  const mint = await createMintServer({ store: postgresStore({ connection, namespace: 'hardshell_mint' }) })
  onTestFinished(() => mint.close())
  expect(await overviewOf(['--store', connection])).toMatchObject({ role: 'client', totals: [{ of: { unit: 'sat' } }] })
  const seed = crypto.getRandomValues(new Uint8Array(64))
  const wallet = await openWallet({ store: postgresStore({ connection }), seed })
  onTestFinished(() => wallet.close())
  expect(await refusal(['--store', connection])).toContain('--namespace: one of hardshell, hardshell_mint')
  const named = ['--store', `postgres:${connection}`, '--namespace', 'hardshell_mint']
  expect(await overviewOf(named)).toMatchObject({ totals: [{ of: { unit: 'sat' } }] })
  expect(await refusal(['--store', connection, '--namespace', 'elsewhere'])).toContain('NO_DATABASE')
})
