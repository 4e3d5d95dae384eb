/** The charts that this package brings, by the names under which the command line and the docs have them. */
import type { AnyStateMachine } from 'xstate'
import { bounty } from '../../machines/bounty.ts'
import { issue } from '../../machines/mint-server/issue.ts'
import { melt as mintServerMelt } from '../../machines/mint-server/melt.ts'
import { swap as mintServerSwap } from '../../machines/mint-server/swap.ts'
import { melt } from '../../machines/wallet/melt.ts'
import { mint } from '../../machines/wallet/mint.ts'
import { receive } from '../../machines/wallet/receive.ts'
import { restore } from '../../machines/wallet/restore.ts'
import { send } from '../../machines/wallet/send.ts'
import { swap } from '../../machines/wallet/swap.ts'

export const BUILT_IN: ReadonlyMap<string, AnyStateMachine> = new Map<string, AnyStateMachine>(
  Object.entries({
    mint,
    melt,
    send,
    receive,
    swap,
    restore,
    'mint-server-issue': issue,
    'mint-server-melt': mintServerMelt,
    'mint-server-swap': mintServerSwap,
    bounty,
  }),
)
