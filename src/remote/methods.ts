/**
 * The methods of a wallet that cross: of which verb each is, what it takes and gives, and what that may reveal. The far side's
 * objects call by this table, and the near side answers by it and by nothing else.
 */
import type { Json } from '../store/port.ts'
import type {
  ExecutableHandle,
  MeltHandle,
  MintHandle,
  OperationHandle,
  ReceiveHandle,
  RestoreHandle,
  SendHandle,
  SwapHandle,
} from '../wallet/api-handles.ts'
import type { Wallet } from '../wallet/api.ts'
import type { Finished, Waiting } from '../wallet/handle.ts'
import { failure, isCoded, notAllowed } from './errors.ts'
import type { Permissions, Verb } from './limits.ts'
import { amount, json, jsonObject, list, nothing, optional, record, text, type Fields, type Shape } from './shapes.ts'
import { shownView, view, type View } from './views.ts'
import * as is from './values.ts'

/** What the near side answers a call with. */
export interface Beside {
  readonly wallet: Wallet
  readonly permissions: Permissions
  /** Aborts where the caller's signal does, or where the connection ends. */
  readonly signal: AbortSignal
  /** Whether the caller gave a signal. */
  readonly hasSignal: boolean
  /** Whether an operation was created since the call began. */
  readonly created: (id: string) => boolean
}

/** A method as it crosses. */
export interface Method<A, R> {
  readonly name: string
  readonly verb: Verb
  /** What its answer shows of the wallet. */
  readonly reveals: string
  /** Its arguments and answer, in words. */
  readonly is: string
  /** The near side: reads the arguments, calls the wallet, and gives the answer. */
  answer(beside: Beside, given: unknown): Promise<Json | undefined>
  /** The far side: the arguments as they cross. @throws {TypeError} naming the argument */
  ask(args: A): Json | undefined
  /** The far side: the answer. @throws {TypeError} */
  read(given: unknown): R
}

const methods = new Map<string, Method<never, unknown>>()

/** All methods that cross, by their names. */
export const table: ReadonlyMap<string, Method<never, unknown>> = methods

interface Definition<A, R> {
  readonly verb: Verb
  readonly args: Shape<A>
  readonly result: Shape<R>
  readonly reveals: string
  readonly run: (beside: Beside, args: A) => Promise<R>
}

function method<A, R>(name: string, { verb, args, result, reveals, run }: Definition<A, R>): Method<A, R> {
  const made: Method<A, R> = {
    name,
    verb,
    reveals,
    is: `(${args.is}): ${result.is}`,
    answer: async (beside, given) => result.encode(await run(beside, args.decode(given, '')), name),
    ask: (given) => args.encode(given, ''),
    read: (given) => result.decode(given, name),
  }
  methods.set(name, made)
  return made
}

const none = record<object>({})
const id = record({ id: text })
const mintUrl = record({ mintUrl: text })

export const balances = method('balances', {
  verb: 'balances',
  args: none,
  result: is.balances,
  reveals: 'amounts by mint and unit',
  run: ({ wallet }) => wallet.balances(),
})

export const history = {
  get: method('history.get', {
    verb: 'history',
    args: id,
    result: is.historyRecord,
    reveals: 'a record: amounts, memo, invoice, proof of payment',
    run: ({ wallet }, { id }) => wallet.history.get(id),
  }),
  list: method('history.list', {
    verb: 'history',
    args: is.historyPage,
    result: list(is.historyRecord),
    reveals: 'records: amounts, memos, invoices, proofs of payment',
    run: ({ wallet }, page) => wallet.history.list(page),
  }),
}

