/** A process that calls the wallet of the process that started it, and says what it got. */
import { connectWallet } from '../../src/remote/index.ts'

const wallet = await connectWallet(process)
process.send?.({ mine: 'a message that is none of ours' })
const [balance] = await wallet.balances()
const send = await wallet.send.prepare({ mintUrl: balance!.mintUrl, amount: 5, key: process.argv[2]! })
const { token } = await send.execute()
process.send?.({ spendable: balance!.spendable.toString(), token })
if (process.argv[3] === 'stay') await wallet.mint.get(process.argv[4]!).then((mint) => mint.finished())
await wallet.close()
process.disconnect()
