/** Send: the kind, how an amount becomes a token, and how a token is watched. */
import type { Amount, AmountLike } from '@cashu/cashu-ts'
import { exchangeBecause } from '../../../machines/wallet/exchange-model.ts'
import { send, type SendContext } from '../../../machines/wallet/send.ts'
import { checkNames, checkKeys } from '../../arguments.ts'
import { fromAmountLike, toAmount } from '../../cashu/amounts.ts'
import { encodeToken } from '../../cashu/codec.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { exchangeEffects } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { exchangeSteps } from '../exchange.ts'
import { contextIn, ExecutableHandle, type Finished, type Waiting, signalOf } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { activeKeyset, keysetsOf, partsOf } from '../keysets.ts'
import { inParts } from '../offered.ts'
import { OF_MINT, type LocalArgs, type WalletPorts } from '../ports.ts'
import { tokenPoll } from '../token-poll.ts'
import { takeStep } from './steps.ts'
import { positive } from './swap.ts'
import { sure } from '../../sure.ts'

const NEVER_CHANGES = 'a proof’s DLEQ is written with it, and never changed'

const sendSteps = {
  /** @throws {HardshellError} `AMOUNT_UNREACHABLE`, unless our proofs make the amount up. */
  'send.split': async ({
    input,
    read,
  }: LocalArgs<{ mintUrl: string; unit: string; amount: number; exact: boolean }>) => {
    const { mintUrl, unit, amount, exact } = input
    const keyset = activeKeyset(await keysetsOf(read.loose(OF_MINT), mintUrl), unit)
    if (!keyset) return { answer: 'stale' as const }
    const amounts = partsOf(amount, keyset)
    if (typeof amounts !== 'string') return { answer: 'ok' as const, amounts }
    if (exact) return { answer: 'stale' as const }
    throw new HardshellError('AMOUNT_UNREACHABLE', amounts)
  },
  'send.encode': async ({ input, read }: LocalArgs<Pick<SendContext, 'mintUrl' | 'unit' | 'memo' | 'sent'>>) => {
    const { mintUrl, unit, memo, sent } = input
    const proofs = await Promise.all(
      sent.map(async ({ Y, ...proof }) => {
        const dleq = (await read.loose(NEVER_CHANGES).get('proofs', [Y]))?.dleq
        return dleq ? { ...proof, dleq } : proof
      }),
    )
    return { answer: 'ok' as const, token: encodeToken({ mintUrl, unit, proofs, ...(memo !== null && { memo }) }) }
  },
}

export const sendKind = defineOperation({
  kind: 'send',
  version: 1,
  machine: send,
  effects: (ports: WalletPorts) => ({ ...exchangeEffects(ports), ...exchangeSteps(ports), ...takeStep, ...sendSteps }),
  polls: (ports: WalletPorts) => ({ token: tokenPoll(ports) }),
  because: exchangeBecause,
  lane,
  columns,
  project: record<SendContext>('send', 'out', ({ memo, sent }) => ({ memo, ys: sent.map(({ Y }) => Y) })),
})

/** How much is sent, of which mint. */
export interface PrepareSend {
  /** The mint's URL. */
  readonly mintUrl: string
  /** How much, in the unit. */
  readonly amount: AmountLike
  /** `sat` unless given. */
  readonly unit?: string
  /** A text in the token, for whoever receives it. */
  readonly memo?: string
  /** The idempotency key: the same key and the same request are the same operation. */
  readonly key?: string
}

/** What executing a send gives. */
export interface SentToken extends Finished {
  /** A V4 token (NUT-00), the same however often it is asked for. */
  readonly token: string
}

/** Ends without a token. */
const isOver = (state: string): boolean => /^(cancelled|failed|lost)$/.test(state)

/** A send: proofs that become a token (NUT-00). */
export class SendHandle extends ExecutableHandle<SendContext, { readonly type: 'reclaim' }> {
  get token(): string | undefined {
    return contextIn(this).token ?? undefined
  }

  get reclaimed(): Amount {
    return toAmount(contextIn(this).reclaimed)
  }

  override async execute(waiting: Waiting = {}): Promise<SentToken> {
    const signal = signalOf(waiting)
    await this.start()
    await this.until(
      ({ snapshot }) => typeof (snapshot?.context as SendContext | undefined)?.token === 'string',
      signal,
    )
    return { ...this.result(), token: sure(contextIn(this).token, 'token') }
  }

  async reclaim(waiting: Waiting = {}): Promise<Finished> {
    const signal = signalOf(waiting)
    // Not taken: a reclaim is under way already, or over, or there is no token yet.
    await this.send({ type: 'reclaim' })
    if (contextIn(this).token === null && !isOver(this.state))
      throw new HardshellError('INVALID_STATE', 'there is no token yet', { operationId: this.id })
    await this.until(
      ({ state, snapshot }) =>
        state === 'tokenCreated' || (snapshot?.hasTag('ended') === true && !snapshot.hasTag('failed')),
      signal,
    )
    if (this.state === 'tokenCreated')
      throw new HardshellError('REFUSED', 'the mint does not take the token back', { operationId: this.id })
    return this.result()
  }
}

/**
 * Chooses and reserves proofs; nothing is sent. `fee` is zero where proofs of ours make up the amount exactly.
 *
 * @throws {TypeError} naming the argument; {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `UNIT_UNKNOWN`,
 *   `AMOUNT_UNREACHABLE`, `INSUFFICIENT_FUNDS`, `KEY_REUSED`
 */
export async function prepareSend(env: WalletEnv, options: PrepareSend): Promise<SendHandle> {
  checkNames(options, 'options', ['mintUrl', 'amount', 'unit', 'memo', 'key'])
  const { mintUrl: url, amount, unit = 'sat', memo, key } = options
  const asked = positive(fromAmountLike(amount), 'amount')
  checkKeys({ unit })
  if (memo !== undefined && typeof memo !== 'string') throw new TypeError('memo: a text')
  const { mintUrl } = await env.mints.get(url)
  const input = { mintUrl, unit, amount: asked, memo: memo ?? null }
  const checked = async () => {
    await env.mints.assertUsable(mintUrl, unit)
    // Fetches the keysets again if the known ones do not make up the amount. The first step checks our proofs.
    await inParts(env, { mintUrl, unit }, [asked]).catch((error: unknown) => {
      if (!(error instanceof HardshellError && error.code === 'AMOUNT_UNREACHABLE')) throw error
    })
    return input
  }
  const calls = env.operations.of(sendKind)
  return new SendHandle(env, calls, await calls.create(checked, { key, request: input }))
}
