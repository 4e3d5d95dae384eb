/** The mints' error codes (error_codes.md of the NUTs). A code says where to look; it never proves what happened. */
export const codes = {
  /** A proof, or the witness on it, does not verify. */
  proofInvalid: 10001,
  /** Some inputs are spent. */
  alreadySpent: 11001,
  /** Some inputs are in another transaction that is under way. */
  proofsPending: 11002,
  /** Some outputs were signed before: restore them. Nutshell once said 10002. */
  alreadySigned: 11003,
  /** Some outputs are in another transaction that is under way; Nutshell keeps saying so after a crash of its own. */
  outputsPending: 11004,
  /** Inputs less fees are not outputs. */
  unbalanced: 11005,
  /** The amount is outside of what the mint takes. */
  amountOutOfRange: 11006,
  /** An input stands twice in the request. */
  duplicateInputs: 11007,
  /** An output stands twice in the request, or (cdk) was seen before. */
  duplicateOutputs: 11008,
  /** Inputs or outputs are of several units. */
  severalUnits: 11009,
  /** Inputs and outputs are of different units. */
  unitMismatch: 11010,
  /** The mint pays no invoices without an amount. */
  amountlessUnsupported: 11011,
  /** The request's amount is not the invoice's. */
  amountMismatch: 11012,
  /** The mint has not this unit. */
  unitUnsupported: 11013,
  /** More inputs than the mint takes at once. */
  tooManyInputs: 11014,
  /** More outputs than the mint takes at once. */
  tooManyOutputs: 11015,
  /** A quote stands twice in a batch. */
  duplicateQuotes: 11016,
  /** More quotes than the mint takes in a batch. */
  batchTooLarge: 11017,
  /** The mint has no such keyset. */
  keysetUnknown: 12001,
  /** The keyset signs no more. */
  keysetInactive: 12002,
  /** The keyset is past its final expiry: neither signs nor redeems. */
  keysetExpired: 12003,
  /** The mint quote is not paid. Nutshell once said 2001. */
  quoteNotPaid: 20001,
  /** The mint quote was issued. */
  quoteIssued: 20002,
  /** The mint does not issue now. */
  mintingDisabled: 20003,
  /** The payment failed. */
  paymentFailed: 20004,
  /** The quote is being worked on. */
  quotePending: 20005,
  /** The invoice is paid. cdk says so of every row that it has already: a quote for the same invoice, a signed output. */
  invoicePaid: 20006,
  /** The quote's time is over. */
  quoteExpired: 20007,
  /** The mint request's signature is missing, wrong, or over the other of the two messages (NUT-20). */
  signatureInvalid: 20008,
  /** The mint gives quotes to a public key only (NUT-20). */
  pubkeyRequired: 20009,
  /** Clear authentication is needed (NUT-21). */
  clearAuthRequired: 30001,
  /** Clear authentication failed (NUT-21). */
  clearAuthFailed: 30002,
  /** Blind authentication is needed (NUT-22). */
  blindAuthRequired: 31001,
  /** Blind authentication failed (NUT-22). */
  blindAuthFailed: 31002,
  /** cdk's own: another transaction was faster, or anything that it has no code for. */
  unclassified: 50000,
} as const

const oneOf =
  (...those: readonly number[]) =>
  (code: number): boolean =>
    those.includes(code)

/** The keyset cannot sign our outputs, now or ever again: make new ones for another keyset. */
export const isKeysetGone = oneOf(codes.keysetUnknown, codes.keysetInactive, codes.keysetExpired)

/** Some of these outputs are known to the mint already: an earlier send landed, or another wallet has our counters. */
export const isAlreadySigned = oneOf(
  codes.alreadySigned,
  codes.outputsPending,
  codes.duplicateOutputs,
  codes.invoicePaid,
  10002,
)

/** Inputs are spent, by an earlier send of ours or by somebody else. */
export const isSpent = oneOf(codes.alreadySpent)

/** Something that the request names is under way at the mint: wait. */
export const isPending = oneOf(codes.proofsPending, codes.outputsPending, codes.quotePending)

/** The mint quote is not paid, as far as the mint knows. */
export const isQuoteNotPaid = oneOf(codes.quoteNotPaid, 2001)

/** The mint quote was issued, by an earlier send of ours or by somebody else. */
export const isQuoteIssued = oneOf(codes.quoteIssued)

/** The quote is being worked on. */
export const isQuotePending = oneOf(codes.quotePending)

/** Inputs, fee and outputs don't add up: most often the fee was changed with a new keyset. */
export const isUnbalancedOrFee = oneOf(codes.unbalanced)
