/** The part of docs/mint.md that says where mints differ: made of what they answered, so that it cannot be wrong. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Answer } from './refusals.ts'

const FILE = fileURLToPath(new URL('../../docs/mint.md', import.meta.url))
const BEGIN = '<!-- What stands from here is written by `npm run conformance -- --write`. -->'
const END = '<!-- What stands up to here is written by `npm run conformance -- --write`. -->'

const isTaken = (answer: string): boolean => answer.startsWith('200')
const line = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** Status and code, with a name for it where a mint takes what it is asked. */
const inWords = (answer: string): string => (isTaken(answer) ? 'takes it' : answer)

function sectionOf(answers: readonly Answer[], theirName: string): string {
  const differ = answers.filter(({ ours, theirs }) => ours !== theirs)
  const apart = differ.filter(({ ours, theirs }) => isTaken(ours) !== isTaken(theirs))
  const byAnswer = new Map<string, Answer[]>()
  for (const answer of differ.filter((each) => !apart.includes(each))) {
    const key = `${answer.ours} ${answer.theirs}`
    byAnswer.set(key, [...(byAnswer.get(key) ?? []), answer])
  }
  return [
    `Both were asked the same ${answers.length} things; ${answers.length - differ.length} were answered with the same status and code.`,
    `Answers are given as HTTP status and error code; \`50000\` is ours where the NUTs have no code, \`0\` and \`11000\` are Nutshell's.`,
    '',
    `What one takes and the other refuses:`,
    '',
    line('asked', 'hardshell', theirName, 'why'),
    line('---', '---', '---', '---'),
    ...apart.map(({ asks, ours, theirs, why = '' }) => line(asks, inWords(ours), inWords(theirs), why)),
    '',
    'What both refuse, in other words:',
    '',
    line('hardshell', theirName, 'asked'),
    line('---', '---', '---'),
    ...[...byAnswer.values()].map((all) => line(all[0]!.ours, all[0]!.theirs, all.map(({ asks }) => asks).join('; '))),
  ].join('\n')
}

/** Whether the file says of the mints what they answered; with `write`, it does then. */
export async function documented(answers: readonly Answer[], theirName: string, write: boolean): Promise<boolean> {
  const text = await readFile(FILE, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${FILE} has lost the place for the differences`)
  const made = `${text.slice(0, from)}${BEGIN}\n\n${sectionOf(answers, theirName)}\n\n${text.slice(to)}`
  if (write) await writeFile(FILE, made)
  return write || made === text
}
