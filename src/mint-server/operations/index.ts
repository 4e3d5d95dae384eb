/** The kinds of operations of a mint. */
import { issueKind } from './issue.ts'
import { meltKind } from './melt.ts'
import { swapKind } from './swap.ts'

export const mintKinds = [swapKind, issueKind, meltKind] as const
