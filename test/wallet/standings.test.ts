/**
 * Goal: a mint that asks to be left alone is left alone for as long as it asks, and one that redirects is sent nothing
 * more; both with the true reason, over restarts, and without money being let go. Method: a wire that answers 429 or a
 * redirect; every request is noted with the wallet's own measured time.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { bench, eventually, failure, money, reached, type Bench, type Fault, type Opened } from '../kits/wallet-kit.ts'

const TWO_MINUTES_MS = 120_000
const throttled: Fault = { status: 429, retryAfterMs: TWO_MINUTES_MS }
const redirect = (location: string | null): Fault => ({ status: location === null ? 0 : 308, location })

/** Notes when a process sends its requests, by its own measured time. */
function noted({ wire, clock }: Opened): { readonly what: string; readonly atMs: number }[] {
  const sent: { what: string; atMs: number }[] = []
  wire.before = (what) => void sent.push({ what, atMs: clock.monotonicMs() })
  return sent
}

/** The same mint at another port, as it would be behind another name. */
async function atAnotherAddress({ server: { mint } }: Bench): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void mint
        .handle(request.method!, request.url!, Buffer.concat(chunks).toString())
        .then(({ status, body }) => response.writeHead(status).end(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a mint that asks to be left alone (Retry-After)', () => {
  test('is sent nothing before the time is over, by no operation and no poll; then they go on', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(31)
    const { wallet, wire } = process
    const { mintUrl } = on
    const unpaid = await wallet.mint.prepare({ mintUrl, amount: 5 })
    const sent = noted(process)
    wire.plan = [[/v1\/swap/, throttled]]
    const swaps = await Promise.all([4, 8].map((amount) => wallet.swap.prepare({ mintUrl, amounts: [amount] })))
    await swaps[0]!.execute()
    const [first, ...rest] = sent.filter(({ atMs }) => atMs >= sent.find(({ what }) => /swap/.test(what))!.atMs)
    expect(rest.length).toBeGreaterThan(0)
    for (const { atMs } of rest) expect(atMs - first!.atMs).toBeGreaterThanOrEqual(TWO_MINUTES_MS)
    await swaps[1]!.execute()
    await unpaid.finished()
    expect(await money({ wallet })).toMatchObject({ spendable: 36, reserved: 0 })
  })

  test('is explained: who asked, and until when', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(31)
    const { wallet, wire, clock } = process
    const { mintUrl } = on
    wire.plan = [[/v1\/swap/, { status: 503, retryAfterMs: 600_000 }]]
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [4] })
    const waits = reached(process, 'swap', 'exchanging.backoff')
    const done = swap.execute()
    await waits
    const explained = await wallet.operations.explain(swap.id)
    expect(explained.why).toMatch(/ \(the mint asked to wait until 20\d\d-\d\d-\d\dT[\d:.]+Z\)$/)
    expect(explained).toMatchObject({ needsHuman: false, laneClosed: false })
    expect(explained.lanePaused!.untilMs - clock.now()).toBeLessThanOrEqual(600_000)
    const [known] = await wallet.mints.list()
    expect(known!.waitsUntilMs! - clock.now()).toBeLessThanOrEqual(600_000)
    // A person who asks hears the same.
    expect(await failure(wallet.mints.refresh(mintUrl))).toMatchObject({
      code: 'MINT_UNREACHABLE',
      message: expect.stringContaining('asked to wait until') as unknown,
    })
    await done
    expect((await wallet.mints.list())[0]!.waitsUntilMs).toBeUndefined()
    expect((await wallet.operations.explain(swap.id)).lanePaused).toBeUndefined()
  })

  test('is left alone for an hour at most', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(32, 'alice', { factor: 2_000 })
    const { wallet, wire } = process
    const sent = noted(process)
    wire.plan = [[/v1\/swap/, { status: 429, retryAfterMs: 30 * 86_400_000 }]]
    await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [4] })).execute()
    const waitedMs = sent[1]!.atMs - sent[0]!.atMs
    expect(waitedMs).toBeGreaterThanOrEqual(3_600_000)
    expect(waitedMs).toBeLessThan(2 * 3_600_000)
  })

  test.each([
    ['', 0],
    [', though the clock was set back', -30 * 86_400_000],
  ])('is left alone after a restart, too, for no longer than it asked%s', async (_, aheadMs) => {
    const on = await bench({ stub: true })
    const first = await on.funded(31)
    first.wire.plan = [[/v1\/swap/, throttled]]
    const swap = await first.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [4] })
    void swap.execute().catch(() => {})
    await eventually('it is stored', async () => (await on.rows())['mints']![0]!['pause'] !== null)
    first.drop()
    const next = await on.open()
    next.clock.jump(aheadMs)
    const sent = noted(next)
    const [known] = await next.wallet.mints.list()
    const leftMs = known!.waitsUntilMs! - next.clock.now()
    expect(leftMs).toBeGreaterThan(0)
    expect(leftMs).toBeLessThanOrEqual(TWO_MINUTES_MS)
    await (await next.wallet.swap.get(swap.id)).finished()
    for (const { atMs } of sent) expect(atMs).toBeGreaterThanOrEqual(leftMs)
    expect(sent.length).toBeGreaterThan(0)
  })

  test('does not hold up another mint', async () => {
    const on = await bench({ stub: true })
    const other = await bench({ stub: true, amounts: [1, 2, 4, 8] })
    const { wallet, wire } = await on.funded(31)
    await wallet.mints.trust(other.mintUrl)
    await (await wallet.mint.prepare({ mintUrl: other.mintUrl, amount: 8 })).finished()
    wire.plan = [[/v1\/swap/, { status: 429, retryAfterMs: 3_600_000 }]]
    const held = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [4] })
    void held.execute().catch(() => {})
    await eventually('it asked', () => wire.plan.length === 0)
    await (await wallet.swap.prepare({ mintUrl: other.mintUrl, amounts: [4] })).execute()
    expect((await wallet.operations.get(held.id)).status).toBe('active')
  })
})

