/**
 * The mints' error codes (error_codes.md of the NUTs), and what a refusal means. This is the one place that reads codes
 * and texts. A refusal says where to look; it never proves what happened.
 */
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
  /** More blind authentication tokens than the mint gives at once, or in a time (NUT-22). */
  blindAuthExceeded: 31003,
  blindAuthRateLimited: 31004,
  /** cdk's own: another transaction was faster, or anything that it has no code for. */
  unclassified: 50000,
} as const

/** The requests of a mint's API, by the names of the mint client's methods. */
export type RequestName =
  | 'info'
  | 'keysets'
  | 'keys'
  | 'createMintQuote'
  | 'mintQuote'
  | 'issue'
  | 'createMeltQuote'
  | 'meltQuote'
  | 'melt'
  | 'swap'
  | 'checkState'
  | 'restore'

/** What a refusal means. */
export type Meaning =
  /** Some inputs are spent. */
  | 'spent'
  /** Some inputs are in another transaction that is under way. */
  | 'pending'
  /** Some outputs were signed before: an earlier send landed, or another wallet has our counters. */
  | 'alreadySigned'
  /** Some outputs are in another transaction that is under way, or were in one that broke off. */
  | 'outputsPending'
  /** Inputs, fee and outputs do not add up. Most often the fee was changed with a new keyset. */
  | 'unbalanced'
  /** The mint has no such keyset: of an input, or of the outputs. */
  | 'keysetUnknown'
  /** The outputs' keyset signs no more, or the mint has no active one. */
  | 'keysetInactive'
  /** The keyset is past its final expiry: neither signs nor redeems. */
  | 'keysetExpired'
  /** More inputs (or Ys) than the mint takes at once. */
  | 'tooManyInputs'
  /** More outputs than the mint takes at once. */
  | 'tooManyOutputs'
  /** The body is too large; of what there is too much, is not said. */
  | 'tooLarge'
  /** An input or an output stands twice in the request. */
  | 'duplicate'
  /** A proof is not the mint's. */
  | 'proofInvalid'
  /** A spending condition is not met. */
  | 'witnessInvalid'
  /** The mint has no such quote. */
  | 'quoteUnknown'
  | 'quoteNotPaid'
  | 'quoteIssued'
  /** The invoice is paid already, or another quote pays it. */
  | 'quotePaid'
  /** The quote is being worked on. */
  | 'quotePending'
  | 'quoteExpired'
  /** The mint request's signature is missing, wrong, or over the other of the two messages (NUT-20). */
  | 'signatureInvalid'
  /** The mint gives quotes to a public key only (NUT-20). */
  | 'pubkeyRequired'
  | 'paymentFailed'
  | 'amountOutOfRange'
  /** The invoice has no amount, or not the asked one. */
  | 'amountMismatch'
  | 'unitUnsupported'
  /** The mint has no such endpoint, or no such method. */
  | 'unsupported'
  | 'authRequired'
  /** The mint does not mint, or does not melt, at present. */
  | 'disabled'
  /** The mint cannot answer at the moment: the same request may succeed later. */
  | 'passing'
  /** Anything else: the request is taken as refused, for a reason that only its text says. */
  | 'unclassified'

const byCode: Readonly<Record<number, Meaning>> = {
  [codes.proofInvalid]: 'proofInvalid',
  // Older drafts of the list of codes; Nutshell before 0.19 says them.
  10002: 'alreadySigned',
  10003: 'proofInvalid',
  [codes.alreadySpent]: 'spent',
  [codes.proofsPending]: 'pending',
  [codes.alreadySigned]: 'alreadySigned',
  [codes.outputsPending]: 'outputsPending',
  [codes.unbalanced]: 'unbalanced',
  [codes.amountOutOfRange]: 'amountOutOfRange',
  [codes.duplicateInputs]: 'duplicate',
  // Our requests never repeat an output. cdk means that it has seen one before.
  [codes.duplicateOutputs]: 'alreadySigned',
  [codes.amountlessUnsupported]: 'amountMismatch',
  [codes.amountMismatch]: 'amountMismatch',
  [codes.unitUnsupported]: 'unitUnsupported',
  [codes.severalUnits]: 'unitUnsupported',
  [codes.unitMismatch]: 'unitUnsupported',
  [codes.tooManyInputs]: 'tooManyInputs',
  [codes.tooManyOutputs]: 'tooManyOutputs',
  [codes.duplicateQuotes]: 'duplicate',
  [codes.batchTooLarge]: 'tooLarge',
  // Nutshell's answer to any other error of a keyset.
  12000: 'keysetUnknown',
  [codes.keysetUnknown]: 'keysetUnknown',
  [codes.keysetInactive]: 'keysetInactive',
  [codes.keysetExpired]: 'keysetExpired',
  [codes.quoteNotPaid]: 'quoteNotPaid',
  2001: 'quoteNotPaid',
  [codes.quoteIssued]: 'quoteIssued',
  [codes.mintingDisabled]: 'disabled',
  [codes.paymentFailed]: 'paymentFailed',
  [codes.quotePending]: 'quotePending',
  [codes.invoicePaid]: 'quotePaid',
  [codes.quoteExpired]: 'quoteExpired',
  [codes.signatureInvalid]: 'signatureInvalid',
  [codes.pubkeyRequired]: 'pubkeyRequired',
  [codes.clearAuthRequired]: 'authRequired',
  [codes.clearAuthFailed]: 'authRequired',
  [codes.blindAuthRequired]: 'authRequired',
  [codes.blindAuthFailed]: 'authRequired',
  [codes.blindAuthExceeded]: 'authRequired',
  [codes.blindAuthRateLimited]: 'authRequired',
}

