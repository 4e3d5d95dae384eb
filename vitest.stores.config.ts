/** The stores that need more than Node: a PostgreSQL server, a browser. What is missing is said, never skipped. */
import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

const { projects: _, ...test } = base.test ?? {}

export default defineConfig({
  ...base,
  test: { ...test, include: ['test/stores-real/**/*.test.ts'] },
})
