/**
 * Documents with an index beside them, written one after the other, as where the two are different systems. The document
 * is the truth. Whoever calls may hear of a failure although the document was written; the index then is old, until
 * the next call of that key, a question included, brings it up to date.
 */
import { StoreError, type Row, type Store, type Table, type Write } from '../store/port.ts'
import type { RowOf, Tables } from '../store/typed.ts'
import type { Reply } from './ports.ts'
import type { Ruling } from './rules.ts'

/** More conflicts than this in one call are no coincidence. */
const MOST_TRIES = 200

/** A table of documents; `columns` are those beside the ones that every such table has. */
export const documentTable = <const C extends Table['columns'], const I extends Table['indexes']>(
  columns: C,
  indexes: I,
) => ({ columns: { key: 'text', state: 'text', revision: 'integer', ...columns }, key: ['key'], indexes }) as const

/** A document of a table, as its rules know it. */
export type DocumentOf<T extends Table> = Omit<RowOf<T>, 'revision'>

/** An index of documents by somebody's name. */
export const indexTable = {
  columns: { name: 'text', key: 'text', state: 'text', revision: 'integer' },
  key: ['name', 'key'],
} as const satisfies Table

export interface Document {
  readonly key: string
  readonly state: string
}
type Stored<D> = D & { readonly revision: number } & Row

/** Does again what met somebody else's change. */
export async function again<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'CONFLICT' || tries >= MOST_TRIES) throw error
    }
}

export class Documents<T extends Tables, D extends Document> {
  readonly #store: Store
  readonly #table: string
  readonly #index: string
  readonly #nameOf: (document: D) => string
  readonly #beside: (before: D | undefined, after: D) => Promise<readonly Write[]>

  constructor(of: {
    readonly store: Store
    readonly table: keyof T & string
    readonly index: keyof T & string
    /** Under which name the index has it; empty for not at all. */
    readonly nameOf: (document: D) => string
    /** Further writes of the document's own commit. */
    readonly beside?: (before: D | undefined, after: D) => Promise<readonly Write[]>
  }) {
    this.#store = of.store
    this.#table = of.table
    this.#index = of.index
    this.#nameOf = of.nameOf
    this.#beside = of.beside ?? (() => Promise.resolve([]))
  }

  async get(key: string): Promise<D | undefined> {
    return again(async () => {
      const found = await this.#read(key)
      if (found) await this.#bringUpToDate(found)
      return found
    })
  }

  /**
   * Changes a document as ruled, then its index. What the rule goes by besides is looked at before the document: else the
   * same call, carried out in between, would show in the one and not in the other, and be refused for its own sake.
   */
  change<Seen = void>(
    key: string,
    rule: (found: D | undefined, seen: Seen) => Ruling<D>,
    readBefore: () => Promise<Seen> = () => Promise.resolve() as Promise<Seen>,
  ): Promise<Reply> {
    return again(async () => {
      const seen = await readBefore()
      const found = await this.#read(key)
      const { reply, put } = rule(found, seen)
      let last = found
      if (put) {
        last = { ...put, revision: (found?.revision ?? 0) + 1 } as Stored<D>
        const write = { put: this.#table, row: last, if: found ? { revision: found.revision } : 'absent' } as const
        await this.#store.commit([write, ...(await this.#beside(found, put))])
      }
      if (last) await this.#bringUpToDate(last)
      return reply
    })
  }

  /** Keys of the documents that the index has under a name, with their states. */
  async list(name: string): Promise<readonly Document[]> {
    const rows = await this.#store.query({ table: this.#index, prefix: [name] })
    return rows.map(({ key, state }) => ({ key, state }) as Document)
  }

  #read(key: string): Promise<Stored<D> | undefined> {
    return this.#store.get<Stored<D>>(this.#table, [key])
  }

  async #bringUpToDate(document: Stored<D>): Promise<void> {
    const { key, state, revision } = document
    const name = this.#nameOf(document)
    if (name === '') return
    const there = await this.#store.get(this.#index, [name, key])
    if (there?.['revision'] === revision) return
    await this.#store.commit([
      { check: this.#table, key: [key], if: { revision } },
      { put: this.#index, row: { name, key, state, revision } },
    ])
  }
}
