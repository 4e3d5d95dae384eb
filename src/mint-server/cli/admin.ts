/** Commands to a mint on the fake Lightning backend, from whoever runs it. */
import { codes } from '../../cashu/codes.ts'
import { amount, field, oneOf, optional, text } from '../../cashu/shape.ts'
import type { FakeBackend } from '../lightning/fake-backend.ts'
import type { HttpRequest } from '../http/http-server.ts'
import type { Mint } from '../mint-api.ts'
import { fieldsOf, quoteIdOf, refusalOf, refuse, textUpTo, type Answer, type Fields } from '../http/request.ts'

export interface AdminOptions {
  readonly mint: Mint
  readonly backend: FakeBackend
  /** From whom commands are taken: nobody, processes on this machine, anybody. */
  readonly from: 'nobody' | 'here' | 'anywhere'
}

const MAX_MEMO_LENGTH = 200

/** Answers `/admin/…`. Undefined for any other path, and for requests from elsewhere. */
export function adminOf({ mint, backend, from }: AdminOptions): (request: HttpRequest) => Promise<Answer> | undefined {
  /** The backend's id of a quote's request. */
  async function requestIdOf(kind: 'mint' | 'melt', request: Fields): Promise<string> {
    const { status, body } = await mint.handle('GET', `/v1/${kind}/quote/bolt11/${quoteIdOf(request)}`)
    if (status !== 200) refuse(codes.unclassified, 'no such quote')
    const { request: invoice } = JSON.parse(body) as { request: string }
    return backend.decode('bolt11', invoice)?.requestId ?? refuse(codes.unclassified, 'the quote has no invoice')
  }

  const commands: Readonly<Record<string, (request: Fields) => Promise<object>>> = {
    /** Pays the invoice of a mint quote. */
    'POST /admin/settle': async (request) => ({ settled: await backend.settle(await requestIdOf('mint', request)) }),

    /** Decides the payment of a melt quote that is pending or unknown. */
    'POST /admin/resolve': async (request) => {
      const state = field(request, 'state', oneOf('paid', 'failed'), '')
      return { resolved: await backend.decide(await requestIdOf('melt', request), state) }
    },

    /** Gives a unit a new active keyset. */
    'POST /admin/rotate': async (request) => {
      const feePpk = field(request, 'fee_ppk', optional(amount), '')
      const unit = field(request, 'unit', optional(text), '') ?? 'sat'
      return { id: await mint.rotate(unit, feePpk === undefined ? {} : { feePpk }) }
    },

    /** An invoice of somebody else's, to be paid by a melt. */
    'POST /admin/invoice': async (request) => {
      const memo = field(request, 'description', optional(textUpTo(MAX_MEMO_LENGTH)), '')
      return { request: backend.foreignInvoice({ amountSat: field(request, 'amount', amount, ''), memo }) }
    },

    'GET /admin/balance-sheet': () => mint.balanceSheet(),
  }

  async function obey(command: (request: Fields) => Promise<object>, body: string): Promise<Answer> {
    try {
      return { status: 200, body: JSON.stringify(await command(fieldsOf(body))) }
    } catch (error) {
      return refusalOf(error)
    }
  }

  function mayCommand({ isLocal, headers }: HttpRequest): boolean {
    // A web page in a browser on this machine has a local address, too.
    return from === 'anywhere' || (from === 'here' && isLocal && headers.origin === undefined)
  }

  return (request) => {
    const { method, path, body } = request
    const command = `${method} ${path}`
    if (!Object.hasOwn(commands, command) || !mayCommand(request)) return undefined
    return obey(commands[command]!, method === 'GET' ? '{}' : body)
  }
}
