import { defineConfig } from 'vitest/config'

/** Stores that need a program of the system: a browser, a database server. */
export default defineConfig({
  test: {
    include: ['test-stores/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // Each starts programs that take all cores.
    fileParallelism: false,
  },
})
