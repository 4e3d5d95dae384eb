/** The mistakes that are made: each looks at one node and says how the source around it would read with the mistake. */
import {
  bare,
  calleeOf,
  child,
  children,
  keyOf,
  property,
  stringOf,
  text,
  without,
  type Edit,
  type Node,
} from './tree.ts'

/** What an operator is shown: a node, what it stands in (the innermost last), and the source's text. */
export interface Seen {
  readonly node: Node
  readonly within: readonly Node[]
  readonly source: string
}

type Operator = (seen: Seen) => readonly Edit[]

const textOf = (source: string, { start, end }: Node): string => source.slice(start, end)
const replaced = ({ start, end }: Node, to: string): Edit => ({ start, end, to })
const parentOf = ({ within }: Seen): Node | undefined =>
  within.findLast(({ type }) => type !== 'ParenthesizedExpression')

const OPPOSITE: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
}
const NEIGHBOUR: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }

/** An expression with another operator: what stands between its sides is replaced. */
function withOperator(source: string, node: Node, operator: string): Edit[] {
  const [left, right] = [node['left'], node['right']] as [Node, Node]
  const between = source.slice(left.end, right.start)
  const to = between.replace(text(node, 'operator'), () => operator)
  return [{ start: left.end, end: right.start, to }]
}

/** It holds where it did not, and the other way round. */
function negated(source: string, node: Node): Edit[] {
  if (node.type === 'UnaryExpression' && text(node, 'operator') === '!')
    return [replaced(node, textOf(source, node['argument'] as Node))]
  const opposite = node.type === 'BinaryExpression' ? OPPOSITE[text(node, 'operator')] : undefined
  return opposite === undefined ? [replaced(node, `!(${textOf(source, node)})`)] : withOperator(source, node, opposite)
}

const ASKS = new Set(['when', 'such', 'filter', 'some', 'every', 'find', 'findLast', 'findIndex'])

/** An arrow function that answers yes or no. */
function isAsked({ node, within }: Seen): boolean {
  const body = child(node, 'body')
  const isPlain =
    (body?.type === 'BinaryExpression' && text(body, 'operator') in OPPOSITE) ||
    (body?.type === 'UnaryExpression' && text(body, 'operator') === '!')
  const annotation = node['returnType'] as Node | null
  const isBoolean = (annotation?.['typeAnnotation'] as Node | undefined)?.type === 'TSBooleanKeyword'
  const caller = within.at(-1)
  return isPlain || isBoolean || (caller !== undefined && ASKS.has(calleeOf(caller)))
}

const negate: Operator = (seen) => {
  const { node, source } = seen
  if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') {
    const test = child(node, 'test')
    return test ? negated(source, test) : []
  }
  if (node.type !== 'ArrowFunctionExpression' || node['expression'] !== true || !isAsked(seen)) return []
  const body = child(node, 'body')
  return body && body.type !== 'Literal' ? negated(source, body) : []
}

/** Of `if (a) b`, `b` is not done: where it returns, no return is early. */
const dropBody: Operator = ({ node }) => {
  const body = node.type === 'IfStatement' ? child(node, 'consequent') : undefined
  return body ? [replaced(body, '{}')] : []
}

/** A statement that is a call. */
const dropCall: Operator = ({ node, within }) => {
  // All that an `if` does is dropped by another operator.
  const done =
    node.type === 'ExpressionStatement' && within.at(-1)?.type !== 'IfStatement' ? child(node, 'expression') : undefined
  const awaited = done?.type === 'AwaitExpression' ? child(done, 'argument') : done
  const called = awaited?.type === 'UnaryExpression' && text(awaited, 'operator') === 'void' ? child(awaited, 'argument') : awaited // prettier-ignore
  if (called?.type !== 'CallExpression' || child(called, 'callee')?.type === 'Super') return []
  return [replaced(node, ';')]
}

const ACTIONS = new Set(['actions', 'entry', 'exit', 'afterwards', 'keep'])

const dropAction: Operator = ({ node, within }) => {
  const holder = within.at(-1)
  if (!ACTIONS.has(keyOf(node)) || holder?.type !== 'ObjectExpression') return []
  const value = child(node, 'value')
  // A table of actions, as `setup` takes it, does nothing.
  if (value?.type === 'ObjectExpression' && !property(value, 'type')) return []
  const actions = value?.type === 'ArrayExpression' ? children(value, 'elements') : []
  if (actions.length > 1) return actions.map((_, at) => without(actions, at))
  const properties = children(holder, 'properties')
  return [without(properties, properties.indexOf(node))]
}

