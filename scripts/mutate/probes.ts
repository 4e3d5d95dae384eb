/**
 * Probes: a source that notes which of its functions and blocks ran. They are found in the same tree as the mistakes, so
 * that each mistake has the probe of what it stands in. What runs while a module is loaded has none but the module's.
 */
import { hashOf, PROBES } from './places.ts'
import { child, children, edited, keyOf, parse, text, walk, type Edit, type Node } from './tree.ts'

/**
 * A function, a block, or what of a block is left where it may be over before; its place in the list is its number, from 1. The
 * module is number 0.
 */
export interface Probe {
  readonly node: Pick<Node, 'start' | 'end'>
  readonly edits: (note: string) => readonly Edit[]
}

/** Where a mistake stands: by this it is known what runs it. */
export interface MutationPlace {
  /** The innermost probe around it; 0 is the module's. */
  readonly probe: number
  /** The names of properties around it, the innermost first, as far as the probe: one of them may be a state's. */
  readonly keys: readonly string[]
  /** What the module calls the value that it is part of, where it is part of no function. */
  readonly constant: string | undefined
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const LOOPS = new Set(['ForStatement', 'ForOfStatement', 'ForInStatement', 'WhileStatement', 'DoWhileStatement'])

export function probesOf(program: Node): readonly Probe[] {
  const found: Probe[] = []
  const block = (node: Node | undefined): void => {
    if (!node || node.type === 'IfStatement') return
    const { start, end } = node
    const edits = (note: string): Edit[] =>
      node.type === 'BlockStatement'
        ? [inserted(start + 1, ` ${note};`)]
        : [inserted(start, `{ ${note}; `), inserted(end, ' }')]
    found.push({ node, edits })
  }
  const expression = (node: unknown): void => {
    const it = node as Node
    found.push({ node: it, edits: (note) => [inserted(it.start, `(${note}, `), inserted(it.end, ')')] })
  }
  const rests = (statements: readonly Node[]): void => {
    const last = statements.at(-1)
    for (const [at, it] of statements.entries()) {
      const next = statements[at + 1]
      if (!next || !last || !mayEnd(it)) continue
      found.push({ node: { start: next.start, end: last.end }, edits: (note) => [inserted(next.start, `${note}; `)] })
    }
  }
  walk(program, (node) => {
    if (node.type === 'BlockStatement') rests(children(node, 'body'))
    if (FUNCTIONS.has(node.type)) {
      if (node['expression'] === true) expression(node['body'])
      else if (node['body']) block(child(node, 'body'))
    }
    if (node.type === 'IfStatement') for (const field of ['consequent', 'alternate']) block(child(node, field))
    if (node.type === 'ConditionalExpression') for (const field of ['consequent', 'alternate']) expression(node[field])
    if (LOOPS.has(node.type)) block(child(node, 'body'))
    if (node.type === 'CatchClause') block(child(node, 'body'))
    if (node.type === 'SwitchCase') {
      const [first] = children(node, 'consequent')
      if (first) found.push({ node, edits: (note) => [inserted(first.start, `${note}; `)] })
    }
  })
  return found
}

const ENDS = new Set(['ReturnStatement', 'ThrowStatement', 'ContinueStatement', 'BreakStatement'])

/** Whether what follows a statement may not be come to: an `if` ends the block. */
function mayEnd(node: Node): boolean {
  const then = node.type === 'IfStatement' ? child(node, 'consequent') : undefined
  const last = then?.type === 'BlockStatement' ? children(then, 'body').at(-1) : then
  return last !== undefined && ENDS.has(last.type)
}

const inserted = (at: number, to: string): Edit => ({ start: at, end: at, to })

/** A source that notes what ran of it. */
export function probed(file: string, source: string): string {
  const edits = probesOf(parse(file, source)).flatMap((probe, at) => probe.edits(`__ran[${at + 1}] = 1`))
  const [shebang = ''] = /^#!.*\n/.exec(source) ?? []
  const note = `const __ran = globalThis.${PROBES}?.(${JSON.stringify(file)}) ?? []; __ran[0] = 1; `
  return nested(source, [...edits, inserted(shebang.length, note)])
}

/** Insertions at one place go in the order in which they were found at a beginning, and the other way round at an end. */
function nested(source: string, edits: readonly Edit[]): string {
  const at = new Map<number, { opens: string; closes: string }>()
  for (const { start, to } of edits) {
    const { opens, closes } = at.get(start) ?? { opens: '', closes: '' }
    const isEnd = to === ')' || to === ' }'
    at.set(start, isEnd ? { opens, closes: to + closes } : { opens: opens + to, closes })
  }
  const merged = [...at].map(([start, { opens, closes }]) => inserted(start, closes + opens))
  return edited(source, merged)
}

/** The number of the smallest probe around a part of the source; where there is none, the module's. */
function innermost(probes: readonly Probe[], { start, end }: Pick<Node, 'start' | 'end'>): number {
  let [found, size] = [0, Infinity]
  for (const [at, { node }] of probes.entries())
    if (node.start <= start && node.end >= end && node.end - node.start <= size)
      [found, size] = [at + 1, node.end - node.start]
  return found
}

/** Where an edit stands, and what it stands in, the innermost last. */
export function placeOf(probes: readonly Probe[], path: readonly Node[], edit: Edit): MutationPlace {
  const probe = innermost(probes, edit)
  const around = probes[probe - 1]?.node
  const inside = path.filter(({ start, end }) => !around || (start >= around.start && end <= around.end))
  const keys = inside.map(keyOf).filter((key) => key !== '')
  const declared = path.find(({ type }) => type === 'VariableDeclarator')
  const name = around ? '' : text(declared && child(declared, 'id'), 'name')
  return { probe, keys: keys.toReversed(), constant: name === '' ? undefined : name }
}

/**
 * A name for each probe, by its number: of its own text, without that of the probes inside. So it has the same name in a
 * source of which other parts have changed.
 */
export function signatures(file: string, source: string): readonly string[] {
  const spans = probesOf(parse(file, source)).map(({ node }) => node)
  const counts = new Map<string, number>()
  const names = spans.map(({ start, end }) => {
    const inner = spans.filter((it) => it.start >= start && it.end <= end && (it.start > start || it.end < end))
    const outermost = inner.filter((it) => !inner.some((other) => other !== it && other.start <= it.start && other.end >= it.end)) // prettier-ignore
    const own = edited(source.slice(start, end), outermost.map((it) => ({ start: it.start - start, end: it.end - start, to: '' }))) // prettier-ignore
    const name = hashOf(own)
    counts.set(name, (counts.get(name) ?? 0) + 1)
    return `${name} ${counts.get(name)}`
  })
  return ['module', ...names]
}

/** For each name, where functions mention it. */
export function mentionsIn(sources: ReadonlyMap<string, string>): Map<string, { file: string; probe: number }[]> {
  const found = new Map<string, { file: string; probe: number }[]>()
  for (const [file, source] of sources) {
    const program = parse(file, source)
    const probes = probesOf(program)
    const seen = new Set<string>()
    walk(program, (node) => {
      if (node.type !== 'Identifier') return
      const probe = innermost(probes, node)
      const name = text(node, 'name')
      const mark = `${name} ${probe}`
      if (seen.has(mark)) return
      seen.add(mark)
      const list = found.get(name)
      if (list) list.push({ file, probe })
      else found.set(name, [{ file, probe }])
    })
  }
  return found
}
