/**
 * Goal: every `@example` of a doc comment is a program that compiles, and that runs. Method: each becomes a function of what its
 * reader has at hand (a wallet, a mint's URL) and imports what it names of the package's entry points. All are type-checked
 * together, and then run on a mint in one process.
 */
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseSync } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { docOf } from '../../scripts/api/declarations.ts'
import { packagePaths } from '../kits/package-paths.ts'
import type { RunnableExample } from '../kits/run-examples.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** What a reader has at hand. */
const GIVEN = `
import type { Bounties } from 'hardshell/bounty'
import type { SendHandle, StoreAdapter, Wallet } from 'hardshell'
import type { OperationKind, Operations } from 'hardshell/kernel'
import type { KindStage, Proof, Scenario } from 'hardshell/testing'
declare const wallet: Wallet
declare const [mintUrl, invoice, token, id, phrase]: [string, string, string, string, string]
declare const store: StoreAdapter
declare const [seed, key]: [Uint8Array, Uint8Array]
declare const send: SendHandle
declare const bounties: Bounties
declare const operations: Operations
declare const [order, orderKind]: [OperationKind, OperationKind]
declare const proof: Proof
declare const scenario: Scenario<KindStage<object>>
declare function test(name: string, run: () => unknown): void
`

interface Example {
  readonly file: string
  readonly line: number
  readonly code: string
}

const examples = globSync('{src,machines}/**/*.ts', { cwd: root })
  .toSorted()
  .flatMap((file): Example[] => {
    const source = readFileSync(join(root, file), 'utf8')
    return [...source.matchAll(/^[ \t]*\/\*(\*[\s\S]*?)\*\//gm)].flatMap(({ 1: comment = '', index }) =>
      docOf(comment).examples.map((code) => ({ file, line: source.slice(0, index).split('\n').length, code })),
    )
  })

/** What each entry point exports, types too. */
const exported = Object.entries(packagePaths).map(([entry, [path]]) => {
  const { module } = parseSync(path, readFileSync(path, 'utf8'))
  const names = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ exportName }) => exportName.name ?? []),
  )
  return { entry, names }
})

/** What an example names of each entry point; of several that export a name, the first. */
function usedIn(code: string): { readonly entry: string; readonly used: readonly string[] }[] {
  const taken = new Set<string>()
  return exported.flatMap(({ entry, names }) => {
    const used = names.filter((name) => !taken.has(name) && new RegExp(`\\b${name}\\b`).test(code))
    for (const name of used) taken.add(name)
    return used.length === 0 ? [] : [{ entry, used }]
  })
}

/** The imports of an example. */
function importsOf(code: string): string {
  const lines = usedIn(code).map(({ entry, used }) => `import { ${used.join(', ')} } from '${entry}'`)
  const xstate = ['assign', 'setup'].filter((name) => new RegExp(`\\b${name}\\(`).test(code))
  return [...lines, ...(xstate.length > 0 ? [`import { ${xstate.join(', ')} } from 'xstate'`] : [])].join('\n')
}

test('there are examples of every part', () => {
  expect(examples.length).toBeGreaterThan(50)
  for (const part of ['src/wallet/', 'src/kernel/', 'src/store/', 'src/bounty/', 'src/mint-server/', 'src/testing/'])
    expect(
      examples.some(({ file }) => file.startsWith(part)),
      part,
    ).toBe(true)
})

test('every example compiles', async () => {
  mkdirSync(join(root, 'dist'), { recursive: true })
  const folder = mkdtempSync(join(root, 'dist', 'api-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const files = examples.map(({ file, line, code }) => {
    const path = join(folder, `${file.replaceAll('/', '-').replace(/\.ts$/, '')}-${line}.ts`)
    writeFileSync(path, `${importsOf(code)}\n${GIVEN}\nexport async function example() {\n${code}\n}\n`)
    return path
  })
  const compilerOptions = { paths: packagePaths, rootDir: root, verbatimModuleSyntax: false }
  const tsconfig = { extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout } = await run(tsc, ['-p', folder]).catch((error: unknown) => error as { stdout: string })
  expect(stdout).toBe('')
})

/** Examples that do not run here, with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'src/store/indexeddb/index.ts': 'needs a browser',
  'src/testing/contracts/machine-contract.ts': 'needs the kind of its reader',
}

/** An example with what a test cannot have replaced: a fixed port, a mint on the internet, a file that others use too, a long wait. */
const here = ({ code, line }: Example): string =>
  code
    .replace('port: 3338', 'port: 0')
    .replace('AbortSignal.timeout(60_000)', 'AbortSignal.timeout(100)')
    .replace(`'https://new.example/Bitcoin'`, 'movedTo')
    .replace(`'wallet.db'`, `'wallet-${line}.db'`)

test('every example runs to its end', { timeout: 600_000 }, async () => {
  mkdirSync(join(root, 'dist'), { recursive: true })
  const folder = mkdtempSync(join(root, 'dist', 'api-run-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const runnable = examples
    .filter(({ file }) => NOT_RUN[file] === undefined)
    .map((each): RunnableExample => {
      const { file, line, code } = each
      const path = join(folder, `${file.replaceAll('/', '-').replace(/\.ts$/, '')}-${line}.ts`)
      // Types are not there when it runs: the names of types are undefined, and nothing reads them.
      const entries = usedIn(code).map(
        ({ entry, used }, at) => `import * as entry${at} from '${entry}'\nconst { ${used.join(', ')} } = entry${at}`,
      )
      const given = `{ wallet, mintUrl, invoice, token, id, phrase, movedTo, store, seed, key, send, bounties, operations, order, proof, scenario, test }`
      const body = `export async function example(${given}) {\n{\n${here(each)}\n}\n}\n`
      writeFileSync(path, [`import { assign, setup } from 'xstate'`, ...entries, body].join('\n'))
      return { name: `${file}:${line}`, path, code }
    })
  expect(runnable.length).toBe(examples.length - Object.keys(NOT_RUN).length)
  const list = join(folder, 'examples.json')
  writeFileSync(list, JSON.stringify(runnable))
  const program = join(root, 'test/kits/run-examples.ts')
  const sources = import.meta.resolve('../kits/resolve-sources.ts')
  const { stdout } = await run(process.execPath, ['--import', sources, program, list], { cwd: folder })
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toEqual([])
})
