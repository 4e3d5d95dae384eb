/** Sources as syntax trees: what is read of a node, and a walk through all that runs. */
import { parseSync } from 'vite'

export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** Some text of a source is another one. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly to: string
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value && 'end' in value

/** @throws {SyntaxError} where it does not parse. */
export function parse(file: string, source: string): Node {
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0 || !isNode(program)) throw new SyntaxError(`${file} does not parse`)
  return program
}

/** A child without the parentheses around it. */
export function child(node: Node, field: string): Node | undefined {
  const found = node[field]
  return isNode(found) ? bare(found) : undefined
}

/** A list of children; holes are left out. */
export function children(node: Node, field: string): readonly Node[] {
  const found = node[field]
  return Array.isArray(found) ? found.filter(isNode) : []
}

export const text = (node: Node | undefined, field: string): string => {
  const found = node?.[field]
  return typeof found === 'string' ? found : ''
}

/** The expression itself, without parentheses and what is said of its type. */
export function bare(node: Node): Node {
  const isWrapped = node.type === 'ParenthesizedExpression' || TYPED.has(node.type)
  return isWrapped && isNode(node['expression']) ? bare(node['expression']) : node
}

const TYPED = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression', 'TSTypeAssertion'])
const TYPES = new Set(['typeAnnotation', 'typeArguments', 'typeParameters', 'returnType', 'superTypeArguments'])

/** Visits every node that runs, parents first, with the nodes that it stands in, the innermost last. */
export function walk(node: Node, visit: (node: Node, within: readonly Node[]) => void, within: Node[] = []): void {
  if (node.type.startsWith('TS') && !TYPED.has(node.type)) return
  visit(node, within)
  within.push(node)
  for (const [field, value] of Object.entries(node)) {
    if (TYPES.has(field)) continue
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) walk(item, visit, within)
  }
  within.pop()
}

/** A property's name, if it is not computed. */
export function keyOf(node: Node): string {
  if (node.type !== 'Property' || node['computed'] === true) return ''
  const key = child(node, 'key')
  return text(key, 'name') || text(key, 'value')
}

/** The property of an object literal that has this name. */
export const property = (node: Node, name: string): Node | undefined =>
  children(node, 'properties').find((it) => keyOf(it) === name)

/** The string that it is. */
export function stringOf(node: Node | undefined): string | undefined {
  const value = node?.type === 'Literal' ? node['value'] : undefined
  return typeof value === 'string' ? value : undefined
}

/** What a call calls, by the last name: `b` of `a.b()`. */
export function calleeOf(node: Node): string {
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined
  return callee?.type === 'MemberExpression' ? text(child(callee, 'property'), 'name') : text(callee, 'name')
}

/** A list without one of its items, and without the comma that goes with it. */
export function without(items: readonly Node[], at: number): Edit {
  const [before, it, after] = [items[at - 1], items[at], items[at + 1]]
  if (!it) throw new RangeError(`at: there is no item ${at}`)
  if (after) return { start: it.start, end: after.start, to: '' }
  return { start: before?.end ?? it.start, end: it.end, to: '' }
}

/** A source in which some parts are others; the parts do not overlap, but may be inside one another where nothing is replaced. */
export function edited(source: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((done, { start, end, to }) => done.slice(0, start) + to + done.slice(end), source)
}
