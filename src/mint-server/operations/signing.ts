/** What the mint's kinds share: how the signatory is asked, and how an answer is kept. */
import type { HeldOutput, Signed } from '../../../machines/mint-server/signing.ts'
import type { ColumnsOf } from '../../kernel/define/operation.ts'
import { unlessAborted } from '../../kernel/util/ports.ts'
import { type EffectArgs, type MintPorts, has } from '../ports.ts'
import { blindSignature, SignatoryRefusal } from '../signatory/signatory.ts'
import type { MintTables, ResponseRow, Write } from '../db/tables.ts'

export const signingEffect = ({ signatory }: MintPorts) => ({
  async 'signatory.sign'({
    input: { unit, outputs },
    signal,
  }: EffectArgs<{ unit: string; outputs: readonly HeldOutput[] }>): Promise<
    { answer: 'signed'; signed: readonly Signed[] } | { answer: 'refused'; detail: string } | { answer: 'unknown' }
  > {
    try {
      const asked = outputs.map(({ generation, amount, B_ }) => ({ unit, generation, amount, B_ }))
      const signed = await unlessAborted(signal, signatory.sign(asked, signal))
      if (signed.length !== outputs.length) return { answer: 'unknown' }
      return { answer: 'signed', signed: signed.map((one, at) => blindSignature(one, `signatures[${at}]`)) }
    } catch (error) {
      return error instanceof SignatoryRefusal ? { answer: 'refused', detail: error.message } : { answer: 'unknown' }
    }
  },
})

/** The columns that the mint adds to the operations table. */
export const columns = (request: string, quoteId: string | null): ColumnsOf<MintTables['operations']> => ({
  requestKey: request,
  quoteId,
})

/** An answer's text, and the writes that keep it for replays (NUT-19). */
export function kept(
  { settings }: MintPorts,
  request: string,
  answer: object,
  nowMs: number,
): { readonly body: string; readonly writes: readonly Write[] } {
  const body = JSON.stringify(answer)
  if (!has(settings, 19)) return { body, writes: [] }
  const row: ResponseRow = { key: request, body, expiresAt: nowMs + settings.cacheTtlMs }
  return { body, writes: [{ put: 'responses', row }] }
}
