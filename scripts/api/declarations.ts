/** The public declarations of the built package: what each entry point exports, with its doc comments. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { parseSync } from 'vite'

/** A doc comment, taken apart. */
export interface Doc {
  readonly text: string
  readonly throws: readonly string[]
  readonly examples: readonly string[]
}

export interface Member {
  readonly name: string
  /** Its declaration, without comments. */
  readonly code: string
  readonly isMethod: boolean
  readonly doc: Doc
}

export interface Exported {
  readonly name: string
  readonly sort: 'class' | 'interface' | 'function' | 'type' | 'constant'
  readonly code: string
  readonly doc: Doc
  readonly members: readonly Member[]
}

export interface Entry {
  /** As it is imported. */
  readonly name: string
  readonly doc: Doc
  readonly exports: readonly Exported[]
}

type Program = ReturnType<typeof parseSync>['program']
type Statement = Program['body'][number]
type Declared = NonNullable<Extract<Statement, { type: 'ExportNamedDeclaration' }>['declaration']>

interface Span {
  readonly start: number
  readonly end: number
}

/** One declaration file. */
class File {
  readonly path: string
  readonly #source: string
  readonly #program: Program
  readonly #comments: readonly (Span & { readonly value: string })[]

  constructor(path: string) {
    this.path = path
    this.#source = readFileSync(path, 'utf8')
    const { program, comments, errors } = parseSync(path, this.#source, { lang: 'dts' })
    if (errors.length > 0) throw new Error(`${path} does not parse`)
    this.#program = program
    this.#comments = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
  }

  /** Every name that the file exports, with where it is declared. */
  exports(): readonly Exported[] {
    return this.#program.body.flatMap((statement): readonly Exported[] => {
      if (statement.type !== 'ExportNamedDeclaration') return []
      if (statement.declaration) return this.#declared(statement.declaration, statement)
      const names = statement.specifiers.map(({ exported }) => ('name' in exported ? exported.name : exported.value))
      return names.flatMap((name) => this.#elsewhere(name, statement.source?.value ?? this.#importedFrom(name)))
    })
  }

  /** What is exported under this name by another file, or by another package. */
  #elsewhere(name: string, from: string | undefined): Exported[] {
    if (from === undefined) return []
    if (from.startsWith('.')) {
      const there = fileOf(posix.join(posix.dirname(this.path), from)).exports()
      return there.filter((exported) => exported.name === name)
    }
    const doc = docOf(`Of the package \`${from}\`.`)
    return [{ name, sort: 'type', code: `export { ${name} } from '${from}'`, doc, members: [] }]
  }

  /** Where a name of this file comes from. */
  #importedFrom(name: string): string | undefined {
    for (const statement of this.#program.body)
      if (statement.type === 'ImportDeclaration' && statement.specifiers.some(({ local }) => local.name === name))
        return statement.source.value
    return undefined
  }

  #declared(node: Declared, at: Span): Exported[] {
    const doc = this.#docBefore(at.start)
    switch (node.type) {
      case 'VariableDeclaration':
        return node.declarations.flatMap(({ id }) =>
          id.type === 'Identifier' ? [{ name: id.name, sort: 'constant', code: this.#code(at), doc, members: [] }] : [],
        )
      case 'ClassDeclaration': {
        const members = this.#members(node.body.body)
        const code = this.#code({ start: at.start, end: node.body.start })
        return [{ name: node.id?.name ?? '', sort: 'class', code, doc, members }]
      }
      case 'TSInterfaceDeclaration': {
        const members = this.#members(node.body.body)
        const code = this.#code({ start: at.start, end: node.body.start })
        return [{ name: node.id.name, sort: 'interface', code, doc, members }]
      }
      case 'TSTypeAliasDeclaration':
        return [{ name: node.id.name, sort: 'type', code: this.#text(at), doc, members: [] }]
      case 'TSDeclareFunction':
      case 'FunctionDeclaration':
        return [{ name: node.id?.name ?? '', sort: 'function', code: this.#code(at), doc, members: [] }]
      default:
        throw new Error(`${this.path} exports a ${node.type}`)
    }
  }

  /** What a user of a class or an interface may name. */
  #members(body: readonly (Span & { readonly type: string })[]): Member[] {
    return body.flatMap((node) => {
      const code = this.#code(node)
      const name = /^(?:(?:static|readonly|abstract|get|set) )*(?!readonly\b)(\[[^\]]+\]|\w+|<)/.exec(code)?.[1]
      if (name === undefined || /^(private|protected|constructor|declare)$|^\[[A-Z]+\]$/.test(name)) return []
      const isMethod = /^(MethodDefinition|TSMethodSignature)$/.test(node.type) && !code.startsWith('get ')
      return [{ name, code, isMethod, doc: this.#docBefore(node.start) }]
    })
  }

  /** The text of a declaration, without the comments in it. */
  #code({ start, end }: Span): string {
    let code = this.#source.slice(start, end)
    for (const comment of this.#comments.toReversed())
      if (comment.start >= start && comment.end <= end)
        code = code.slice(0, comment.start - start) + code.slice(comment.end - start)
    return tidy(code)
  }

  /** The text of a declaration, with the comments in it. */
  #text({ start, end }: Span): string {
    return tidy(this.#source.slice(start, end))
  }

  /** The doc comment that stands right before a place. */
  #docBefore(start: number): Doc {
    const before = this.#comments.findLast(({ end }) => end <= start)
    const isNext = before !== undefined && this.#source.slice(before.end, start).trim() === ''
    return docOf(isNext ? before.value : '')
  }
}

const tidy = (code: string): string =>
  code
    .replace(/^export (declare )?/, '')
    .replaceAll(/\n\s*\n/g, '\n')
    .replaceAll(/[ \t]+\n/g, '\n')
    .replace(/;?\s*$/, '')

const files = new Map<string, File>()
function fileOf(path: string): File {
  const declarations = path.replace(/\.ts$/, '.d.ts').replace(/\.d\.d\.ts$/, '.d.ts')
  const file = files.get(declarations) ?? new File(declarations)
  files.set(declarations, file)
  return file
}

/** An entry point, by the file of its types. */
export function entryOf(name: string, types: string): Entry {
  // Declarations do not keep what a file says at its top.
  const source = readFileSync(types.replace(/^dist\//, '').replace(/\.d\.ts$/, '.ts'), 'utf8')
  const [, comment = ''] = /^\/\*([\s\S]*?)\*\//.exec(source) ?? []
  return { name, doc: docOf(comment), exports: fileOf(types).exports() }
}

/** A comment's text, without its stars; `@throws` may stand on the first line, too. */
export function docOf(comment: string): Doc {
  const lines = comment.replace(/^\*/, '').split('\n').map((line) => line.replace(/^\s*\* ?/, '')) // prettier-ignore
  const [text = '', ...tags] = lines.join('\n').split(/(?:^|(?<=\s))@(?=throws\b|example\b)/)
  const of = (tag: string): string[] =>
    tags.flatMap((each) => (each.startsWith(tag) ? [each.slice(tag.length).trim()] : []))
  return { text: text.trim(), throws: of('throws'), examples: of('example') }
}