export const mints = {
  get: method('mints.get', {
    verb: 'mints',
    args: mintUrl,
    result: is.knownMint,
    reveals: 'what the mint says of itself',
    run: ({ wallet }, { mintUrl }) => wallet.mints.get(mintUrl),
  }),
  list: method('mints.list', {
    verb: 'mints',
    args: none,
    result: list(is.knownMint),
    reveals: 'the mints that the wallet knows',
    run: ({ wallet }) => wallet.mints.list(),
  }),
  refresh: method('mints.refresh', {
    verb: 'mints',
    args: mintUrl,
    result: nothing,
    reveals: 'nothing',
    run: ({ wallet, signal, hasSignal }, { mintUrl }) =>
      hasSignal ? wallet.mints.refresh(mintUrl, signal) : wallet.mints.refresh(mintUrl),
  }),
  trust: method('mints.trust', {
    verb: 'trust',
    args: mintUrl,
    result: is.knownMint,
    reveals: 'what the mint says of itself',
    run: ({ wallet }, { mintUrl }) => wallet.mints.trust(mintUrl),
  }),
  distrust: method('mints.distrust', {
    verb: 'trust',
    args: mintUrl,
    result: nothing,
    reveals: 'nothing',
    run: ({ wallet }, { mintUrl }) => wallet.mints.distrust(mintUrl),
  }),
  rebind: method('mints.rebind', {
    verb: 'rebind',
    args: record({ mintUrl: text, address: text }),
    result: is.knownMint,
    reveals: 'what the mint says of itself',
    run: ({ wallet }, { mintUrl, address }) => wallet.mints.rebind(mintUrl, address),
  }),
}

export const operations = {
  list: method('operations.list', {
    verb: 'operations',
    args: is.operationsFilter,
    result: list(is.operationSummary),
    reveals: 'states and amounts',
    run: ({ wallet }, filter) => wallet.operations.list(filter),
  }),
  get: method('operations.get', {
    verb: 'operations',
    args: id,
    result: is.operationSummary,
    reveals: 'its state and amounts',
    run: ({ wallet }, { id }) => wallet.operations.get(id),
  }),
  explain: method('operations.explain', {
    verb: 'operations',
    args: id,
    result: is.explanation,
    reveals: 'its state, timers and errors',
    run: ({ wallet }, { id }) => wallet.operations.explain(id),
  }),
  steps: method('operations.steps', {
    verb: 'operations',
    args: record({ id: text, page: is.stepsPage }),
    result: list(is.stepRecord),
    reveals: 'its events, states, answers and times',
    run: ({ wallet }, { id, page }) => wallet.operations.steps(id, page),
  }),
  export: method('operations.export', {
    verb: 'operations',
    args: id,
    result: jsonObject,
    reveals: 'its rows, without secrets',
    run: ({ wallet }, { id }) => wallet.operations.export(id),
  }),
  resumed: method('operations.resumed', {
    verb: 'operations',
    args: none,
    result: is.resumed,
    reveals: 'states',
    run: async ({ wallet }) => [...(await wallet.operations.resumed())],
  }),
  resume: method('operations.resume', {
    verb: 'control',
    args: id,
    result: nothing,
    reveals: 'nothing',
    run: ({ wallet }, { id }) => wallet.operations.resume(id),
  }),
  cancel: method('operations.cancel', {
    verb: 'control',
    args: id,
    result: nothing,
    reveals: 'nothing',
    run: ({ wallet }, { id }) => wallet.operations.cancel(id),
  }),
}

export const kv = {
  get: method('kv.get', {
    verb: 'kv',
    args: is.kvName,
    result: optional(json),
    reveals: 'a value of the application',
    async run({ wallet, permissions }, name) {
      permissions.checkNamespace(name.primary)
      return wallet.kv.get(name)
    },
  }),
  set: method('kv.set', {
    verb: 'kv',
    args: record({ name: is.kvName, value: json }),
    result: nothing,
    reveals: 'nothing',
    async run({ wallet, permissions }, { name, value }) {
      permissions.checkNamespace(name.primary)
      await wallet.kv.set(name, value)
    },
  }),
  delete: method('kv.delete', {
    verb: 'kv',
    args: is.kvName,
    result: nothing,
    reveals: 'nothing',
    async run({ wallet, permissions }, name) {
      permissions.checkNamespace(name.primary)
      await wallet.kv.delete(name)
    },
  }),
  change: method('kv.change', {
    verb: 'kv',
    args: record({ changes: is.kvChanges }),
    result: nothing,
    reveals: 'nothing',
    async run({ wallet, permissions }, { changes }) {
      for (const { primary } of changes) permissions.checkNamespace(primary)
      await wallet.kv.change(changes)
    },
  }),
  list: method('kv.list', {
    verb: 'kv',
    args: is.namespace,
    result: list(text),
    reveals: 'names of values of the application',
    async run({ wallet, permissions }, namespace) {
      permissions.checkNamespace(namespace.primary)
      return wallet.kv.list(namespace)
    },
  }),
}

