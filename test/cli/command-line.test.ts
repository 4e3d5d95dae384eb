/** What a command line may be: help, wrong calls, exit codes, JSON, completion, and what is for terminals only. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countOf, groupHelpOf, helpOf } from '../../src/cli/command.ts'
import { Misused } from '../../src/cli/errors.ts'
import { ops } from '../../src/cli/ops/index.ts'
import { qrLines } from '../../src/cli/qr.ts'
import { amountText, durationText, plain, plainLine, table } from '../../src/cli/terminal.ts'
import { wallet } from '../../src/cli/wallet/index.ts'
import { Commands } from '../kits/command.ts'

let commands: Commands
beforeAll(() => {
  commands = new Commands()
})
afterAll(() => commands[Symbol.asyncDispose]())

const WORDS = 'abandon '.repeat(11) + 'about'
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  wallet: [
    'init',
    'mints',
    'balance',
    'invoice',
    'pay',
    'send',
    'receive',
    'pending',
    'history',
    'restore',
    'check',
    'decode',
  ],
  ops: ['list', 'show', 'explain', 'steps', 'resume', 'cancel', 'export', 'watch'],
}

describe('help', () => {
  test('lists all commands, also where none was given', async () => {
    const [none, all] = [await commands.run(''), await commands.run('--help')]
    expect([none.code, all.code]).toEqual([2, 0])
    expect(none.stdout).toBe(all.stdout)
    for (const name of ['wallet', 'ops', 'doctor', 'completion', 'mint', 'signatory', 'crash', 'chart', 'inspect'])
      expect(all.stdout).toMatch(new RegExp(`^  hardshell ${name} `, 'm'))
  })

  test.each([
    ['wallet', wallet],
    ['ops', ops],
  ])('of %s names each of its commands, and each says what its options are', async (name, group) => {
    expect(Object.keys(group.commands)).toEqual(GROUPS[name])
    const { code, stdout } = await commands.run(`${name} --help`)
    expect([code, stdout]).toEqual([0, groupHelpOf(group, name)])
    for (const [each, of] of Object.entries(group.commands)) {
      expect(stdout).toMatch(new RegExp(`^  hardshell ${name} ${each} `, 'm'))
      const help = helpOf(of, `${name} ${each}`)
      for (const option of [...Object.keys(of.options), 'json', 'help']) expect(help).toContain(`  --${option} `)
    }
    const [first = ''] = Object.keys(group.commands)
    const help = await commands.run(`${name} ${first} -h`)
    expect([help.code, help.stderr, help.stdout]).toEqual([0, '', expect.stringContaining('--json')])
  })
})

describe('what is wrong on the command line', () => {
  test.each([
    'walet',
    'wallet',
    'wallet nonsense',
    'wallet balance extra',
    'wallet balance --nonsense',
    'wallet invoice',
    'wallet invoice ten',
    'wallet invoice 0',
    'wallet invoice -5',
    'wallet invoice 1.5',
    'wallet send',
    'wallet mints nonsense x',
    'wallet mints trust',
    'wallet pay --max-fee -1 x',
    'wallet init --words 13',
    'ops list --status nonsense',
    'ops list --store postgres:x',
    'ops show',
    'completion csh',
    'doctor extra',
  ])('hardshell %s ends with exit code 2, says why in one line, and makes nothing', async (line) => {
    const { code, stdout, stderr } = await commands.run(line, { env: { HARDSHELL_HOME: commands.home('nobody') } })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^hardshell: [^\n]+\n--help explains\.\n$/)
    expect(existsSync(commands.home('nobody'))).toBe(false)
  })

  test.each(['walet', 'wallet', 'wallet invoice ten', 'ops --nonsense'])(
    'is said in JSON on stdout: %s',
    async (line) => {
      const { code, stderr, last } = await commands.run(`${line} --json`)
      expect([code, stderr]).toEqual([2, ''])
      expect(last).toEqual({
        error: { code: 'MISUSED', message: expect.any(String) as string, advice: '--help explains.' },
      })
    },
  )

  test.each([
    ['wallet', 'init', '--seed', WORDS],
    ['wallet', 'init', `--phrase=${WORDS}`],
    ['wallet', 'init', '--words', WORDS],
    ['wallet', 'balance', '--mnemonic', WORDS],
    ['wallet', '--seed', WORDS, 'init'],
    ['wallet', 'init', '--restore', ...WORDS.split(' ')],
    ['wallet', 'send', ...WORDS.split(' ')],
  ])('a seed is refused as an argument, and not repeated: %s %s %s', async (...args) => {
    const { code, stdout, stderr } = await commands.run(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).not.toContain('abandon')
    expect(readdirSync(commands.root)).not.toContain('wallet')
  })
})

test('numbers are read as people write them, and nothing else is a number', () => {
  expect(['1', '1,000', '21_000_000'].map((text) => countOf(text, 'AMOUNT'))).toEqual([1, 1000, 21_000_000])
  for (const text of ['', 'x', '1e3', '0x10', '-1', '1.5', ' 1', '1,00', '9007199254740993'])
    expect(() => countOf(text, 'AMOUNT')).toThrow(Misused)
})

test('tables, amounts and times read well, and what others wrote cannot move the cursor', () => {
  expect(
    table([
      ['a', { right: '1' }, 'x'],
      ['bcd', { right: '20' }],
    ]),
  ).toEqual(['a     1  x', 'bcd  20'])
  expect([amountText(21_000_000, 'sat'), amountText(0, 'usd')]).toEqual(['21,000,000 sat', '0 usd'])
  expect([0, 999, 1_000, 90_000, 7_200_000, 3 * 86_400_000].map(durationText)).toEqual(['0 seconds', '1 second', '1 second', '2 minutes', '2 hours', '3 days']) // prettier-ignore
  expect(plain('a\u001b[2Jb\nc\u202ed')).toBe('a [2Jb c d')
  expect(plain('a\u200fb\u061cc\u2028d')).toBe('a b c d')
  expect(amountText(8, 'sat\u001b[31m\n')).toBe('8 sat [31m ')
  expect(plainLine('\u001b[32m✓\u001b[39m a\u001b[2J\u001b[8mb\u0007\nc')).toBe('\u001b[32m✓\u001b[39m a [2J [8mb \nc')
})

test('a code to scan is drawn where there is a terminal that is wide enough, and nowhere else', () => {
  const on = (columns: number, isTTY = true) => qrLines('LNBC1'.repeat(20), { columns, isTTY } as NodeJS.WriteStream)
  const lines = on(200)
  expect(lines.length).toBeGreaterThan(15)
  expect(new Set(lines.map((line) => line.length)).size).toBe(1)
  expect(lines.join('')).toMatch(/^[ █▀▄]+$/)
  expect([on(20), on(200, false)]).toEqual([[], []])
  expect(qrLines('x'.repeat(3_000), { columns: 999, isTTY: true } as NodeJS.WriteStream)).toEqual([])
})

describe('completion', () => {
  test('in bash offers commands, then options', async () => {
    const { stdout } = await commands.run('completion bash')
    const offered = async (...words: string[]): Promise<string[]> => {
      const script = `${stdout}\nCOMP_WORDS=(hardshell ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _hardshell; echo "\${COMPREPLY[@]}"`
      return (await promisify(execFile)('bash', ['-c', script])).stdout.trim().split(' ')
    }
    expect(await offered('')).toEqual([
      'wallet',
      'ops',
      'doctor',
      'completion',
      'mint',
      'signatory',
      'crash',
      'chart',
      'inspect',
    ])
    expect(await offered('wallet', 're')).toEqual(['receive', 'restore'])
    expect(await offered('wallet', 'mints', 'tr')).toEqual(['trust'])
    expect(await offered('wallet', 'pay', '--max')).toEqual(['--max-fee'])
    expect(await offered('doctor', '--s')).toEqual(['--store'])
  })

  test('is there for zsh and fish, with what each command is', async () => {
    expect((await commands.run('completion zsh')).stdout).toContain('bashcompinit')
    const { stdout } = await commands.run('completion fish')
    expect(stdout).toContain(
      `complete -c hardshell -n '__hardshell_at "wallet"' -f -a balance -d 'what is there, per mint and unit'`,
    )
    expect(stdout).toMatch(/__hardshell_at "wallet pay"' -f -l max-fee -d /)
  })
})

describe('on a terminal', () => {
  /** Runs a line as on a terminal, which `script` makes. */
  async function typed(line: string, input: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const cli = `'${process.execPath}' '${fileURLToPath(import.meta.resolve('../../src/cli/cli.ts'))}'`
    const child = promisify(execFile)('script', ['-qec', `${cli} ${line}`, '/dev/null'], {
      env: {
        ...process.env,
        HARDSHELL_HOME: commands.home('typed'),
        HARDSHELL_SEED: '',
        NO_COLOR: '',
        TERM: 'xterm',
        ...env,
      },
    })
    child.child.stdin?.on('error', () => {})
    child.child.stdout?.on('data', (chunk: Buffer | string) => {
      if (chunk.toString().includes('not shown')) child.child.stdin?.write(input)
    })
    return (await child).stdout
  }

  test.skipIf(!existsSync('/usr/bin/script'))(
    'words are typed unseen, and colours are for who wants them',
    async () => {
      const made = await typed('wallet init --restore --no-store', `${WORDS}\r`)
      expect(made).toContain('seed 89424e22')
      expect(made).not.toContain('abandon')
      const coloured = await typed('doctor', '')
      expect(coloured).toContain('\u001b[32m✓')
      expect(await typed('doctor', '', { NO_COLOR: '1' })).not.toContain('\u001b[32m')
      expect((await commands.run('doctor', { env: { HARDSHELL_HOME: commands.home('typed') } })).stdout).not.toContain(
        '\u001b[',
      )
      expect(await typed('wallet balance', `${WORDS}\r`)).toContain('Nothing yet')
    },
  )
})
