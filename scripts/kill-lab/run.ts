/** What every run of the kill lab has: a folder that goes with it, a place to talk to, a clock. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Run {
  /** Gone when this process is, unless that is killed. */
  readonly dir: string
  /** For people. Where standard output carries the result as JSON, it carries nothing else. */
  readonly out: NodeJS.WriteStream
  readonly say: (line: string) => void
  /** Since the start. */
  readonly seconds: () => number
  /** Keeps the folder for inspection, and returns its path. */
  readonly keep: () => string
}

/** Interrupted, the process ends the ordinary way: children and folder go with it. */
export function startRun(name: string, json: boolean): Run {
  const startedAt = performance.now()
  const dir = mkdtempSync(join(tmpdir(), `hardshell-${name}-`))
  let kept = false
  process.on('exit', () => {
    if (!kept) rmSync(dir, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  const out = json ? process.stderr : process.stdout
  return {
    dir,
    out,
    say: (line) => void out.write(`${line}\n`),
    seconds: () => Math.round((performance.now() - startedAt) / 100) / 10,
    keep: () => {
      kept = true
      return dir
    },
  }
}

/** Tells how many kills of how many there were: one line, written over, on a terminal; elsewhere a line now and then. */
export function progressLine(
  out: NodeJS.WriteStream,
  wanted: number,
): { show(kills: number, unhit: number, violations: number): void; end(): void } {
  const startedAt = performance.now()
  let nextAt = 0
  return {
    show(kills, unhit, violations) {
      const now = performance.now() - startedAt
      if (now < nextAt && kills < wanted) return
      nextAt = now + (out.isTTY ? 100 : 10_000)
      const rate = ((1_000 * kills) / now).toFixed(1)
      const line = `${kills}/${wanted} kills, ${rate} a second; ${unhit} places not hit yet; ${violations} violations`
      out.write(out.isTTY ? `\r\x1b[2K${line}` : `${line}\n`)
    },
    end() {
      if (out.isTTY) out.write('\n')
    },
  }
}

/** @throws {TypeError} where the text is no whole number. */
export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`--${option} is not a whole number: ${text}`)
  return Number(text)
}
