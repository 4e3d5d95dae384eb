import { readFileSync, statfsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const major = Number(process.versions.node.split('.')[0])
if (major < 24)
  throw new Error(`Node ${process.version} runs this; 24 comes with the package: run \`npm rebuild node\``)

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What the package exports, as its sources: the build puts `dist/` before each path, and makes JavaScript of it. */
const manifest = JSON.parse(readFileSync(source('package.json'), 'utf8')) as {
  exports: Record<string, string | { default: string }>
}
const sources = Object.entries(manifest.exports).flatMap(([name, target]) =>
  typeof target === 'string'
    ? []
    : {
        find: new RegExp(`^hardshell${name.slice(1)}$`),
        replacement: source(target.default.replace('./dist/', './').replace(/\.js$/, '.ts')),
      },
)

/** Where files cost no wait for a disk, if there is such a place with room. What a test kills, no disk has to survive. */
function folderInMemory(): string | undefined {
  const path = '/dev/shm'
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize > 2 ** 30 ? path : undefined
  } catch {
    return undefined
  }
}
const temporary = process.env['TMPDIR'] ?? folderInMemory()

const ALL = ['test/!(stores-real)/**/*.test.ts']
/** Here garbage is collected again and again, which takes the longer the more others have left. */
const ALONE = ['test/store/sqlite-encrypted.test.ts']

export default defineConfig({
  // The blocks of the pages import the package by its name.
  resolve: { alias: sources },
  test: {
    projects: [
      // Files share modules, and code that is compiled already: no test leaves a module or a global changed.
      { extends: true, test: { name: 'all', include: ALL, exclude: ALONE, isolate: false } },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
    pool: 'threads',
    // One per core: left alone, vitest keeps a core free, which is half of a small machine.
    maxWorkers: '100%',
    env: {
      // Processes that tests start find their modules compiled, too.
      NODE_COMPILE_CACHE: source('node_modules/.cache/compiled'),
      ...(temporary !== undefined && { TMPDIR: temporary }),
    },
    // Only what hangs is ended by time, however busy the machine is.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 600_000 } },
  },
})
