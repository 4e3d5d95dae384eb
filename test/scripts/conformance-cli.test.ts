/** Goal: where Nutshell's command line ends or never starts, each command says so, and the run goes on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nutshellCli } from '../../scripts/conformance/nutshell-cli.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-cli-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

/** Something that is started instead of Python. */
function program(dir: string, script: string): string {
  const path = join(dir, 'python')
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}

const commands = async (python: string, dir: string): Promise<string[]> => {
  await using cli = await nutshellCli({ python, dir: join(dir, 'cli'), mintUrl: 'http://mint.test' })
  const said: string[] = []
  for (const command of ['balance', 'pending', 'balance'])
    await cli.run('wallet', command).catch((error: unknown) => said.push((error as Error).message))
  return said
}

test('a command line that ends is reported by every command, and its last words with it', async () => {
  const dir = folder()
  const said = await commands(program(dir, "echo 'no module named cashu' >&2\nexit 3"), dir)
  expect(said).toEqual(
    ['balance', 'pending', 'balance'].map((command) => `cashu ${command}: Python ended (3): no module named cashu`),
  )
})

test('so is one that ends in the middle of a command', async () => {
  const dir = folder()
  const said = await commands(program(dir, 'read line\nkill -9 $$'), dir)
  expect(said).toEqual(['balance', 'pending', 'balance'].map((command) => `cashu ${command}: Python ended (SIGKILL)`))
})

test('and one that cannot be started', async () => {
  const dir = folder()
  const said = await commands(join(dir, 'nothing'), dir)
  expect(said).toHaveLength(3)
  for (const message of said) expect(message).toContain('Python ended (')
})
