/**
 * What a wallet does for one step of a plan, wherever it runs. A step may be done again and again until it is done: its
 * key leads to the operation that is there.
 */
import {
  HardshellError,
  StoreError,
  type ErrorCode,
  type OperationHandle,
  type StoreErrorCode,
  type Wallet,
} from '../../src/index.ts'
import type { Step } from './plan.ts'

/** How often a step polls for money that other steps hold. */
const MOST_POLLS = 2_400
const FUNDS_EVERY_MS = 50
const POLL_EVERY_MS = 150

const unit = 'sat'

/** Trusts the mint, unless that was done before. */
export const trust = (wallet: Wallet, mintUrl: string): Promise<void> =>
  insist(async () => {
    const [known] = await wallet.mints.list()
    if (!known?.info) await wallet.mints.trust(mintUrl)
  })

const AGAIN: readonly StoreErrorCode[] = ['BUSY', 'UNAVAILABLE', 'IN_DOUBT']

/** Does again what a store was too busy for, or away for too long; or of which it does not know whether it landed. */
export async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof StoreError) || !AGAIN.includes(error.code)) throw error
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
    }
}

/** All steps but the restore of a wallet whose store was lost, which needs to lose it first. */
export type WalletStep = Exclude<Step, { do: 'restore' }>

export async function doStep(
  step: WalletStep,
  mintUrl: string,
  walletOf: (name: string) => Promise<Wallet>,
): Promise<void> {
  const wallet = await walletOf(step.wallet)
  await insist(() => act(step, mintUrl, wallet, walletOf)).catch(assertEnded(() => walletOf(step.wallet)))
}

/** An operation that has failed says so again to whoever prepares it again: its step is over. */
export const assertEnded =
  (wallet: () => Promise<Wallet>) =>
  async (error: unknown): Promise<void> => {
    const id = error instanceof HardshellError ? error.operationId : undefined
    if (id === undefined || (await (await wallet()).operations.get(id)).status !== 'done') throw error
  }

async function act(
  step: WalletStep,
  mintUrl: string,
  wallet: Wallet,
  walletOf: (name: string) => Promise<Wallet>,
): Promise<void> {
  const { key } = step
  switch (step.do) {
    case 'mint':
      return minted(wallet, { mintUrl, amount: step.amount, unit, key })
    case 'pay': {
      const payee = await walletOf(step.to)
      const send = await funded(() => wallet.send.prepare({ mintUrl, amount: step.amount, key }))
      const { token } = await send.execute()
      const receive = await payee.receive.prepare({ token, key })
      await receive.execute()
      return finished(send)
    }
    case 'reclaim': {
      const send = await funded(() => wallet.send.prepare({ mintUrl, amount: step.amount, key }))
      await send.execute()
      if (send.state === 'tokenCreated') await send.reclaim().catch(ignoreCode('INVALID_STATE'))
      return finished(send)
    }
    case 'swap': {
      const swap = await funded(() => wallet.swap.prepare({ mintUrl, amounts: step.amounts, key }))
      await swap.execute()
      return
    }
    case 'melt': {
      const melt = await funded(() => wallet.melt.prepare({ mintUrl, request: step.request, key }))
      return finished(melt, melt.execute())
    }
  }
}

/** A mint that gave no quote within two minutes, in which this wallet may have died many times, is asked again. */
async function minted(
  wallet: Wallet,
  options: Parameters<Wallet['mint']['prepare']>[0] & { key: string },
): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      const key = tries === 1 ? options.key : `${options.key}, try ${tries}`
      return await finished(await wallet.mint.prepare({ ...options, key }))
    } catch (error) {
      if (!(error instanceof HardshellError) || error.code !== 'MINT_UNREACHABLE') throw error
    }
}

const ignoreCode =
  (code: ErrorCode) =>
  (error: unknown): void => {
    if (!(error instanceof HardshellError && error.code === code)) throw error
  }

export const ignoreClosed = ignoreCode('CLOSED')

/**
 * Waits for the end of an operation, polling often. A failure is an end, too.
 *
 * @param started What was asked of it, where its end cannot come before that has reached the store.
 */
async function finished(handle: OperationHandle, started?: Promise<unknown>): Promise<void> {
  // Whoever waits gets the error that the store is away.
  const polling = setInterval(() => void handle.refresh().catch(() => {}), POLL_EVERY_MS)
  try {
    await Promise.all([started, handle.finished()])
  } catch (error) {
    const failed = error instanceof HardshellError && !(error instanceof StoreError) && error.code !== 'QUARANTINED'
    if (!failed) throw error
  } finally {
    clearInterval(polling)
  }
}

/** Prepares an operation, once other steps have left enough money to it. */
async function funded<H>(prepare: () => Promise<H>): Promise<H> {
  for (let polls = 1; ; polls++) {
    try {
      return await prepare()
    } catch (error) {
      const short = error instanceof HardshellError && error.code === 'INSUFFICIENT_FUNDS'
      if (!short || polls >= MOST_POLLS) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, FUNDS_EVERY_MS))
  }
}
