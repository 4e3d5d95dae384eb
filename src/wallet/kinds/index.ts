/** The kinds of a wallet. */
import { meltKind } from './melt.ts'
import { mintKind } from './mint.ts'
import { receiveKind } from './receive.ts'
import { restoreKind } from './restore.ts'
import { sendKind } from './send.ts'
import { swapKind } from './swap.ts'

export const walletKinds = [mintKind, meltKind, receiveKind, restoreKind, sendKind, swapKind]
