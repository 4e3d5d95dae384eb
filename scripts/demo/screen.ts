/** Draws a run while it goes: a table with a progress bar on a terminal, a line for each kill elsewhere. */
import type { Listed } from '../kill-lab/balances.ts'
import type { Progress } from '../kill-lab/lab.ts'
import type { Report } from '../kill-lab/plan.ts'

export interface Screen {
  show(progress: Progress, report: Report | undefined): void
  /** The last picture, of operations as their stores have them, stays; what follows is written below it. */
  end(operations: readonly Listed[]): void
}

const BAR_WIDTH = 30
const REDRAW_EVERY_MS = 60
const dim = (text: string): string => `\x1b[2m${text}\x1b[22m`
const bold = (text: string): string => `\x1b[1m${text}\x1b[22m`
const red = (text: string): string => `\x1b[31m${text}\x1b[39m`
const green = (text: string): string => `\x1b[32m${text}\x1b[39m`

/** Plain lines: what was killed where, and what the next process took up. */
export function lines(out: NodeJS.WritableStream, kills: number): Screen {
  let told = 0
  return {
    show(progress, report) {
      if (report?.type === 'resumed') out.write(`      resumed ${report.wallet}: ${report.kind}.${report.state}\n`)
      for (; told < progress.kills.length; told++) {
        const { wallet, kind, state, underWay } = progress.kills[told]!
        const what = underWay ? ', a request under way' : ''
        out.write(`kill ${told + 1}/${kills} hit ${wallet}: ${kind}.${state}${what}\n`)
      }
    },
    end() {},
  }
}

/** A table of all operations, drawn again and again in its place. */
export function table(out: NodeJS.WriteStream, kills: number): Screen {
  let drawn = 0
  let last: Progress | undefined
  let timer: NodeJS.Timeout | undefined
  const draw = (): void => {
    timer = undefined
    if (!last) return
    const rows = pictureOf(last, kills, out.columns, Math.max(8, out.rows - 2))
    out.write(`${drawn > 0 ? `\x1b[${drawn}F` : ''}\x1b[0J${rows.join('\n')}\n`)
    drawn = rows.length
  }
  return {
    show(progress) {
      last = progress
      timer ??= setTimeout(draw, REDRAW_EVERY_MS)
    },
    end(operations) {
      clearTimeout(timer)
      if (last) last = { ...last, operations: asStored(last.operations, operations) }
      draw()
    },
  }
}

/** A process may end an operation and be gone before it has said so. */
function asStored(seen: Progress['operations'], stored: readonly Listed[]): Progress['operations'] {
  const found = new Map(stored.map((operation) => [operation.id, operation]))
  return new Map([...seen].map(([id, operation]) => [id, { ...operation, ...found.get(id), underWay: false }]))
}

function pictureOf({ kills, operations }: Progress, wanted: number, columns: number, height: number): string[] {
  const done = Math.round((BAR_WIDTH * kills.length) / Math.max(1, wanted))
  const bar = '█'.repeat(done) + dim('░'.repeat(BAR_WIDTH - done))
  const onWire = kills.filter(({ underWay }) => underWay).length
  const all = [...operations.values()]
  const ended = all.filter((operation) => operation.ended).length
  // What is at work is always seen; of what has ended, the latest.
  const room = height - 4
  const shown = new Set(
    [...all.filter((operation) => !operation.ended), ...all.filter((operation) => operation.ended).toReversed()].slice(
      0,
      room,
    ),
  )
  const width = Math.max(0, columns - 50)
  return [
    `${bar} ${kills.length}/${wanted} kills, ${onWire} of them with a request under way`,
    bold(`${'wallet'.padEnd(15)} ${'kind'.padEnd(8)} ${'killed'.padEnd(6)} ${'resumed'.padEnd(8)} state`),
    ...all
      .filter((operation) => shown.has(operation))
      .map(({ wallet, kind, state, struck, resumed, ended, underWay }) => {
        const at = state.slice(0, width)
        const cells = [wallet.slice(0, 15).padEnd(15), kind.padEnd(8), red('✗'.repeat(Math.min(6, struck)).padEnd(6))]
        const status = ended ? green(at) : underWay ? `${at} →` : dim(at)
        return [...cells, String(resumed || '').padEnd(8), status].join(' ')
      }),
    dim(`${ended} of ${all.length} operations have ended`),
  ]
}
