/** How operations of each kind are prepared, and found again after a restart: `wallet.mint`, `wallet.send` and the like. */
import type { MeltHandle, PrepareMelt } from './kinds/melt.ts'
import type { MintHandle, PrepareMint } from './kinds/mint.ts'
import type { PrepareReceive, ReceiveHandle } from './kinds/receive.ts'
import type { PrepareRestore, RestoreHandle } from './kinds/restore.ts'
import type { PrepareSend, SendHandle } from './kinds/send.ts'
import type { PrepareSwap, SwapHandle } from './kinds/swap.ts'

/** `wallet.mint`: ecash for a payment (NUT-04). */
export interface MintOperations {
  /**
   * Stores what is wanted, then asks the mint for a quote. From then on it goes on by itself: paid, it is minted.
   *
   * @throws {TypeError} naming the argument; the signal's reason
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`, `UNIT_UNKNOWN`, `KEYSET_COLLISION`,
   *   `KEYSET_UNSUPPORTED`, `KEYSET_CHANGED`, `NO_ACTIVE_KEYSET`, `AMOUNT_UNREACHABLE`, `AMOUNT_OUT_OF_RANGE`,
   *   `MINTING_DISABLED`, `REFUSED`, `QUOTE_WRONG`, `ALREADY_ISSUED`, `SIGNATURE_REFUSED`, `MINT_UNREACHABLE`, `KEY_REUSED`,
   *   `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const mint = await wallet.mint.prepare({ mintUrl, amount: 100, key: 'top-up' })
   * console.log(mint.quote.request)
   * await mint.finished()
   */
  prepare(options: PrepareMint): Promise<MintHandle>
  /**
   * Finds an operation again, after a restart say.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const mint = await wallet.mint.get(id)
   * console.log(mint.state)
   */
  get(id: string): Promise<MintHandle>
}

/** `wallet.melt`: payments of invoices with ecash (NUT-05). */
export interface MeltOperations {
  /**
   * Asks the mint for a quote and reserves the inputs; nothing is paid. The quote is held against the invoice, in `sat` and
   * `msat`; what an invoice comes to in another unit is the mint's word (NUT-05).
   *
   * @throws {TypeError} naming the argument; the signal's reason
   * @throws {CashuError} `INVOICE_MALFORMED`, `MINT_URL_MALFORMED`
   * @throws {HardshellError} `AMOUNT_MISSING` for an invoice without one, `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`,
   *   `UNIT_UNKNOWN`, `REFUSED`, `QUOTE_WRONG`, `FEE_TOO_HIGH`, `INSUFFICIENT_FUNDS`, `INEXACT` at a mint without change whose
   *   amounts do not make it up, `NO_ACTIVE_KEYSET`, `MINT_UNREACHABLE`, `KEY_REUSED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const melt = await wallet.melt.prepare({ mintUrl, request: invoice, maxFee: 5, key: 'the bill' })
   * const { preimage, fee } = await melt.execute()
   */
  prepare(options: PrepareMelt): Promise<MeltHandle>
  /**
   * Finds an operation again, after a restart say.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const melt = await wallet.melt.get(id)
   * const { evidence } = await melt.finished()
   */
  get(id: string): Promise<MeltHandle>
}

/** `wallet.receive`: tokens of others, swapped for ecash of one's own (NUT-03). */
export interface ReceiveOperations {
  /**
   * Reads a token, and says what it is worth and costs; nothing is sent. Its mint need not be trusted yet: executed, it
   * waits until it is.
   *
   * @throws {TypeError} naming the argument
   * @throws {CashuError} `TOKEN_MALFORMED`, `TOKEN_TOO_LARGE`, `TOKEN_OF_SEVERAL_MINTS`, `MINT_URL_MALFORMED`
   * @throws {HardshellError} `KEY_REUSED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const receive = await wallet.receive.prepare({ token, key: 'from bob' })
   * console.log(`${receive.amount} sat, of which the mint takes ${receive.fee}`)
   * await receive.execute()
   */
  prepare(options: PrepareReceive): Promise<ReceiveHandle>
  /**
   * Finds an operation again, after a restart say.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const receive = await wallet.receive.get(id)
   * await receive.finished()
   */
  get(id: string): Promise<ReceiveHandle>
}

/** `wallet.restore`: what the seed has at a mint, for a database that was lost (NUT-09, NUT-13). */
export interface RestoreOperations {
  /**
   * Stores that a mint is to be asked for what it signed for this seed; nothing is sent.
   *
   * @throws {TypeError} naming the argument
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`, `UNIT_UNKNOWN`, `KEY_REUSED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const restore = await wallet.restore.prepare({ mintUrl })
   * const { amount, unavailable } = await restore.execute()
   */
  prepare(options: PrepareRestore): Promise<RestoreHandle>
  /**
   * Finds an operation again, after a restart say.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const restore = await wallet.restore.get(id)
   * console.log(restore.unavailable)
   */
  get(id: string): Promise<RestoreHandle>
}

/** `wallet.send`: tokens to hand to somebody (NUT-00). */
export interface SendOperations {
  /**
   * Chooses and reserves proofs for a token; nothing is sent. `fee` is zero where proofs of ours make up the amount exactly.
   *
   * @throws {TypeError} naming the argument
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`, `UNIT_UNKNOWN`, `AMOUNT_UNREACHABLE`,
   *   `INSUFFICIENT_FUNDS`, `KEY_REUSED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const send = await wallet.send.prepare({ mintUrl, amount: 21, key: 'for my friend' })
   * const { token } = await send.execute()
   */
  prepare(options: PrepareSend): Promise<SendHandle>
  /**
   * Finds an operation again, after a restart say.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const send = await wallet.send.get(id)
   * if (send.state === 'tokenCreated') await send.reclaim()
   */
  get(id: string): Promise<SendHandle>
}

/** `wallet.swap`: ecash in other amounts (NUT-03). */
export interface SwapOperations {
  /**
   * Chooses and reserves the inputs; nothing is sent.
   *
   * @throws {TypeError} naming the argument
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`, `UNIT_UNKNOWN`, `AMOUNT_UNREACHABLE`,
   *   `INSUFFICIENT_FUNDS`, `KEY_REUSED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const swap = await wallet.swap.prepare({ mintUrl, amounts: [8, 8, 4] })
   * await swap.execute()
   */
  prepare(options: PrepareSwap): Promise<SwapHandle>
  /**
   * Finds an operation again, after a restart say.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const swap = await wallet.swap.get(id)
   * await swap.finished()
   */
  get(id: string): Promise<SwapHandle>
}
