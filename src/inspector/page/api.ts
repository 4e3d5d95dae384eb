/** Asks the server that served the page, with the token that its address had. */
import type { Act, ChartView, Detail, Film, Overview, SummaryPage, Told } from '../feed.ts'

/** Under this name the token outlives a reload of the tab. */
const KEPT_AS = 'hardshell-inspector-token'
/** The pause before a stream that broke is opened again. */
const AGAIN_MS = 1000

/** Takes the token out of the address, where nobody sees it any more. */
function takeToken(): string {
  const [, given] = /^#token=([\w-]+)$/.exec(location.hash) ?? []
  if (given === undefined) return sessionStorage.getItem(KEPT_AS) ?? ''
  sessionStorage.setItem(KEPT_AS, given)
  history.replaceState(null, '', location.pathname)
  return given
}

const token = takeToken()
const headers = { authorization: `Bearer ${token}` }

/** How the server refuses. */
interface Refusal {
  readonly error: { readonly code: string; readonly message: string }
}

/** What the server refused. */
export class Failed extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** The server and its page are built together: what it answers is given its type where it is read. */
async function ask<T>(path: string, init: { readonly method?: string; readonly body?: string } = {}): Promise<T> {
  const json = init.body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(path, { ...init, headers: { ...headers, ...json } })
  if (response.ok) return (await response.json()) as T
  const gone = { error: { code: 'UNAVAILABLE', message: `the server answered ${response.status}` } }
  const { error } = await response.json().then(
    (refusal: Refusal) => refusal,
    () => gone,
  )
  throw new Failed(response.status, error.code, error.message)
}

export const overview = (): Promise<Overview> => ask('/api/overview')

/** `sinceMs` leaves out what did not change since then. */
export const page = (after: string | null, limit: number, sinceMs?: number): Promise<SummaryPage> => {
  const query = new URLSearchParams({ limit: String(limit) })
  if (after !== null) query.set('after', after)
  if (sinceMs !== undefined) query.set('since', String(sinceMs))
  return ask(`/api/operations?${query}`)
}

export const detail = (id: string): Promise<Detail> => ask(`/api/operations/${encodeURIComponent(id)}`)

const charts = new Map<string, Promise<ChartView>>()

/** A chart never changes while the server runs. */
export function chart(kind: string, version: number): Promise<ChartView> {
  const path = `/api/charts/${encodeURIComponent(kind)}/${version}`
  const known = charts.get(path)
  if (known) return known
  const asked = ask<ChartView>(path)
  charts.set(path, asked)
  asked.catch(() => charts.delete(path))
  return asked
}

export const film = (): Promise<Film> => ask('/api/film')

export const act = (id: string, what: Act): Promise<unknown> =>
  ask('/api/act', {
    method: 'POST',
    body: JSON.stringify({ id, act: what }),
  })

/** Hears what changes, for as long as the page is open. `connected` is called at each begin and end of a stream. */
export async function follow(hear: (told: Told) => void, connected: (is: boolean) => void): Promise<never> {
  for (;;) {
    try {
      const response = await fetch('/api/changes', { headers })
      if (response.ok && response.body) {
        connected(true)
        await read(response.body, hear)
      }
    } catch {
      // The server ended, or is started again.
    }
    connected(false)
    await new Promise((later) => setTimeout(later, AGAIN_MS))
  }
}

async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>, hear: (told: Told) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (let rest = ''; ;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + value).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) if (event.startsWith('data: ')) hear(JSON.parse(event.slice('data: '.length)) as Told)
  }
}