/** The options of a branch: `{ target, … }`, as it is or as `on` takes it. */
function branch(node: Node): Node | undefined {
  const options = calleeOf(node) === 'on' ? children(node, 'arguments')[0] : node
  return options?.type === 'ObjectExpression' && property(options, 'target') ? options : undefined
}

const targetOf = (node: Node): Node | undefined => {
  const found = branch(node)
  const target = found && property(found, 'target')
  return target && child(target, 'value')
}

/** A list of branches. */
function branches(node: Node): readonly Node[] {
  const elements = node.type === 'ArrayExpression' ? children(node, 'elements') : []
  return elements.some(branch) ? elements : []
}

/** What leads to a state by a name alone: an event of `on`, a delay of `after`, the ends of a sub-chart. */
function leading(node: Node, within: readonly Node[]): readonly Node[] {
  if (node.type !== 'ObjectExpression') return []
  const holder = within.findLast(({ type }) => type !== 'ParenthesizedExpression')
  const isTable = holder !== undefined && (keyOf(holder) === 'on' || keyOf(holder) === 'after')
  const values = children(node, 'properties').flatMap((it) => child(it, 'value') ?? [])
  const targets = values.filter((it) => stringOf(it) !== undefined)
  return isTable ? targets : targets.filter((it) => stringOf(it)?.startsWith('#'))
}

const swapTargets: Operator = ({ node, within, source }) => {
  const targets = [...branches(node).flatMap((it) => targetOf(it) ?? []), ...leading(node, within)]
  return targets.flatMap((first, at) => {
    const second = targets[at + 1]
    return second && textOf(source, first) !== textOf(source, second) ? swapped(source, first, second) : []
  })
}

function swapped(source: string, first: Node, second: Node): Edit {
  const to = textOf(source, second) + source.slice(first.end, second.start) + textOf(source, first)
  return { start: first.start, end: second.end, to }
}

const dropBranch: Operator = ({ node }) => {
  const all = branches(node)
  return all.length > 1 ? all.map((_, at) => without(all, at)) : []
}

const GUARDS = new Set(['guard', 'if', 'such'])

const dropGuard: Operator = ({ node }) => {
  const options = branch(node)
  if (!options || (calleeOf(node) !== 'on' && node.type !== 'ObjectExpression')) return []
  const properties = children(options, 'properties')
  return properties.flatMap((it, at) => (GUARDS.has(keyOf(it)) ? [without(properties, at)] : []))
}

const WRITES = ['put', 'patch', 'delete', 'check']

const isWrite = (node: Node): boolean => {
  const object = bare(node)
  return object.type === 'ObjectExpression' && WRITES.some((verb) => property(object, verb))
}

const isNamedWrites = (node: Node | undefined): boolean =>
  node !== undefined && /writes$/i.test(keyOf(node) || text(child(node, 'id'), 'name'))

/** An element of a list of writes, be it one write or several. */
const dropWrite: Operator = ({ node, within }) => {
  const elements = node.type === 'ArrayExpression' ? children(node, 'elements') : []
  const isList = elements.some(isWrite) || isNamedWrites(within.findLast(({ type }) => type !== 'TSAsExpression'))
  return isList ? elements.map((_, at) => without(elements, at)) : []
}

/** All the writes that an answer brings. */
const dropWrites: Operator = ({ node, within }) => {
  if (keyOf(node) !== 'writes' || within.at(-1)?.type !== 'ObjectExpression') return []
  const value = child(node, 'value')
  const isNamed = value?.type === 'Identifier' || value?.type === 'CallExpression' || value?.type === 'MemberExpression'
  return isNamed ? [replaced(node, 'writes: []')] : []
}

/** A write lands whatever the row is like, or whatever one of its columns is. */
const dropCondition: Operator = ({ node }) => {
  if (node.type !== 'ObjectExpression' || !isWrite(node)) return []
  const properties = children(node, 'properties')
  const at = properties.findIndex((it) => keyOf(it) === 'if')
  const condition = properties[at] && child(properties[at], 'value')
  if (!condition) return []
  const columns = condition.type === 'ObjectExpression' ? children(condition, 'properties') : []
  if (columns.length > 1) return columns.map((_, column) => without(columns, column))
  return property(node, 'check') ? [] : [without(properties, at)]
}

const TIME = /(ms|milliseconds|after|every|timeout|deadline|backoff|delay)$/i
const SMALLEST_TIME = 1_000

