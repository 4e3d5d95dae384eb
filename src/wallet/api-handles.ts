/**
 * What callers hold of an operation: live objects, whose state is as last seen here. The handles of a wallet in this process
 * are these, and so are those of a wallet beside which this one runs (`hardshell/remote`).
 */
import type { Amount } from '@cashu/cashu-ts'
import type { QuoteState } from '../../machines/wallet/mint-model.ts'
import type { Finished, ShownHandle, Waiting } from './handle.ts'
import type { PaidMelt } from './kinds/melt.ts'
import type { RestoredFunds } from './kinds/restore.ts'
import type { SentToken } from './kinds/send.ts'

/** What a caller holds of an operation. The operation itself lives in the store, whoever holds it. */
export interface OperationHandle {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted, as last seen here. */
  readonly state: string
  /** Goes up by one with each commit, as last seen here. */
  readonly version: number
  /** What moved, in the operation's unit; while it is open, what is to move. */
  readonly amount: Amount
  /** What was asked for, in the operation's unit. */
  readonly asked: Amount
  /** Of what was asked for, what somebody else had spent. */
  readonly spentElsewhere: Amount
  /** What it will cost, or has cost, in the operation's unit. */
  readonly fee: Amount
  /** What the mint owes for certain and has not given yet, in the operation's unit. */
  readonly owed: Amount
  /** What the operation is, where it stands and what it is about; no secrets. */
  toJSON(): ShownHandle
  /**
   * Calls back after each commit of this operation. Returns the way to stop.
   *
   * @example
   * const send = await wallet.send.get(id)
   * const stop = send.subscribe(({ state }) => console.log(state))
   * stop()
   */
  subscribe(listener: (handle: this) => void): () => void
  /**
   * Polls the mint now, if the operation waits for something there. Resolves with the state after that.
   * While the mint must not be asked (it is not trusted, or sent Retry-After), the call waits.
   *
   * @throws the signal's reason
   * @example
   * const mint = await wallet.mint.get(id)
   * const { state } = await mint.refresh({ signal: AbortSignal.timeout(10_000) })
   */
  refresh(waiting?: Waiting): Promise<this>
  /**
   * Gives the operation up, if no money can be lost by it.
   *
   * @throws {HardshellError} `INVALID_STATE`
   * @example
   * const send = await wallet.send.get(id)
   * if (send.state === 'prepared') await send.cancel()
   */
  cancel(): Promise<this>
  /**
   * Waits for the end.
   *
   * @throws {HardshellError} with the failure's own code; `CANCELLED`; `QUARANTINED`. Waiting for trust, for the mint
   *   or for a payment is not a failure.
   * @example
   * const mint = await wallet.mint.get(id)
   * const { amount, fee } = await mint.finished()
   */
  finished(waiting?: Waiting): Promise<Finished>
}

/** Operations that wait in `prepared` for their caller. */
export interface ExecutableHandle extends OperationHandle {
  /**
   * Starts it, if it was not started before, and waits for the end.
   *
   * @throws {HardshellError} as `finished`; the signal's reason
   * @example
   * const swap = await wallet.swap.prepare({ mintUrl, amounts: [8, 8] })
   * const { fee } = await swap.execute()
   */
  execute(waiting?: Waiting): Promise<Finished>
}

/** A mint operation: ecash for a payment (NUT-04). */
export interface MintHandle extends OperationHandle {
  /** The quote to pay. @throws {HardshellError} `INVALID_STATE` before the mint has given one */
  readonly quote: ShownQuote
  /**
   * Waits for the quote.
   *
   * @throws {HardshellError} as `finished`
   * @example
   * const mint = await wallet.mint.get(id)
   * console.log((await mint.quoted()).quote.request)
   */
  quoted(waiting?: Waiting): Promise<this>
}

/** A mint's quote: the invoice to pay (NUT-04). */
export interface ShownQuote {
  /** The mint's id of it. */
  readonly quote: string
  /** The invoice. */
  readonly request: string
  /** When it ends, in seconds since the Unix epoch; null where the mint names no end. */
  readonly expiry: number | null
  /** Where it stands, as the wallet knows it. */
  readonly state: QuoteState
}

