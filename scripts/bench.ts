/**
 * Measures what the design promises, on this machine, and prints figure and target.
 *
 *   npm run bench -- [--operations 10000] [--json] [--check]
 *
 * With `--check` it exits with 1 where a target is missed; times depend on the machine, counts do not.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { fanOutInFile, fanOutInMemory, type FanOut } from './bench/children.ts'
import { countAll } from './bench/counts.ts'
import { wholeNumber } from './kill-lab/run.ts'
import { fillWallet, measureLive, type Live } from './bench/live.ts'
import { measureSchedules, type Schedules } from './bench/schedules.ts'
import { measureSteps, type StepsCost } from './bench/steps.ts'
import { measureTelemetry } from './bench/telemetry.ts'

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    /** Measures one start with the wallet at this path; the benchmark runs itself like that. */
    live: { type: 'string' },
    /** Measures children in `memory` or in a `file`; the benchmark runs itself like that, so that nothing is warm. */
    children: { type: 'string' },
  },
})

interface Row {
  readonly what: string
  readonly figure: number
  readonly unit: string
  readonly target: string
  readonly met: boolean
}

const run = promisify(execFile)
const rounded = (value: number): number => Math.round(value * 100) / 100
const atMost = (what: string, figure: number, unit: string, most: number): Row => ({
  what,
  figure: rounded(figure),
  unit,
  target: `≤ ${most}`,
  met: figure <= most,
})
const atLeast = (what: string, figure: number, unit: string, least: number): Row => ({
  what,
  figure: rounded(figure),
  unit,
  target: `≥ ${least}`,
  met: figure >= least,
})

if (values.live !== undefined) console.log(JSON.stringify(await measureLive(values.live)))
else if (values.children !== undefined) console.log(JSON.stringify(await measureChildren(values.children)))
else await main()

async function main(): Promise<void> {
  const live = await liveAgain(wholeNumber('operations', values.operations))
  const counts = await countAll()
  const inMemory = await childrenAgain('memory')
  const inFile = await childrenAgain('file')
  const rows: Row[] = [
    atMost(`${live.operations} unfinished operations live`, live.wallMs, 'ms', 2000),
    atMost(`${live.operations} unfinished operations live, CPU`, live.cpuMs, 'ms', 2000),
    atMost('1,000 children started and joined in memory, CPU', inMemory.cpuMs, 'ms', 2000),
    atMost('1,000 children started and joined in SQLite, CPU', inFile.cpuMs, 'ms', 3000),
    ...counts.flatMap(({ what, requests, mostRequests, commits, mostCommits }) => [
      atMost(`${what}: requests`, requests, '', mostRequests),
      atMost(`${what}: store commits`, commits, '', mostCommits),
    ]),
    ...schedulesRows(await measureSchedules()),
    ...stepsRows(await measureSteps()),
    ...(await measureTelemetry()).map(({ what, usPerStep, most }) =>
      atMost(`${what}: CPU of a step`, usPerStep, 'µs', most),
    ),
    ...(await cryptoRatios()),
  ]
  if (values.json) console.log(JSON.stringify({ rows, live }))
  else {
    for (const { what, figure, unit, target, met } of rows)
      console.log(
        `${what.padEnd(50)} ${`${figure} ${unit}`.padStart(14)}   ${target.padEnd(8)} ${met ? 'met' : 'NOT MET'}`,
      )
    console.log(`taken up: ${Object.entries(live.states).map(([state, count]) => `${count} ${state}`).join(', ')}`) // prettier-ignore
  }
  if (values.check && !rows.every(({ met }) => met)) process.exitCode = 1
}

function schedulesRows({ commitsOfTick, missed, commitsOfMissed, wallMs }: Schedules): Row[] {
  return [
    atMost('a tick of a schedule, and its child: store commits', commitsOfTick, '', 1),
    atMost(`${missed} missed ticks made up for: store commits`, commitsOfMissed, '', missed / 100),
    atMost(`${missed} missed ticks made up for`, wallMs, 'ms', 2000),
  ]
}

function stepsRows({ usPerStep, bytesPerStep, percentOfSwap }: StepsCost): Row[] {
  return [
    atMost('step history: of the CPU of a swap', percentOfSwap, '%', 5),
    atMost('step history: CPU of a step', usPerStep, 'µs', 200),
    atMost('step history: a step in the file', bytesPerStep, 'bytes', 400),
  ]
}

async function liveAgain(operations: number): Promise<Live> {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-bench-'))
  try {
    const path = join(dir, 'wallet.db')
    await fillWallet(path, operations)
    const { stdout } = await run(process.execPath, [import.meta.filename, '--live', path])
    return JSON.parse(stdout) as Live
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function measureChildren(where: string): Promise<FanOut> {
  const children = 1_000
  return where === 'file' ? fanOutInFile(children) : fanOutInMemory(children)
}

async function childrenAgain(where: 'memory' | 'file'): Promise<FanOut> {
  const { stdout } = await run(process.execPath, [import.meta.filename, '--children', where])
  return JSON.parse(stdout) as FanOut
}

async function cryptoRatios(): Promise<Row[]> {
  const script = join(import.meta.dirname, 'bench-crypto.ts')
  const { stdout } = await run(process.execPath, [script, '--json'])
  const { rows } = JSON.parse(stdout) as { rows: { keyset: string; ratio: number }[] }
  return rows.map(({ keyset, ratio }) =>
    atLeast(`default crypto against cashu-ts, keyset version ${keyset}`, ratio, 'times', 2.5),
  )
}