/** What a call of a handle gives: the operation as it is after the call, and the call's own result or failure. */
export interface Told<E, R> {
  readonly view: View<E>
  readonly result: R | undefined
  readonly error: Error | undefined
}

interface Kind<O, H extends OperationHandle, E extends object> {
  readonly options: Shape<O>
  /** What its handles show beside what all show, and how it is read. */
  readonly extra: Fields<E>
  readonly extraOf: (handle: H) => E
  readonly reveals: string
  prepare(wallet: Wallet, options: O, signal: AbortSignal): Promise<H>
  get(wallet: Wallet, id: string): Promise<H>
}

/** A call is waited for until its signal aborts. */
type Begun = Pick<Beside, 'signal'>

type PaidVerb = 'melt' | 'mint' | 'receive' | 'restore' | 'send' | 'swap'

/** The methods of a kind of operation, and of its handles. */
function ofKind<O, H extends OperationHandle, E extends object>(verb: PaidVerb, kind: Kind<O, H, E>) {
  const shown = view(record(kind.extra))
  const show = (handle: H): View<E> => shownView(handle, kind.extraOf)
  const { reveals } = kind

  /** A method of a handle. Whatever it does, the limits hold for the operation. */
  const act = <R>(name: string, result: Shape<R>, run: (handle: H, waiting: Begun, beside: Beside) => Promise<R>) =>
    method<{ readonly id: string }, Told<E, R>>(`${verb}.${name}`, {
      verb,
      args: id,
      result: record<Told<E, R>>({ view: shown, result: optional(result), error: optional(failure) }),
      reveals,
      async run(beside, { id }) {
        const handle = await kind.get(beside.wallet, id)
        await beside.permissions.check(handle)
        try {
          const result = await run(handle, { signal: beside.signal }, beside)
          return { view: show(handle), result, error: undefined }
        } catch (error) {
          if (!isCoded(error) || !(error instanceof Error)) throw error
          return { view: show(handle), result: undefined, error }
        }
      },
    })

  const basic = {
    prepare: method(`${verb}.prepare`, {
      verb,
      args: kind.options,
      result: shown,
      reveals,
      async run({ wallet, permissions, signal, created }, options) {
        const handle = await kind.prepare(wallet, options, signal)
        try {
          await permissions.check(handle)
        } catch (error) {
          // Its inputs are free again at once. What was there before is another's, and stays.
          if (created(handle.id)) await handle.cancel().catch(() => {})
          throw error
        }
        return show(handle)
      },
    }),
    get: method(`${verb}.get`, {
      verb,
      args: id,
      result: shown,
      reveals,
      async run({ wallet, permissions }, { id }) {
        const handle = await kind.get(wallet, id)
        await permissions.check(handle)
        return show(handle)
      },
    }),
    cancel: act('cancel', nothing, async (handle) => void (await handle.cancel())),
    refresh: act('refresh', nothing, async (handle, waiting) => void (await handle.refresh(waiting))),
  }
  return { act, basic }
}

const finish = (handle: OperationHandle, waiting: Waiting): Promise<Finished> => handle.finished(waiting)
const execute = (handle: ExecutableHandle, waiting: Waiting): Promise<Finished> => handle.execute(waiting)

