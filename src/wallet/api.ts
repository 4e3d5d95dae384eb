/** The wallet as its users see it, in this process or beside another one (`hardshell/remote`). */
import type { CryptoInUse } from '../cashu/crypto.ts'
import type { StepRecord, StepsPage } from '../kernel/define/steps.ts'
import type { Explanation } from '../kernel/inspect/explain.ts'
import type { CloseOptions } from '../kernel/options.ts'
import type { Resumed } from '../kernel/run/supervisor.ts'
import type { Role } from '../kernel/share/ownership.ts'
import type { KeyValues } from '../store/kv.ts'
import type { MeltHandle, MintHandle, ReceiveHandle, RestoreHandle, SendHandle, SwapHandle } from './api-handles.ts'
import type { Balance } from './balances.ts'
import type { WalletEvents } from './events.ts'
import type { HistoryPage, HistoryRecord } from './history-records.ts'
import type { PrepareMelt } from './kinds/melt.ts'
import type { PrepareMint } from './kinds/mint.ts'
import type { PrepareReceive } from './kinds/receive.ts'
import type { PrepareRestore } from './kinds/restore.ts'
import type { PrepareSend } from './kinds/send.ts'
import type { PrepareSwap } from './kinds/swap.ts'
import type { KnownMint } from './mints.ts'
import type { OperationsFilter, OperationSummary } from './wallet-operations.ts'

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
   * waits until it is. Proofs that say who signed them are checked (NUT-12).
   *
   * @throws {TypeError} naming the argument
   * @throws {CashuError} `TOKEN_MALFORMED`, `TOKEN_TOO_LARGE`, `TOKEN_OF_SEVERAL_MINTS`, `MINT_URL_MALFORMED`, `DLEQ_INVALID`,
   *   `DLEQ_MISSING`, `DLEQ_UNCHECKED`
   * @throws {HardshellError} `TOO_LITTLE`, `KEY_REUSED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * // A shop, whose price is 4: less is refused before anything of the token is spent.
   * const receive = await wallet.receive.prepare({ token, atLeast: 4, key: 'order 7' })
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

/** `wallet.mints`: the mints that the wallet knows, and which of them it trusts. */
export interface WalletMints {
  /**
   * Trusts a mint: its operations may contact it, from now on and after every restart. The trust is stored first;
   * then info and keysets are fetched, and where the mint does not answer they are fetched when they are needed.
   *
   * A mint that was not trusted and redirects stays as it was: its address is another one.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_MOVED`
   * @throws {StoreError} where the database fails
   * @example
   * const { info } = await wallet.mints.trust(mintUrl)
   * console.log(info?.name)
   */
  trust(mintUrl: string): Promise<KnownMint>
  /**
   * Takes the trust back: operations of the mint wait in their states, and contact nobody, until it is trusted again.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`
   * @throws {StoreError} where the database fails
   * @example
   * await wallet.mints.distrust(mintUrl)
   */
  distrust(mintUrl: string): Promise<void>
  /**
   * Says where a mint answers that moved: its operations go on there. Its money, and tokens made of it, keep its URL. The
   * wallet asks the address for the mint's keysets first, and sends it nothing else before they are found there.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_UNREACHABLE`, `MINT_MISMATCH`, `MINT_MOVED`
   * @throws {StoreError} where the database fails
   * @example
   * const { address } = await wallet.mints.rebind(mintUrl, 'https://new.example/Bitcoin')
   */
  rebind(mintUrl: string, address: string): Promise<KnownMint>
  /**
   * Fetches a mint's info (NUT-06) and keysets (NUT-02) anew; gives up after 15 seconds unless a signal is given.
   *
   * @throws {TypeError} naming the argument; the signal's reason
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`; `MINT_UNREACHABLE`, also where the mint asked
   *   to be left alone for a while; `KEYSET_COLLISION` where a keyset would have another's secrets (NUT-13), or is another
   *   trusted mint's
   * @throws {StoreError} where the database fails
   * @example
   * await wallet.mints.refresh(mintUrl, AbortSignal.timeout(5_000))
   */
  refresh(mintUrl: string, signal?: AbortSignal): Promise<void>
  /**
   * What the wallet knows of a mint.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN` where it was never trusted
   * @throws {StoreError} where the database fails
   * @example
   * const { trusted, keysets } = await wallet.mints.get(mintUrl)
   */
  get(mintUrl: string): Promise<KnownMint>
  /**
   * All mints that the wallet knows, those that it does not trust any more too.
   *
   * @throws {StoreError} where the database fails
   * @example
   * for (const { mintUrl, trusted } of await wallet.mints.list()) console.log(mintUrl, trusted)
   */
  list(): Promise<KnownMint[]>
}

