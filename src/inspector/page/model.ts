/** What the page knows: the operations, what of them is shown, and which one is open. */
import { useEffect, useState } from 'preact/hooks'
import type { Overview, Summary, SummaryPage, Told } from '../feed.ts'
import * as api from './api.ts'
import { attentionOf, sorted, type Group } from './attention.ts'

export interface Filter {
  readonly text: string
  readonly group: Group | 'all'
  readonly kind: string
  /** `kind.state`. */
  readonly state: string
  readonly lane: string
  /** Created within this time. */
  readonly withinMs: number
}

export const NO_FILTER: Filter = { text: '', group: 'all', kind: '', state: '', lane: '', withinMs: Infinity }

export interface Model {
  readonly overview: Overview | undefined
  /** All that are loaded, in order. */
  readonly operations: readonly Summary[]
  readonly shown: readonly Summary[]
  readonly filter: Filter
  readonly selected: string | undefined
  /** Goes up whenever the open operation changed. */
  readonly selectedVersion: number
  readonly connected: boolean
  /** The first operations are there. */
  readonly loaded: boolean
  /** Where the next operations begin, if there are more than are loaded. */
  readonly next: string | null
  readonly failure: api.Failed | undefined
}

/** Loaded without being asked for; more come by a button. */
const LOADED = 10_000
const FIRST_PAGE = 200
const NEXT_PAGES = 2000

const byId = new Map<string, Summary>()
const listeners = new Set<() => void>()
let aheadMs = 0
let painting: ReturnType<typeof setTimeout> | undefined

export let model: Model = {
  overview: undefined,
  operations: [],
  shown: [],
  filter: NO_FILTER,
  selected: selectedIn(location.hash),
  selectedVersion: 0,
  connected: false,
  loaded: false,
  next: null,
  failure: undefined,
}

/** The server's clock. */
export const nowMs = (): number => Date.now() + aheadMs

function selectedIn(hash: string): string | undefined {
  const [, id] = /^#o=(.+)$/.exec(hash) ?? []
  return id === undefined ? undefined : decodeURIComponent(id)
}

/** What is painted takes its time, and at most so much of the page's. */
const PAINTED_PART = 3

/** The list is to be put in order anew. */
let isUnordered = false
let paintMs = 0

/** What a person did is painted at once; of the rest, whatever changes until then together. */
function change(by: Partial<Model>, isOfPerson = false): void {
  model = { ...model, ...by }
  if (isOfPerson) clearTimeout(painting)
  else if (painting !== undefined) return
  // A page that is hidden is painted, too.
  painting = setTimeout(paint, isOfPerson ? 0 : Math.max(16, paintMs * PAINTED_PART))
}

function paint(): void {
  painting = undefined
  const startedAt = performance.now()
  if (isUnordered) order()
  for (const listener of listeners) listener()
  // What the listeners begin is done after them.
  setTimeout(() => (paintMs = performance.now() - startedAt))
}

function order(): void {
  isUnordered = false
  const now = nowMs()
  const operations = sorted(byId.values(), now)
  model = { ...model, operations, shown: operations.filter((of) => matches(of, model.filter, now)) }
}

/** Renders again when the model changed. */
export function useModel(): Model {
  const [, again] = useState<Model>(model)
  useEffect(() => {
    const listener = (): void => again(model)
    listeners.add(listener)
    listener()
    return () => void listeners.delete(listener)
  }, [])
  return model
}

