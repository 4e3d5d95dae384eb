/** The commit invariants: what must hold of every single commit of a wallet, whatever comes after it. */
import type { Dump } from '../../store/memory.ts'
import type { Row, Write } from '../../store/port.ts'
import type { LateRequest } from '../faults/faulty-mint.ts'
import type { Breach } from './oracle.ts'
import { mintRows, walletRows } from './rows.ts'

/** The violations of a commit that landed. */
export function brokenByCommit(
  writes: readonly Write[],
  of: {
    /** The wallet's rows before. */
    before: Dump
    /** The mint's rows. */
    mint: () => Dump
    /** Requests that the network still holds. */
    late: readonly LateRequest[]
    /** Proofs, by Y, that another device with the same seed has spent. The wallet cannot know of them. */
    robbed?: readonly string[]
  },
): Breach[] {
  return writes.filter(frees).flatMap((write) => release(write, { ...of, writes }))
}

type Changed = { readonly Y: string; readonly row: Row }

const frees = (write: Write): boolean => changeOf(write)?.row['state'] === 'spendable'

/** The state of a proof after a write. */
function changeOf(write: Write): Changed | undefined {
  if ('patch' in write && write.patch === 'proofs') return { Y: write.key[0] as string, row: write.set }
  if ('put' in write && write.put === 'proofs') return { Y: write.row['Y'] as string, row: write.row }
  return undefined
}

/**
 * Only the operation that reserved money may release it, in a step of its own, and only if no request that was sent can
 * still spend it: neither at the mint nor under way.
 */
function release(
  write: Write,
  of: {
    before: Dump
    mint: () => Dump
    late: readonly LateRequest[]
    robbed?: readonly string[]
    writes: readonly Write[]
  },
): Breach[] {
  const { Y } = changeOf(write)!
  const { proofs } = walletRows(of.before)
  const was = proofs.find((row) => row.Y === Y)
  if (!was || was.state === 'spendable' || was.state === 'held') return []
  if (was.state !== 'reserved') return [`release: ${was.amount} that was ${was.state}`]
  const found: Breach[] = []
  const own = of.writes.some((it) => 'put' in it && it.put === 'operations' && it.row['id'] === was.operationId)
  if (!own) found.push(`release: ${was.amount} that another operation had reserved`)
  const { proofs: known } = mintRows(of.mint())
  const at = known.find((row) => row.Y === Y)
  if (at && !of.robbed?.includes(Y)) found.push(`release: ${was.amount} that is ${at.state} at the mint`)
  // A request with a spent input has no effect any more.
  const spent = new Set(known.filter((row) => row.state === 'SPENT').map((row) => row.Y))
  const dead = proofs.filter((row) => spent.has(row.Y))
  const carries = ({ body = '' }: LateRequest): boolean =>
    body.includes(was.secret) && !dead.some(({ secret }) => body.includes(secret))
  if (of.late.some(carries)) found.push(`release: ${was.amount} that is on its way to the mint`)
  return found
}
