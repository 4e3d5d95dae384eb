/** What a person types, or another program hands over on stdin. Questions stand on stderr: stdout is for what came of it. */
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { Writable } from 'node:stream'
import { Interrupted } from './errors.ts'

/** Whether there is somebody to ask. */
export const canAsk = (): boolean => process.stdin.isTTY && process.stderr.isTTY

/** Asks one question; what is hidden is not shown while it is typed. @throws {Interrupted} */
export async function ask(
  question: string,
  { hidden = false, signal }: { readonly hidden?: boolean; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const muted = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? muted : process.stderr,
    terminal: true,
    historySize: 0,
  })
  if (hidden) process.stderr.write(question)
  const interrupted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new Interrupted('INTERRUPTED', 'interrupted'))
    lines.once('SIGINT', stop)
    lines.once('close', stop)
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
  })
  try {
    return await Promise.race([lines.question(hidden ? '' : question), interrupted])
  } finally {
    // Nobody waits for what the closing leads to.
    interrupted.catch(() => {})
    lines.close()
    if (hidden) process.stderr.write('\n')
  }
}

/** Asks for a yes; whatever else is typed is a no. */
export async function confirmed(question: string, signal: AbortSignal): Promise<boolean> {
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `, { signal })).trim())
}

/** A text from the command line; from stdin where that says `-` or nothing. */
export async function textOrStdin(word: string | undefined, what: string, signal: AbortSignal): Promise<string> {
  if (word !== undefined && word !== '-') return word.trim()
  return (process.stdin.isTTY ? await ask(`${what}: `, { signal }) : await piped(signal)).trim()
}

/** What another program hands over; it may never end. @throws {Interrupted} */
async function piped(signal: AbortSignal): Promise<string> {
  const { stdin } = process
  const stop = (): void => void stdin.destroy(new Interrupted('INTERRUPTED', 'interrupted'))
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await text(stdin)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