/** Where a code means something else for one request than for the others. */
const byRequest: Partial<Record<RequestName, Readonly<Record<number, Meaning>>>> = {
  // cdk says 20006 of every row that it has already: here, of a signed output.
  swap: { [codes.invoicePaid]: 'alreadySigned', [codes.signatureInvalid]: 'witnessInvalid' },
  issue: { [codes.invoicePaid]: 'alreadySigned' },
  melt: { [codes.signatureInvalid]: 'witnessInvalid', 20000: 'paymentFailed' },
  restore: { [codes.invoicePaid]: 'passing' },
  // Nutshell's backend made no invoice.
  createMintQuote: { 20000: 'passing', [codes.invoicePaid]: 'passing' },
}

/** Codes of a whole family, which Nutshell and cdk use where they have none for the case: the text says more. */
const GENERIC = new Set([0, 999, 10000, 11000, 12000, 20000, codes.unclassified])
/** Nutshell before 0.19 numbered its errors otherwise than the NUTs do: where the text speaks clearly, it wins. */
const RENUMBERED = new Set<number>([
  10002,
  10003,
  codes.proofsPending,
  codes.alreadySigned,
  codes.outputsPending,
  codes.unbalanced,
])

/** The texts of Nutshell, cdk and others, in small letters; the first that fits counts. */
const byText: readonly (readonly [RegExp, Meaning])[] = [
  [/payment failed|could not (pay|send)|no route|lightning.*(failed|error)/, 'paymentFailed'],
  [/rate limit|too many requests|database (is )?locked|concurrent update|could not (obtain|acquire)|deadlock|serializ|try again|temporar|timed? ?out|internal (server )?error|backend error|unavailable|overloaded|maintenance/, 'passing'], // prettier-ignore
  [/(clear|blind)[ -]?auth|authentication|unauthorized/, 'authRequired'],
  [/max(imum)?( number of)? inputs|too many (inputs|proofs)|(inputs|proofs) exceed/, 'tooManyInputs'],
  [/max(imum)?( number of)? outputs|too many (outputs|blinded messages)|outputs exceed/, 'tooManyOutputs'],
  [/body\.(inputs|ys|proofs):.*(at most|too (long|many))/, 'tooManyInputs'],
  [/body\.outputs:.*(at most|too (long|many))/, 'tooManyOutputs'],
  [/at most \d+ (items|elements)|(payload|body|request|entity|content) (is )?too (large|long|big)|length limit exceeded|batch size exceeded/, 'tooLarge'], // prettier-ignore
  [/(outputs?|blinded messages?|promises?) (have |has |is |are |was |were )?(already |been )*(signed|issued)|already signed/, 'alreadySigned'], // prettier-ignore
  [/outputs? (is|are) (already )?pending/, 'outputsPending'],
  [/duplicate outputs?/, 'alreadySigned'],
  [/duplicate (inputs?|proofs?|quote)/, 'duplicate'],
  [/(tokens?|proofs?|inputs?|secrets?) (is |are |was |were |has been |have been )?(already )?(spent|used)/, 'spent'],
  [/(tokens?|proofs?|inputs?) (is |are )?(already )?pending|pending proofs?/, 'pending'],
  [/no active keyset|keyset.*inactive|inactive keyset|keyset is not active/, 'keysetInactive'],
  [/keyset.*expired|expired keyset/, 'keysetExpired'],
  [/keyset.*(unknown|not found|not known|does not exist)|unknown keyset|no such keyset|keyset error|no key for amount|no public keys for this keyset/, 'keysetUnknown'], // prettier-ignore
  [/not balanced|unbalanced|amount to mint|less than output|equal outputs less fee|(in|out)puts? .*do(es)? not match|fees? (is|are) too low/, 'unbalanced'], // prettier-ignore
  [/quote.*(not found|unknown|does not exist)|unknown quote|no such quote/, 'quoteUnknown'],
  [/(quote|invoice|request|payment).*(not( been)? paid|unpaid)|not paid|unpaid quote/, 'quoteNotPaid'],
  [/quote.*already (been )?issued|already issued|tokens? already (minted|issued)/, 'quoteIssued'],
  [/(quote|invoice|request|melt).*already (been )?paid|paid already/, 'quotePaid'],
  [/quote.*pending|payment pending|payment.*in (progress|flight)/, 'quotePending'],
  [/quote.*expired|expired quote|invoice.*expired/, 'quoteExpired'],
  [/pubkey required/, 'pubkeyRequired'],
  [/signature (for mint request|missing)|witness (is invalid|not provided) for mint quote/, 'signatureInvalid'],
  [
    /witness|p2pk|htlc|spending condition|signature threshold|no signatures in proof|locktime|sig_all/,
    'witnessInvalid',
  ],
  [/(proofs?|tokens?) (could not|cannot) be verified|not verified|invalid proofs?|could not verify proofs?|secrets? (is )?too long|no secret/, 'proofInvalid'], // prettier-ignore
  [/minting.*disabled|melt(ing)?.*disabled|is disabled|maximum balance/, 'disabled'],
  [/amount.*(between|limit|exceed|maximum|minimum|out of|too (large|small|high|low))/, 'amountOutOfRange'],
  [/invoice has no amount|amount ?less|amount.*(not equal|mismatch|not as requested|undefined)/, 'amountMismatch'],
  [/(unit|method).*(not supported|unsupported|unknown)|no support for method|unsupported (unit|method)|different units/, 'unitUnsupported'], // prettier-ignore
]