/** The time, again and again while it matters. */
export function useNow(everyMs: number | undefined): number {
  const [now, tick] = useState(nowMs())
  useEffect(() => {
    if (everyMs === undefined) return undefined
    const timer = setInterval(() => tick(nowMs()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return everyMs === undefined ? nowMs() : now
}

export function matches(of: Summary, filter: Filter, now: number): boolean {
  const { text, group, kind, state, lane, withinMs } = filter
  return (
    (kind === '' || of.kind === kind) &&
    (state === '' || `${of.kind}.${of.state}` === state) &&
    (lane === '' || of.lane === lane) &&
    now - of.createdAt <= withinMs &&
    (group === 'all' || attentionOf(of, now).group === group) &&
    (text === '' ||
      [of.id, of.kind, of.state, of.lane, of.reason ?? '', String(of.amount ?? ''), of.parent ?? ''].some((each) =>
        each.toLowerCase().includes(text.toLowerCase()),
      ))
  )
}

function arrange(by: Partial<Model> = {}, isOfPerson = false): void {
  isUnordered = true
  change(by, isOfPerson)
}

export const setFilter = (by: Partial<Filter>): void => arrange({ filter: { ...model.filter, ...by } }, true)

/** Opens an operation, or none; the way back leads here again. */
export function select(id: string | undefined): void {
  if (id === model.selected) return
  history.pushState(null, '', id === undefined ? location.pathname : `#o=${encodeURIComponent(id)}`)
  change({ selected: id }, true)
}

const put = (operations: readonly Summary[]): void => {
  for (const each of operations) if ((byId.get(each.id)?.version ?? 0) <= each.version) byId.set(each.id, each)
}

async function load(after: string | null, most: number): Promise<void> {
  let next = after
  do {
    const page = await api.page(next, next === null ? FIRST_PAGE : NEXT_PAGES)
    put(page.operations)
    next = page.next
    arrange({ loaded: true, next })
  } while (next !== null && byId.size < most)
}

/** Loads more, which is asked for. */
export const loadMore = (): Promise<void> => attempted(() => load(model.next, byId.size + LOADED))

/** An operation that is not there any more. */
export const forget = (id: string): void => {
  byId.delete(id)
  arrange()
}

async function attempted(act: () => Promise<void>): Promise<void> {
  try {
    await act()
    change({ failure: undefined })
  } catch (error) {
    change({ failure: error instanceof api.Failed ? error : new api.Failed(0, 'UNAVAILABLE', 'the server is gone') })
  }
}

const readAll = (): Promise<void> =>
  attempted(async () => {
    const overview = await api.overview()
    aheadMs = overview.nowMs - Date.now()
    change({ overview })
    document.title = `${overview.title} · hardshell inspector`
    if (!overview.film) await load(null, LOADED)
  })

function hear(told: Told): void {
  if (told.type === 'reload') return void readAll()
  if (told.type === 'hello') {
    aheadMs = told.nowMs - Date.now()
    return undefined
  }
  if (told.type === 'totals') {
    if (model.overview) change({ overview: { ...model.overview, totals: told.totals } })
    return undefined
  }
  aheadMs = told.nowMs - Date.now()
  put(told.operations)
  const isOpen = told.operations.some(({ id }) => id === model.selected)
  arrange(isOpen ? { selectedVersion: model.selectedVersion + 1 } : {})
}

/** Clocks may differ by so much, and a commit may be told so late. */
const MARGIN_MS = 5000

/** Reads what was committed while nobody listened. */
const catchUp = (sinceMs: number): Promise<void> =>
  attempted(async () => {
    change({ overview: await api.overview() })
    for (let next: string | null = null; ;) {
      const page: SummaryPage = await api.page(next, NEXT_PAGES, sinceMs)
      put(page.operations)
      next = page.next
      if (next === null) break
    }
    arrange({ selectedVersion: model.selectedVersion + 1 })
  })

export function begin(): void {
  addEventListener('popstate', () => change({ selected: selectedIn(location.hash) }, true))
  let heardMs = nowMs()
  const read = readAll()
  void api.follow(hear, (connected) => {
    if (!connected && model.connected) heardMs = nowMs()
    change({ connected })
    if (!connected) return
    const sinceMs = heardMs - MARGIN_MS
    void read.then(() => (model.loaded ? catchUp(sinceMs) : readAll()))
  })
}
