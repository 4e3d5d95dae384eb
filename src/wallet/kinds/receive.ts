/** Receive: the kind, and how it is prepared from a token. */
import { exchangeBecause, type InputProof } from '../../../machines/wallet/exchange-model.ts'
import { receive, type ReceiveContext } from '../../../machines/wallet/receive.ts'
import { checkNames } from '../../arguments.ts'
import { CashuError } from '../../cashu/errors.ts'
import { tokenIn } from '../../cashu/text/token-text.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { exchangeEffects } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { exchangeSteps } from '../exchange.ts'
import { ExecutableHandle } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { feeFor, withFullIds } from '../keysets.ts'
import type { Row } from '../../store/port.ts'
import { inTurns } from '../../time-slices.ts'
import type { WalletPorts } from '../ports.ts'

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
  /** Same key and same token → the same operation. */
  readonly key?: string
}

/** `fee` shows what the mint will keep, as far as its keysets are known; a mint that is not trusted is not asked. */
export class ReceiveHandle extends ExecutableHandle<ReceiveContext> {}

/**
 * Stores the token; nothing is sent. A token of a mint that is not trusted may be stored, and executed: it then waits
 * until the mint is.
 *
 * @throws {CashuError} `TOKEN_MALFORMED`, `TOKEN_TOO_LARGE`; {HardshellError} `KEY_REUSED`
 */
export async function prepareReceive(env: WalletEnv, options: PrepareReceive): Promise<ReceiveHandle> {
  checkNames(options, 'options', ['token', 'key'])
  const { token, key } = options
  if (typeof token !== 'string') throw new TypeError('token: a text')
  const { mintUrl, unit, memo, proofs } = await inTurns(tokenIn(token), env.ports.turn)
  const amount = proofs.reduce((total, proof) => total + proof.amount, 0)
  if (!Number.isSafeInteger(amount)) throw new CashuError('TOKEN_MALFORMED', 'the proofs come to no amount in all')
  const keysets = await env.mints.keysets(mintUrl, unit)
  const inputs: (InputProof & Row)[] = []
  for (const { id, amount, secret, C, witness } of withFullIds(proofs, keysets)) {
    await env.ports.turn()
    const Y = env.ports.crypto.hashToCurve(secret)
    inputs.push({ Y, id, amount, secret, C, ...(witness !== undefined && { witness }) })
  }
  const fee = feeFor(inputs, keysets) ?? 0
  const input = { mintUrl, unit, proofs: inputs, amount, fee, memo: memo ?? null }
  const calls = env.operations.of(receiveKind)
  return new ReceiveHandle(env, calls, await calls.create(input, { key, request: { token } }))
}
