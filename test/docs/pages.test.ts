/**
 * Goal: README, ARCHITECTURE and the pages in docs/ tell the truth. Method: every TypeScript block is taken out, type-checked and run. The
 * blocks of a page are one program, in order; a block that begins with an example's name is that file, to the letter,
 * and runs as a program of its own. What a line says that it prints (`// → text`) it must print.
 */
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { linksOf } from '../../scripts/links.ts'
import { packagePaths } from '../kits/package-paths.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const run = promisify(execFile)

interface Block {
  readonly page: string
  /** Of its first line of code, from 1. */
  readonly line: number
  readonly language: string
  /** What follows the language. */
  readonly info: string
  readonly code: string
  /** The example that it is. */
  readonly example: string | undefined
}

function blocksOf(page: string): Block[] {
  const text = read(page)
  return [...text.matchAll(/^```(\S*)(.*)\n([\s\S]*?)^```$/gm)].map(
    ({ index, 1: language = '', 2: info = '', 3: code = '' }) => ({
      page,
      line: text.slice(0, index).split('\n').length + 1,
      language,
      info: info.trim(),
      code,
      example: /^\/\/ (examples\/[\w-]+\.ts)\b/.exec(code)?.[1],
    }),
  )
}

const GUIDE = 'docs/own-kind.md'
const pages = ['README.md', 'ARCHITECTURE.md', ...globSync('docs/*.md', { cwd: root }).toSorted()]
const all = pages.flatMap(blocksOf)
const blocks = all.filter(({ language }) => language === 'ts')
const examples = globSync('examples/**/*.ts', { cwd: root })

/** The blocks of a page as one module, in which each line has the number that it has in the page. */
function programOf(page: string): string {
  const lines: string[] = []
  for (const { line, code, info, example } of blocks.filter((block) => block.page === page)) {
    if (example !== undefined || info !== '') continue
    while (lines.length < line - 1) lines.push('')
    lines.push(...code.trimEnd().split('\n'))
  }
  return `${lines.join('\n')}\nexport {}\n`
}

/** What the lines of a program say that they print, in order. */
const promises = (program: string): string[] => [...program.matchAll(/\/\/ → (.*)$/gm)].map(([, text = '']) => text)

/** Inside the repository, so that packages are found, and in what git ignores. */
let folder = ''
const fileOf = (page: string): string => join(folder, `${page.replaceAll('/', '-').replace(/\.md$/, '')}.ts`)
const programs = pages.filter((page) => programOf(page).trim() !== 'export {}')

beforeAll(() => {
  mkdirSync(join(root, 'dist'), { recursive: true })
  folder = mkdtempSync(join(root, 'dist', 'readme-'))
  for (const page of programs) writeFileSync(fileOf(page), programOf(page))
  const files = [...programs.map(fileOf), ...examples.map((example) => join(root, example))]
  const tsconfig = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { paths: packagePaths, rootDir: root },
    files,
    include: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
})

afterAll(() => {
  rmSync(folder, { recursive: true })
  try {
    rmdirSync(join(root, 'dist'))
  } catch {
    // There is a build in it.
  }
})

/** Runs a program on the sources and gives the lines that it prints. */
async function linesOf(program: string): Promise<string[]> {
  const sources = import.meta.resolve('../kits/resolve-sources.ts')
  const { stdout } = await run(process.execPath, ['--import', sources, program], { cwd: folder })
  return stdout.split('\n')
}

describe('the blocks', () => {
  test('are found, and none is set aside without a word', () => {
    expect(blocks.length).toBeGreaterThan(10)
    expect(all.flatMap(({ language }) => (['ts', 'sh', 'text'].includes(language) ? [] : [language]))).toEqual([])
    expect(blocks.flatMap(({ info }) => (info === '' || /^no-run: .{10,}/.test(info) ? [] : [info]))).toEqual([])
  })

  test('that name an example are that file, to the letter', () => {
    const shown = blocks.flatMap(({ example }) => example ?? [])
    expect(shown.toSorted()).toEqual([
      ...['examples/limits.ts', 'examples/order.ts', 'examples/pay.ts', 'examples/prove.ts'],
    ])
    for (const { example, code } of blocks.filter((block) => shown.includes(block.example!)))
      expect(code).toBe(read(example!))
  })

  test.concurrent('and the examples type-check', async () => {
    const tsc = join(root, 'node_modules/.bin/tsc')
    const { stdout } = await run(tsc, ['-p', folder]).catch((error: unknown) => error as { stdout: string })
    expect(stdout).toBe('')
  })

  test.concurrent.each(programs)('of %s run in order, and print what they say', async (page) => {
    const printed = await linesOf(fileOf(page))
    let from = 0
    for (const text of promises(programOf(page))) {
      const at = printed.indexOf(text, from)
      expect(at, `'${text}' in:\n${printed.slice(from).join('\n')}`).toBeGreaterThanOrEqual(0)
      from = at + 1
    }
  })
})

test('the guide leads from a chart to its proof in under a hundred lines', () => {
  const lines = programOf(GUIDE)
    .split('\n')
    .filter((line) => line !== '' && line !== 'export {}')
  expect(lines.length).toBeGreaterThan(50)
  expect(lines.length).toBeLessThan(90)
})

