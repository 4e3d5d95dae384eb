import { HardshellError } from '../kernel/util/errors.ts'

/** What is wrong with a token, an invoice, an address or a key. Messages may change, codes don't. */
export type CashuErrorCode =
  /** Not a token, or one whose contents are not what NUT-00 says. */
  | 'TOKEN_MALFORMED'
  /** A token of more characters or proofs than a wallet takes. */
  | 'TOKEN_TOO_LARGE'
  /** A V3 token with proofs of more than one mint. */
  | 'TOKEN_OF_SEVERAL_MINTS'
  /** A token of version 1, which has proofs only. */
  | 'TOKEN_WITHOUT_MINT'
  /** A token of a version that is not known. */
  | 'TOKEN_VERSION_UNKNOWN'
  /** A text with more than one token, where one is to be received. */
  | 'TOKENS_SEVERAL'
  /** A token that has one proof twice. */
  | 'PROOF_REPEATED'
  /** A token with a proof of the amount 0. */
  | 'PROOF_WORTHLESS'
  /** A text of more characters than are read. */
  | 'TEXT_TOO_LARGE'
  /** A text in which there is nothing to pay or to receive. */
  | 'TEXT_UNKNOWN'
  /** Not a payment request (NUT-18, NUT-26), or one with a wrong checksum or contents. */
  | 'PAYMENT_REQUEST_MALFORMED'
  /** Not a bolt12 offer. */
  | 'OFFER_MALFORMED'
  /** Not a `bitcoin:` address (BIP21, BIP321), or one that requires what is not known. */
  | 'BITCOIN_URI_MALFORMED'
  /** Not an LNURL (LUD-01, LUD-17). */
  | 'LNURL_MALFORMED'
  /** A keyset of a version other than 00 and 01 (NUT-02). */
  | 'KEYSET_UNSUPPORTED'
  /** Not the address of a mint. */
  | 'MINT_URL_MALFORMED'
  /** Not a bolt11 invoice, or one with a wrong checksum or amount. */
  | 'INVOICE_MALFORMED'
  /** A token with a proof that the mint did not sign with the key that it shows (NUT-12). */
  | 'DLEQ_INVALID'
  /** A token with a proof that does not show that the mint signed it (NUT-12), where the caller wants that. */
  | 'DLEQ_MISSING'
  /** The mint's keys are not known, by which the proofs of a token would be checked. */
  | 'DLEQ_UNCHECKED'
  /** The keyset's denominations cannot make up the amount. */
  | 'AMOUNT_UNREACHABLE'
  /** Bytes that should be a point of the curve are not one. */
  | 'POINT_MALFORMED'
  /** Bytes that should be a scalar, not zero, are not one. */
  | 'SCALAR_MALFORMED'

/** An error about Cashu data that came from outside. Match by `code`. */
export class CashuError extends HardshellError {
  /** The name of the class, which tells it apart in logs. */
  override readonly name = 'CashuError'
  /** Why, as a stable code. */
  declare readonly code: CashuErrorCode
  // eslint-disable-next-line no-useless-constructor -- narrows the code
  constructor(code: CashuErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}
