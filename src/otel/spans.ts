/**
 * The spans of one store's operations: a root for each operation that this process works on, and below it one for each commit and for
 * each attempt of an effect. Another process' spans are of another trace, and those of this one link to them.
 */
import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'
import type {
  CommitBegun,
  Committing,
  Measured,
  Probe,
  RequestBegun,
  SeenOperation,
} from '../kernel/inspect/telemetry.ts'
import { KERNEL_STEPS } from '../kernel/define/steps.ts'
import { failureOf } from '../kernel/util/failure.ts'
import { ATTRIBUTES, type Attributes } from '../telemetry/names.ts'
import { contextOfTraceparent, traceparentOf } from './traceparent.ts'

/** An operation that this process works on. */
interface Root {
  readonly span: Span
  /** What its commits and attempts are below. */
  readonly context: Context
  /** The commit of the process before; resolves to undefined where there is none, or none was kept. */
  readonly previous: Promise<SpanContext | undefined>
  /** How many of its commits have not ended. */
  commits: number
  /** Its row, once it has ended or was set aside. */
  over: SeenOperation | undefined
}

interface SpansOptions {
  readonly tracer: Tracer
  /** Of every span. */
  readonly attributes: Attributes
}

export class Spans implements Probe {
  readonly #of: Measured
  readonly #tracer: Tracer
  readonly #attributes: Attributes
  readonly #roots = new Map<string, Root>()
  /** Attempts under way. */
  readonly #open = new Set<Span>()

