/**
 * Packs the package as it would be published, looks at what is in it, and uses it as a stranger would: installed from
 * the tarball, every subpath type-checked under both ways of resolving modules, imported by Node, and its command run.
 * Needs a build in dist/.
 */
import { execFileSync, spawnSync, type StdioOptions } from 'node:child_process'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import manifest from '../package.json' with { type: 'json' }
import { linksOf } from './links.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
using temp = mkdtempDisposableSync(join(tmpdir(), 'hardshell-pack-'))

// Node brings its own list of certificate authorities; a machine behind a company's proxy has one more.
const env = { ...process.env, NODE_USE_SYSTEM_CA: '1' }

function run(command: string, args: readonly string[], cwd: string, stdio: StdioOptions = 'inherit'): string {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio, timeout: 120_000 }) ?? ''
}

/** Packs into the temporary folder. */
function pack(): { readonly filename: string; readonly unpackedSize: number; readonly paths: readonly string[] } {
  const json = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temp.path], root, 'pipe')
  const [packed] = JSON.parse(json) as [{ filename: string; unpackedSize: number; files: { path: string }[] }]
  return { ...packed, paths: packed.files.map(({ path }) => path) }
}

/** What is wrong with the list of packed files. */
function complaints(paths: readonly string[]): string[] {
  const expected = [
    'README.md',
    'LICENSE',
    'package.json',
    'dist/inspector-page/index.html',
    'dist/inspector-page/page.js',
    ...targets(manifest.exports),
  ]
  // The first release writes the change log.
  if (manifest.version !== '0.0.0') expected.push('CHANGELOG.md')
  const allowed =
    /^(dist\/(src|machines)\/.+\.(js|d\.ts)|dist\/inspector-page\/([\w-]+\.(html|js|css|svg)|charts\/[0-9a-f]+\.svg)|(docs\/(api\/)?[\w-]+|README|ARCHITECTURE|CHANGELOG)\.md|docs\/charts\/[\w-]+\.svg|docs\/inspector\.png|examples\/.+\.ts|LICENSE|package\.json)$/
  return [
    ...expected.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
    ...paths.filter((path) => !allowed.test(path)).map((path) => `${path} does not belong in it`),
    ...linked(paths)
      .filter((path) => !paths.includes(path))
      .map((path) => `${path} is linked to, and missing`),
  ]
}

/** Every file that a packed page links to. */
function linked(paths: readonly string[]): string[] {
  const pages = paths.filter((path) => path.endsWith('.md'))
  return pages.flatMap((page) => linksOf(page, readFileSync(join(root, page), 'utf8')).map(({ to }) => to))
}

/** Every file that the exports name. */
function targets(exports: object | string): string[] {
  return typeof exports === 'string'
    ? [exports.replace('./', '')]
    : Object.values(exports).flatMap((target: object | string) => targets(target))
}

/** What a stranger installs beside the package to use all of it, with the types that it comes without. */
function peers(): string[] {
  const versions: Readonly<Record<string, string>> = manifest.devDependencies
  return Object.keys(manifest.peerDependencies)
    .flatMap((name) => [name, `@types/${name}`])
    .flatMap((name) => (versions[name] === undefined ? [] : [`${name}@${versions[name]}`]))
}

/** A project that depends on the tarball and imports everything it exports. */
function consumer(tarball: string): void {
  const write = (name: string, content: unknown): void =>
    writeFileSync(join(temp.path, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  const modules = Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => subpath.replace('.', manifest.name))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'dom'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const files = ['consumer.ts']
  write('package.json', { name: 'consumer', private: true, type: 'module' })
  write('nodenext.json', { compilerOptions: { ...compilerOptions, module: 'nodenext' }, files })
  write('bundler.json', { compilerOptions: { ...compilerOptions, module: 'preserve' }, files })
  write(
    'consumer.ts',
    [
      ...modules.map((name, i) => `import * as m${i} from '${name}'`),
      `const modules: Record<string, object> = { ${modules.map((name, i) => `'${name}': m${i}`).join(', ')} }`,
      `for (const [name, exported] of Object.entries(modules)) {`,
      `  if (Object.keys(exported).length === 0) throw new Error(name + ' exports nothing')`,
      `  console.log(name + ': ' + Object.keys(exported).length + ' exports')`,
      `}`,
    ].join('\n'),
  )
  const packages = [tarball, ...peers()]
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages], temp.path)
  for (const resolution of ['nodenext', 'bundler']) {
    run(join(root, 'node_modules/.bin/tsc'), ['-p', `${resolution}.json`], temp.path)
    console.log(`types resolve: ${resolution}`)
  }
  run(process.execPath, ['consumer.ts'], temp.path)
  proven(write)
  write('inspect.mjs', INSPECT)
  run(process.execPath, ['inspect.mjs'], temp.path)
  for (const name of Object.keys(manifest.bin)) run(join(temp.path, 'node_modules/.bin', name), ['--help'], temp.path)
}

