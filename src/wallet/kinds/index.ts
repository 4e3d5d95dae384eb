/** The kinds of a wallet, and what can be done with an operation of any of them. */
import { HardshellError } from '../../kernel/util/errors.ts'
import type { Operations } from '../../kernel/operations.ts'
import type { WalletPorts } from '../ports.ts'
import { meltKind } from './melt.ts'
import { mintKind } from './mint.ts'
import { receiveKind } from './receive.ts'
import { restoreKind } from './restore.ts'
import { sendKind } from './send.ts'
import { swapKind } from './swap.ts'

export const walletKinds = [mintKind, meltKind, receiveKind, restoreKind, sendKind, swapKind]

/** Tells an operation to give up; false where it cannot any more. @throws {HardshellError} `NOT_FOUND`, `UNLOADABLE` */
export async function cancelIn(operations: Operations<WalletPorts>, id: string): Promise<boolean> {
  const { kind } = await operations.get(id)
  const calls = {
    mint: operations.of(mintKind),
    melt: operations.of(meltKind),
    receive: operations.of(receiveKind),
    restore: operations.of(restoreKind),
    send: operations.of(sendKind),
    swap: operations.of(swapKind),
  }
  const [, found] = Object.entries(calls).find(([name]) => name === kind) ?? []
  if (!found) throw new HardshellError('UNLOADABLE', `this program has no kind '${kind}'`, { operationId: id })
  return found.send(id, { type: 'cancel' })
}
