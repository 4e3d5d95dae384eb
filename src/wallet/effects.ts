/** The effects of wallet operations: each makes one request, and returns the reply as the mint client classified it. */
import type { exchangeActors } from '../../machines/wallet/exchange-model.ts'
import type { Declared } from '../kernel/define/authoring.ts'
import { askRestore, askStates } from './asking.ts'
import { fetchKeysets } from './keyset-fetch.ts'
import type { EffectArgs, WalletPorts } from './ports.ts'
import { answerOf } from './replies.ts'

export { answerOf, refusalOf } from './replies.ts'
export { fetchKeysets } from './keyset-fetch.ts'

type Actors = typeof exchangeActors
type In<K extends keyof Actors> = Actors[K] extends Declared<infer _Out, infer I> ? I : never

export const exchangeEffects = ({ client, crypto }: WalletPorts) => ({
  'mint.swap': async ({ input, signal, replay }: EffectArgs<In<'mint.swap'>>) => ({
    ...answerOf(await client(input.mintUrl).swap(input.body, { signal }), ({ signatures }) => ({ signatures })),
    replay,
  }),

  'mint.check': async ({ input, ...args }: EffectArgs<In<'mint.check'>>) => {
    const asked = await askStates(client(input.mintUrl), input.Ys, args)
    if (asked.answer !== 'ok') return asked
    return { ...asked, states: asked.states.map(({ state }) => state) }
  },

  'mint.restore': async ({ input, ...args }: EffectArgs<In<'mint.restore'>>) => {
    const asked = await askRestore(client(input.mintUrl), input.outputs, args)
    if (asked.answer !== 'ok') return asked
    return { ...asked, outputs: asked.outputs.map(({ B_ }) => B_) }
  },

  'mint.keysets': async ({ input, signal, read }: EffectArgs<In<'mint.keysets'>>) =>
    fetchKeysets({ client, crypto }, input, read, signal),
})