/** `wallet.operations`: all operations of a wallet, of whatever kind. */
export interface WalletOperations {
  /**
   * Newest first.
   *
   * @throws {TypeError} naming the argument
   * @example
   * const stuck = await wallet.operations.list({ status: 'active', stuckForMs: 3_600_000 })
   */
  list(filter?: OperationsFilter): Promise<OperationSummary[]>
  /**
   * One operation as it stands.
   *
   * @throws {HardshellError} `NOT_FOUND`
   * @example
   * const { kind, state } = await wallet.operations.get(id)
   */
  get(id: string): Promise<OperationSummary>
  /**
   * Why an operation is where it is, what comes next, and when. Shows no secrets.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const { why, needsHuman } = await wallet.operations.explain(id)
   */
  explain(id: string): Promise<Explanation>
  /**
   * What an operation went through, the newest step last, as far as that is kept (`keepSteps`): the event, the states that it led
   * from and to, what the mint answered, and when. Shows no secrets.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * for (const { atMs, to, src, answer } of await wallet.operations.steps(id)) console.log(new Date(atMs), to, src, answer)
   */
  steps(id: string, page?: StepsPage): Promise<StepRecord[]>
  /**
   * Puts an operation that waits for a person, or was set aside, back to work; else polls for it now.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const { needsHuman } = await wallet.operations.explain(id)
   * if (needsHuman) await wallet.operations.resume(id)
   */
  resume(id: string): Promise<void>
  /**
   * Everything stored about an operation, JSON-safe, for support. With `secrets` its snapshot and outputs come
   * too: whoever has those has the money.
   *
   * @throws {HardshellError} `NOT_FOUND`
   * @example
   * console.log(JSON.stringify(await wallet.operations.export(id)))
   */
  export(id: string, options?: { readonly secrets?: boolean }): Promise<Record<string, unknown>>
  /**
   * Gives an operation up, if no money can be lost by it.
   *
   * @throws {HardshellError} `NOT_FOUND`, `INVALID_STATE`
   * @example
   * await wallet.operations.cancel(id)
   */
  cancel(id: string): Promise<void>
  /**
   * What the wallet found unfinished when it opened, and did with it.
   *
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * for (const { kind, state, outcome } of await wallet.operations.resumed()) console.log(kind, state, outcome)
   */
  resumed(): Promise<readonly Resumed[]>
}

/** `wallet.history`: what came of operations, and what of them is under way. */
export interface History {
  /**
   * The record of an operation, whatever came of it.
   *
   * @throws {HardshellError} `NOT_FOUND`
   * @example
   * const { status, fee } = await wallet.history.get(send.id)
   */
  get(id: string): Promise<HistoryRecord>
  /**
   * Records of operations, the newest first; one of each, whatever came of it.
   *
   * @throws {TypeError} naming the argument
   * @example
   * const sent = await wallet.history.list({ kind: 'send', status: 'done', limit: 20 })
   * const older = await wallet.history.list({ kind: 'send', status: 'done', limit: 20, before: sent.at(-1) })
   */
  list(page?: HistoryPage): Promise<HistoryRecord[]>
}

/** An open wallet. Made by `openWallet`. */
export interface Wallet {
  /** The mints that the wallet knows, and which of them it trusts. */
  readonly mints: WalletMints
  /** Ecash for a payment (NUT-04). */
  readonly mint: MintOperations
  /** Payments of invoices with ecash (NUT-05). */
  readonly melt: MeltOperations
  /** Tokens of others, swapped for ecash of one's own (NUT-03). */
  readonly receive: ReceiveOperations
  /** What the seed has at a mint, for a database that was lost (NUT-09, NUT-13). */
  readonly restore: RestoreOperations
  /** Tokens to hand to somebody (NUT-00). */
  readonly send: SendOperations
  /** Ecash in other amounts (NUT-03). */
  readonly swap: SwapOperations
  /** All operations, of whatever kind. */
  readonly operations: WalletOperations
  /** What came of operations, and what of them is under way. */
  readonly history: History
  /** What an application keeps beside its money, in the same database. */
  readonly kv: Pick<KeyValues, keyof KeyValues>
  /**
   * Calls back after the commit, never before; the listener may call the wallet, and one that throws harms nothing.
   * Returns the way to stop.
   *
   * @throws {TypeError} naming the argument
   * @example
   * const stop = wallet.on('operation', ({ kind, state }) => console.log(`${kind} is ${state}`))
   * stop()
   */
  on<E extends keyof WalletEvents>(event: E, listener: (event: WalletEvents[E]) => void): () => void
  /**
   * Whether this process runs the effects of the wallet's operations. A `follower` prepares, executes, lists and hears
   * all the same; another process, the owner, does what follows. `pending` until the store was asked; known once
   * `operations.resumed()` resolves.
   */
  readonly role: Role
  /**
   * Why this process cannot ask for the lock that would make it the owner, where it cannot: the folder of the database may
   * only be read, say. Then it may be that no process runs effects. It asks again by itself.
   */
  readonly roleReason: string | undefined
  /**
   * Which library computes the wallet's crypto, and what `crypto: 'auto'` passed over. Far from the money it says the name alone.
   *
   * @example
   * console.log(wallet.crypto.name)
   */
  readonly crypto: CryptoInUse
  /**
   * What is there, per mint and unit. Read from running totals, never by adding up proofs.
   *
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * for (const { mintUrl, unit, spendable } of await wallet.balances()) console.log(`${mintUrl}: ${spendable} ${unit}`)
   */
  balances(): Promise<Balance[]>
  /**
   * Lets go of the store; every operation stays resumable. Requests under way are aborted at the deadline, which is now
   * unless given; where they are answered before, what they lead to is stored. New ones are not begun.
   *
   * @throws {TypeError} naming the argument
   * @example
   * await wallet.close({ deadlineMs: 5_000 })
   */
  close(options?: CloseOptions): Promise<void>
  /**
   * Closes the wallet at the end of an `await using` block.
   *
   * @throws {StoreError} where the database fails
   */
  [Symbol.asyncDispose](): Promise<void>
}
