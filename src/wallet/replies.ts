/** A mint client's reply as an effect's answer. */
import type { Refusal, Replied } from '../../machines/wallet/exchange-model.ts'
import type { Reply } from '../cashu/client.ts'

/** A reply as an effect's answer, reduced to what a chart needs. */
export function answerOf<T, A extends object>(reply: Reply<T>, ok: (body: T) => A): Replied<A> {
  if (reply.answer === 'ok') return { answer: 'ok', ...ok(reply.body) }
  if (reply.answer === 'refused') return refusalOf(reply)
  if (reply.answer === 'unknown' && reply.hint !== undefined) return { answer: 'unknown', hint: reply.hint }
  return { answer: reply.answer }
}

/** A refusal, as a chart may keep it. */
export const refusalOf = ({
  code,
  detail,
  meaning,
}: Extract<Reply<unknown>, { answer: 'refused' }>): { answer: 'refused' } & Refusal => ({
  answer: 'refused',
  code,
  detail: withoutSecrets(detail),
  meaning,
})

/** Limits a refusal's text: some mints answer with the failed SQL statement, which contains secrets. */
export const withoutSecrets = (detail: string): string => detail.replaceAll(/[0-9A-Za-z+/=_-]{24,}/g, '…').slice(0, 120)
