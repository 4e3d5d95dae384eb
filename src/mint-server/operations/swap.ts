/** Swap at the mint (NUT-03): the kind, and its steps on the mint's tables. */
import { swap, type SwapContext, type SwapInput } from '../../../machines/mint-server/swap.ts'
import { codes } from '../../cashu/codes.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { hold, record, reserve, spend } from '../protocol/ledger.ts'
import { type LocalArgs, type MintPorts, has } from '../ports.ts'
import { refuse } from '../http/request.ts'
import { columns, kept, signingEffect } from './signing.ts'

const kind = 'mint-swap'

export const swapSteps = (ports: MintPorts) => ({
  async 'swap.setUp'({ input, read }: LocalArgs<Pick<SwapInput, 'id' | 'inputs' | 'messages'>>) {
    const owner = { id: input.id, kind } as const
    const spent = await hold(read, owner, input.inputs)
    const made = await reserve({ ...ports, read }, owner, input.messages)
    if (spent.unit !== made.unit) refuse(codes.unitMismatch, 'inputs and outputs have different units')
    if (spent.net !== made.amount) refuse(codes.unbalanced, `inputs less fee are ${spent.net}, outputs ${made.amount}`)
    await spent.assertUnspent()
    await made.assertFree()
    const writes = [...spent.writes, ...made.writes]
    return { answer: 'ready' as const, unit: spent.unit, outputs: made.held, writes }
  },

  async 'swap.complete'({
    input: { id, request, inputs, outputs, signed },
    nowMs,
  }: LocalArgs<Pick<SwapContext, 'id' | 'request' | 'inputs' | 'outputs' | 'signed'>>) {
    const owner = { id, kind } as const
    const { signatures, writes } = record(owner, outputs, signed, has(ports.settings, 12))
    const answer = kept(ports, request, { signatures }, nowMs)
    return {
      answer: 'completed' as const,
      body: answer.body,
      writes: [...spend(owner, inputs), ...writes, ...answer.writes],
    }
  },
})

export const swapKind = defineOperation({
  kind,
  version: 1,
  machine: swap,
  effects: (ports: MintPorts) => ({ ...signingEffect(ports), ...swapSteps(ports) }),
  lane: () => 'signatory',
  columns: ({ request }: SwapContext) => columns(request, null),
})
