/**
 * The mint's calls to its payment backend. Each kind of call has slots of its own, so that payments that hang hold up no
 * question about others, and questions about payments hold up none about what came in.
 */
import type { Clock } from '../../kernel/util/ports.ts'
import { within } from './time-limit.ts'
import type { Incoming, Outgoing, Payment, PaymentBackend, Wanted } from './payment-backend.ts'
import { Slots } from './slots.ts'

export interface BackendCalls {
  pay(payment: Payment, signal: AbortSignal): Promise<Outgoing>
  outgoing(id: string, signal: AbortSignal): Promise<Outgoing>
  /** `party` is who wants to know. */
  incoming(requestId: string, party: string | undefined, signal?: AbortSignal): Promise<readonly Incoming[]>
  createRequest(wanted: Wanted, party: string | undefined): ReturnType<PaymentBackend['createRequest']>
  /** Whose payment it is, until it has ended. Nobody's in particular, after a crash. */
  began(id: string, party: string | undefined): void
  ended(id: string): void
}

export function backendCalls(
  backend: Pick<PaymentBackend, 'pay' | 'outgoing' | 'incoming' | 'createRequest'>,
  clock: Clock,
): BackendCalls {
  const [paying, telling, counting, making] = [new Slots(clock), new Slots(clock), new Slots(clock), new Slots(clock)]
  const payers = new Map<string, string>()
  return {
    pay: (payment, signal) => paying.run(payers.get(payment.id), signal, (limit) => backend.pay(payment, limit)),
    outgoing: (id, signal) =>
      telling.run(payers.get(id), signal, (limit) => within(clock, (late) => backend.outgoing(id, late), limit)),
    incoming: (requestId, party, signal) =>
      counting.run(party, signal, (limit) => within(clock, (late) => backend.incoming(requestId, late), limit)),
    createRequest: (wanted, party) =>
      making.run(party, undefined, (limit) => within(clock, () => backend.createRequest(wanted), limit)),
    began(id, party) {
      if (party !== undefined) payers.set(id, party)
    },
    ended: (id) => void payers.delete(id),
  }
}