/** `fee` is the most that it can cost, fee reserve included; once paid, what it cost. */
export interface MeltHandle extends ExecutableHandle {
  /**
   * Waits until the mint's quote is here and the inputs are reserved.
   *
   * @throws {HardshellError} as `finished`
   * @throws {StoreError} where the database fails
   * @example
   * const melt = await wallet.melt.get(id)
   * console.log(`at most ${(await melt.quoted()).fee} sat`)
   */
  quoted(waiting?: Waiting): Promise<this>
  /**
   * Pays the invoice, if it has not been executed before. Resolves when it is paid, or when the mint says that the payment
   * is pending (`paymentPending`); `finished()` then waits for the end.
   *
   * @throws {HardshellError} as `finished`; `PAYMENT_FAILED`, `PAYMENT_FENCED`
   * @example
   * const melt = await wallet.melt.prepare({ mintUrl, request: invoice })
   * const { state, preimage } = await melt.execute()
   */
  execute(waiting?: Waiting): Promise<PaidMelt>
  /**
   * Pays the invoice although the mint has no active keyset and can sign no change. The caller gives up what the inputs
   * are worth beyond the amount. Only in the state in which `explain` asks for this decision.
   *
   * @throws {HardshellError} `INVALID_STATE`; as `execute`
   * @example
   * const melt = await wallet.melt.get(id)
   * if (melt.state === 'changeless') await melt.payWithoutChange()
   */
  payWithoutChange(waiting?: Waiting): Promise<PaidMelt>
  /**
   * Waits for the end: the invoice is paid.
   *
   * @throws {HardshellError} as `OperationHandle.finished`; `PAYMENT_FAILED`, `PAYMENT_FENCED`
   * @throws {StoreError} where the database fails
   * @example
   * const melt = await wallet.melt.get(id)
   * const { evidence, change } = await melt.finished()
   */
  finished(waiting?: Waiting): Promise<PaidMelt>
}

/** `fee` shows what the mint will keep, as far as its keysets are known; a mint that is not trusted is not asked. */
export interface ReceiveHandle extends ExecutableHandle {}

/** `amount` is what came back, so far and in the end. */
export interface RestoreHandle extends ExecutableHandle {
  /** Keysets that could not be restored yet, or not wholly, and why. */
  readonly unavailable: RestoredFunds['unavailable']
  /**
   * Starts it, if it was not started before, and waits until all is restored that can be had now.
   *
   * @throws {HardshellError} as `finished`; `UNSUPPORTED` at a mint without NUT-09, `REFUSED`
   * @example
   * const restore = await wallet.restore.prepare({ mintUrl })
   * const { amount, unavailable } = await restore.execute()
   */
  execute(waiting?: Waiting): Promise<RestoredFunds>
  /**
   * Waits for the end: all is restored that can be had.
   *
   * @throws {HardshellError} as `OperationHandle.finished`; `UNSUPPORTED`, `REFUSED`
   * @throws {StoreError} where the database fails
   * @example
   * const restore = await wallet.restore.get(id)
   * const { amount } = await restore.finished({ signal: AbortSignal.timeout(60_000) })
   */
  finished(waiting?: Waiting): Promise<RestoredFunds>
}

/** A send: proofs that become a token (NUT-00). */
export interface SendHandle extends ExecutableHandle {
  /** The token, once there is one. */
  readonly token: string | undefined
  /** What came back, where the token was reclaimed. */
  readonly reclaimed: Amount
  /**
   * Makes the token, if it was not made before. `finished()` waits until it is claimed or reclaimed.
   *
   * @throws {HardshellError} as `finished`
   * @example
   * const send = await wallet.send.prepare({ mintUrl, amount: 21 })
   * const { token } = await send.execute()
   */
  execute(waiting?: Waiting): Promise<SentToken>
  /**
   * Takes back what nobody has claimed yet, as new proofs; it costs the mint's input fee. Resolves when it is over:
   * the state is `reclaimed`, or `claimed` where somebody was faster.
   *
   * @throws {HardshellError} `INVALID_STATE` where there is no token yet; `REFUSED` where the mint will not take the token
   *   back, which stays valid; what the send failed with, where there never was one
   * @example
   * const send = await wallet.send.get(id)
   * const { state } = await send.reclaim()
   */
  reclaim(waiting?: Waiting): Promise<Finished>
}

/** A swap: ecash in other amounts (NUT-03). */
export interface SwapHandle extends ExecutableHandle {}
