/** `hardshell wallet`: ecash for people. */
import type { Group } from '../command.ts'
import { balance } from './balance.ts'
import { check } from './check.ts'
import { decode } from './decode.ts'
import { history } from './history.ts'
import { init } from './init.ts'
import { invoice } from './invoice.ts'
import { mints } from './mints.ts'
import { pay } from './pay.ts'
import { pending } from './pending.ts'
import { receive } from './receive.ts'
import { restore } from './restore.ts'
import { send } from './send.ts'

/** The commands of a wallet, in the order in which a person meets them. */
export const wallet: Group = {
  summary: 'A Cashu wallet in a folder.',
  about: `The folder is --home DIR, HARDSHELL_HOME, or hardshell in the user's folder for data (XDG_DATA_HOME, ~/.local/share).
Ctrl-C stops the waiting and never an operation. Several commands may run at once: one of them does the work for all.
Exit codes: 0 done, 1 failed or refused, 2 the command line is wrong, 3 not over yet, 130 Ctrl-C.`,
  commands: { init, mints, balance, invoice, pay, send, receive, pending, history, restore, check, decode },
}
