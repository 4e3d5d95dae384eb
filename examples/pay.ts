// examples/pay.ts: tops up, pays a friend, and prints the token. Kill it at any moment and run it again.
import { openWallet } from 'hardshell'
import { sqliteStore } from 'hardshell/store/sqlite'

const [mintUrl = '', path = 'wallet.db'] = process.argv.slice(2)
const seed = new Uint8Array(64).fill(7) // play money: yours is seedOf(phrase) of hardshell/phrase

// What an earlier run left unfinished goes on from here, by itself.
await using wallet = await openWallet({ store: sqliteStore({ path }), seed })
wallet.on('operation', ({ kind, state }) => console.log(`${kind} is ${state}`))
for (const { kind, state } of await wallet.operations.resumed()) console.log(`resumed: ${kind} in ${state}`)
await wallet.mints.trust(mintUrl)

// The keys make the steps safe to repeat: the same key is the same operation, whatever has become of it.
const mint = await wallet.mint.prepare({ mintUrl, amount: 100, key: 'top-up' })
await mint.finished()
const send = await wallet.send.prepare({ mintUrl, amount: 21, key: 'for my friend' })
const { token } = await send.execute()
console.log(token)