describe('a mint that moved (a redirect)', () => {
  test.each([301, 302, 303, 307, 308])('with %i is not trusted, and the error says where it is', async (status) => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.open()
    wire.always = { status, location: 'https://user:secret@new.example/Bitcoin/v1/info?x=1#y' }
    expect(await failure(wallet.mints.trust(on.mintUrl))).toMatchObject({
      code: 'MINT_MOVED',
      message: `${on.mintUrl} redirects: the mint moved to https://new.example/Bitcoin`,
    })
    expect(wire.requests).toEqual(['GET /v1/info'])
    expect(await wallet.mints.list()).toEqual([])
  })

  test('to an address that cannot be told or shown is said to be somewhere', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.open()
    const hidden = [null, 'javascript:alert(1)', 'http://', `https://${'a'.repeat(300)}.example`]
    for (const location of hidden) {
      wire.always = redirect(location)
      const error = await failure(wallet.mints.trust(on.mintUrl))
      expect(error.code).toBe('MINT_MOVED')
      expect(error.message).toBe(`${on.mintUrl} redirects: the mint moved to an address that is not known`)
    }
  })

  test('in the middle of operations keeps them waiting with the reason; nothing is let go, nobody is hammered', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(63, 'alice', { factor: 2_000 })
    const { wallet, wire, clock } = process
    const { mintUrl } = on
    const sent = noted(process)
    const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [4] })
    const before = await money(process)
    sent.length = 0
    wire.always = redirect('https://new.example/v1/swap')
    void melt.execute().catch(() => {})
    void swap.execute().catch(() => {})
    const beganMs = clock.monotonicMs()
    while (clock.monotonicMs() - beganMs < 4 * 3_600_000) await new Promise((resolve) => setTimeout(resolve, 20))
    // Pauses of 1, 2, 4, 8, 16, 32 and 60 minutes, and as many requests at once as may be under way.
    expect(sent.length).toBeLessThanOrEqual(11 * 2)
    expect(await money(process)).toEqual(before)
    for (const { id } of [melt, swap]) {
      const explained = await wallet.operations.explain(id)
      expect(explained.why).toContain(
        '(the mint moved to https://new.example, which a person has to confirm by mints.rebind()',
      )
      expect(explained.needsHuman).toBe(true)
    }
    expect((await wallet.mints.list())[0]).toMatchObject({ movedTo: 'https://new.example', trusted: true })
    expect(await failure(wallet.send.prepare({ mintUrl, amount: 4 }))).toMatchObject({ code: 'MINT_MOVED' })
    // It comes back by itself.
    wire.always = undefined
    await swap.finished()
    // Its one request had no answer: where nobody could say for an hour what became of it, it was given up, by proof.
    const ended = await melt.finished().then(
      ({ state }) => state,
      (error: unknown) => (error as { code?: string }).code,
    )
    expect(['paid', 'PAYMENT_FENCED']).toContain(ended)
    const { spendable, reserved } = await money(process)
    expect(reserved).toBe(0)
    expect(spendable).toBe(await on.outstanding())
    expect((await wallet.mints.list())[0]!.movedTo).toBeUndefined()
  })

  test.each(['moved', 'distrusted'])(
    'a key used before gives its operation at a mint that is %s since',
    async (how) => {
      const on = await bench({ stub: true })
      const { wallet, wire } = await on.funded(63)
      const { mintUrl } = on
      const request = on.invoice(8)
      const again = [
        () => wallet.mint.prepare({ mintUrl, amount: 5, key: 'mint' }),
        () => wallet.melt.prepare({ mintUrl, request, key: 'melt' }),
        () => wallet.send.prepare({ mintUrl, amount: 4, key: 'send' }),
        () => wallet.swap.prepare({ mintUrl, amounts: [2], key: 'swap' }),
        () => wallet.restore.prepare({ mintUrl, key: 'restore' }),
      ]
      const before = await Promise.all(again.map(async (prepare) => (await prepare()).id))
      if (how === 'distrusted') await wallet.mints.distrust(mintUrl)
      else {
        wire.always = redirect('https://new.example/v1')
        await failure(wallet.mints.refresh(mintUrl))
      }
      expect(await Promise.all(again.map(async (prepare) => (await prepare()).id))).toEqual(before)
      const code = how === 'moved' ? 'MINT_MOVED' : 'MINT_NOT_TRUSTED'
      expect(await failure(wallet.send.prepare({ mintUrl, amount: 4, key: 'another' }))).toMatchObject({ code })
    },
  )

  test('is known after a restart, and goes on at its new address when a person says so', async () => {
    const on = await bench({ stub: true })
    const first = await on.funded(64)
    const oldUrl = on.mintUrl
    const swap = await first.wallet.swap.prepare({ mintUrl: oldUrl, amounts: [4] })
    const elsewhere = await atAnotherAddress(on)
    first.wire.always = redirect(`${elsewhere}/v1/swap`)
    const waits = reached(first, 'swap', 'exchanging.backoff')
    void swap.execute().catch(() => {})
    await waits
    await eventually('it is stored', async () => (await on.rows())['mints']![0]!['moved'] !== null)
    first.drop()

    const { wallet, wire } = await on.open()
    expect((await wallet.mints.list())[0]!.movedTo).toBe(elsewhere)
    expect((await wallet.operations.explain(swap.id)).why).toContain(`the mint moved to ${elsewhere}`)
    // Whatever is still sent to the old address is never answered.
    wire.deaf.add(new URL(oldUrl).origin)
    // Another mint is not this one, whatever is said.
    const stranger = await createMintServer({ store: memoryStore(), crypto: stubCrypto, lightning: { autoPayMs: 0 } })
    expect(await failure(wallet.mints.rebind(oldUrl, stranger.url))).toMatchObject({ code: 'MINT_MISMATCH' })
    await stranger.close()
    const known = await wallet.mints.rebind(oldUrl, elsewhere)
    expect(known).toMatchObject({ mintUrl: oldUrl, address: elsewhere, movedTo: undefined })
    await (await wallet.swap.get(swap.id)).finished()
    expect(await money({ wallet })).toMatchObject({ spendable: 64, reserved: 0 })
    // Trusting the new address is trusting the mint that is there.
    expect(await wallet.mints.trust(elsewhere)).toMatchObject({ mintUrl: oldUrl })
    expect(await wallet.mints.list()).toHaveLength(1)
  })
})
