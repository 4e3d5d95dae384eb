/**
 * Goal: the check of the API's documentation finds what lacks it, and the reference shows what there is. Method: declarations
 * made up for the purpose, one mistake each.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { docOf, entryOf, type Entry } from '../../scripts/api/declarations.ts'
import { lacking } from '../../scripts/api/lacking.ts'
import { pageOf } from '../../scripts/api/pages.ts'

function entry(declarations: string): Entry {
  const folder = mkdtempSync(join(tmpdir(), 'api-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'other.d.ts'), '/** Is elsewhere. */\nexport interface Other {}\n')
  writeFileSync(join(folder, 'index.d.ts'), declarations)
  writeFileSync(join(folder, 'index.ts'), '/** An entry point. */\n')
  return entryOf('made/up', join(folder, 'index.d.ts'))
}

const SOUND = `
import type { Other } from './other.ts'
export type { Other }
/**
 * Keeps things.
 *
 * @example
 * const keeper = new Keeper()
 */
export declare class Keeper {
    #private;
    /** Use \`keep\`. */
    constructor(inner: object);
    /** How many there are. */
    readonly size?: number;
    /** Takes one back. @throws {TypeError} naming the argument */
    take(id: string): Promise<string>;
    protected inner(): void;
}
`

test('sound declarations lack nothing, and are shown with all that they say', () => {
  const made = entry(SOUND)
  expect(lacking(made)).toEqual([])
  expect(made.exports.map(({ name }) => name)).toEqual(['Other', 'Keeper'])
  const page = pageOf(made, [made])
  expect(page).toContain('| `size` | `? number` | How many there are. |')
  expect(page).toContain(
    '### take()\n\n```ts\ntake(id: string): Promise<string>\n```\n\nTakes one back.\n\n- throws {TypeError} naming the argument',
  )
  expect(page).toContain('```ts\nconst keeper = new Keeper()\n```')
  expect(page).not.toMatch(/inner|private/)
})

test.each([
  ['an export without a sentence', ['/**\n * Keeps things.\n *\n', '/**\n'], 'Keeper has no sentence'],
  ['a member without a sentence', ['    /** How many there are. */\n', ''], 'Keeper.size has no sentence'],
  ['a method that says @throws and no sentence', ['Takes one back. ', ''], 'Keeper.take has no sentence'],
  ['a promise without @throws', [' @throws {TypeError} naming the argument', ''], 'Keeper.take gives a promise, and has no @throws'], // prettier-ignore
  ['an entry point without an example', ['@example', 'Example:'], 'the entry point has no @example'],
  ['a method of the wallet without an example', ['class Keeper', 'class Wallet'], 'Wallet.take has no @example'],
] as const)('%s is found', (_, [from, to], wanted) => {
  expect(SOUND).toContain(from)
  expect(lacking(entry(SOUND.replace(from, to)))).toContain(`made/up: ${wanted}`)
})

test('a comment is taken apart', () => {
  expect(
    docOf('*\n * One.\n * Two.\n *\n * @throws {A} `X`\n *   or so\n * @throws {B}\n * @example\n * call()\n '),
  ).toEqual({
    text: 'One.\nTwo.',
    throws: ['{A} `X`\n  or so', '{B}'],
    examples: ['call()'],
  })
})
