/**
 * Keys and values in namespaces. They are rows of one table, so every store can hold them. A change of a value is a
 * `Write` like any other: it lands in the same commit as the writes that it belongs to, or not at all.
 *
 * Names are made of `A-Z a-z 0-9 _ -`, at most 120 of them, so that they can stand in a path, a URL or another store.
 */
import type { Json, Table } from './port.ts'
import type { ReaderOf, StoreOf, WriteOf } from './typed.ts'

/** The namespace of a key: none, a primary one, or a secondary one within a primary one. */
export interface Namespace {
  /** The outer namespace. */
  readonly primary?: string | undefined
  /** The namespace within the primary one. */
  readonly secondary?: string | undefined
}

/** The name of a value: its key, and the namespace that it is in. */
export interface KvName extends Namespace {
  /** The key within its namespace. */
  readonly key: string
}

const KV = 'kv'

/** The table, which a schema has under the name `kv`. */
export const kvTable = {
  columns: { primary: 'text', secondary: 'text', key: 'text', value: 'json' },
  key: ['primary', 'secondary', 'key'],
} as const satisfies Table

/** A schema with the table. */
export type KvTables = { readonly kv: typeof kvTable }

/** The part of a store that is read here. A local step's reader has it too. */
export type KvReader = ReaderOf<KvTables>

/**
 * Sets a value.
 *
 * @throws {TypeError} naming what is wrong with the name.
 * @example
 * const store = await memoryStore().open({ version: 1, tables: { kv: kvTable } })
 * await store.commit([kvSet({ primary: 'settings', key: 'theme' }, 'dark')])
 */
export function kvSet(name: KvName, value: Json): WriteOf<KvTables> {
  const [primary, secondary, key] = checkName(name)
  if (!isJson(value)) throw new TypeError('value: anything that JSON can carry')
  return { put: KV, row: { primary, secondary, key, value } }
}

/** Removes a value; nothing happens where there is none. @throws {TypeError} naming what is wrong with the name. */
export const kvDelete = (name: KvName): WriteOf<KvTables> => ({ delete: KV, key: checkName(name) })

/** The value, or undefined where there is none. @throws {TypeError} naming what is wrong with the name. */
export const kvGet = async (read: KvReader, name: KvName): Promise<Json | undefined> =>
  (await read.get(KV, checkName(name)))?.value

/** The keys of a namespace, in order; not those of namespaces within it. @throws {TypeError} */
export const kvList = async (read: KvReader, namespace: Namespace = {}): Promise<string[]> =>
  (await read.query({ table: KV, prefix: checkNamespace(namespace) })).map(({ key }) => key)

/** The key-value store of an open store. */
export class KeyValues {
  readonly #store: StoreOf<KvTables>

  constructor(store: StoreOf<KvTables>) {
    this.#store = store
  }

  /**
   * The value, or undefined where there is none.
   *
   * @throws {TypeError} naming what is wrong with the name.
   * @example
   * const theme = await wallet.kv.get({ primary: 'settings', key: 'theme' })
   */
  get(name: KvName): Promise<Json | undefined> {
    return kvGet(this.#store, name)
  }

  /**
   * The value is durable when the call resolves. A call that rejects may be repeated; that settles a commit in doubt.
   * @throws {TypeError} naming what is wrong with the name or the value; {StoreError}
   * @example
   * await wallet.kv.set({ primary: 'settings', key: 'theme' }, 'dark')
   */
  async set(name: KvName, value: Json): Promise<void> {
    await this.#store.commit([kvSet(name, value)])
  }

  /**
   * Nothing happens if there is no value.
   *
   * @throws {TypeError} naming what is wrong with the name; {StoreError}
   * @example
   * await wallet.kv.delete({ primary: 'settings', key: 'theme' })
   */
  async delete(name: KvName): Promise<void> {
    await this.#store.commit([kvDelete(name)])
  }

  /**
   * Sets and removes several values at once: all of it, or nothing.
   *
   * @throws {TypeError}; {StoreError}
   * @example
   * await wallet.kv.change([
   *   { primary: 'settings', key: 'theme', value: 'dark' },
   *   { primary: 'settings', key: 'old-theme', value: undefined },
   * ])
   */
  async change(changes: readonly (KvName & { readonly value: Json | undefined })[]): Promise<void> {
    if (!Array.isArray(changes)) throw new TypeError('changes: a list of changes')
    await this.#store.commit(
      changes.map((change: KvName & { readonly value: Json | undefined }) =>
        change?.value === undefined ? kvDelete(change) : kvSet(change, change.value),
      ),
    )
  }

  /**
   * The keys of a namespace, in order, without those of namespaces within it.
   *
   * @throws {TypeError}
   * @example
   * for (const key of await wallet.kv.list({ primary: 'settings' })) console.log(key)
   */
  list(namespace: Namespace = {}): Promise<string[]> {
    return kvList(this.#store, namespace)
  }
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return Array.from<unknown>(value).every(isJson)
  const kind: unknown = Object.getPrototypeOf(value)
  // A literal, of any realm.
  const isPlain = kind === null || Object.getPrototypeOf(kind) === null
  return isPlain && Object.values(value).every((part) => part === undefined || isJson(part))
}

const LONGEST = 120

function checkName(name: KvName): [primary: string, secondary: string, key: string] {
  const [primary, secondary] = checkNamespace(name)
  const { key } = name
  checkWord('key', key)
  if (key === '') throw new TypeError('key: must not be empty')
  // As paths, one of the two would be both a folder and a file.
  if (key === primary || key === secondary) throw new TypeError(`key: is the name of its own namespace, '${key}'`)
  return [primary, secondary, key]
}

function checkNamespace(namespace: Namespace): [primary: string, secondary: string] {
  // JavaScript callers may pass anything.
  if (typeof namespace !== 'object' || (namespace as unknown) === null) throw new TypeError('name: an object')
  const { primary = '', secondary = '' } = namespace
  checkWord('primary', primary)
  checkWord('secondary', secondary)
  if (primary === '' && secondary !== '') throw new TypeError('secondary: needs a primary namespace')
  return [primary, secondary]
}

function checkWord(part: string, word: unknown): void {
  if (typeof word !== 'string') throw new TypeError(`${part}: must be a text, not ${typeof word}`)
  if (word.length > LONGEST)
    throw new TypeError(`${part}: has ${word.length} characters, and at most ${LONGEST} may be`)
  const [wrong] = /[^A-Za-z0-9_-]/u.exec(word) ?? []
  if (wrong !== undefined) throw new TypeError(`${part}: '${wrong}' is none of A-Z a-z 0-9 _ -`)
}
