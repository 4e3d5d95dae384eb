/**
 * Goal: every `@example` of a doc comment is a program that compiles. Method: each becomes a function of what its reader has
 * at hand (a wallet, a mint's URL), imports what it names of the package's entry points, and is type-checked with the others.
 */
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseSync } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { docOf } from '../../scripts/api/declarations.ts'
import { packagePaths } from '../kits/package-paths.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** What a reader has at hand. */
const GIVEN = `
import type { Bounties } from 'hardshell/bounty'
import type { SendHandle, StoreAdapter, Wallet } from 'hardshell'
import type { OperationKind } from 'hardshell/kernel'
declare const wallet: Wallet
declare const [mintUrl, invoice, token, id, phrase]: [string, string, string, string, string]
declare const store: StoreAdapter
declare const [seed, key]: [Uint8Array, Uint8Array]
declare const send: SendHandle
declare const bounties: Bounties
declare const [order, orderKind]: [OperationKind, OperationKind]
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

/** What an example names, from where it is imported first. */
function importsOf(code: string): string {
  const taken = new Set<string>()
  const lines = exported.flatMap(({ entry, names }) => {
    const used = names.filter((name) => !taken.has(name) && new RegExp(`\\b${name}\\b`).test(code))
    for (const name of used) taken.add(name)
    return used.length === 0 ? [] : [`import { ${used.join(', ')} } from '${entry}'`]
  })
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
