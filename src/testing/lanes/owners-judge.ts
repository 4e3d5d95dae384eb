/** The invariants of several processes on one store. */
import type { Role } from '../../kernel/share/ownership.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import { operationIn, operationsIn } from '../invariants/rows.ts'
import { senderOf } from '../invariants/senders.ts'
import type { LaneInvariant } from './invariants.ts'

type Breach = `${LaneInvariant}: ${string}`

/** Ownership is verified again before a request if the last confirmation is older than this. */
const VERIFIED_FOR_MS = 1_000
/**
 * A process with an unchanged heartbeat for this long may be taken for dead: four polls, and one that was under way.
 */
const DEAD_AFTER_MS = 2_500
/** A process under judgement. */
export interface Judged {
  readonly name: string
  readonly life: { readonly dead: boolean; readonly frozen: boolean; readonly thawedAtMs: number }
  readonly role: () => Role | undefined
  /** From this time on, it is notified of all commits of others. */
  listensFromMs?: number
  /** The owner's name that it writes into operations; unknown until it has written one. */
  owner?: string | undefined
  /** It has closed. */
  closed?: boolean
  /** Operation → the last state of which it was notified. */
  readonly heard: ReadonlyMap<string, string>
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Observes the commits and requests of all processes. */
export class OwnersJudge {
  readonly #since = new Map<string, { readonly owner: string; readonly sinceMs: number }>()
  /** Every step of an operation, with the requests that it stored. */
  readonly #steps: { readonly id: string; readonly kind: string; readonly snapshot: string }[] = []
  readonly #processes: readonly Judged[]

  constructor(processes: readonly Judged[]) {
    this.#processes = processes
  }

  /** A process committed; `before` are the rows before. */
  committed(process: Judged, writes: readonly Write[], before: Dump, nowMs: number): Breach[] {
    return writes.flatMap((write) => [
      ...this.#signed(process, write, nowMs),
      ...outOfTurn(process, write, before),
      ...this.#buried(process, write, nowMs),
    ])
  }

  /** Learns the owner's name of each process, and the owner of each operation with its time. */
  #signed(process: Judged, write: Write, nowMs: number): Breach[] {
    const row = operationIn(write)
    const patch = 'patch' in write && write.patch === 'operations' ? write : undefined
    const owner = textOf(row?.owner ?? patch?.set['owner'])
    const id = textOf(row?.id ?? patch?.key[0])
    if (row) this.#steps.push(row)
    if ('put' in write && write.put === 'owners') process.owner = textOf(write.row['id'])
    if (owner === undefined || id === undefined) return []
    if (this.#since.get(id)?.owner !== owner) this.#since.set(id, { owner, sinceMs: nowMs })
    if (owner === '' || process.owner === owner) return []
    if (process.owner !== undefined) return [`rivals: ${process.name} signed for another process`]
    process.owner = owner
    return []
  }

  /** A process takes over operations of another, which must be dead. */
  #buried(process: Judged, write: Write, nowMs: number): Breach[] {
    if (!('patch' in write) || write.patch !== 'owners') return []
    const heir = write.set['heir']
    const victim = this.#processes.find(({ owner }) => owner === write.key[0])
    if (!victim || victim === process || heir === undefined || heir === '') return []
    const { life, closed = false } = victim
    const isGone = closed || life.dead || life.frozen || nowMs - life.thawedAtMs <= DEAD_AFTER_MS
    return isGone ? [] : [`rivals: ${process.name} took ${victim.name} for dead, which lives`]
  }

  /** A process is about to send a request. The operation that stored it may have ended. */
  sending(process: Judged, body: string, rows: Dump, nowMs: number): Breach[] {
    const quoted = JSON.stringify(body).slice(1, -1)
    const sender = senderOf(body, rows) ?? this.#steps.findLast(({ snapshot }) => snapshot.includes(quoted))
    const since = sender && this.#since.get(sender.id)
    if (!since || since.owner === '' || since.owner === process.owner) return []
    const forMs = nowMs - since.sinceMs
    if (forMs <= VERIFIED_FOR_MS) return []
    return [`rivals: ${process.name} sends for a ${sender.kind} that has been another's for ${forMs} ms`]
  }

  /** The violations at the end, after a while without any change. */
  unheard(rows: Dump): Breach[] {
    return this.#living().flatMap(
      ({ name, heard, listensFromMs = Infinity }) =>
      operationsIn(rows)
        .filter(({ id, state, updatedAt }) => updatedAt > listensFromMs && heard.get(id) !== state)
        .map(({ id, kind, state }) => `unheard: ${name} heard last of a ${kind} that it is '${heard.get(id) ?? 'nowhere'}', and it is '${state}'` as const), // prettier-ignore
    )
  }

  /** With a lock, one of the living processes holds it. */
  leaderless(): Breach[] {
    const roles = this.#living().map(({ role }) => role())
    const owners = roles.filter((role) => role === 'owner').length
    return roles.length === 0 || owners === 1 ? [] : [`follower: of ${roles.length} processes ${owners} are the owner`]
  }

  #living(): readonly Judged[] {
    return this.#processes.filter(({ life, closed = false }) => !life.dead && !closed)
  }
}

/** Each step follows the one before it: no process overwrites what another wrote meanwhile. */
function outOfTurn(process: Judged, write: Write, before: Dump): Breach[] {
  const row = operationIn(write)
  const set = 'patch' in write && write.patch === 'operations' ? write.set : undefined
  const version = row?.version ?? set?.['version']
  const id = row?.id ?? ('patch' in write ? write.key[0] : undefined)
  if (typeof version !== 'number') return []
  const was = operationsIn(before).find((it) => it.id === id)?.version ?? 0
  return version === was + 1
    ? []
    : [`rivals: ${process.name} wrote version ${version} of an operation over version ${was}`]
}
