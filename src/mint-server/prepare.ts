/** What the parts of a mint share, and its first keysets. */
import { codes } from '../cashu/codes.ts'
import { hex, sleep, systemClock, systemRandom } from '../kernel/util/ports.ts'
import type { Context } from './context.ts'
import { refuse } from './http/request.ts'
import { backendCalls } from './lightning/backend-calls.ts'
import type { MintOptions } from './mint-options.ts'
import { given } from '../arguments.ts'
import { DEFAULTS, type MintSettings } from './ports.ts'
import { keysets, matched, type Keysets } from './signatory/keysets.ts'
import { WrongKeys } from './signatory/signatory.ts'

/** How long a start waits for the signatory to say that its keys are the store's. */
const MATCH_MS = 2_000

/**
 * Makes the context that the parts of a mint share. On the first start it makes the keysets, and needs the signatory. Later
 * starts succeed without the signatory; only the requests that need it wait.
 *
 * @throws {WrongKeys} The store was made with other keys.
 */
export async function prepared(options: MintOptions): Promise<{ context: Context; keysets: Keysets }> {
  const { store, crypto, backend, clock = systemClock, random = systemRandom } = options
  const settings: MintSettings = { ...DEFAULTS, ...given(options) }
  const signatory = matched(options.signatory, { store, crypto, clock })
  const rows = keysets({ store, crypto, signatory, amounts: settings.amounts, version: settings.keysetVersion, clock })
  for (const unit of settings.units) await rows.add(unit, { feePpk: settings.feePpk, onlyFirst: true })
  await rows.keepOnly(settings.units)
  const over = new AbortController()
  const compared = signatory.match().catch((error: unknown) => {
    if (error instanceof WrongKeys) throw error
  })
  await Promise.race([compared, sleep(clock, MATCH_MS, over.signal)]).finally(() => over.abort())
  const checkAmount = (amount: number): void => {
    const { minAmount, maxAmount } = settings
    if (amount < minAmount || amount > maxAmount)
      refuse(codes.amountOutOfRange, `not within ${minAmount} and ${maxAmount}`)
  }
  const context: Context = {
    ...{ store, crypto, signatory, backend, settings, clock, turn: options.turn },
    calls: backendCalls(backend, clock),
    newId: () => hex(random(16)),
    checkIssuable(unit, amount) {
      if (!settings.units.includes(unit)) refuse(codes.unitUnsupported, 'the mint has no such unit')
      if (amount !== null) checkAmount(amount)
    },
    async checkPayable(unit, amount) {
      const [keyset] = await store.query({ table: 'keysets', index: 'byUnit', prefix: [unit], limit: 1 })
      if (!keyset) refuse(codes.unitUnsupported, 'the mint has no such unit')
      checkAmount(amount)
    },
  }
  return { context, keysets: rows }
}
