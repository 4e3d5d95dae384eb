#!/usr/bin/env node
/** The command `hardshell`. Each of its commands loads only what it needs. */
import { runCommand, runGroup, type Command, type Group } from './command.ts'
import { completionOf } from './completion.ts'
import { Misused, Refused } from './errors.ts'
import { output } from './output.ts'

/** Those that read their own command line. */
const OWN: Readonly<Record<string, readonly [load: () => Promise<unknown>, summary: string]>> = {
  mint: [() => import('../mint-server/cli/cli.ts'), 'runs a mint for development; backup and restore of its database'],
  signatory: [() => import('../mint-server/cli/cli.ts'), 'holds the keys of a mint that runs elsewhere'],
  crash: [() => import('./crash.ts'), 'proves kinds of operations: crashes them at every commit and every request'],
  chart: [() => import('./chart.ts'), 'prints the chart of a kind as SVG, as a mermaid diagram or as JSON'],
  inspect: [() => import('./inspect.ts'), 'a page that shows the operations of a wallet or a mint, live, in a browser'],
}

const LOADED: Readonly<Record<string, readonly [load: () => Promise<Group | Command>, summary: string]>> = {
  wallet: [async () => (await import('./wallet/index.ts')).wallet, 'ecash: invoices, payments, tokens, restore'],
  ops: [async () => (await import('./ops/index.ts')).ops, 'lists, explains, resumes and cancels operations'],
  doctor: [async () => (await import('./doctor.ts')).doctor, 'looks for what is wrong, and says what to do'],
  completion: [() => Promise.resolve(completion), 'what a shell needs to complete these commands'],
}

const completion: Command = completionOf(
  async () =>
    Object.fromEntries(
      await Promise.all(Object.entries(LOADED).map(async ([name, [load]]) => [name, await load()] as const)),
    ),
  Object.keys(OWN),
)

function overview(): string {
  const entries = [...Object.entries(LOADED), ...Object.entries(OWN)].map(
    ([name, [, summary]]) => [name, summary] as const,
  )
  const width = Math.max(...entries.map(([name]) => name.length))
  const lines = entries.map(([name, summary]) => `  hardshell ${name.padEnd(width)}  ${summary}`)
  return `hardshell: durable operations, and a Cashu wallet and mint that are made of them

${lines.join('\n')}

With --help, each says more. Begin with: hardshell wallet init
`
}

/** As `engines` of the package says; older ones cannot read what follows. */
const OLDEST_NODE = 24

async function run([name = '', ...args]: readonly string[]): Promise<number | undefined> {
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(overview())
    return name === '' ? 2 : 0
  }
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE)
    return output(false).fail(
      new Refused('NODE_TOO_OLD', `Node ${OLDEST_NODE} is needed, and this is ${process.version}`),
    )
  if (Object.hasOwn(OWN, name)) {
    await OWN[name]?.[0]()
    return undefined
  }
  const [load] = (Object.hasOwn(LOADED, name) ? LOADED[name] : undefined) ?? []
  if (!load)
    return output(args.includes('--json')).fail(
      new Misused(`there is no such command; there are ${[...Object.keys(LOADED), ...Object.keys(OWN)].join(', ')}`),
    )
  // Who reads the output may end before it does: `hardshell wallet history | head -1`.
  // What cannot be written otherwise, for the disk is full, may be a token or the words of a wallet.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : output(false).fail(error)),
  )
  const of = await load()
  return 'commands' in of ? runGroup(of, name, args) : runCommand(of, name, args)
}

const [, , ...given] = process.argv
const code = await run(given)
if (code !== undefined) process.exitCode = code
