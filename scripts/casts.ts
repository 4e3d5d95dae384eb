/**
 * Counts what silences the compiler, by folder: `as` (but `as const`), `!` after an expression, and `any`. The counts are read from the
 * syntax tree; lines of code are those that are neither empty nor comment. `--check`, which `npm run lint` runs, fails where a
 * folder is above its goal.
 */
import { globSync, readFileSync } from 'node:fs'
import { parseSync } from 'vite'

interface Counts {
  files: number
  lines: number
  as: number
  bang: number
  any: number
}

interface Goal {
  readonly folder: string
  readonly files: RegExp
  /** Per 1,000 lines. */
  readonly as: number
  readonly bang: number
}

const GOALS: readonly Goal[] = [
  { folder: 'machines', files: /^machines\//, as: 6, bang: 3 },
  { folder: 'src/kernel', files: /^src\/kernel\//, as: 12, bang: 5 },
  { folder: 'src', files: /^src\//, as: 12, bang: 5 },
]

const files = globSync('{src,machines}/**/*.ts').toSorted()
const found = new Map(files.map((path) => [path, count(path)]))

function count(path: string): Counts {
  const code = readFileSync(path, 'utf8')
  const { program, comments } = parseSync(path, code)
  const counts: Counts = { files: 1, lines: 0, as: 0, bang: 0, any: 0 }
  visit(program, counts)
  const bare = comments.toReversed().reduce((text, { start, end }) => text.slice(0, start) + text.slice(end), code)
  counts.lines = bare.split('\n').filter((line) => line.trim() !== '').length
  return counts
}

function visit(node: unknown, counts: Counts): void {
  if (Array.isArray(node)) for (const child of node) visit(child, counts)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  const { type, typeAnnotation } = node as { type?: string; typeAnnotation?: unknown }
  if (type === 'TSAsExpression' && !isConst(typeAnnotation)) counts.as++
  if (type === 'TSNonNullExpression') counts.bang++
  if (type === 'TSAnyKeyword') counts.any++
  for (const child of Object.values(node)) visit(child, counts)
}

function isConst(annotation: unknown): boolean {
  const { type, typeName } = annotation as { type?: string; typeName?: { name?: string } }
  return type === 'TSTypeReference' && typeName?.name === 'const'
}

const per1000 = (counts: number, lines: number): number => Math.round((counts / Math.max(1, lines)) * 10_000) / 10

const rows = GOALS.map(({ folder, files: pattern, as, bang }) => {
  const sum: Counts = { files: 0, lines: 0, as: 0, bang: 0, any: 0 }
  for (const [path, counts] of found)
    if (pattern.test(path)) for (const key of ['files', 'lines', 'as', 'bang', 'any'] as const) sum[key] += counts[key]
  const figures = { as: per1000(sum.as, sum.lines), bang: per1000(sum.bang, sum.lines), any: sum.any }
  return { folder, lines: sum.lines, ...figures, kept: figures.as <= as && figures.bang <= bang && sum.any === 0 }
})

if (process.argv.includes('--files')) {
  const worst = [...found].toSorted(([, a], [, b]) => b.as + b.bang - (a.as + a.bang)).slice(0, 40)
  for (const [path, { lines, as, bang }] of worst) console.log(`${path}: ${lines} lines, ${as} as, ${bang} !`)
}
for (const { folder, lines, as, bang, any, kept } of rows)
  console.log(`${folder}: ${lines} lines; per 1,000: ${as} as, ${bang} !; ${any} any${kept ? '' : ' (above the goal)'}`)
if (process.argv.includes('--json')) console.log(JSON.stringify({ folders: rows }))
if (process.argv.includes('--check') && rows.some(({ kept }) => !kept)) process.exitCode = 1
