/** Our wallet at a mint: the same steps, each checked against the mint's own balances. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openWallet, type HardshellError, type Wallet } from '../../src/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import type { TestMint } from './mints.ts'
import { same, type Try } from './steps.ts'
import { worth } from './worth.ts'

/** A wallet of a new seed, or of a seed that was used, on a file of its own. */
export async function newWallet(dir: string, mintUrl: string, seed: Uint8Array = randomBytes(64)): Promise<Wallet> {
  const path = join(dir, `${randomBytes(6).toString('hex')}.db`)
  const wallet = await openWallet({ store: sqliteStore({ path }), seed })
  await wallet.mints.trust(mintUrl)
  return wallet
}

/** What a wallet has at its mint, in sats: free, and all that it counts as its own or as under way. */
export async function holdings(wallet: Wallet): Promise<{ readonly spendable: number; readonly all: number }> {
  const sums = { spendable: 0, all: 0 }
  for (const { spendable, reserved, outstanding, held } of await wallet.balances()) {
    sums.spendable += spendable.toNumber()
    sums.all += [spendable, reserved, outstanding, held].reduce((sum, amount) => sum + amount.toNumber(), 0)
  }
  return sums
}

export async function mintSats(wallet: Wallet, mintUrl: string, amount: number): Promise<void> {
  const minting = await wallet.mint.prepare({ mintUrl, amount })
  await minting.refresh()
  await minting.finished()
}

/** Takes a token and gives what it brought. */
export async function receive(wallet: Wallet, token: string): Promise<number> {
  const before = (await holdings(wallet)).spendable
  const receiving = await wallet.receive.prepare({ token })
  await receiving.execute()
  const received = (await holdings(wallet)).spendable - before
  same('sats received', received, worth(token))
  return received
}

/** Nobody else uses the mint meanwhile. */
export async function ourWallet(attempt: Try, mint: TestMint, dir: string): Promise<void> {
  const { url: mintUrl } = mint
  const others = await mint.outstanding()
  const seed = randomBytes(64)
  const friend = await newWallet(dir, mintUrl)
  let wallet = await newWallet(dir, mintUrl, seed)

  async function checked(found: string): Promise<string> {
    const held = (await holdings(wallet)).all + (await holdings(friend)).all + others
    same("sats in the mint's balances", await mint.outstanding(), held)
    return found
  }

  await attempt('mint, balance', async () => {
    await mintSats(wallet, mintUrl, 300)
    same('sats', (await holdings(wallet)).spendable, 300)
    return checked('300 sat')
  })
  await attempt('send, receive, check pending', async () => {
    const send = await wallet.send.prepare({ mintUrl, amount: 21, memo: 'for tea' })
    const { token } = await send.execute()
    same('sats pending', (await holdings(wallet)).all - (await holdings(wallet)).spendable, 21)
    const received = await receive(friend, token)
    await send.refresh()
    same('the token is', (await send.finished()).state, 'claimed')
    same('sats pending once it is claimed', (await holdings(wallet)).all - (await holdings(wallet)).spendable, 0)
    return checked(`21 sat sent, ${received} received`)
  })
  await attempt('send, reclaim', async () => {
    const before = (await holdings(wallet)).spendable
    const send = await wallet.send.prepare({ mintUrl, amount: 8 })
    await send.execute()
    same('the token is', (await send.reclaim()).state, 'reclaimed')
    return checked(`8 sat taken back, for ${before - (await holdings(wallet)).spendable}`)
  })
  await attempt('swap', async () => {
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [32, 32] })
    const { fee } = await swap.execute()
    return checked(`64 sat of new coins, for a fee of ${fee.toNumber()}`)
  })
  await attempt('melt, with change', async () => {
    const before = (await holdings(wallet)).spendable
    const melt = await wallet.melt.prepare({ mintUrl, request: await mint.invoice(100) })
    await melt.execute()
    const { state, change, fee } = await melt.finished()
    same('the payment is', state, 'paid')
    same('sats left', (await holdings(wallet)).spendable, before - 100 - fee.toNumber())
    return checked(`100 sat paid for ${fee.toNumber()}, ${change.toNumber()} of change`)
  })
  await attempt('melt, failed', async () => {
    await mint.turn('failing')
    const before = (await holdings(wallet)).spendable
    const melt = await wallet.melt.prepare({ mintUrl, request: await mint.invoice(20) })
    const outcome = await melt.execute().catch((error: unknown) => (error as HardshellError).code)
    same('the payment', typeof outcome === 'string' ? outcome : outcome.state, 'PAYMENT_FAILED')
    same('sats left', (await holdings(wallet)).spendable, before)
    return checked('everything is there again')
  })
  await attempt('melt, pending, paid later', async () => {
    await mint.turn('open')
    const before = (await holdings(wallet)).spendable
    const melt = await wallet.melt.prepare({ mintUrl, request: await mint.invoice(20) })
    await melt.execute()
    same('the payment is', melt.state, 'paymentPending')
    await checked('')
    const { quoteId } = await wallet.operations.list({ kind: 'melt' }).then(([newest]) => newest!)
    await mint.complete(quoteId!)
    await melt.refresh()
    const { state, fee } = await melt.finished()
    same('the payment is', state, 'paid')
    same('sats left', (await holdings(wallet)).spendable, before - 20 - fee.toNumber())
    return checked(`20 sat paid for ${fee.toNumber()}`)
  })
  await mint.turn('paying')
  await attempt('restore from seed', async () => {
    const before = (await holdings(wallet)).spendable
    await wallet.close()
    wallet = await newWallet(dir, mintUrl, seed)
    const restore = await wallet.restore.prepare({ mintUrl })
    const { amount } = await restore.execute()
    same('sats restored', amount.toNumber(), before)
    await mintSats(wallet, mintUrl, 16)
    return checked(`${before} sat; and 16 minted with the next counters`)
  })
  await attempt('nothing is unfinished', async () => {
    const open = [
      ...(await wallet.operations.list({ status: 'active' })),
      ...(await friend.operations.list({ status: 'active' })),
    ]
    same('operations', open.length, 0)
    return checked('all of the money is accounted for')
  })
  await Promise.all([wallet.close(), friend.close()])
}
