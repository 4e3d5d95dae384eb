/** The NUTs' test vectors, run by vitest and counted. They stand in the tests, one test each, whose title begins with its NUT. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { run } from './child.ts'

export interface NutVectors {
  readonly nut: string
  readonly of: string
  readonly passed: number
  readonly failed: readonly string[]
}

/** Those that apply to a mint, and the least of them: vectors that are not found any more are no success. */
const WANTED: readonly { readonly nut: string; readonly of: string; readonly least: number }[] = [
  { nut: 'NUT-00', of: 'hash_to_curve, blind signatures', least: 5 },
  { nut: 'NUT-01', of: 'keys', least: 4 },
  { nut: 'NUT-02', of: 'keyset ids of both versions', least: 5 },
  { nut: 'NUT-11', of: 'P2PK', least: 20 },
  { nut: 'NUT-12', of: 'DLEQ proofs', least: 4 },
  { nut: 'NUT-14', of: 'HTLC', least: 3 },
  { nut: 'NUT-20', of: 'mint requests in both forms', least: 3 },
  { nut: 'NUT-29', of: 'batches', least: 8 },
]
const FILES = ['cashu/crypto', 'cashu/client', 'cashu/conditions', 'mint/batch-vectors']

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[]
  }[]
}

/** @throws {Error} where vitest does not get as far as the tests. */
export async function vectors(dir: string): Promise<readonly NutVectors[]> {
  const report = join(dir, 'vectors.json')
  const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))
  const files = FILES.map((name) => `test/${name}.test.ts`)
  const options = ['--testNamePattern', 'NUT-\\d\\d: ', '--reporter', 'json', '--outputFile', report]
  const { child, ended } = run(process.execPath, [vitest, 'run', ...files, ...options], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  })
  child.stdout.resume()
  const [errors] = await Promise.all([text(child.stderr), ended])
  const { testResults } = await readFile(report, 'utf8').then(
    (json) => JSON.parse(json) as Report,
    () => {
      throw new Error(`vitest ran no vectors:\n${errors.slice(-2000)}`)
    },
  )
  const ran = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'skipped')
  return WANTED.map(({ nut, of, least }) => {
    const mine = ran.filter(({ title }) => title.startsWith(`${nut}: `))
    const failed = mine.filter(({ status }) => status !== 'passed').map(({ title }) => title)
    const missing = mine.length < least ? [`${nut}: ${mine.length} found, ${least} expected`] : []
    return { nut, of, passed: mine.length - failed.length, failed: [...failed, ...missing] }
  })
}
