/** Bounties for tests: services in memory or on a store, a clock that stands still, and a port that can be made to fail. */
import { onTestFinished } from 'vitest'
import {
  claimsSchema,
  creditsSchema,
  memoryClaims,
  memoryCredits,
  openBounties,
  storeClaims,
  storeCredits,
  type Bounties,
  type BountiesOptions,
  type Claims,
  type Credits,
} from '../../src/bounty/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'

export const START_MS = 1_750_000_000_000
export const DEADLINE_MS = START_MS + 86_400_000

export interface Services {
  readonly credits: Credits
  readonly claims: Claims
  readonly balance: (account: string) => Promise<number>
}

/** Services in memory; Ada has 100 credits. */
export function inMemory(): Services {
  const credits = memoryCredits({ ada: 100 })
  return { credits, claims: memoryClaims(), balance: async (account) => credits.balance(account) }
}

/** Services on stores of their own. */
export async function onStores(adapter: (name: string) => StoreAdapter = () => memoryStore()): Promise<Services> {
  const credits = await adapter('credits').open(creditsSchema)
  const claims = await adapter('claims').open(claimsSchema)
  onTestFinished(async () => {
    await credits.close()
    await claims.close()
  })
  const accounts = storeCredits(credits)
  await accounts.deposit('ada', 100)
  return { credits: accounts, claims: storeClaims(claims), balance: (account) => accounts.balance(account) }
}

export interface Desk extends Services {
  readonly bounties: Bounties
  readonly clock: VirtualClock
  /** Posts a bounty of 20 credits by Ada. */
  post(key?: string): Promise<string>
}

/** Bounties, opened. */
export async function desk(options: Partial<BountiesOptions> & Partial<Services> = {}): Promise<Desk> {
  const clock = new VirtualClock(START_MS)
  const services = { ...inMemory(), ...options }
  const { credits, claims, balance } = services
  const bounties = await openBounties({ store: memoryStore(), clock, ...options, credits, claims })
  onTestFinished(() => bounties.close())
  return {
    ...{ bounties, clock, credits, claims, balance },
    post: async (key) =>
      (await bounties.create({ payer: 'ada', amount: 20, deadlineAt: DEADLINE_MS, ...(key !== undefined && { key }) }))
        .id,
  }
}

/** What has no time to pass has happened. */
export const quiet = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** The code of the error that a call rejects with, or `ok`. */
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: unknown) => String((error as { code?: unknown }).code ?? error),
  )
