/** `hardshell chart` as its user meets it: what it prints of kinds of this package and of files, and what it refuses. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const chart = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'src/cli/cli.ts'), 'chart', ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })

const FILE = `
import { setup } from 'xstate'
import { defineOperation } from '../../src/kernel/index.ts'
const machineOf = (id) => setup({}).createMachine({ id, initial: 'open', states: { open: { on: { close: 'closed' } }, closed: { type: 'final' } } })
const kindOf = (kind) => defineOperation({ kind, version: 1, machine: machineOf('machine'), effects: () => ({}) })
export const shop = kindOf('shop')
`

/** A module inside the repository, so that its imports are found, and in what git ignores. */
function fileOf(more: string) {
  mkdirSync(join(root, 'dist'), { recursive: true })
  const folder = mkdtempDisposableSync(join(root, 'dist', 'chart-'))
  const path = join(folder.path, 'kinds.js')
  writeFileSync(path, `${FILE}${more}`)
  return { path, [Symbol.dispose]: () => folder.remove() }
}

test('a kind of this package is printed as SVG, as mermaid and as JSON, whole or as an overview', async () => {
  const [svg, mermaid, json, overview] = await Promise.all([
    chart('receive'),
    chart('receive', '--format', 'mermaid'),
    chart('mint-server-melt', '--format', 'json'),
    chart('receive', '--overview'),
  ])
  for (const { code, stderr } of [svg, mermaid, json, overview])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(svg.stdout).toMatch(/^<svg .*\n<title>The chart receive<\/title>/)
  expect(svg.stdout).toContain('data-state="exchanging.swapping"')
  expect(overview.stdout).toContain('data-state="exchanging"')
  expect(overview.stdout).not.toContain('data-state="exchanging.swapping"')
  expect(mermaid.stdout).toMatch(/^stateDiagram-v2\n/)
  expect(JSON.parse(json.stdout)).toHaveProperty('states.1.id', 'paymentAttempted')
})

test('the kind of a file is printed under its own name; of several, the one that is asked for', async () => {
  using one = fileOf('')
  using several = fileOf(
    "export const proofs = [{ kind: kindOf('inn'), scenarios: [], unreached: {} }]; export default machineOf('bare')",
  )
  const [shop, unclear, inn] = await Promise.all([
    chart(one.path, '--format', 'mermaid'),
    chart(several.path),
    chart(several.path, '--kind', 'inn', '--format', 'json'),
  ])
  expect(shop.stdout).toContain('s0 --> s1 : close')
  expect(unclear).toEqual({
    code: 2,
    stdout: '',
    stderr: 'hardshell chart: --kind: one of bare, inn, shop (--help explains)\n',
  })
  expect(JSON.parse(inn.stdout)).toHaveProperty('states.1.id', 'closed')
})

test.each([
  [[], 'one kind or one file is needed'],
  [['nothing.js'], "'nothing.js' is neither a file nor one of mint, melt"],
  [['receive', '--format', 'png'], '--format: one of svg, mermaid, json'],
  [['receive', '--colour'], "Unknown option '--colour'"],
])('%j is refused, with the reason', async (args, why) => {
  const { code, stdout, stderr } = await chart(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(why)
})

test('--help says what it takes', async () => {
  const { code, stdout } = await chart('--help')
  expect(code).toBe(0)
  expect(stdout).toContain('--overview')
})