  constructor(of: Measured, { tracer, attributes }: SpansOptions) {
    this.#of = of
    this.#tracer = tracer
    this.#attributes = attributes
    of.on((row) => this.#changed(row))
    of.signal.addEventListener('abort', () => this.#endAll(), { once: true })
  }

  found(): void {
    // A span begins where an operation is worked on.
  }

  committing({ before, row, event, src, answer }: CommitBegun): Committing {
    // An id that is used again is another operation's.
    const isNew = !before && !this.#roots.has(row.id)
    const root = this.#rootOf(row, before)
    root.commits++
    const { kind, state, version } = row
    // The attempt whose answer is committed, or else the one that begins.
    const { attempt } = src !== undefined && before ? before : row
    const span = this.#tracer.startSpan(
      `commit ${kind}`,
      {
        attributes: {
          ...this.#named(row),
          [ATTRIBUTES.event]: event,
          [ATTRIBUTES.state]: state,
          [ATTRIBUTES.version]: version,
          [ATTRIBUTES.attempt]: attempt,
          ...(src !== undefined && { [ATTRIBUTES.effect]: src }),
          ...(answer !== undefined && { [ATTRIBUTES.answer]: answer }),
        },
      },
      root.context,
    )
    // A later process is to find the commit that began the attempt, not the one that took it over.
    const kept = event === KERNEL_STEPS.takenOver ? undefined : traceparentOf(span.spanContext())
    return {
      trace: kept,
      ended: (outcome) => {
        span.setAttribute(ATTRIBUTES.outcome, outcome).end()
        if (outcome === 'landed')
          root.span.setAttribute(ATTRIBUTES.state, state).setAttribute(ATTRIBUTES.version, version)
        else if (isNew) this.#drop(row.id)
        this.#committed(root)
      },
      failed: (error) => {
        failed(span, error)
        span.end()
        if (isNew) this.#drop(row.id)
        this.#committed(root)
      },
    }
  }

  async request<T>(
    { row, src, signal }: RequestBegun,
    make: () => Promise<T>,
    answerOf: (made: T) => string | undefined,
  ): Promise<T> {
    const root = this.#rootOf(row, row)
    const previous = await root.previous
    const isReplay = row.attempt > 1
    const span = this.#tracer.startSpan(
      src,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          ...this.#named(row),
          [ATTRIBUTES.effect]: src,
          [ATTRIBUTES.attempt]: row.attempt,
          [ATTRIBUTES.state]: row.state,
          ...(row.lane !== '' && { [ATTRIBUTES.lane]: row.lane }),
        },
        links: isReplay && previous ? [{ context: previous }] : [],
      },
      root.context,
    )
    this.#open.add(span)
    const over = (): void => {
      if (this.#open.delete(span)) span.end()
    }
    signal.addEventListener('abort', over, { once: true })
    try {
      const made = await context.with(trace.setSpan(root.context, span), make)
      const answer = answerOf(made)
      if (answer !== undefined) span.setAttribute(ATTRIBUTES.answer, answer)
      return made
    } catch (error) {
      failed(span, error)
      throw error
    } finally {
      signal.removeEventListener('abort', over)
      over()
    }
  }

  erred(row: SeenOperation, error: unknown): void {
    const { error: type, where } = failureOf(error)
    this.#roots.get(row.id)?.span.addEvent('exception', {
      'exception.type': type,
      [ATTRIBUTES.state]: row.state,
      ...(where !== undefined && { 'code.location': where }),
    })
  }

  #named({ id, kind }: SeenOperation): Attributes {
    return { ...this.#attributes, [ATTRIBUTES.kind]: kind, [ATTRIBUTES.id]: id }
  }

  /** `before` is undefined for a new operation. */
  #rootOf(row: SeenOperation, before: SeenOperation | undefined): Root {
    const { id, kind, parent } = row
    const known = this.#roots.get(id)
    if (known) return known
    const links = [
      // Who calls may have a span of its own, which will have ended long before the operation has.
      ...(before ? [] : [trace.getSpanContext(context.active())]),
      parent === null ? undefined : this.#roots.get(parent)?.span.spanContext(),
    ].flatMap((each) => (each && isSpanContextValid(each) ? { context: each } : []))
    const attributes = { ...this.#named(row), ...(parent !== null && { [ATTRIBUTES.parent]: parent }) }
    const span = this.#tracer.startSpan(kind, { root: true, attributes, links }, ROOT_CONTEXT)
    const previous = before ? this.#previous(id, span) : Promise.resolve(undefined)
    const root: Root = { span, context: trace.setSpan(ROOT_CONTEXT, span), previous, commits: 0, over: undefined }
    this.#roots.set(id, root)
    return root
  }

  /** The last commit of another process, as the operation's steps have it. */
  async #previous(id: string, span: Span): Promise<SpanContext | undefined> {
    const { traceId } = span.spanContext()
    const traces = await this.#of.traces(id).catch(() => [])
    const previous = traces.flatMap((each) => contextOfTraceparent(each) ?? []).find((each) => each.traceId !== traceId)
    if (previous && span.isRecording()) span.addLink({ context: previous })
    return previous
  }

  /** Some process has moved an operation: this one, in the middle of a commit, or another one. */
  #changed(row: SeenOperation): void {
    const root = this.#roots.get(row.id)
    if (!root || row.status === 'active') return
    root.over = row
    if (root.commits === 0) this.#end(row)
  }

  #committed(root: Root): void {
    root.commits--
    if (root.commits === 0 && root.over) this.#end(root.over)
  }

  /** An operation has ended, or was set aside. */
  #end({ id, state, status }: SeenOperation): void {
    const root = this.#roots.get(id)
    if (!root) return
    const { span } = root
    span.setAttribute(ATTRIBUTES.state, state).setAttribute(ATTRIBUTES.status, status)
    if (status === 'quarantined') span.setStatus({ code: SpanStatusCode.ERROR })
    this.#drop(id)
  }

  #drop(id: string): void {
    this.#roots.get(id)?.span.end()
    this.#roots.delete(id)
  }

  /** The operations are closed: what is not over goes on in another process. */
  #endAll(): void {
    for (const span of this.#open) span.end()
    this.#open.clear()
    for (const id of this.#roots.keys()) this.#drop(id)
  }
}

/** An error's message may quote anything: its names and codes do for a span. */
function failed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute(ATTRIBUTES.error, failureOf(error).error)
}
