/** Receive: the kind, and how it is prepared from a token. */
import type { AmountLike } from '@cashu/cashu-ts'
import { exchangeBecause, type InputProof } from '../../../machines/wallet/exchange-model.ts'
import { receive, type ReceiveContext } from '../../../machines/wallet/receive.ts'
import { checkFlag, checkNames } from '../../arguments.ts'
import { fromAmountLike } from '../../cashu/amounts.ts'
import type { TokenProof } from '../../cashu/codec.ts'
import { CashuError } from '../../cashu/errors.ts'
import { tokenIn } from '../../cashu/text/token-text.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { inTurns } from '../../time-slices.ts'
import { dleqFault, keyOf, withoutDleq } from '../dleq.ts'
import { exchangeEffects } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { exchangeSteps } from '../exchange.ts'
import { ExecutableHandle } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { feeFor, withFullIds, type Keysets } from '../keysets.ts'
import type { WalletPorts } from '../ports.ts'
import { positive } from './swap.ts'

export const receiveKind = defineOperation({
  kind: 'receive',
  version: 1,
  machine: receive,
  effects: (ports: WalletPorts) => ({ ...exchangeEffects(ports), ...exchangeSteps(ports) }),
  because: exchangeBecause,
  lane,
  columns,
  project: record<ReceiveContext>('receive', 'in', ({ memo, ys }) => ({ memo, ys })),
})

/** The token to receive. */
export interface PrepareReceive {
  /** A token, V3 or V4 (NUT-00), or a text in which `parseCashu` finds one. */
  readonly token: string
  /**
   * The least that is to come, after the mint's fees, in the token's unit: where it would be less, nothing is spent, and the
   * receive ends with `TOO_LITTLE`. The mint is asked first what of the token is unspent (NUT-07). One that cannot say
   * takes all of a request or nothing. A token larger than one request comes in parts, and what stands in the way of a later
   * part (somebody claims it, the mint refuses it) leaves less than this: the receive then ends as `receivedPartly`, and
   * `amount` says how much came.
   */
  readonly atLeast?: AmountLike
  /**
   * Refuses a token of which not every proof shows that the mint signed it (NUT-12). Where keys of the mint are not known
   * yet, it is asked for them, if it is trusted.
   */
  readonly requireDleq?: boolean
  /** Same key and same token → the same operation. */
  readonly key?: string
}

/** `fee` shows what the mint will keep, as far as its keysets are known; a mint that is not trusted is not asked. */
export class ReceiveHandle extends ExecutableHandle<ReceiveContext> {}

/**
 * Stores the token; nothing is sent. A token of a mint that is not trusted may be stored, and executed: it then waits
 * until the mint is. Proofs that carry a DLEQ are checked (NUT-12): now, or before the first request where the mint's keys
 * are not known yet.
 *
 * @throws {TypeError} naming the argument; {CashuError} `TOKEN_MALFORMED`, `TOKEN_TOO_LARGE`, `TOKEN_OF_SEVERAL_MINTS`,
 *   `TOKENS_SEVERAL`, `PROOF_REPEATED`, `PROOF_WORTHLESS`, `DLEQ_INVALID`, `DLEQ_MISSING`, `DLEQ_UNCHECKED`; {HardshellError} `TOO_LITTLE`, `KEY_REUSED`
 */
export async function prepareReceive(env: WalletEnv, options: PrepareReceive): Promise<ReceiveHandle> {
  checkNames(options, 'options', ['token', 'atLeast', 'requireDleq', 'key'])
  const { token, requireDleq, key } = options
  if (typeof token !== 'string') throw new TypeError('token: a text')
  checkFlag(requireDleq, 'requireDleq')
  const atLeast = options.atLeast === undefined ? 0 : positive(fromAmountLike(options.atLeast, 'atLeast'), 'atLeast')
  const { mintUrl, unit, memo, proofs } = await inTurns(tokenIn(token), env.ports.turn)
  const amount = proofs.reduce((total, proof) => total + proof.amount, 0)
  if (!Number.isSafeInteger(amount)) throw new CashuError('TOKEN_MALFORMED', 'the proofs come to no amount in all')
  const calls = env.operations.of(receiveKind)
  const request = { token, ...(atLeast > 0 && { atLeast }), ...(requireDleq && { requireDleq }) }
  const input = async () => {
    const known = await env.mints.keysets(mintUrl, unit)
    const inputs = await checked(env, await inputsOf(env, withFullIds(proofs, known)), { mintUrl, known, requireDleq })
    const fee = feeFor(inputs, known) ?? 0
    if (atLeast > 0 && amount - fee < atLeast)
      throw new HardshellError(
        'TOO_LITTLE',
        `the token brings ${amount - fee} ${unit}, and at least ${atLeast} was wanted`,
      )
    return { mintUrl, unit, proofs: inputs, amount, fee, memo: memo ?? null, atLeast }
  }
  return new ReceiveHandle(env, calls, await calls.create(input, { key, request }))
}

/** A token's proofs as inputs. */
async function inputsOf(env: WalletEnv, proofs: readonly TokenProof[]): Promise<InputProof[]> {
  const inputs: InputProof[] = []
  for (const { id, amount, secret, C, witness, dleq } of proofs) {
    await env.ports.turn()
    const Y = env.ports.crypto.hashToCurve(secret)
    inputs.push({
      Y,
      id,
      amount,
      secret,
      C,
      ...(witness !== undefined && { witness }),
      ...(dleq && { dleq: { ...dleq } }),
    })
  }
  return inputs
}

/** The inputs, of which those that are checked have no DLEQ any more. @throws {CashuError} */
async function checked(
  env: WalletEnv,
  inputs: readonly InputProof[],
  { mintUrl, known, requireDleq = false }: { mintUrl: string; known: Keysets; requireDleq: boolean | undefined },
): Promise<InputProof[]> {
  if (requireDleq && inputs.some(({ dleq }) => dleq === undefined))
    throw new CashuError('DLEQ_MISSING', 'the token has a proof that does not show that the mint signed it')
  const isUnknown = (keysets: Keysets) => (input: InputProof) => keyOf(input, keysets) === undefined
  const isLacking = requireDleq && inputs.some(isUnknown(known))
  const keysets = isLacking ? await env.mints.allKeysets(mintUrl) : known
  const named = withFullIds(inputs, keysets)
  if (requireDleq && named.some(isUnknown(keysets)))
    throw new CashuError(
      'DLEQ_UNCHECKED',
      'the keys are not known by which the mint signed the token; trust the mint first',
    )
  const fault = await dleqFault(env.ports, named, keysets)
  if (fault) throw new CashuError('DLEQ_INVALID', fault.detail)
  return named.map((input) => (isUnknown(keysets)(input) ? input : withoutDleq(input)))
}
