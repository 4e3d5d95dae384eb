/** A mint on a clock that goes on when it is told to, with a signatory and a backend that can be made to fail. */
import { expect } from 'vitest'
import { fakeBackend, mintSchema, plainInvoice, type MintOptions, type PaymentBackend, type Signatory } from '../../src/mint-server/index.ts' // prettier-ignore
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { signatory } from './mint-protocol-kit.ts'
import { simulated, type Simulated } from './mint-server-client.ts'

type Outside = Pick<Signatory, 'sign' | 'verify' | 'publicKeys'> & Pick<PaymentBackend, 'pay' | 'outgoing' | 'incoming' | 'createRequest'> // prettier-ignore

/** What is done instead of a call, which is given as well. */
export type Faults = {
  [Name in keyof Outside]?: ((call: () => ReturnType<Outside[Name]>) => ReturnType<Outside[Name]>) | undefined
}

export const never = (): Promise<never> => new Promise(() => {})
export const broken = (): Promise<never> => Promise.reject(new Error('the line is broken'))

/** All that waits for nothing but promises has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export interface Shaky extends Simulated {
  /** Goes wrong from now on, until it is taken out again. */
  readonly faults: Faults
  /** How often each was called. */
  readonly calls: Record<keyof Outside, number>
  /** Lets time go by. */
  readonly wait: (ms: number) => Promise<void>
  /** Lets time go by until a promise settles; no longer than a day. */
  readonly over: <T>(promise: Promise<T>) => Promise<T>
  /** The same mint, started anew, on the same clock. */
  readonly restarted: () => Promise<Shaky>
}

export async function shaky(
  options: Partial<MintOptions> = {},
  { clock = new VirtualClock(1_800_000_000_000), store, process = 0 }: { clock?: VirtualClock; store?: Store; process?: number } = {}, // prettier-ignore
): Promise<Shaky> {
  const rows = store ?? (await memoryStore().open(mintSchema))
  const lightning = { clock: () => clock.now(), sleep: (ms: number) => clock.pause(ms), autoPayMs: 0, feeSat: 1 }
  let drawn = 0
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(process + 200).fill(++drawn, 0, 1)
  const real = fakeBackend({ ...lightning, store: rows, random, invoiceCodec: plainInvoice })
  const faults: Faults = {}
  const calls = { sign: 0, verify: 0, publicKeys: 0, pay: 0, outgoing: 0, incoming: 0, createRequest: 0 }
  const via =
    <A extends unknown[], R>(name: keyof Outside, call: (...args: A) => R) =>
    (...args: A): R => {
      calls[name] += 1
      const fault = faults[name] as ((call: () => R) => R) | undefined
      return fault ? fault(() => call(...args)) : call(...args)
    }
  const world = await simulated(
    {
      ...options,
      ...{ clock, store: rows },
      signatory: {
        publicKeys: via('publicKeys', (...of: Parameters<Signatory['publicKeys']>) => signatory.publicKeys(...of)),
        sign: via('sign', (...of: Parameters<Signatory['sign']>) => signatory.sign(...of)),
        verify: via('verify', (...of: Parameters<Signatory['verify']>) => signatory.verify(...of)),
      },
      backend: {
        ...real,
        pay: via('pay', (...of: Parameters<PaymentBackend['pay']>) => real.pay(...of)),
        outgoing: via('outgoing', (...of: Parameters<PaymentBackend['outgoing']>) => real.outgoing(...of)),
        incoming: via('incoming', (...of: Parameters<PaymentBackend['incoming']>) => real.incoming(...of)),
        createRequest: via('createRequest', (...of: Parameters<PaymentBackend['createRequest']>) =>
          real.createRequest(...of),
        ),
      },
    },
    lightning,
    process,
  )
  return {
    ...world,
    ...{ faults, calls },
    async wait(ms) {
      const endMs = clock.now() + ms
      for (await settled(); Math.min(...clock.ringsMs) <= endMs; await settled()) clock.advance()
      clock.sleep(endMs - clock.now())
    },
    async over(promise) {
      const endMs = clock.now() + 86_400_000
      const state = { isOver: false }
      const end = (): void => void (state.isOver = true)
      promise.then(end, end)
      for (await settled(); !state.isOver && clock.now() < endMs; await settled()) clock.advance()
      expect(state).toEqual({ isOver: true })
      return promise
    },
    async restarted() {
      await world.mint.close({ deadlineMs: 0 })
      return shaky(options, { clock, store: rows, process: process + 1 })
    },
  }
}
