/**
 * Goal: README tells the truth. Method: every TypeScript block is taken out, type-checked, and run in order against an
 * embedded mint that pays its own invoices. A block sees the values that its prose supposes (a path, a mint's URL, seeds).
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMintServer, type MintServer } from '../src/mint-server/index.ts'
import { memoryStore } from '../src/store/memory.ts'

const ROOT = join(import.meta.dirname, '..')
const PLACE = join(ROOT, '.vitest', 'readme')

/** What the blocks suppose to be there. */
interface Given {
  readonly path: string
  readonly otherPath: string
  readonly crashPath: string
  readonly mintUrl: string
  readonly invoice: string
  readonly otherSeed: Uint8Array
  readonly crashSeed: Uint8Array
  readonly watchedSeed: Uint8Array
  readonly console: { log(...values: unknown[]): void }
}
const GIVEN = 'path, otherPath, crashPath, mintUrl, invoice, otherSeed, crashSeed, watchedSeed, console'

const blocks = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code!,
)

/** A block as a module: its imports stay on top, the rest becomes a function of what is given. */
function moduleOf(code: string): string {
  const imports = [...code.matchAll(/^import [\s\S]*?from '[^']+'\n/gm)].map(([text]) => text)
  const body = imports.reduce((rest, text) => rest.replace(text, ''), code)
  const types = `import type { Given } from './given.ts'\n`
  return `${types}${imports.join('')}\nexport async function run({ ${GIVEN} }: Given): Promise<void> {\n${body}\n}\n`
}

let server: MintServer
const folder = mkdtempSync(join(tmpdir(), 'hardshell-readme-'))

beforeAll(async () => {
  rmSync(PLACE, { recursive: true, force: true })
  mkdirSync(PLACE, { recursive: true })
  const fields = GIVEN.split(', ').filter((name) => name !== 'console')
  const typeOf = (name: string): string => (name.endsWith('Seed') ? 'Uint8Array<ArrayBuffer>' : 'string')
  const given = fields.map((name) => `  readonly ${name}: ${typeOf(name)}`).join('\n')
  writeFileSync(
    join(PLACE, 'given.ts'),
    `export interface Given {\n${given}\n  readonly console: { log(...values: unknown[]): void }\n}\n`,
  )
  blocks.forEach((code, at) => writeFileSync(join(PLACE, `block-${at + 1}.ts`), moduleOf(code)))
  const paths = {
    hardshell: ['../../src/index.ts'],
    'hardshell/kernel': ['../../src/kernel/index.ts'],
    'hardshell/store/*': ['../../src/store/*.ts'],
  }
  const compilerOptions = { paths, noUnusedLocals: false, noUnusedParameters: false, noEmit: true }
  writeFileSync(
    join(PLACE, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }),
  )
  server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 50, feeSat: 1 } })
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
  rmSync(PLACE, { recursive: true, force: true })
})

describe('README', () => {
  test('has its blocks', () => expect(blocks.length).toBeGreaterThanOrEqual(4))

  test('type-checks', async () => {
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', PLACE]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  test.each(blocks.map((_, at) => at + 1))('block %i runs', async (block) => {
    const said: string[] = []
    const seed = (): Uint8Array => crypto.getRandomValues(new Uint8Array(64))
    const given: Given = {
      path: join(folder, `wallet-${block}.db`),
      otherPath: join(folder, `other-${block}.db`),
      crashPath: join(folder, `crash-${block}.db`),
      mintUrl: server.url,
      invoice: server.backend.foreignInvoice({ amountSat: 21 }),
      otherSeed: seed(),
      crashSeed: seed(),
      watchedSeed: seed(),
      console: { log: (...values) => said.push(JSON.stringify(values)) },
    }
    const { run } = (await import(/* @vite-ignore */ join(PLACE, `block-${block}.ts`))) as {
      run(given: Given): Promise<void>
    }
    await run(given)
    for (const promised of PROMISES[block] ?? []) expect(said.join('\n')).toContain(promised)
  })
})

/** What the comments in a block say that it prints. */
const PROMISES: Readonly<Record<number, readonly string[]>> = {
  1: ['"issued"', '"claimed"'],
  2: ['"exchanging.swapping"', '"resumed"', '"swapped"'],
  4: ['"tea"'],
}
