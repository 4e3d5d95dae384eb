/**
 * Goal: ARCHITECTURE.md leads to files that are there. Method: every path and every file name that it shows as code is
 * looked for among the files of the repository; that a wrong one is found is shown on a made-up page.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = ['src', 'machines', 'test', 'scripts', 'examples', 'docs']
const files = globSync([`{${FOLDERS.join(',')}}/**/*.{ts,json,md}`, '*.{ts,md,json}'], { cwd: root })
const names = new Set(files.map((path) => path.replace(/.*\//, '')))

/** Files that a page names and that are nowhere: a path from the root or from `src`, or a name alone. */
function missing(page: string): string[] {
  const named = Array.from(page.matchAll(/`([\w./-]+\.(?:ts|json|md))`/g), ([, name = '']) => name)
  return [...new Set(named)].filter((name) =>
    name.includes('/') ? !files.includes(name) && !files.includes(`src/${name}`) : !names.has(name),
  )
}

test('every file that ARCHITECTURE.md names is there', () => {
  const page = readFileSync(`${root}ARCHITECTURE.md`, 'utf8')
  expect(missing(page)).toEqual([])
  expect(page.match(/`[\w./-]+\.ts`/g)?.length).toBeGreaterThan(60)
})

test('a file that is nowhere is found', () => {
  const page = 'See `kernel/run/durable.ts`, `durable.ts`, `kernel/durable.ts`, `away.ts` and `test/kits/away.ts`.'
  expect(missing(page)).toEqual(['kernel/durable.ts', 'away.ts', 'test/kits/away.ts'])
})