describe('the examples', () => {
  test.concurrent('order.ts: the next process finishes what the first had begun', async () => {
    expect((await linesOf(fileURLToPath(import.meta.resolve('../../examples/order.ts')))).join('\n')).toContain(
      "receipt: 'looked up'",
    )
  })

  test.concurrent('limits.ts: the urgent letter goes before the patient one', async () => {
    const lines = await linesOf(fileURLToPath(import.meta.resolve('../../examples/limits.ts')))
    expect(lines.filter((line) => line !== '')).toEqual(['first', 'urgent', 'patient'])
  })

  test.concurrent('kill-and-resume.ts: pay.ts is killed in every state, and comes to one token', async () => {
    const lines = await linesOf(fileURLToPath(import.meta.resolve('../../examples/kill-and-resume.ts')))
    const [last, kills] = /^killed (\d+) times; the same token: true; the mint owes 100 sat/.exec(lines.at(-2)!) ?? []
    expect(last, lines.join('\n')).toBeDefined()
    expect(Number(kills)).toBeGreaterThanOrEqual(5)
    expect(lines.filter((line) => line.startsWith('  resumed')).length).toBeGreaterThanOrEqual(5)
  })

  test.concurrent('prove.ts: a bank that charges once is sound, one that charges whenever asked is not', async () => {
    const lines = await linesOf(fileURLToPath(import.meta.resolve('../../examples/prove.ts')))
    expect(lines[0]).toMatch(/^\{ lives: \d{3,}, worlds: \d{2,}, closed: true \}$/)
    expect(lines.slice(1).join('\n')).toContain("payment: 'paid', and charged 2 times")
  })

  test.concurrent('bounty/run.ts: work.ts is killed in every state, and pays once', async () => {
    const lines = await linesOf(fileURLToPath(import.meta.resolve('../../examples/bounty/run.ts')))
    expect(lines.at(-2), lines.join('\n')).toBe(
      'killed 7 times; ada has 80 credits and bob 20; captured, completed; the same again: true',
    )
  })

  test.concurrent('billing/run.ts: work.ts is killed twenty times at random, and each period is charged once', async () => {
    const lines = await linesOf(fileURLToPath(import.meta.resolve('../../examples/billing/run.ts')))
    const said = lines.join('\n')
    expect(said).toMatch(/^killed 20 times; asked \d+ times for 80 charges; 80 invoices$/m)
    expect(said).toContain('charges of each subscriber: 10, 10, 10; unfinished operations: 0')
    expect(lines.at(-2)).toBe('one charge for each period and customer')
  })

  test.concurrent('billing/proof.ts: every crash point is sound, and the charts are covered', async () => {
    const lines = await linesOf(fileURLToPath(import.meta.resolve('../../examples/billing/proof.ts')))
    const proven = lines.flatMap((line) => /^(\w+) \{ scenarios: 2, .* required: \d+ \}$/.exec(line)?.[1] ?? [])
    expect(proven, lines.join('\n')).toEqual(['charge', 'batch', 'subscription'])
  })

  test('there are no others', () => {
    expect(examples.toSorted()).toEqual([
      'examples/billing/billing.ts',
      'examples/billing/proof.ts',
      'examples/billing/run.ts',
      'examples/billing/work.ts',
      'examples/bounty/run.ts',
      'examples/bounty/work.ts',
      'examples/kill-and-resume.ts',
      'examples/limits.ts',
      'examples/order.ts',
      'examples/pay.ts',
      'examples/prove.ts',
    ])
  })
})

/** A heading as what links to it name it. */
const slug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

describe('what the pages name is there', () => {
  const text = pages.map(read).join('\n')

  test('pages and files that they link to, and headings in them', () => {
    const broken = pages.flatMap((page) =>
      linksOf(page, read(page)).flatMap(({ text: link, to, heading }) => {
        if (!existsSync(join(root, to))) return [`${page}: ${link}`]
        const headings = [...read(to).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => slug(title))
        return heading === undefined || headings.includes(heading) ? [] : [`${page}: ${link}`]
      }),
    )
    expect(broken).toEqual([])
  })

  test('README says the most important, and no more', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(150)
  })

  test('every code of an error', () => {
    const codes = [
      ['src/kernel/util/errors.ts', 'ErrorCode'],
      ['src/cashu/errors.ts', 'CashuErrorCode'],
      ['src/store/port.ts', 'StoreErrorCode'],
    ].flatMap(([file = '', type = '']) => {
      const [, union = ''] = new RegExp(`export type ${type} =\\n([\\s\\S]*?)\\n\\n`).exec(read(file))!
      return [...union.matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(([, code = '']) => code)
    })
    expect(codes.length).toBeGreaterThan(25)
    expect(codes.filter((code) => !read('docs/errors.md').includes(`\`${code}\``))).toEqual([])
  })

  test('scripts', () => {
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script)
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(named))
  })

  test('every dependency, with a reason, and no other', () => {
    const tabled = [...read('ARCHITECTURE.md').matchAll(/^\| (?:dev: )?((?:`[^`]+`(?:, )?)+) \| ([^|]*) \|$/gm)]
      .filter(([, , why = '']) => why !== '')
      .flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
    const needed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]
    for (const name of needed) expect(tabled).toContain(name)
    const section = /## Dependencies\n([\s\S]*)/.exec(read('ARCHITECTURE.md'))![1]!
    const listed = [...section.matchAll(/`([^`]+)`/g)].flatMap(([, name = '']) => (/^[@a-z]/.test(name) ? [name] : []))
    expect(listed.toSorted()).toEqual(needed.toSorted())
  })

  test('files', () => {
    const named = [
      ...text.matchAll(/`((?:src|test|examples|machines|kernel|store|wallet|cashu|testing)\/[\w./-]+\.ts)`/g),
    ]
    expect(named.length).toBeGreaterThan(20)
    for (const [, path = ''] of named) {
      const there = [path, `src/${path}`].some((each) => globSync(each, { cwd: root }).length === 1)
      expect(there, path).toBe(true)
    }
  })
})
