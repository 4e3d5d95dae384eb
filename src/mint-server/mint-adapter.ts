/** Gives a mint whose requests are commits of the store, and no operations, what those who serve a mint ask of it. */
import type { Store } from '../store/port.ts'
import type { Mint, Topic } from './mint-api.ts'
import type { Mint as PlainMint } from './mint.ts'
import type { Answer } from './request.ts'

const TABLES = ['mintQuotes', 'meltQuotes', 'proofs']

export function servable(mint: PlainMint, store: Store): Mint {
  const underWay = new Set<Promise<Answer>>()
  let isClosed = false

  async function lookAtQuote(path: string, id: string): Promise<object | undefined> {
    const { status, body } = await mint.handle('GET', `${path}/${id}`)
    return status === 200 ? (JSON.parse(body) as object) : undefined
  }

  async function lookAtProofs(Ys: readonly string[]): Promise<object[]> {
    const { body } = await mint.handle('POST', '/v1/checkstate', JSON.stringify({ Ys }))
    return (JSON.parse(body) as { states: object[] }).states
  }

  const paths: Partial<Record<Topic, string>> = {
    bolt11_mint_quote: '/v1/mint/quote/bolt11',
    bolt11_melt_quote: '/v1/melt/quote/bolt11',
  }

  return {
    async handle(method, path, body) {
      if (isClosed) throw new Error('the mint is closed')
      const answer = mint.handle(method, path, body)
      underWay.add(answer)
      return answer.finally(() => underWay.delete(answer))
    },
    async look(topic, ids) {
      if (topic === 'proof_state') return lookAtProofs(ids)
      const path = paths[topic]
      return path === undefined ? ids.map(() => undefined) : Promise.all(ids.map((id) => lookAtQuote(path, id)))
    },
    onChange(listener) {
      const stops = TABLES.map((table) => store.watch(table, listener))
      return () => stops.forEach((stop) => stop())
    },
    rotate: (unit, options) => mint.rotate(unit, options),
    books: () => mint.books(),
    async close({ deadlineMs = Infinity } = {}) {
      isClosed = true
      const late = AbortSignal.timeout(Math.min(deadlineMs, 2 ** 31 - 1))
      const end = new Promise((resolve) => late.addEventListener('abort', resolve))
      await Promise.race([Promise.allSettled(underWay), end])
    },
  }
}
