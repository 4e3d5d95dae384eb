/** Where a changed program's parts lie, and what its processes are told of it. */
import { createHash } from 'node:crypto'
import { globSync } from 'node:fs'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The environment's name for the folder whose sources take the place of the repository's. */
export const OVERLAY = 'HARDSHELL_MUTATE_OVERLAY'
/** And for the folder in which processes leave what ran of them. */
export const NOTES = 'HARDSHELL_MUTATE_NOTES'

/** The global under which a program with probes finds where to note what ran. */
export const PROBES = '__hardshellProbes'

/** What ran of a program: numbers of probes by file, and names of states. */
export interface Notes {
  readonly ran: { readonly [file: string]: readonly number[] }
  readonly states: readonly string[]
}

export function together(all: readonly Notes[]): Notes {
  const ran = new Map<string, Set<number>>()
  for (const it of all)
    for (const [file, numbers] of Object.entries(it.ran)) ran.set(file, new Set([...(ran.get(file) ?? []), ...numbers]))
  return {
    ran: Object.fromEntries([...ran].map(([file, numbers]) => [file, [...numbers]])),
    states: [...new Set(all.flatMap(({ states }) => states))],
  }
}

/** Outside of the repository, for any checkout of it. */
export const cacheFolder = (): string => `${process.env['XDG_CACHE_HOME'] ?? `${homedir()}/.cache`}/hardshell/mutate`

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

export const sourceFiles = (): string[] => globSync('{src,machines}/**/*.ts', { cwd: root }).toSorted()

/** Options of Node that make a process or a thread run the changed program, and note what runs where that is asked. */
export const preloads = (isProbed: boolean): string[] => [
  `--import=${new URL('overlay.ts', import.meta.url).href}`,
  ...(isProbed ? [`--import=${new URL('notes.ts', import.meta.url).href}`] : []),
]
