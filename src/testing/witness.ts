/** The witness: what must hold of every single commit, whatever comes after it. */
import type { AnyStateNode } from 'xstate'
import type { OperationRow } from '../kernel/operation.ts'
import type { Dump } from '../store/memory.ts'
import type { Row, Store, Write } from '../store/port.ts'
import type { ProofRow } from '../wallet/tables.ts'
import { kinds } from './coverage.ts'
import type { Breach } from './oracle.ts'
import type { LateRequest } from './world.ts'

/** A store whose commits are looked at; tells what is wrong with those that landed. */
export function witnessed(
  store: Store,
  of: {
    /** The program's rows as they are. */
    rows: () => Dump
    /** The mint's. */
    mint: () => Dump
    /** Requests that the network still holds. */
    late: () => readonly LateRequest[]
    violated: (what: Breach) => void
  },
): Store {
  return {
    ...store,
    async commit(writes) {
      const freed = writes.filter(frees)
      const before = freed.length > 0 ? of.rows() : {}
      await store.commit(writes)
      const violations = [...writes.flatMap(deadEnd), ...freed.flatMap((write) => release(write, { ...of, before, writes }))] // prettier-ignore
      for (const what of violations) of.violated(what)
    },
  }
}

type Changed = { readonly Y: string; readonly row: Row }

const frees = (write: Write): boolean => changeOf(write)?.row['state'] === 'spendable'

/** What a write makes of a proof. */
function changeOf(write: Write): Changed | undefined {
  if ('patch' in write && write.patch === 'proofs') return { Y: write.key[0] as string, row: write.set }
  if ('put' in write && write.put === 'proofs') return { Y: write.row['Y'] as string, row: write.row }
  return undefined
}

/**
 * Money that was set aside is given back by the operation that set it aside, in a step of its own, and only where
 * nothing that was sent can spend it any more: not at the mint, and not under way to it (rule 4).
 */
function release(
  write: Write,
  of: { before: Dump; mint: () => Dump; late: () => readonly LateRequest[]; writes: readonly Write[] },
): Breach[] {
  const { Y } = changeOf(write)!
  const was = (of.before['proofs'] as readonly ProofRow[]).find((row) => row.Y === Y)
  if (!was || was.state === 'spendable' || was.state === 'held') return []
  if (was.state !== 'reserved') return [`release: ${was.amount} that was ${was.state}`]
  const found: Breach[] = []
  const own = of.writes.some((it) => 'put' in it && it.put === 'operations' && it.row['id'] === was.operationId)
  if (!own) found.push(`release: ${was.amount} that another operation had reserved`)
  const known = of.mint()['proofs'] as readonly Row[]
  const at = known.find((row) => row['Y'] === Y)
  if (at) found.push(`release: ${was.amount} that is ${at['state'] as string} at the mint`)
  // A request of which some input is spent does nothing any more.
  const spent = new Set(known.filter((row) => row['state'] === 'SPENT').map((row) => row['Y']))
  const dead = (of.before['proofs'] as readonly ProofRow[]).filter((row) => spent.has(row.Y))
  const carries = ({ body = '' }: LateRequest): boolean =>
    body.includes(was.secret) && !dead.some(({ secret }) => body.includes(secret))
  if (of.late().some(carries)) found.push(`release: ${was.amount} that is on its way to the mint`)
  return found
}

/** An operation rests only where something is to come: an answer, news, a time, or somebody's decision. */
function deadEnd(write: Write): Breach[] {
  if (!('put' in write) || write.put !== 'operations') return []
  const { kind, state, status, timers } = write.row as unknown as OperationRow
  if (status !== 'active') return []
  const nodes: AnyStateNode[] = [kinds.get(kind)!.machine.root]
  for (const part of state.split('.')) nodes.push(nodes.at(-1)!.states[part]!)
  const running = JSON.parse(timers) as Record<string, number>
  const delays = nodes.flatMap((node) =>
    Object.keys(node.config.after ?? {}).map((name) => ({ name, id: `xstate.after.${name}.${node.id}` })),
  )
  const lost = delays.filter(({ id }) => running[id] === undefined)
  if (lost.length > 0) return lost.map(({ name }): Breach => `stuck: ${kind} in '${state}' has lost its ${name}`)
  const goesOn = nodes.some(({ invoke, meta, tags, config }) => {
    const watched = (meta as { watch?: string } | undefined)?.watch !== undefined
    return invoke.length > 0 || watched || (tags.includes('human') && Object.keys(config.on ?? {}).length > 0)
  })
  return goesOn || delays.length > 0 ? [] : [`stuck: ${kind} in '${state}' waits for nothing`]
}
