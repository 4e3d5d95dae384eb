/**
 * Goal: the session of docs/cli.md is one that happens. Method: the lines of its blocks that begin with `$` are typed into one
 * shell, in order, with `npx` leading to the sources, beside a mint; what they say is held against the page, where `…` stands for
 * any text within a line.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMintServer, type MintServer } from '../../src/mint-server/http/run-server.ts'
import { memoryStore } from '../../src/store/memory.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')
/** Where the page's mint listens. */
const PAGE_URL = 'http://127.0.0.1:3338'

interface Step {
  readonly command: string
  readonly says: readonly string[]
}

/** Commands and what they say, in the order of the page. */
const steps: readonly Step[] = [...page.matchAll(/^```text\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...says] = part.trimEnd().split('\n')
      return { command, says }
    }),
)

let mint: MintServer
let folder = ''
beforeAll(async () => {
  mint = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 20 }, admin: true })
  folder = mkdtempSync(join(tmpdir(), 'hardshell-page-'))
})
afterAll(async () => {
  await mint.close()
  rmSync(folder, { recursive: true })
})

/** Types all commands into one shell, and gives what each of them said, on both streams. */
async function said(): Promise<string[][]> {
  const mark = '=== next ==='
  const script = [
    `npx() { shift; '${process.execPath}' '${root}/src/cli/cli.ts' "$@"; }`,
    'exec 2>&1',
    ...steps.map(({ command }) => {
      // Who has lost the folder has written down its words.
      const words = command.includes('words-of-the-wallet.txt') ? 'cp hardshell/seed words-of-the-wallet.txt\n' : ''
      return `${words}echo '${mark}'\n${command.replaceAll(PAGE_URL, mint.url)}`
    }),
  ].join('\n')
  const env = { ...process.env, XDG_DATA_HOME: folder, HARDSHELL_HOME: '', HARDSHELL_SEED: '' }
  const shell = spawn('bash', ['-s'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  shell.stdin.end(script)
  const whole = (await text(shell.stdout)).replaceAll(mint.url, PAGE_URL)
  return whole.split(`${mark}\n`).slice(1).map((part) => part.trimEnd().split('\n').filter((line, at, all) => all.length > 1 || line !== '')) // prettier-ignore
}

/** A line of the page, as what it stands for. */
const patternOf = (line: string): RegExp =>
  new RegExp(`^${line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+?')}$`) // prettier-ignore

test('the session of the page happens as it stands there', async () => {
  expect(steps.length).toBeGreaterThan(20)
  const answers = await said()
  expect(answers).toHaveLength(steps.length)
  for (const [at, { command, says }] of steps.entries()) {
    const lines = answers[at] ?? []
    expect(lines.length, `${command}\n${lines.join('\n')}`).toBe(says.length)
    for (const [line, wanted] of says.entries()) expect(lines[line], command).toMatch(patternOf(wanted))
  }
})

test('a line that is otherwise does not fit', () => {
  expect('Paid 400 sat').toMatch(patternOf('Paid … sat'))
  expect('Paid sat').not.toMatch(patternOf('Paid … sat'))
  expect('Paid 400 sat.').not.toMatch(patternOf('Paid … sat'))
})
