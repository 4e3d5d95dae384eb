/** Every mistake that can be made in a source, each with a name that does not change while its text stands as it is. */
import { createHash } from 'node:crypto'
import { operators } from './operators.ts'
import { probesOf, placeOf, type MutationPlace } from './probes.ts'
import { edited, parse, walk, type Edit } from './tree.ts'

export interface Mutation extends Edit {
  readonly id: string
  readonly file: string
  readonly folder: Folder
  readonly operator: string
  /** The first line that it changes. */
  readonly line: number
  /** The lines that it changes, without what is common to their beginnings and ends, before and after. */
  readonly before: string
  readonly after: string
  readonly place: MutationPlace
}

export type Folder = keyof typeof FOLDERS

/** Where mistakes are made, and how many in a hundred have to be caught. The first that fits is a file's. */
export const FOLDERS = {
  bounty: { files: /^(src\/bounty\/|machines\/bounty\.ts)/, goal: 0.9 },
  kernel: { files: /^src\/kernel\//, goal: 0.95 },
  machines: { files: /^machines\//, goal: 0.95 },
  wallet: { files: /^src\/wallet\//, goal: 0.95 },
  stores: { files: /^src\/store\//, goal: 0.9 },
  'mint-server': { files: /^src\/mint-server\//, goal: 0.9 },
  cashu: { files: /^src\/cashu\//, goal: 0.9 },
} as const

export function folderOf(file: string): Folder | undefined {
  const names = Object.keys(FOLDERS) as Folder[]
  return names.find((name) => FOLDERS[name].files.test(file))
}

/** What explains itself to people is not changed: what is thrown. */
const PASSED_OVER = new Set(['ThrowStatement', 'ImportDeclaration'])

export function mutationsOf(file: string, source: string, folder: Folder): Mutation[] {
  const program = parse(file, source)
  const probes = probesOf(program)
  const made: (Edit & { operator: string; place: MutationPlace })[] = []
  walk(program, (node, within) => {
    if (PASSED_OVER.has(node.type) || within.some(({ type }) => PASSED_OVER.has(type))) return
    for (const [operator, edits] of Object.entries(operators))
      for (const edit of edits({ node, within, source }))
        made.push({ ...edit, operator, place: placeOf(probes, [...within, node], edit) })
  })
  const seen = new Map<string, number>()
  const texts = new Set<string>()
  return made.flatMap(({ operator, place, ...edit }) => {
    const mark = `${edit.start} ${edit.end} ${edit.to}`
    if (texts.has(mark)) return []
    texts.add(mark)
    const shown = changeOf(source, edit)
    const name = `${file}\n${operator}\n${shown.before}\n${shown.after}`
    const count = seen.get(name) ?? 0
    seen.set(name, count + 1)
    const id = `${folder}-${createHash('sha256').update(`${name}\n${count}`).digest('hex').slice(0, 8)}`
    return [{ id, file, folder, operator, place, ...shown, ...edit }]
  })
}

export const mutatedSource = (source: string, { start, end, to }: Edit): string => edited(source, [{ start, end, to }])

/** The lines that an edit changes. */
function changeOf(source: string, edit: Edit): { line: number; before: string; after: string } {
  const before = source.split('\n')
  const after = mutatedSource(source, edit).split('\n')
  const first = before.findIndex((line, at) => line !== after[at])
  const shorter = Math.min(before.length, after.length) - first
  let same = 0
  while (same < shorter && before.at(-1 - same) === after.at(-1 - same)) same++
  // Where lines only went, the one before says where.
  const from = after.length - same > first ? first : Math.max(0, first - 1)
  const shown = (all: readonly string[]): string => all.slice(from, all.length - same).join('\n')
  return { line: first + 1, before: shown(before), after: shown(after) }
}
