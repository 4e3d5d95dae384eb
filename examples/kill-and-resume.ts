/**
 * Runs `pay.ts` against a mint, and ends it with SIGKILL at each state that it comes to, until it gets through; then
 * once more, which must print the same token. The mint's balances say what it is worth.
 *
 *   npm run build && npx node examples/kill-and-resume.ts
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createMintServer } from 'hardshell/mint-server'
import { memoryStore } from 'hardshell/store/memory'

const dir = mkdtempSync(join(tmpdir(), 'hardshell-example-'))
const server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 } })
const seen = new Set<string>()

/** One run; killed as soon as it prints a state that no earlier run reached. Gives its token, if it got so far. */
async function run(): Promise<string | undefined> {
  const program = fileURLToPath(import.meta.resolve('./pay.ts'))
  const child = spawn(process.execPath, [...process.execArgv, program, server.url, join(dir, 'wallet.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let token: string | undefined
  for await (const line of createInterface(child.stdout)) {
    console.log(`  ${line.slice(0, 60)}`)
    if (line.startsWith('cashu')) token = line
    else if (!seen.has(line) && !line.startsWith('resumed')) {
      seen.add(line)
      child.kill('SIGKILL')
    }
  }
  await ended
  return token
}

try {
  let token: string | undefined
  let kills = -1
  for (; token === undefined; kills++) {
    console.log('pay.ts starts')
    token = await run()
  }
  console.log('pay.ts starts once more')
  const again = await run()
  const { issued, outstanding } = (await server.mint.balanceSheet()).units['sat']!
  console.log(
    `killed ${kills} times; the same token: ${again === token}; the mint owes ${outstanding} sat, of ${issued} ever signed`,
  )
  if (again !== token || outstanding !== 100) process.exitCode = 1
} finally {
  await server.close()
  rmSync(dir, { recursive: true })
}
