/**
 * Documents and an index of them, written one after the other, as if they were in different systems. The document is
 * the truth. A call may fail although it wrote the document. The index is then out of date until the next call with
 * that key, reads included, updates it.
 */
import { StoreError, type Row, type Store, type Table, type Write } from '../store/port.ts'
import type { RowOf, Tables } from '../store/typed.ts'
import type { Reply } from './ports.ts'
import type { Ruling } from './rules.ts'

/** A call with more conflicts than this has a fault. */
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

/** Repeats work that conflicted with a change of another caller. */
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
    /** The name under which the index lists it; empty if it is not listed. */
    readonly nameOf: (document: D) => string
    /** More writes for the commit that writes the document. */
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
   * Changes a document as the rule says, then its index. What else the rule depends on is read before the document. In
   * the other order, a copy of this call that lands in between would show in one and not in the other, and this call
   * would be refused because of itself.
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

  /** Keys and states of the documents that the index lists under a name. */
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
