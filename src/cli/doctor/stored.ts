/** What `hardshell doctor` looks at in the database: whether it opens, who runs it, and what does not go on. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Amount } from '@cashu/cashu-ts'
import { messageOf } from '../../kernel/util/errors.ts'
import { balances } from '../../wallet/balances.ts'
import { isRun, kindOf } from '../ops/database.ts'
import { amountText, durationText } from '../terminal.ts'
import type { Finding, Look } from './finding.ts'

/** What is in one state for so long is told of. */
const STUCK_MS = 3_600_000
/** How many operations of one sort are told of. */
const MOST = 10

/** Whether the file is whole. */
export const database: Look = async ({ path, home }) => {
  if (!existsSync(path))
    return home
      ? [{ about: 'database', state: 'ok', text: 'none yet: the first command makes it' }]
      : [{ about: 'database', state: 'wrong', text: `there is no file ${path}` }]
  try {
    const of = kindOf(path)
    using db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 })
    const [row] = db.prepare('PRAGMA quick_check(1)').all()
    const [said = ''] = Object.values(row ?? {})
    if (said === 'ok') return [{ about: 'database', state: 'ok', text: `${path}, a ${of}'s, is whole` }]
    return [{ about: 'database', state: 'wrong', text: `${path} is damaged: ${String(said)}`, advice: 'Stop what uses it, keep a copy, and restore the wallet from its words into another folder.' }] // prettier-ignore
  } catch (error) {
    return [{ about: 'database', state: 'wrong', text: messageOf(error), advice: 'Is it encrypted, or held by another program?' }] // prettier-ignore
  }
}

/** Which process runs the operations. */
export const owner: Look = async ({ path }) => {
  if (!existsSync(path)) return []
  const text = (await isRun(path))
    ? 'another process has it open, and does the work; commands here hand theirs to it'
    : 'no process has it open: operations go on with the next command'
  return [{ about: 'owner', state: 'ok', text }]
}

/** What was set aside, waits for a person, or does not move. */
export const operations: Look = async ({ open, folder }) => {
  if (!open) return []
  const aside = await open.operations.list({ status: 'quarantined', limit: MOST })
  const stuck = await open.operations.list({ status: 'active', stuckForMs: STUCK_MS, limit: MOST })
  const active = await open.operations.list({ status: 'active', limit: 1_000 })
  const found: Finding[] = aside.map(({ kind, id, row }) => ({
    about: 'operation',
    state: 'wrong',
    text: `${kind} ${id} was set aside: ${row.reason ?? 'no reason is told'}`,
    advice: `\`hardshell ops resume ${id}${folder}\` tries again.`,
  }))
  for (const { id, kind, state, row } of active) {
    const { needsHuman, why } = await open.operations.explain(id)
    if (needsHuman)
      found.push({ about: 'operation', state: 'wrong', text: `${kind} ${id} in ${state} needs a decision: ${why}`, advice: `\`hardshell ops explain ${id}${folder}\`` }) // prettier-ignore
    // A token that nobody claims is no fault.
    else if (state !== 'tokenCreated' && stuck.some((each) => each.id === id))
      found.push({ about: 'operation', state: 'warning', text: `${kind} ${id} has been in ${state} for ${durationText(Date.now() - row.updatedAt)}: ${why}`, advice: `\`hardshell ops explain ${id}${folder}\`` }) // prettier-ignore
  }
  if (found.length > 0) return found
  const text = active.length === 0 ? 'none is unfinished' : `${active.length} unfinished, and none of them stuck`
  return [{ about: 'operations', state: 'ok', text }]
}

/** What is not free to use. */
export const money: Look = async ({ open, folder }) => {
  if (open?.of !== 'wallet') return []
  const all = balances(await open.store.sum('proofs'), await open.store.sum('owed'))
  const about = 'money'
  return all.flatMap(({ mintUrl, unit, reserved, outstanding, held, owed }): Finding[] => {
    const text = (amount: Amount, words: string): string => `${amountText(amount, unit)} at ${mintUrl} ${words}`
    const parts: readonly (readonly [amount: Amount, of: Finding])[] = [
      [reserved, { about, state: 'ok', text: text(reserved, 'in operations that are under way'), advice: `\`hardshell wallet pending${folder}\`` }], // prettier-ignore
      [outstanding, { about, state: 'ok', text: text(outstanding, 'in tokens that nobody has claimed'), advice: `\`hardshell wallet pending${folder}\` has them; \`send --reclaim ID\` takes one back.` }], // prettier-ignore
      [owed, { about, state: 'ok', text: text(owed, 'owed by the mint as change'), advice: 'It comes by itself once the mint gives it.' }], // prettier-ignore
      [held, { about, state: 'warning', text: text(held, 'held, for the mint does not take it, or does not tell of it'), advice: `\`hardshell wallet check${folder}\` asks again.` }], // prettier-ignore
    ]
    return parts.flatMap(([amount, finding]) => (amount.toString() === '0' ? [] : [finding]))
  })
}
