import { defineConfig } from 'vitest/config'

const major = Number(process.versions.node.split('.')[0])
if (major < 24)
  throw new Error(`Node ${process.version} runs this; 24 comes with the package: run \`npm rebuild node\``)

const source = (path: string): string => new URL(path, import.meta.url).pathname

export default defineConfig({
  // The blocks of README import the package by its name.
  resolve: {
    alias: [
      { find: /^hardshell$/, replacement: source('src/index.ts') },
      { find: /^hardshell\/kernel$/, replacement: source('src/kernel/index.ts') },
      { find: /^hardshell\/phrase$/, replacement: source('src/phrase.ts') },
      { find: /^hardshell\/bounty$/, replacement: source('src/bounty/index.ts') },
      { find: /^hardshell\/testing$/, replacement: source('src/testing/index.ts') },
      { find: /^hardshell\/store\/(.+)$/, replacement: source('src/store/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'threads',
    // One per core: left alone, vitest keeps a core free, which is half of a small machine.
    maxWorkers: '100%',
    // Only what hangs is ended by time, however busy the machine is.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
})