/** One more, or one less where it is negated. A time is not off by one. */
const offByOne: Operator = ({ node, within }) => {
  const { value } = node
  if (node.type !== 'Literal' || typeof value !== 'number' || !Number.isSafeInteger(value)) return []
  const names = within.map((it) => keyOf(it) || text(child(it, 'id'), 'name'))
  if (value >= SMALLEST_TIME && names.some((name) => TIME.test(name))) return []
  return [replaced(node, String(value + 1))]
}

const swapComparison: Operator = ({ node, source }) => {
  const to = node.type === 'BinaryExpression' ? NEIGHBOUR[text(node, 'operator')] : undefined
  return to === undefined ? [] : withOperator(source, node, to)
}

/** `===` where it is not all of a condition, whose negation is a mistake of its own. */
const flipEquality: Operator = (seen) => {
  const { node, source } = seen
  const parent = parentOf(seen)
  const operator = text(node, 'operator')
  if (node.type !== 'BinaryExpression' || (operator !== '===' && operator !== '!==')) return []
  const isWhole = parent && (child(parent, 'test') === node || parent.type === 'ArrowFunctionExpression')
  return isWhole ? [] : negated(source, node)
}

const swapLogical: Operator = ({ node, source }) => {
  if (node.type !== 'LogicalExpression' || text(node, 'operator') === '??') return []
  return withOperator(source, node, text(node, 'operator') === '&&' ? '||' : '&&')
}

/** Of `a ?? b` there is `a` alone. */
const dropFallback: Operator = ({ node, source }) => {
  if (node.type !== 'LogicalExpression' || text(node, 'operator') !== '??') return []
  return [replaced(node, textOf(source, node['left'] as Node))]
}

const flip: Operator = ({ node }) =>
  node.type === 'Literal' && typeof node['value'] === 'boolean' ? [replaced(node, String(!node['value']))] : []

const isNamed = ({ type }: Node): boolean => type === 'Identifier' || type === 'MemberExpression'

/** Two arguments that stand side by side, each a name. */
const swapArguments: Operator = ({ node, source }) => {
  // Of these the order of arguments is no matter.
  if (['min', 'max'].includes(calleeOf(node))) return []
  const given = node.type === 'CallExpression' || node.type === 'NewExpression' ? children(node, 'arguments') : []
  return given.flatMap((first, at) => {
    const second = given[at + 1]
    return second && isNamed(bare(first)) && isNamed(bare(second)) && textOf(source, first) !== textOf(source, second)
      ? [swapped(source, first, second)]
      : []
  })
}

const INVERSE: Readonly<Record<string, string>> = { '+': '-', '-': '+', '*': '/', '/': '*' }
const isText = (node: Node | undefined): boolean =>
  node !== undefined &&
  (node.type === 'TemplateLiteral' ||
    stringOf(node) !== undefined ||
    (text(node, 'operator') === '+' && (isText(child(node, 'left')) || isText(child(node, 'right')))))

const swapArithmetic: Operator = ({ node, source }) => {
  const to = node.type === 'BinaryExpression' ? INVERSE[text(node, 'operator')] : undefined
  if (to === undefined || isText(node) || isText(child(node, 'left')) || isText(child(node, 'right'))) return []
  return withOperator(source, node, to)
}

const COUNTERPART: Readonly<Record<string, string>> = { some: 'every', every: 'some', min: 'max', max: 'min' }

/** Some for all, the smallest for the largest. */
const swapQuantifier: Operator = ({ node }) => {
  const callee = child(node, 'callee')
  const name = callee?.type === 'MemberExpression' ? child(callee, 'property') : undefined
  const to = name && node.type === 'CallExpression' ? COUNTERPART[text(name, 'name')] : undefined
  return name && to !== undefined ? [replaced(name, to)] : []
}

export const operators: Readonly<Record<string, Operator>> = {
  'negate a condition': negate,
  'drop what an if does': dropBody,
  'drop a call': dropCall,
  'drop an action': dropAction,
  'swap two targets': swapTargets,
  'drop a branch': dropBranch,
  'drop a guard': dropGuard,
  'drop a write': dropWrite,
  'drop all writes': dropWrites,
  'drop a condition of a write': dropCondition,
  'off by one': offByOne,
  'swap < and <=': swapComparison,
  'swap === and !==': flipEquality,
  'swap && and ||': swapLogical,
  'drop what is after ??': dropFallback,
  'flip true and false': flip,
  'swap arguments': swapArguments,
  'swap + and -': swapArithmetic,
  'swap some and every': swapQuantifier,
}
