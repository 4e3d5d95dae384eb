/**
 * What was measured, kept outside of the repository. Where a source has changed since, what is known of its functions that did
 * not change still holds; of the others it is supposed that whatever loads the source runs them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Check, Measured } from './check.ts'
import { cacheFolder, hashOf, root, sourceFiles } from './places.ts'
import { signatures } from './probes.ts'

interface Kept extends Measured {
  /** Of the sources that it loaded, and of its own file if it is a test. */
  readonly hashes: { readonly [file: string]: string }
}

/** Another one where probes are found, or numbered, in another way. */
const VERSION = 2

const read = (file: string): string => readFileSync(root + file, 'utf8')
const placeOf = ({ sort, name }: Check): string => `${cacheFolder()}/coverage-${VERSION}/${sort}-${hashOf(name)}.json`
const namesAt = (hash: string): string => `${cacheFolder()}/probes-${VERSION}/${hash}.json`

function write(path: string, what: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(what))
}

export class KeptCoverage {
  readonly #hashes = new Map<string, string>()
  /** By file and the hash that it had, the number that each of its probes then has now, and those that are new. */
  readonly #moves = new Map<
    string,
    { readonly now: readonly (number | undefined)[]; readonly fresh: readonly number[] }
  >()

  constructor() {
    for (const file of sourceFiles()) {
      const source = read(file)
      const hash = hashOf(source)
      this.#hashes.set(file, hash)
      if (!existsSync(namesAt(hash))) write(namesAt(hash), signatures(file, source))
    }
  }

  /** Undefined where it was not measured, or its own file has changed, or it was given less time. */
  get(check: Check, longestMs: number): Measured | undefined {
    try {
      const { hashes, ...kept } = JSON.parse(readFileSync(placeOf(check), 'utf8')) as Kept
      const isOwn = check.sort === 'scenario' || hashes[check.name] === hashOf(read(check.name))
      if (!isOwn || (kept.failed !== undefined && kept.cpuMs <= longestMs)) return undefined
      const ran = Object.entries(kept.ran).map(([file, probes]) => [file, this.#now(file, hashes[file] ?? '', probes)] as const) // prettier-ignore
      return { ...kept, ran: Object.fromEntries<readonly number[]>(ran) }
    } catch {
      return undefined
    }
  }

  set(it: Measured): void {
    const files = Object.keys(it.ran).map((file) => [file, this.#hashes.get(file) ?? ''] as const)
    const own = it.sort === 'test' ? [[it.name, hashOf(read(it.name))] as const] : []
    write(placeOf(it), { ...it, hashes: Object.fromEntries<string>([...files, ...own]) } satisfies Kept)
  }

  /** What ran of a source as it was, as the source is now. */
  #now(file: string, before: string, probes: readonly number[]): readonly number[] {
    if (before === this.#hashes.get(file)) return probes
    const mark = `${file} ${before}`
    const known = this.#moves.get(mark) ?? this.#move(file, before)
    this.#moves.set(mark, known)
    return [...probes.flatMap((probe) => known.now[probe] ?? []), ...known.fresh]
  }

  #move(file: string, before: string): { now: readonly (number | undefined)[]; fresh: readonly number[] } {
    const path = namesAt(before)
    const old = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as string[]) : ['module']
    const names = existsSync(root + file) ? signatures(file, read(file)) : []
    const numbers = new Map(names.map((name, at) => [name, at]))
    const known = new Set(old)
    return {
      now: old.map((name) => numbers.get(name)),
      fresh: names.flatMap((name, at) => (known.has(name) ? [] : at)),
    }
  }
}
