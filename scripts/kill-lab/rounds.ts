/** Rounds of everything a wallet does: each is a set of threads that run side by side, with keys of their own. */
import { randomBytes } from 'node:crypto'
import type { Plan, Step, WalletPlace } from './plan.ts'
import type { LabPlaces } from './stores/index.ts'

/** Invoices of others, of these amounts. */
export type Invoices = (amounts: readonly number[]) => Promise<string[]>

/**
 * Two wallets that mint, pay each other, swap, melt and take a token back; and in each round one more wallet, which
 * loses its store and gets its money back from the mint. Amounts in sat. A plan has the threads of a round, and of
 * those before that are not done.
 */
export function rounds(
  places: Pick<LabPlaces, 'place'>,
  mintUrl: string,
  invoices: Invoices,
): (round: number, before: 'open' | 'done') => Promise<Plan> {
  const wallets: Record<string, WalletPlace> = {}
  let threads: readonly (readonly Step[])[] = []
  const place = (name: string, seed = randomBytes(64).toString('hex')): WalletPlace =>
    (wallets[name] ??= places.place(name, seed))

  async function threadsOf(round: number): Promise<(readonly Step[])[]> {
    const key = (name: string): string => `round ${round}: ${name}`
    const [a, b] = ['alice', 'bob']
    const [lost, successor] = [`carol ${round}`, `carol ${round} again`]
    for (const name of [a, b, lost]) place(name)
    place(successor, place(lost).seed)
    const [small, large] = (await invoices([40, 100])) as [string, string]
    // Each thread brings what it will need, and more: a melt that finds too little fails for good.
    return [
      [
        { do: 'mint', wallet: a, key: key('for the large invoice'), amount: 500 },
        { do: 'melt', wallet: a, key: key('large invoice'), request: large },
      ],
      [
        { do: 'mint', wallet: a, key: key('to pay bob'), amount: 200 },
        { do: 'pay', wallet: a, to: b, key: key('alice to bob'), amount: 70 },
      ],
      [
        { do: 'mint', wallet: a, key: key('to split'), amount: 200 },
        { do: 'swap', wallet: a, key: key('split'), amounts: [32, 16] },
        { do: 'pay', wallet: a, to: b, key: key('what was split'), amount: 48 },
      ],
      [
        { do: 'mint', wallet: b, key: key('for the small invoice'), amount: 300 },
        { do: 'melt', wallet: b, key: key('small invoice'), request: small },
      ],
      [
        { do: 'mint', wallet: b, key: key('to pay alice'), amount: 200 },
        { do: 'pay', wallet: b, to: a, key: key('bob to alice'), amount: 33 },
        { do: 'reclaim', wallet: b, key: key('nobody wants it'), amount: 20 },
      ],
      [
        { do: 'mint', wallet: lost, key: key('before the loss'), amount: 150 },
        { do: 'pay', wallet: lost, to: a, key: key('carol to alice'), amount: 30 },
        { do: 'restore', wallet: lost, to: successor, key: key('after the loss') },
      ],
    ]
  }

  return async (round, before) => {
    const added = await threadsOf(round)
    threads = before === 'done' ? added : [...threads, ...added]
    return { mintUrl, wallets, threads }
  }
}