/** Proves a kind with the installed command, which must find its mistake and replay it. */
function proven(write: (name: string, content: string) => void): void {
  write('prove.ts', PROOF)
  const crash = (...args: string[]): string => {
    const command = join(temp.path, 'node_modules/.bin/hardshell')
    const { status, stdout, stderr } = spawnSync(command, ['crash', 'prove.ts', ...args], { cwd: temp.path, env, encoding: 'utf8' }) // prettier-ignore
    if (status !== 1) throw new Error(`hardshell crash ended with ${status}:\n${stdout}${stderr}`)
    return stdout
  }
  const [, path] = /payment: charged twice\n\s+path: (\S+)/.exec(crash('--quick')) ?? []
  if (path === undefined) throw new Error('hardshell crash found no bank that charges twice')
  const replayed = crash('--replay', path)
  for (const part of ['✗ payment: charged twice', 'request  ports("', 'event    order: charge answered {"answer":"'])
    if (!replayed.includes(part)) throw new Error(`the replay does not show ${part}:\n${replayed}`)
  console.log(`hardshell crash: finds and replays ${path}`)
}

/** Serves the inspector's page as it was packed. */
const INSPECT = `
import { openOperations, operationsTable } from 'hardshell/kernel'
import { serveInspector } from 'hardshell/inspector'
import { memoryStore } from 'hardshell/store/memory'

const tables = { operations: operationsTable() }
const store = await memoryStore().open({ version: 1, tables })
const operations = openOperations({ store, tables, kinds: [], ports: undefined })
const inspector = await serveInspector({ operations })
for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) {
  const { status } = await fetch(new URL(path, inspector.url))
  if (status !== 200) throw new Error(path + ' of the inspector is answered with ' + status)
}
await inspector.close()
operations.close()
console.log('hardshell/inspector: serves its page')
`

/** An order at a bank that charges whenever it is asked. */
const PROOF = `
import { setup } from 'xstate'
import { answered, defineOperation, effect } from 'hardshell/kernel'
import { defineProof } from 'hardshell/testing'

type Bank = (order: string) => Promise<void>
const order = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string }; input: { id: string } },
    actors: { charge: effect<{ answer: 'ok' | 'unknown' }, { id: string }>({ answers: { ok: true, unknown: true } }) },
    delays: { soon: 1_000 },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context: { id } }) => ({ id }),
          onDone: [{ guard: answered('ok'), target: 'paid' }, { target: 'waiting' }],
        },
      },
      waiting: { after: { soon: 'charging' } },
      paid: { type: 'final' },
    },
  }),
  effects: (bank: Bank) => ({
    charge: ({ input }) => bank(input.id).then(() => ({ answer: 'ok' }) as const, () => ({ answer: 'unknown' }) as const),
  }),
})

export default defineProof({
  kind: order,
  input: {},
  outside: () => ({ charged: [] as string[] }),
  ports: ({ charged }): Bank => async (id) => void charged.push(id),
  judge: ({ outside }) => (outside.charged.length > 1 ? ['payment: charged twice'] : []),
})
`

const { filename, unpackedSize, paths } = pack()
console.log(`${filename}: ${paths.length} files, ${Math.ceil(unpackedSize / 1000)} kB unpacked`)
const wrong = complaints(paths)
if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exitCode = 1
} else consumer(join(temp.path, filename))