/** Endpoints of a NUT that a mint may lack as a whole: a 404 there is about the endpoint. */
const named: Partial<Record<RequestName, Meaning>> = {
  keys: 'keysetUnknown',
  mintQuote: 'quoteUnknown',
  meltQuote: 'quoteUnknown',
}

/**
 * What a refusal means for one request. The code counts first; the text where the code is of a whole family (0, 11000,
 * 50000, …), is of none that the NUTs know, or is one that older mints used otherwise; then the HTTP status. What none
 * of them says is `unclassified`.
 */
export function meaningOf(of: {
  readonly request: RequestName
  /** 0 where the mint gave none. */
  readonly code: number
  readonly detail: string
  readonly status: number
}): Meaning {
  const { request, code, detail, status } = of
  const words = detail.toLowerCase()
  const said = (): Meaning | undefined => {
    const found = byText.find(([pattern]) => pattern.test(words))?.[1]
    // These requests pay no quote, so the row that was seen before is an output.
    return found === 'quotePaid' && (request === 'swap' || request === 'issue') ? 'alreadySigned' : found
  }
  const coded = byRequest[request]?.[code] ?? byCode[code]
  const spoken = coded === undefined || GENERIC.has(code) || RENUMBERED.has(code) ? said() : undefined
  return spoken ?? coded ?? byStatus(request, status) ?? 'unclassified'
}

/** What a status says where no document does; undefined for those that say nothing. */
export function byStatus(request: RequestName, status: number): Meaning | undefined {
  if (status === 413 || status === 414) return 'tooLarge'
  if (status === 401 || status === 403 || status === 407) return 'authRequired'
  if (status === 404) return named[request] ?? 'unsupported'
  if (status === 405 || status === 501) return 'unsupported'
  if (status === 408 || status === 429 || status === 503) return 'passing'
  return undefined
}

/** The number that a refusal for size names, such as "max 100" or "at most 1000 items"; undefined where it names none. */
export function limitIn(detail: string): number | undefined {
  const [, digits] = /(?:at most|max(?:imum)?(?: is| of|:)?|limit(?: is| of|:)?)\s*:?\s*(\d{1,6})\b/i.exec(detail) ?? []
  const limit = Number(digits)
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined
}

const SIZES: readonly Meaning[] = ['tooManyInputs', 'tooManyOutputs', 'tooLarge']

/** The request is larger than the mint takes: in parts it may succeed. */
export const isTooLarge = (meaning: Meaning | undefined): boolean => meaning !== undefined && SIZES.includes(meaning)

const KEYSETS: readonly Meaning[] = ['keysetUnknown', 'keysetInactive', 'keysetExpired']

/** The keyset cannot sign our outputs (now or ever again), or does not redeem an input. */
export const isKeysetGone = (meaning: Meaning | undefined): boolean =>
  meaning !== undefined && KEYSETS.includes(meaning)

/** Some of these outputs are known to the mint already: an earlier send landed, or another wallet has our counters. */
export const isAlreadySigned = (meaning: Meaning | undefined): boolean =>
  meaning === 'alreadySigned' || meaning === 'outputsPending'

const INPUTS: readonly Meaning[] = ['spent', 'duplicate', 'proofInvalid', 'witnessInvalid', 'keysetUnknown', 'keysetExpired'] // prettier-ignore

/** An input is at fault: of the outputs beside it nothing was signed, or kept. */
export const isOfInputs = (meaning: Meaning | undefined): boolean => meaning !== undefined && INPUTS.includes(meaning)