const mintKind = ofKind('mint', {
  options: is.prepareMint,
  extra: { quote: optional(is.shownQuote) },
  extraOf: (handle: MintHandle) => ({ quote: quoteOf(handle) }),
  reveals: 'its state and amounts, the quote with the invoice to pay',
  prepare: (wallet, options, signal) => wallet.mint.prepare({ ...options, signal }),
  get: (wallet, id) => wallet.mint.get(id),
})
/** Undefined before the mint has given one. */
const quoteOf = (handle: MintHandle): MintHandle['quote'] | undefined => {
  try {
    return handle.quote
  } catch {
    return undefined
  }
}
export const mint = {
  ...mintKind.basic,
  finished: mintKind.act('finished', is.finished, finish),
  quoted: mintKind.act('quoted', nothing, async (handle, waiting) => void (await handle.quoted(waiting))),
}

const meltKind = ofKind('melt', {
  options: is.prepareMelt,
  extra: {},
  extraOf: (_: MeltHandle) => ({}),
  reveals: 'its state and amounts, the proof of payment',
  prepare: (wallet, options, signal) => wallet.melt.prepare({ ...options, signal }),
  get: (wallet, id) => wallet.melt.get(id),
})
export const melt = {
  ...meltKind.basic,
  finished: meltKind.act('finished', is.paidMelt, (handle, waiting) => handle.finished(waiting)),
  quoted: meltKind.act('quoted', nothing, async (handle, waiting) => void (await handle.quoted(waiting))),
  execute: meltKind.act('execute', is.paidMelt, async (handle, waiting, { permissions }) => {
    // Before its quote is here, nobody knows what it may cost.
    await handle.quoted(waiting)
    await permissions.check(handle, waiting)
    return handle.execute(waiting)
  }),
  payWithoutChange: meltKind.act('payWithoutChange', is.paidMelt, async (handle, waiting, { permissions }) => {
    if (permissions.limits('melt')) throw notAllowed('what a payment without change may cost has no limit')
    return handle.payWithoutChange(waiting)
  }),
}

const receiveKind = ofKind('receive', {
  options: is.prepareReceive,
  extra: {},
  extraOf: (_: ReceiveHandle) => ({}),
  reveals: 'its state and amounts',
  prepare: (wallet, options) => wallet.receive.prepare(options),
  get: (wallet, id) => wallet.receive.get(id),
})
export const receive = {
  ...receiveKind.basic,
  finished: receiveKind.act('finished', is.finished, finish),
  execute: receiveKind.act('execute', is.finished, execute),
}

const restoreKind = ofKind('restore', {
  options: is.prepareRestore,
  extra: { unavailable: is.unavailableKeysets },
  extraOf: ({ unavailable }: RestoreHandle) => ({ unavailable: [...unavailable] }),
  reveals: 'its state and amounts',
  prepare: (wallet, options) => wallet.restore.prepare(options),
  get: (wallet, id) => wallet.restore.get(id),
})
export const restore = {
  ...restoreKind.basic,
  finished: restoreKind.act('finished', is.restoredFunds, (handle, waiting) => handle.finished(waiting)),
  execute: restoreKind.act('execute', is.restoredFunds, (handle, waiting) => handle.execute(waiting)),
}

const sendKind = ofKind('send', {
  options: is.prepareSend,
  extra: { token: optional(text), reclaimed: amount },
  extraOf: ({ token, reclaimed }: SendHandle) => ({ token, reclaimed }),
  reveals: 'its state and amounts, and its token: whoever has that has the money',
  prepare: (wallet, options) => wallet.send.prepare(options),
  get: (wallet, id) => wallet.send.get(id),
})
export const send = {
  ...sendKind.basic,
  finished: sendKind.act('finished', is.finished, finish),
  execute: sendKind.act('execute', is.sentToken, (handle, waiting) => handle.execute(waiting)),
  reclaim: sendKind.act('reclaim', is.finished, (handle, waiting) => handle.reclaim(waiting)),
}

const swapKind = ofKind('swap', {
  options: is.prepareSwap,
  extra: {},
  extraOf: (_: SwapHandle) => ({}),
  reveals: 'its state and amounts',
  prepare: (wallet, options) => wallet.swap.prepare(options),
  get: (wallet, id) => wallet.swap.get(id),
})
export const swap = {
  ...swapKind.basic,
  finished: swapKind.act('finished', is.finished, finish),
  execute: swapKind.act('execute', is.finished, execute),
}
