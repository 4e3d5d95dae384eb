/** `hardshell chart KIND` and `hardshell chart FILE`: prints the chart of a kind as SVG, as a mermaid diagram or as JSON. */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { StateMachine, type AnyStateMachine } from 'xstate'
import { describeChart, drawChart, foldChart, mermaidOf } from '../chart/index.ts'
import { BUILT_IN } from './built-in-charts.ts'

const HELP = `hardshell chart KIND [options]
hardshell chart FILE [--kind NAME] [options]

Prints the chart of a kind. KIND is one of ${[...BUILT_IN.keys()].join(', ')}.
FILE is a module, .js or .ts, that exports kinds (what defineOperation() gives), proofs of kinds or XState machines.

  --format FORMAT     svg, mermaid or json; svg unless given, which needs the package state-machine-cat
  --overview          leaves out what is inside the states at the top
  --kind NAME         which one, where the file exports several
`

const FORMATS = ['svg', 'mermaid', 'json']
const FAILED = 1
const MISUSED = 2

/** The command line is wrong, or the file that it names. */
class Misused extends Error {}

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

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new Misused(error instanceof Error ? error.message : String(error))
  }
}

async function textOf(args: readonly string[]): Promise<string> {
  const { values, positionals } = parsed(args)
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

const [, , , ...given] = process.argv
try {
  process.stdout.write(await textOf(given))
} catch (error) {
  const isUsage = error instanceof Misused
  const text = isMissing(error)
    ? 'svg needs the package state-machine-cat, which is not installed; --format mermaid does not'
    : error instanceof Error
      ? isUsage ? error.message : (error.stack ?? error.message)
      : String(error) // prettier-ignore
  process.stderr.write(`hardshell chart: ${text}${isUsage ? ' (--help explains)' : ''}\n`)
  process.exitCode = isUsage ? MISUSED : FAILED
}
