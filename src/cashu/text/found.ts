/** What can be found in a text, and what each is called. */
import type { Amount } from '@cashu/cashu-ts'
import type { CashuErrorCode } from '../errors.ts'
import type { LnurlPay } from './lnurl.ts'
import type { PaymentRequest } from './payment-request.ts'

/** A token, to be received. */
export interface FoundToken {
  /** What it is: tells the things apart. */
  readonly type: 'token'
  /** The token alone, as `receive.prepare` takes it: however it was written, the same token is the same text. It is money. */
  readonly token: string
  /** Its mint, in the form in which it is stored. */
  readonly mintUrl: string
  /** The unit of its amount. */
  readonly unit: string
  /** The sum of its proofs, in its unit. */
  readonly amount: Amount
  /** How many proofs it has. */
  readonly proofs: number
  /** What its sender wrote with it. */
  readonly memo?: string
}

/** A request to be paid in ecash (NUT-18, NUT-26). */
export interface FoundPaymentRequest {
  /** What it is: tells the things apart. */
  readonly type: 'paymentRequest'
  /** The request alone, as it was written. */
  readonly request: string
  /** What it asks for. */
  readonly asks: PaymentRequest
}

/** An invoice (BOLT11), as `melt.prepare` takes it. */
export interface FoundInvoice {
  /** What it is: tells the things apart. */
  readonly type: 'invoice'
  /** It alone, as it was written. */
  readonly request: string
  /** Left out where the payer chooses. */
  readonly msat?: number
}

/** An offer (BOLT12). */
export interface FoundOffer {
  /** What it is: tells the things apart. */
  readonly type: 'offer'
  /** It alone, as it was written. */
  readonly request: string
  /** Left out where the payer chooses, and where it is in a currency other than bitcoin. */
  readonly msat?: number
}

/** A Lightning address: whoever stands behind it makes an invoice for any amount. */
export interface FoundLightningAddress {
  /** What it is: tells the things apart. */
  readonly type: 'lightningAddress'
  /** In lower case. */
  readonly address: string
  /** Where what it stands for can be asked. */
  readonly url: string
  /** What it takes; only where it was to be resolved, and could be. */
  readonly pay?: LnurlPay
}

/** An LNURL (LUD-01, LUD-17). */
export interface FoundLnurl {
  /** What it is: tells the things apart. */
  readonly type: 'lnurl'
  /** Where what it stands for can be asked. */
  readonly url: string
  /** What it takes; only where it was to be resolved, and could be. */
  readonly pay?: LnurlPay
}

/** An address on the chain (BIP21, BIP321). It is not checked. */
export interface FoundBitcoin {
  /** What it is: tells the things apart. */
  readonly type: 'bitcoin'
  /** The address, as it was written. */
  readonly address: string
  /** Left out where the payer chooses. */
  readonly amountSat?: number
  /** Whom the payer pays. */
  readonly label?: string
  /** What for. */
  readonly message?: string
}

/** The address of what may be a mint. */
export interface FoundMintUrl {
  /** What it is: tells the things apart. */
  readonly type: 'mintUrl'
  /** In the form in which it is stored. */
  readonly mintUrl: string
}

/** What looked like something, and is not; or a text in which there is nothing. */
export interface Unreadable {
  /** What it is: tells the things apart. */
  readonly type: 'unreadable'
  /** What is wrong with it, as a stable code. */
  readonly code: CashuErrorCode
  /** What is wrong with it. It shows nothing of the text. */
  readonly message: string
}

/** One thing that was found in a text. */
export type Found =
  | FoundToken
  | FoundPaymentRequest
  | FoundInvoice
  | FoundOffer
  | FoundLightningAddress
  | FoundLnurl
  | FoundBitcoin
  | FoundMintUrl
  | Unreadable

/** What was found in a text: the preferred thing, and the others beside it. */
export type CashuText = Found & {
  /** What else there is, preferred things first. */
  readonly also: readonly Found[]
}

/** The order of preference: ecash, then Lightning with fixed terms, then what has to be asked for them, then the chain. */
export const PREFERRED: readonly Found['type'][] = [
  'token',
  'paymentRequest',
  'invoice',
  'offer',
  'lightningAddress',
  'lnurl',
  'bitcoin',
  'mintUrl',
  'unreadable',
]
