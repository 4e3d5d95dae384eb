import type { Scenario, Stage } from '../explorer.ts'
import { MINT_URL } from '../explorer.ts'
import { foreignProofs, tokenOf } from './stage.ts'

const setup =
  (...amounts: number[]) =>
  async (stage: Stage): Promise<void> => {
    await stage.wallet.mints.trust(MINT_URL)
    stage.note('token', tokenOf(await foreignProofs(stage, amounts)))
  }

async function receiveToken({ wallet, notes }: Stage): Promise<void> {
  const receive = await wallet.receive.prepare({ token: notes['token'] as string, key: 'receive' })
  await receive.execute()
}

export const receiveScenarios: readonly Scenario[] = [{ kind: 'receive', name: 'plain', setup: setup(1, 4), drive: receiveToken }]
