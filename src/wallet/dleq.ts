/** Checks the proofs of tokens by the keys that their mint shows (NUT-12). */
import type { InputProof, Why } from '../../machines/wallet/exchange-model.ts'
import { withFullIds, type Keysets } from './keysets.ts'
import type { WalletPorts } from './ports.ts'

const UNSIGNED: Why = {
  code: 'DLEQ_INVALID',
  detail: 'the token has a proof that the mint did not sign with the key that it shows',
}

/** The mint's key by which a proof would be checked, where it is known. */
export const keyOf = ({ id, amount }: InputProof, keysets: Keysets): string | undefined =>
  keysets.get(id)?.keys?.[amount]

/** Why the mint will not take the inputs: of those that carry a DLEQ, and whose key is known, one is wrong. */
export async function dleqFault(
  { crypto, turn }: Pick<WalletPorts, 'crypto' | 'turn'>,
  inputs: readonly InputProof[],
  keysets: Keysets,
): Promise<Why | undefined> {
  const proven = inputs.filter(({ dleq }) => dleq !== undefined)
  for (const input of withFullIds(proven, keysets)) {
    const A = keyOf(input, keysets)
    if (!input.dleq || A === undefined) continue
    await turn()
    if (!crypto.verifyProofDleq(input.secret, input.C, A, input.dleq)) return UNSIGNED
  }
  return undefined
}

/** A proof as it is sent: what hid the output would tell the mint whom it signed it for. */
export const withoutDleq = ({ dleq: _, ...proof }: InputProof): InputProof => proof
