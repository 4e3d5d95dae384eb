/**
 * The API reference, from the doc comments of what the package exports: `npm run docs:api` writes docs/api, and `--check`
 * says whether it is what it would write, and what lacks its documentation. Needs a build in dist/.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import manifest from '../package.json' with { type: 'json' }
import { entryOf } from './api/declarations.ts'
import { lacking } from './api/lacking.ts'
import { fileNameOf, indexOf, pageOf } from './api/pages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const entries = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [entryOf(subpath.replace('.', manifest.name), target.types.replace('./', ''))],
)
const pages = new Map(entries.map((entry) => [fileNameOf(entry.name), pageOf(entry, entries)]))
pages.set('README.md', indexOf(entries))

const folder = 'docs/api'
const there = globSync(`${folder}/*.md`).map((path) => path.slice(folder.length + 1))
if (process.argv.includes('--check')) {
  const read = (page: string): string => readFileSync(join(folder, page), 'utf8')
  const stale = [...new Set([...there, ...pages.keys()])].filter(
    (page) => !there.includes(page) || pages.get(page) !== read(page),
  )
  const wrong = [
    ...entries.flatMap(lacking),
    ...stale.map((page) => `${folder}/${page} is out of date: npm run docs:api`),
  ]
  for (const line of wrong) console.error(line)
  if (wrong.length > 0) process.exitCode = 1
} else {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const [page, text] of pages) writeFileSync(join(folder, page), text)
  for (const line of entries.flatMap(lacking)) console.error(line)
}
