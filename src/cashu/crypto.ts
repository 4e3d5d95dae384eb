/**
 * The crypto port: everything that touches a curve, a protocol hash or the seed. Points are compressed, 33 bytes;
 * points, scalars and keys travel as lower-case hex. Every function is synchronous and pure.
 * `walletCrypto` and `mintCrypto` make the halves on any `Curve`: noble-curves, WASM, or native. `hardshell/testing` has a
 * stub for the explorer.
 */

/** A DLEQ proof as the mint gives it (NUT-12). */
export interface Dleq {
  readonly e: string
  readonly s: string
}

/** What a keyset's id is made from (NUT-02). The keys are by amount, as the mint lists them. */
export interface KeysetContents {
  readonly keys: Readonly<Record<string, string>>
  readonly unit: string
  readonly inputFeePpk: number
  /** Seconds since the Unix epoch. */
  readonly finalExpiry?: number | undefined
}

/** What a mint request's signature covers of one output (NUT-20). */
export interface SignedOutput {
  readonly amount: number
  readonly B_: string
}

/**
 * The two messages that NUT-20 has had. `framed` covers the amounts and is what the NUT says now; `plain` is the
 * quote id and the B_s run together, and the only one that mints from before mid-2026 know.
 */
export type MintRequestForm = 'framed' | 'plain'

/** What a wallet needs. */
export interface WalletCrypto {
  /** Names it in logs: `noble`, `wasm`, `secp256k1`. */
  readonly name?: string
  /** Y = hash_to_curve(secret) (NUT-00). */
  hashToCurve(secret: string): string
  /**
   * Secrets and blinding factors of one keyset, by counter (NUT-13). What the counters share is computed once.
   * @throws {CashuError} `KEYSET_UNSUPPORTED`
   */
  deriver(seed: Uint8Array, keysetId: string): (counter: number) => { readonly secret: string; readonly r: string }
  /** B_ = Y + rG (NUT-00). */
  blind(secret: string, r: string): string
  /**
   * C = C_ − rA (NUT-00), where A is the mint's public key for the amount.
   * @throws {CashuError} `POINT_MALFORMED` where the mint's C_ or A is not on the curve.
   */
  unblind(C_: string, r: string, A: string): string
  /** Whether the mint signed B_ with the key of A (NUT-12). False, too, for points and scalars that are none. */
  verifyDleq(B_: string, C_: string, A: string, dleq: Dleq): boolean
  /** Whether a proof received from somebody carries the mint's signature by the key of A (NUT-12). */
  verifyProofDleq(secret: string, C: string, A: string, dleq: Dleq & { readonly r: string }): boolean
  /**
   * The keyset id that the keys give, of the same version as `id` (NUT-02); the caller compares.
   * @throws {CashuError} `KEYSET_UNSUPPORTED`
   */
  keysetId(id: string, keyset: KeysetContents): string
  /** The public key of a private one. */
  publicKey(privateKey: string): string
  /** A new private key from 32 random bytes. */
  privateKey(random: Uint8Array): string
  /** Signs a mint request: the quote id and the outputs in order (NUT-20). The same request gives the same signature. */
  signMintRequest(privateKey: string, quoteId: string, outputs: readonly SignedOutput[], form: MintRequestForm): string
}

/** The mint's arithmetic that takes no private key. */
export interface MintCrypto {
  /** As a wallet's. */
  readonly name?: string
  /** Y = hash_to_curve(secret) (NUT-00). */
  hashToCurve(secret: string): string
  /** Whether this is a compressed point on the curve, other than infinity. */
  isPoint(hex: string): boolean
  /** As a wallet's: whether a signature is by the key of A (NUT-12). */
  verifyDleq(B_: string, C_: string, A: string, dleq: Dleq): boolean
  /** Checks a mint request's signature, in either form (NUT-20). */
  verifyMintRequest(publicKey: string, quoteId: string, outputs: readonly SignedOutput[], signature: string): boolean
  /** The id of a new keyset of a version; the newest that the port knows where left out (NUT-02). */
  keysetId(keyset: KeysetContents, version?: '00' | '01'): string
}

/** What a signatory does with private keys. */
export interface SignatoryCrypto {
  /** The public key of a private one. */
  publicKey(privateKey: string): string
  /**
   * C_ = aB_, with its DLEQ proof (NUT-00, NUT-12). The same arguments give the same signature.
   * @throws {CashuError} `POINT_MALFORMED` where the wallet's B_ is not on the curve.
   */
  sign(B_: string, a: string): { readonly C_: string; readonly dleq: Dleq }
  /** Whether C = a · hash_to_curve(secret) (NUT-00). */
  verify(secret: string, C: string, a: string): boolean
  /** Private keys of a keyset by amount, derived from the mint's seed. */
  keysetKeys(
    seed: Uint8Array,
    unit: string,
    index: number,
    amounts: readonly number[],
  ): Readonly<Record<string, string>>
}

/** Both halves of the port, by one library. */
export interface CryptoHalves {
  /** Names the library: `noble`, `wasm`, `secp256k1`. */
  readonly name: string
  /** For `openWallet`. */
  readonly wallet: WalletCrypto
  /** For `createMintServer`, `createMint` and `localSignatory`. */
  readonly mint: MintCrypto & SignatoryCrypto
}

/** Which crypto is in use. */
export interface CryptoInUse {
  /** Names the library: `noble`, `wasm`, `secp256k1`; `custom` where it has no name. */
  readonly name: string
  /** What `crypto: 'auto'` would have preferred, and why it was not to be had. */
  readonly passedOver: readonly { readonly name: string; readonly reason: string }[]
}
