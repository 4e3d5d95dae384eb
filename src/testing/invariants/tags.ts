/** Tags of states, held against what they mean. The contract of machines and the explorer ask the same. */
import type { AnyStateNode } from 'xstate'
import { pollOf, stateNodes } from '../../kernel/define/chart.ts'
import { TAGS, type Tag } from '../../kernel/define/tags.ts'
import type { OperationKind } from '../../kernel/define/operation.ts'

const KNOWN = Object.keys(TAGS) as readonly Tag[]

/** Tags of a chart that are written wrongly, missing, or do not hold. One line each. */
export function mistagged({ kind, machine }: Pick<OperationKind<never>, 'kind' | 'machine'>): string[] {
  const hasEnded = stateNodes(machine).some((node) => isTagged(node, 'ended'))
  return stateNodes(machine).flatMap((node) =>
    [...node.tags.flatMap((tag) => misspelt(tag) ?? []), ...human(node), ...(hasEnded ? ended(node) : [])].map(
      (what) => `${kind} in '${node.path.join('.')}' ${what}`,
    ),
  )
}

const isTagged = (node: AnyStateNode | undefined, tag: Tag): boolean => node?.tags.includes(tag) ?? false

/** A state and those that it is in. */
function around(node: AnyStateNode): AnyStateNode[] {
  const nodes: AnyStateNode[] = []
  for (let at: AnyStateNode | undefined = node; at; at = at.parent) nodes.push(at)
  return nodes
}

const isAround = (node: AnyStateNode, tag: Tag): boolean => around(node).some((it) => isTagged(it, tag))

const eventsAt = (node: AnyStateNode): string[] =>
  around(node).flatMap((it) => [...it.transitions.keys()].filter((event) => !event.startsWith('xstate.')))

/** A tag that is nearly a known one. */
function misspelt(tag: string): string | undefined {
  if (KNOWN.some((known) => known === tag)) return undefined
  const meant = KNOWN.find((known) => isNear(tag.toLowerCase(), known))
  return meant && `has the tag '${tag}', which nobody knows: '${meant}' is known`
}

/** Equal but for one letter that is more, less or another one. */
function isNear(text: string, known: string): boolean {
  if (Math.abs(text.length - known.length) > 1) return false
  let from = 0
  while (from < text.length && text[from] === known[from]) from++
  const [rest, other] = [text.slice(from), known.slice(from)]
  return rest === other || rest.slice(1) === other.slice(1) || rest.slice(1) === other || rest === other.slice(1)
}

/** A leaf outside of parallel states: what leads on from it stands in it or around it. */
const isAlone = (node: AnyStateNode): boolean =>
  node.type === 'atomic' && around(node).every(({ type }) => type !== 'parallel')

function* human(node: AnyStateNode): Iterable<string> {
  const takes = eventsAt(node).length > 0
  if (isTagged(node, 'human') && node.type === 'atomic' && !takes)
    yield `is tagged 'human', and takes no event of a caller`
  if (!isAlone(node) || !takes || isAround(node, 'human')) return
  const leads = around(node).some(
    ({ invoke, always = [], config, meta }) =>
      invoke.length > 0 ||
      always.length > 0 ||
      Object.keys(config.after ?? {}).length > 0 ||
      pollOf(meta) !== undefined,
  )
  if (!leads) yield `waits for a caller alone, and is not tagged 'human'`
}

/** Where a chart says of some states that the caller's question is answered, its ends say so too. */
function* ended(node: AnyStateNode): Iterable<string> {
  const isEnd = node.type === 'final' && node.parent === node.machine.root
  if (isEnd && !isTagged(node, 'ended')) yield `is final, and not tagged 'ended'`
}
