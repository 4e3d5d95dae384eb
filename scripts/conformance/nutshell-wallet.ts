/** Nutshell's own wallet at a mint: everything that its command line does, and what its classes can do beyond that. */
import type { TestMint } from './mints.ts'
import { balanceIn, tokenIn, type NutshellCli } from './nutshell-cli.ts'
import { outcomeOf, same, type Try } from './steps.ts'
import { amountIn, worth } from './worth.ts'

/** Nobody else uses the mint meanwhile: after each step its balances must have what the wallets have, and no more. */
export async function nutshellWallet(attempt: Try, mint: TestMint, cli: NutshellCli): Promise<void> {
  /** What each wallet said last that it has. */
  const has: Record<string, number> = { anna: 0, ben: 0, cora: 0 }
  /** In tokens that nobody has taken, and in payments under way. */
  let underWay = 0

  async function run(wallet: string, ...args: readonly string[]): Promise<string> {
    const out = await cli.run(wallet, ...args)
    has[wallet] = balanceIn(out)
    return out
  }
  async function checked(found: string): Promise<string> {
    const held = Object.values(has).reduce((sum, amount) => sum + amount, underWay)
    same("sats in the mint's balances", await mint.outstanding(), held)
    return found
  }
  async function send(wallet: string, amount: number, ...how: readonly string[]): Promise<string> {
    const token = tokenIn(await run(wallet, 'send', String(amount), ...how))
    same('sats in the token', amountIn(token), amount)
    underWay += amount
    return token
  }
  async function take(wallet: string, token: string): Promise<number> {
    const before = has[wallet]!
    await run(wallet, 'receive', token)
    underWay -= amountIn(token)
    same('sats received', has[wallet]! - before, worth(token))
    return worth(token)
  }
  const lockOf = async (wallet: string): Promise<string> =>
    /P2PK:[0-9a-f]{66}/.exec(await cli.run(wallet, 'lock', 'p2pk'))![0]

  await attempt('mint', async () => {
    await run('anna', 'invoice', '64')
    same('sats minted', has['anna']!, 64)
    return checked('64 sat, told of the payment by websocket')
  })
  await attempt('balance', async () => {
    same('sats', balanceIn(await cli.run('anna', 'balance')), 64)
    return '64 sat'
  })
  await attempt('send, receive', async () => {
    const token = await send('anna', 21, '--dleq')
    return checked(`21 sat sent, ${await take('ben', token)} received`)
  })
  await attempt('check pending', async () => {
    const token = await send('anna', 3)
    const pending = await cli.run('anna', 'pending')
    same('tokens pending', [...pending.matchAll(/^#\d+ Amount/gm)].length, 2)
    await run('anna', 'burn', '--all')
    const left = await cli.run('anna', 'pending')
    same('tokens pending once the taken one is burnt', [...left.matchAll(/^#\d+ Amount: 3 sat/gm)].length, 1)
    await take('ben', token)
    await run('anna', 'burn', '--all')
    return checked('2 tokens, 1 after the taken one is burnt')
  })
  await attempt('swap', async () => {
    const before = has['anna']!
    const token = await send('anna', 5, '--force-swap')
    const cost = before - has['anna']! - 5
    if (cost < 1) throw new Error('no fee was taken: nothing was swapped')
    await take('ben', token)
    return checked(`5 sat of new coins, for a fee of ${cost}`)
  })
  await attempt('P2PK, lock and receive', async () => {
    const token = await send('anna', 10, '--lock', await lockOf('ben'))
    await refused(20008, cli.run('anna', 'receive', token))
    return checked(`refused to the sender, ${await take('ben', token)} sat to the key`)
  })
  await attempt('melt, with change', async () => {
    await run('cora', 'invoice', '200')
    const out = await run('cora', 'pay', await mint.invoice(100))
    if (!/Invoice paid\. \(Preimage: [0-9a-f]{64}\)/.test(out) || out.includes('Invalid'))
      throw new Error('no good preimage')
    return checked(`100 sat paid for ${200 - 100 - has['cora']!}, the rest of the reserve is back`)
  })
  await attempt('melt, pending', async () => {
    await mint.turn('open')
    const before = has['cora']!
    const out = await run('cora', 'pay', await mint.invoice(20))
    if (!out.includes('Invoice pending')) throw new Error(`not pending: ${out}`)
    underWay = before - has['cora']!
    return checked(`${underWay} sat held`)
  })
  await attempt('melt, paid later', async () => {
    const [, quote = ''] = /Melt quote[^#]*?Amount: 20\n[^#]*?ID: (\w+)/.exec(await cli.run('cora', 'invoices')) ?? []
    const before = await mint.outstanding()
    await mint.complete(quote)
    await run('cora', 'burn', '--all')
    // 20, and 1 each to Lightning and as input fee.
    same('what it cost', before - (await mint.outstanding()), 22)
    // Nutshell's wallet takes no change of a payment that took its time: it is there to be restored.
    underWay -= 22
    return checked(`20 sat paid; ${underWay} of change wait for a restore`)
  })
  await attempt('restore from seed', async () => {
    const [phrase = ''] = /(?:[a-z]+ ){11}[a-z]+/.exec(await cli.run('cora', 'info', '--mnemonic')) ?? []
    has['dora'] = balanceIn(await cli.restore('dora', phrase))
    same('sats restored', has['dora'], has['cora']! + underWay)
    has['cora'] = underWay = 0
    return checked(`${has['dora']} sat, the change with them`)
  })
  await mint.turn('paying')
  await attempt('mint after the restore', async () => {
    await run('dora', 'invoice', '16')
    return checked('16 sat: the counters are past what was restored')
  })

  let results: readonly Taken[] = []
  await attempt('locked tokens, by the Wallet class', async () => {
    const taken = await cli.script<{ results: Taken[]; held: number }>('conditions.py', await mint.invoice(4))
    results = taken.results
    has['locked'] = taken.held
    return checked(`${results.length} cases`)
  })
  for (const { case: name, due, received, refusal } of results) {
    await attempt(name, async () => {
      same(refusal || 'sats received', received, due)
      if (due > 0) return `${received} sat`
      same('refused', refusal.endsWith('(Code: 20008)') ? 20008 : refusal, 20008)
      return 'refused'
    })
  }
}

/** What came of a locked token in `conditions.py`. */
interface Taken {
  readonly case: string
  readonly due: number
  readonly received: number
  readonly refusal: string
}

/** @throws {Error} where it succeeds, or fails otherwise. */
async function refused(code: number, work: Promise<unknown>): Promise<void> {
  const outcome = await outcomeOf(work)
  if (!outcome.includes(`(Code: ${code})`)) throw new Error(`not refused with ${code}: ${outcome}`)
}
