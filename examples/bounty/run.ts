/**
 * Runs `work.ts` on SQLite, and ends it with SIGKILL at each state that it comes to, until it gets through; then once
 * more, which changes nothing. The books of the credits and of the claims say who has what.
 *
 *   npm run example:bounty
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { claimsSchema, creditsSchema, storeClaims, storeCredits } from 'hardshell/bounty'
import { sqliteStore } from 'hardshell/store/sqlite'

const dir = mkdtempSync(join(tmpdir(), 'hardshell-bounty-'))
const file = (name: string) => sqliteStore({ path: join(dir, name) })
const deadlineAt = Date.now() + 86_400_000
const seen = new Set<string>()

/** One run; killed as soon as it prints a state that no earlier run reached. True where it got through. */
async function run(): Promise<boolean> {
  const program = fileURLToPath(import.meta.resolve('./work.ts'))
  const child = spawn(process.execPath, [...process.execArgv, program, dir, String(deadlineAt)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let paid = false
  for await (const line of createInterface(child.stdout)) {
    console.log(`  ${line}`)
    if (line.startsWith('paid')) paid = true
    if (/^(paid|resumed)/.test(line)) continue
    if (seen.has(line)) child.stdin.write('\n')
    else child.kill('SIGKILL')
    seen.add(line)
  }
  await ended
  return paid
}

const creditsStore = await file('credits.db').open(creditsSchema)
const claimsStore = await file('claims.db').open(claimsSchema)
const [credits, claims] = [storeCredits(creditsStore), storeClaims(claimsStore)]
try {
  await credits.deposit('ada', 100)
  let kills = 0
  for (console.log('work.ts starts'); !(await run()); kills++) console.log('work.ts starts')
  console.log('work.ts starts once more')
  const again = await run()
  const [ada, bob] = [await credits.balance('ada'), await credits.balance('bob')]
  const states = [...(await credits.list('ada')), ...(await claims.list('bob'))].map(({ state }) => state).join(', ')
  console.log(`killed ${kills} times; ada has ${ada} credits and bob ${bob}; ${states}; the same again: ${again}`)
  if (ada !== 80 || bob !== 20 || states !== 'captured, completed' || !again) process.exitCode = 1
} finally {
  await creditsStore.close()
  await claimsStore.close()
  rmSync(dir, { recursive: true })
}
