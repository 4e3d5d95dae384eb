/** The rows of a wallet that has ended one operation of each of several kinds: what a wallet of many years is copied from. */
import { openWallet } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { inProcessMint, MINT_URL } from '../bench/in-process.ts'
import type { Rows } from './fill.ts'
import { SEED } from './measure.ts'

export async function templates(): Promise<Rows> {
  const { transport, backend } = await inProcessMint({ autoPayMs: 0 })
  const rows = memoryStore()
  const wallet = await openWallet({ store: rows, seed: SEED, transport })
  const mintUrl = MINT_URL
  await wallet.mints.trust(mintUrl)
  const mint = await wallet.mint.prepare({ mintUrl, amount: 1000 })
  await mint.refresh()
  await mint.finished()
  await (await wallet.swap.prepare({ mintUrl, amounts: [64, 32] })).execute()
  const melt = await wallet.melt.prepare({ mintUrl, request: backend.foreignInvoice({ amountSat: 100 }) })
  await melt.execute()
  await melt.finished()
  const { token } = await (await wallet.send.prepare({ mintUrl, amount: 50 })).execute()
  await (await wallet.receive.prepare({ token })).execute()
  await wallet.close()
  return rows.dump() as Rows
}
