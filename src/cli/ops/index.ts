/** `hardshell ops`: the operations of any database that this program knows. */
import type { Group } from '../command.ts'
import { cancel, resume } from './act.ts'
import { exported } from './export.ts'
import { list, watch } from './list.ts'
import { explain, show } from './show.ts'
import { steps } from './steps.ts'

/** The commands that look at operations, and those that decide about them. */
export const ops: Group = {
  summary:
    'The operations of a wallet or a mint: lists and explains them, shows their steps, and hands over what a person decides.',
  about: `The database is that of the wallet's folder, or --store sqlite:PATH. It is opened beside whatever runs it, needs no seed, and runs
nothing itself: resume and cancel are handed to the process that does.`,
  commands: { list, show, explain, steps, resume, cancel, export: exported, watch },
}
