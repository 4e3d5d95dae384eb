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
}

/** Interrupted, the process ends the ordinary way: children and folder go with it. */
export function startRun(name: string, json: boolean): Run {
  const startedAt = performance.now()
  const dir = mkdtempSync(join(tmpdir(), `hardshell-${name}-`))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  const out = json ? process.stderr : process.stdout
  return {
    dir,
    out,
    say: (line) => void out.write(`${line}\n`),
    seconds: () => Math.round((performance.now() - startedAt) / 100) / 10,
  }
}

/** @throws {TypeError} where the text is no whole number. */
export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`--${option} is not a whole number: ${text}`)
  return Number(text)
}
