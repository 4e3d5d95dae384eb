/** Mistakes that nobody can make: the compiler refuses them. */
import { execFile } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mutatedSource, type Mutation } from './mutations.ts'
import { root } from './places.ts'
import type { Results } from './results.ts'
import { remove, temporary } from './temporary.ts'

/** What of a checkout the compiler needs to judge the sources. */
const SOURCES = ['src', 'machines', 'package.json', 'tsconfig.json']

/**
 * Which of them the compiler refuses, by their names. A run of it judges one mistake in each of many files; what it says of
 * other files than those is taken for nothing.
 */
export async function refusedOf(
  wanted: readonly Mutation[],
  kept: Results,
  tell: (line: string) => void,
): Promise<ReadonlySet<string>> {
  const refused = new Set(wanted.filter((it) => kept.isRefused(it) === true).map(({ id }) => id))
  const open = wanted.filter((it) => kept.isRefused(it) === undefined)
  if (open.length === 0) return refused
  const folder = temporary('types')
  try {
    for (const name of SOURCES) cpSync(root + name, `${folder}/${name}`, { recursive: true })
    symlinkSync(`${root}node_modules`, `${folder}/node_modules`)
    const files = Map.groupBy(open, ({ file }) => file)
    const rounds = Math.max(...[...files.values()].map(({ length }) => length))
    tell(`asks the compiler about ${open.length} mistakes, in ${rounds} rounds`)
    for (let round = 0; round < rounds; round++) {
      const made = [...files.values()].flatMap((all) => all[round] ?? [])
      const wrong = await wrongFiles(folder, made)
      for (const it of made) {
        kept.setRefused(it, wrong.has(it.file))
        if (wrong.has(it.file)) refused.add(it.id)
      }
    }
  } finally {
    remove(folder)
  }
  return refused
}

/** Files in which the compiler finds an error, with one mistake in each. */
async function wrongFiles(folder: string, made: readonly Mutation[]): Promise<ReadonlySet<string>> {
  const sources = made.map((it) => [it, readFileSync(root + it.file, 'utf8')] as const)
  for (const [it, source] of sources) writeFileSync(`${folder}/${it.file}`, mutatedSource(source, it))
  const told = await compiled(folder)
  for (const [{ file }, source] of sources) writeFileSync(`${folder}/${file}`, source)
  return new Set([...told.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].flatMap(([, file = '']) => file))
}

/** What the compiler says. It keeps what it knows of the files that did not change. */
function compiled(folder: string): Promise<string> {
  const args = ['--incremental', '--tsBuildInfoFile', `${folder}/info`, '--pretty', 'false']
  return new Promise((resolve, reject) => {
    execFile(`${root}node_modules/.bin/tsc`, args, { cwd: folder, maxBuffer: 2 ** 26 }, (error, out) => {
      // It fails where it finds errors, and says nothing where it did not run.
      if (error && !out.includes('error TS')) reject(new Error(`the compiler did not run: ${error.message}`))
      else resolve(out)
    })
  })
}
