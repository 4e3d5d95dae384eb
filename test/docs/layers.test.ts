/**
 * Goal: the code keeps its shape. Imports point downward only and never in a circle, files can be read in one sitting.
 * Method: every file is parsed and its imports held against the table of ARCHITECTURE.md, which is the rule. That the rule can
 * fail is shown on made-up files that break it, one way each.
 */
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'
import { describe, expect, test } from 'vitest'

interface Layer {
  readonly name: string
  /** Globs. A file belongs to the first layer of which one fits its path. */
  readonly files: readonly string[]
  /** Layers that its files may import, besides their own. They stand above this line in the table. */
  readonly imports: readonly string[]
  /** Layers of which they may import types. */
  readonly types: readonly string[]
  /** Packages that they may import; `node:` stands for all of Node's own, `import()` for files that users name. */
  readonly packages: readonly string[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The table of ARCHITECTURE.md. */
const LAYERS: readonly Layer[] = [
  ...readFileSync(`${root}ARCHITECTURE.md`, 'utf8').matchAll(
    /^\| (\S+) \| (`[^`]+`(?:, `[^`]+`)*) \| ([^|`]*) \| ([^|`]*) \| ([^|]*) \|$/gm,
  ),
].map(([, name = '', files = '', imports = '', types = '', packages = '']) => ({
  name,
  files: listed(files.replaceAll('\\|', '|')),
  imports: listed(imports),
  types: listed(types),
  packages: listed(packages),
}))

function listed(cell: string): string[] {
  return cell
    .split(', ')
    .map((text) => text.trim().replaceAll('`', ''))
    .filter((text) => text !== '')
}

/** Limit of a file in src and machines; most are far below. The longest are charts, which are better whole. */
const MAX_LINES = 560

/** Path → source. */
type Files = Readonly<Record<string, string>>

interface Import {
  /** A path from the root, or a package's specifier. */
  readonly to: string
  readonly relative: boolean
  readonly typeOnly: boolean
}

/** A module whose name is computed when the program runs: a file that a user names. */
const COMPUTED = 'import()'

function importsOf(path: string, source: string): Import[] {
  const { module, errors } = parseSync(path, source)
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`)
  const found = (specifier: string, statement: string): Import => {
    const relative = specifier.startsWith('.')
    const to = relative ? posix.join(posix.dirname(path), specifier) : specifier
    return { to, relative, typeOnly: /^(im|ex)port\s+type\b/.test(statement) }
  }
  return [
    ...module.staticImports.map((i) => found(i.moduleRequest.value, source.slice(i.start, i.end))),
    ...module.staticExports.flatMap(({ entries, start, end }) =>
      entries.flatMap((e) => (e.moduleRequest ? found(e.moduleRequest.value, source.slice(start, end)) : [])),
    ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => found(named(source, start, end), '')),
  ]
}

/** What a dynamic import loads: a text, or the constant of that file that has it. */
function named(source: string, start: number, end: number): string {
  const request = source.slice(start, end)
  const [, text = request] = new RegExp(`^const ${request} = ('.*')$`, 'm').exec(source) ?? []
  return /^['"]/.test(text) ? text.slice(1, -1) : COMPUTED
}

const layerOf = (path: string): Layer | undefined =>
  LAYERS.find(({ files }) => files.some((glob) => posix.matchesGlob(path, glob)))

/** Every import in src and machines that the table does not allow. */
function violations(files: Files): string[] {
  return Object.entries(files).flatMap(([path, source]) => {
    if (!/^(src|machines)\//.test(path)) return []
    const layer = layerOf(path)
    if (!layer) return [`${path} belongs to no layer`]
    const allowed = ({ to, relative, typeOnly }: Import): boolean => {
      if (!relative)
        return layer.packages.some((name) => to === name || to.startsWith(name.endsWith(':') ? name : `${name}/`))
      const target = layerOf(to)
      if (!target) return false
      return target === layer || [...layer.imports, ...(typeOnly ? layer.types : [])].includes(target.name)
    }
    return importsOf(path, source)
      .filter((i) => !allowed(i))
      .map(({ to }) => `${path} (${layer.name}) must not import ${to}`)
  })
}

/** The first circle of imports found, types included. */
function circle(files: Files): string | undefined {
  const done = new Set<string>()
  const visit = (path: string, above: readonly string[]): string | undefined => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path].join(' → ')
    const source = files[path]
    if (done.has(path) || source === undefined) return undefined
    for (const { to, relative } of importsOf(path, source)) {
      const found = relative && visit(to, [...above, path])
      if (found) return found
    }
    done.add(path)
    return undefined
  }
  for (const path of Object.keys(files)) {
    const found = visit(path, [])
    if (found) return found
  }
  return undefined
}

const lines = (source: string): number => source.trimEnd().split('\n').length

const tooLong = (files: Files): string[] =>
  Object.entries(files).flatMap(([path, source]) =>
    lines(source) > MAX_LINES ? [`${path}: ${lines(source)} lines`] : [],
  )

function read(...patterns: string[]): Files {
  return Object.fromEntries(globSync(patterns, { cwd: root }).map((path) => [path, readFileSync(root + path, 'utf8')]))
}

describe('this package', () => {
  const product = read('src/**/*.ts', 'machines/**/*.ts')

  test('imports only downward', () => {
    expect(Object.keys(product)).toContain('src/store/port.ts')
    expect(violations(product)).toEqual([])
  })

  test('has no circular import', () => {
    const all = { ...product, ...read('test/**/*.ts', 'scripts/**/*.ts', 'examples/**/*.ts') }
    expect(circle(all)).toBeUndefined()
  })

  test(`has no file beyond ${MAX_LINES} lines`, () => {
    const sizes = Object.values(product)
      .map(lines)
      .toSorted((a, b) => a - b)
    console.log(`${sizes.length} files in src and machines, median ${sizes[sizes.length >> 1]} lines`)
    expect(tooLong(product)).toEqual([])
  })
})

describe('the rule', () => {
  test('has a line for each layer, and every layer has files', () => {
    expect(LAYERS.length).toBeGreaterThan(15)
    const paths = Object.keys(read('src/**/*.ts', 'machines/**/*.ts'))
    for (const layer of LAYERS)
      expect(
        paths.filter((path) => layerOf(path) === layer),
        layer.name,
      ).not.toEqual([])
  })

  test('is a ladder: a layer imports those above it in the table', () => {
    for (const [at, { imports }] of LAYERS.entries())
      expect(LAYERS.slice(0, at).map(({ name }) => name)).toEqual(expect.arrayContaining([...imports]))
  })

  test.each<[string, Files]>([
    ['its own layer', { 'src/kernel/a.ts': `import { b } from './deep/b.ts'` }],
    ['a layer below', { 'src/wallet/a.ts': `import { b } from '../kernel/b.ts'` }],
    ['types where only types may be', { 'src/cashu/a.ts': `import type { B } from '../store/port.ts'` }],
    ['a package and its subpath', { 'src/cashu/a.ts': `import { b } from '@noble/curves/secp256k1.js'` }],
    ['Node in SQLite', { 'src/store/sqlite/index.ts': `import { DatabaseSync } from 'node:sqlite'` }],
    [
      'what a comment says',
      { 'src/store/memory.ts': `// import a from 'node:fs'\n/* export * from '../wallet/b.ts' */` },
    ],
    ['what a text says', { 'src/store/memory.ts': 'export const a = `import b from "node:fs"`' }],
    ['anything outside src and machines', { 'test/a.ts': `import { b } from '../src/wallet/b.ts'` }],
  ])('allows %s', (_, files) => expect(violations(files)).toEqual([]))

  test.each<[string, Files]>([
    ['a layer above', { 'src/kernel/a.ts': `import { b } from '../wallet/b.ts'` }],
    ['a type of a layer above', { 'src/kernel/a.ts': `import type { B } from '../wallet/b.ts'` }],
    ['more than a type', { 'src/cashu/a.ts': `import { type B } from '../store/port.ts'` }],
    ['a re-export', { 'src/store/a.ts': `export * from '../kernel/b.ts'` }],
    ['a dynamic import', { 'src/store/memory.ts': `export const a = () => import('../kernel/b.ts')` }],
    ['the kernel in a machine', { 'machines/wallet/a.ts': `import { b } from '../../src/kernel/operation.ts'` }],
    ['another family of machines', { 'src/wallet/a.ts': `import { b } from '../../machines/mint-server/b.ts'` }],
    ['an adapter in the kernel', { 'src/kernel/a.ts': `import { b } from '../store/memory.ts'` }],
    ['a file that somebody names', { 'src/wallet/a.ts': `export const a = (path: string) => import(path)` }],
    ['XState in the wallet', { 'src/wallet/a.ts': `import { createActor } from 'xstate'` }],
    ['Node in the kernel', { 'src/kernel/a.ts': `import { randomUUID } from 'node:crypto'` }],
    ['Node in another store', { 'src/store/memory.ts': `import 'node:fs'` }],
    ['a test', { 'src/wallet/a.ts': `import { b } from '../../test/b.ts'` }],
    ['a file of no layer', { 'src/elsewhere/a.ts': '' }],
  ])('refuses %s', (_, files) => expect(violations(files)).toHaveLength(1))

  test('finds a circle through several files, types included', () => {
    const files = {
      'src/a.ts': `import './b.ts'`,
      'src/b.ts': `export type { C } from './deep/c.ts'`,
      'src/deep/c.ts': `import type { B } from '../b.ts'`,
    }
    expect(circle(files)).toBe('src/b.ts → src/deep/c.ts → src/b.ts')
    expect(circle({ ...files, 'src/deep/c.ts': '' })).toBeUndefined()
  })

  test('counts lines', () => {
    expect(tooLong({ 'src/a.ts': 'a\n'.repeat(MAX_LINES + 1), 'src/b.ts': 'b\n'.repeat(MAX_LINES) })).toEqual([
      `src/a.ts: ${MAX_LINES + 1} lines`,
    ])
  })
})
