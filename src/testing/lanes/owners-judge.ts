/** What must hold where several processes share one store, whoever of them runs what. */
import type { Role } from '../../kernel/share/ownership.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import { operationIn, operationsIn } from '../invariants/rows.ts'
import { senderOf } from '../invariants/senders.ts'
import type { LaneInvariant } from './invariants.ts'

type Breach = `${LaneInvariant}: ${string}`

/** Ownership is verified anew before a request where it was last known longer ago. */
const VERIFIED_FOR_MS = 1_000
/** A process whose heartbeat was unchanged for so long may be taken for dead: four polls, and one that was under way. */
const DEAD_AFTER_MS = 2_500
/** A process, as it is judged. */
export interface Judged {
  readonly name: string
  readonly life: { readonly dead: boolean; readonly frozen: boolean; readonly thawedAtMs: number }
  readonly role: () => Role | undefined
  /** From then on it hears of all that others commit. */
  listensFromMs?: number
  /** How it signs operations; unknown until it signed one. */
  owner?: string | undefined
  /** It has closed in good order. */
  closed?: boolean
  /** Operation → the state that it last heard of. */
  readonly heard: ReadonlyMap<string, string>
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Watches the commits and requests of all processes. */
export class OwnersJudge {
  readonly #since = new Map<string, { readonly owner: string; readonly sinceMs: number }>()
  /** Every step of an operation, with the requests that it wrote down. */
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

  /** Learns who signs how, and since when an operation is whose. */
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

  /** A process takes up what another has, which must be gone. */
  #buried(process: Judged, write: Write, nowMs: number): Breach[] {
    if (!('patch' in write) || write.patch !== 'owners') return []
    const heir = write.set['heir']
    const victim = this.#processes.find(({ owner }) => owner === write.key[0])
    if (!victim || victim === process || heir === undefined || heir === '') return []
    const { life, closed = false } = victim
    const isGone = closed || life.dead || life.frozen || nowMs - life.thawedAtMs <= DEAD_AFTER_MS
    return isGone ? [] : [`rivals: ${process.name} took ${victim.name} for dead, which lives`]
  }

  /** A process is about to send a request, which an operation wrote down that may be over by now. */
  sending(process: Judged, body: string, rows: Dump, nowMs: number): Breach[] {
    const quoted = JSON.stringify(body).slice(1, -1)
    const sender = senderOf(body, rows) ?? this.#steps.findLast(({ snapshot }) => snapshot.includes(quoted))
    const since = sender && this.#since.get(sender.id)
    if (!since || since.owner === '' || since.owner === process.owner) return []
    const forMs = nowMs - since.sinceMs
    if (forMs <= VERIFIED_FOR_MS) return []
    return [`rivals: ${process.name} sends for a ${sender.kind} that has been another's for ${forMs} ms`]
  }

  /** When all is over and has been calm for a while. */
  unheard(rows: Dump): Breach[] {
    return this.#living().flatMap(
      ({ name, heard, listensFromMs = Infinity }) =>
      operationsIn(rows)
        .filter(({ id, state, updatedAt }) => updatedAt > listensFromMs && heard.get(id) !== state)
        .map(({ id, kind, state }) => `unheard: ${name} heard last of a ${kind} that it is '${heard.get(id) ?? 'nowhere'}', and it is '${state}'` as const), // prettier-ignore
    )
  }

  /** By lock: one of those that live has it. */
  leaderless(): Breach[] {
    const roles = this.#living().map(({ role }) => role())
    const owners = roles.filter((role) => role === 'owner').length
    return roles.length === 0 || owners === 1 ? [] : [`follower: of ${roles.length} processes ${owners} are the owner`]
  }

  #living(): readonly Judged[] {
    return this.#processes.filter(({ life, closed = false }) => !life.dead && !closed)
  }
}

/** A step follows the one before it: nobody writes over what somebody else wrote meanwhile. */
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
