/** What came of mistakes, kept outside of the repository: a run that was ended goes on where it was. */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Mutation } from './mutations.ts'
import { cacheFolder, hashOf, root } from './places.ts'
import type { Verdict } from './run.ts'

/** Whether the compiler refuses a mistake is kept apart: it is known before anything runs. */
interface KeptRefusal {
  readonly isRefused: boolean
}

interface Kept {
  readonly verdict: Verdict
  /** Of all sources and tests. */
  readonly tree: string
  readonly budgetMs: number
}

/**
 * One that was caught stays caught while the source that it is in stands as it is. One that survived is tried again when
 * any source or test has changed, or where it may take longer.
 */
export class Results {
  readonly #tree = treeHash()
  readonly #budgetMs: number

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs
  }

  get(mutation: Mutation): Verdict | undefined {
    try {
      const { verdict, tree, budgetMs } = JSON.parse(readFileSync(pathOf(mutation, 'results'), 'utf8')) as Kept
      const isFinal = verdict.result !== 'survived' || (tree === this.#tree && budgetMs >= this.#budgetMs)
      return isFinal ? verdict : undefined
    } catch {
      return undefined
    }
  }

  set(mutation: Mutation, verdict: Verdict): void {
    const kept: Kept = { verdict, tree: this.#tree, budgetMs: this.#budgetMs }
    write(pathOf(mutation, 'results'), kept)
  }

  isRefused(mutation: Mutation): boolean | undefined {
    try {
      return (JSON.parse(readFileSync(pathOf(mutation, 'types'), 'utf8')) as KeptRefusal).isRefused
    } catch {
      return undefined
    }
  }

  setRefused(mutation: Mutation, isRefused: boolean): void {
    const kept: KeptRefusal = { isRefused }
    write(pathOf(mutation, 'types'), kept)
  }
}

function write(path: string, what: object): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(what))
}

const pathOf = ({ id, file }: Mutation, sort: 'results' | 'types'): string =>
  `${cacheFolder()}/${sort}/${hashOf(readFileSync(root + file, 'utf8') + id)}.json`

const treeHash = (): string =>
  hashOf(
    globSync('{src,machines,test}/**/*.ts', { cwd: root })
      .toSorted()
      .map((file) => file + readFileSync(root + file, 'utf8'))
      .join('\n'),
  )
