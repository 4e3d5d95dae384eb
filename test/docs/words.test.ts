/**
 * Goal: one thing has one name. Method: every identifier of the repository is taken apart into words, and held against the words
 * that the glossary of ARCHITECTURE.md says not to use. That one is found is shown on made-up sources.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Words of the last column that also mean something else, which is what identifiers mean by them. */
const AMBIGUOUS = new Set(['beats', 'ground', 'look', 'question', 'settling', 'told', 'watch', 'witness'])

/** Identifiers that keep such a word, with the reason. */
const KEPT: Readonly<Record<string, string>> = {
  trouble: 'a stored column',
  heir: 'a stored column',
}

/** The explorer keeps a life's outside in what it calls books. */
const EXPLORER = /^(src\/testing|test\/explorer|scripts\/crash)\b/

const glossary = /## Glossary\n([\s\S]*?)\n## /.exec(readFileSync(`${root}ARCHITECTURE.md`, 'utf8'))?.[1] ?? ''
const forbidden = new Set(
  [...glossary.matchAll(/^\|(?:[^|]*\|){3} ([^|]+) \|$/gm)]
    .flatMap(([, cell = '']) => cell.split(', '))
    .filter((word) => /^[a-zA-Z]+$/.test(word) && !AMBIGUOUS.has(word))
    .map((word) => word.toLowerCase()),
)

/** All names in a syntax tree. */
function* namesIn(node: unknown): Generator<string> {
  if (Array.isArray(node)) for (const each of node) yield* namesIn(each)
  else if (typeof node === 'object' && node !== null) {
    const { type, name } = node as { readonly type?: unknown; readonly name?: unknown }
    if ((type === 'Identifier' || type === 'PrivateIdentifier') && typeof name === 'string') yield name
    for (const each of Object.values(node)) yield* namesIn(each)
  }
}

/** `splitTrouble` has `split` and `trouble`; whole, it is a word too. */
const wordsOf = (name: string): string[] => [
  name.toLowerCase(),
  ...name.split(/[^a-zA-Z]+|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase()),
]

const wrongIn = (path: string, source: string): string[] =>
  [...new Set(namesIn(parseSync(path, source).program))]
    .filter((name) => KEPT[name] === undefined && wordsOf(name).some((word) => forbidden.has(word)))
    .map((name) => `${path}: ${name}`)

test('the glossary says what not to call things', () => {
  expect([...forbidden]).toEqual(
    expect.arrayContaining(['parked', 'trouble', 'fate', 'news', 'patience', 'housekeeping']),
  )
  expect([...forbidden].filter((word) => AMBIGUOUS.has(word))).toEqual([])
})

test('no identifier is made of a word that the glossary replaces', () => {
  const files = globSync('{src,machines,scripts,examples,test}/**/*.ts', { cwd: root }).filter(
    (path) => !EXPLORER.test(path),
  )
  expect(files.length).toBeGreaterThan(400)
  expect(files.flatMap((path) => wrongIn(path, readFileSync(root + path, 'utf8')))).toEqual([])
})

test('such an identifier is found', () => {
  const source = `const splitTrouble = 1; class A { #news = 'trouble'; trouble = 1 } // fate`
  expect(wrongIn('a.ts', source)).toEqual(['a.ts: splitTrouble', 'a.ts: news'])
})
