/** Asks for a secret on the terminal, which shows nothing of it; or reads a line that is piped in. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

/** @throws {Error} where nothing was said */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  // What is typed is echoed to nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: stdin.isTTY })
  try {
    const { value = '', done } = await lines[Symbol.asyncIterator]().next()
    stderr.write('\n')
    if (done === true || value === '') throw new Error('no key was given')
    return value
  } finally {
    lines.close()
  }
}
