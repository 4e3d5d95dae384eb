/** `hardshell chart KIND` and `hardshell chart FILE`: prints the chart of a kind as SVG, as a mermaid diagram or as JSON. */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { StateMachine, type AnyStateMachine } from 'xstate'
import { describeChart, drawChart, foldChart, mermaidOf } from '../chart/index.ts'
import { BUILT_IN } from './built-in-charts.ts'
import { EXIT, Misused } from './errors.ts'
import { ownLine, runOwn, traced } from './own-line.ts'

const HELP = `hardshell chart KIND [options]
hardshell chart FILE [--kind NAME] [options]

Prints the chart of a kind. KIND is one of ${[...BUILT_IN.keys()].join(', ')}.
FILE is a module, .js or .ts, that exports kinds (what defineOperation() gives), proofs of kinds or XState machines.

  --format FORMAT     svg, mermaid or json; svg unless given, which needs the package state-machine-cat
  --overview          leaves out what is inside the states at the top
  --kind NAME         which one, where the file exports several
`

const FORMATS = ['svg', 'mermaid', 'json']

const OPTIONS = {
  format: { type: 'string', default: 'svg' },
  overview: { type: 'boolean', default: false },
  kind: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

type Named = readonly [name: string, machine: AnyStateMachine]

/** The charts in something that a file exports: a machine, a kind, the proof of one, or a list of such. */
function chartsIn(value: unknown): Named[] {
  if (value instanceof StateMachine) {
    const machine: AnyStateMachine = value
    return [[machine.id, machine]]
  }
  if (Array.isArray(value)) return value.flatMap(chartsIn)
  if (typeof value !== 'object' || value === null || !('kind' in value)) return []
  const { kind } = value
  if (typeof kind !== 'string') return chartsIn(kind)
  return 'machine' in value ? chartsIn(value.machine).map(([, machine]): Named => [kind, machine]) : []
}

async function chartOfFile(path: string, wanted: string | undefined): Promise<AnyStateMachine> {
  if (!existsSync(path)) throw new Misused(`'${path}' is neither a file nor one of ${[...BUILT_IN.keys()].join(', ')}`)
  const exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>
  const found = new Map(Object.values(exported).flatMap(chartsIn))
  if (found.size === 0) throw new Misused(`${path} exports no kind, no proof of one and no machine`)
  const [only] = found.values()
  const chosen = wanted === undefined ? found.size === 1 && only : found.get(wanted)
  if (!chosen) throw new Misused(`--kind: one of ${[...found.keys()].join(', ')}`)
  return chosen
}

async function textOf(args: string[]): Promise<string> {
  const { values, positionals } = ownLine({ args, options: OPTIONS, allowPositionals: true })
  if (values.help) return HELP
  const [name, ...others] = positionals
  const { format, kind } = values
  if (name === undefined || others.length > 0) throw new Misused('one kind or one file is needed')
  if (!FORMATS.includes(format)) throw new Misused(`--format: one of ${FORMATS.join(', ')}`)
  const machine = (kind === undefined ? BUILT_IN.get(name) : undefined) ?? (await chartOfFile(name, kind))
  const whole = describeChart(machine)
  const chart = values.overview ? foldChart(whole) : whole
  if (format === 'json') return `${JSON.stringify(chart, null, 2)}\n`
  return format === 'mermaid' ? mermaidOf(chart) : drawChart(chart)
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_MODULE_NOT_FOUND' &&
  error.message.includes("'state-machine-cat'")

const WITHOUT = 'svg needs the package state-machine-cat, which is not installed; --format mermaid does not'

await runOwn(
  'chart',
  async (args) => {
    process.stdout.write(await textOf(args))
    return EXIT.done
  },
  (error) => (isMissing(error) ? WITHOUT : traced(error)),
)
