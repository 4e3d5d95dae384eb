/** The remote signatory: that it signs as the local one does, for its mint alone, and what its client makes of faults. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { jsonLines } from '../../src/mint-server/cli/log.ts'
import { remoteSignatory, signatoryServer } from '../../src/mint-server/signatory/signatory-http.ts'
import { localSignatory, SignatoryRefusal, type Signatory } from '../../src/mint-server/signatory/signatory.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'

const TOKEN = 'a token that nobody knows'.replaceAll(' ', '-')
const running = new Set<() => Promise<unknown>>()

afterEach(async () => {
  for (const stop of running) await stop()
  running.clear()
})

const local = localSignatory({ seed: new Uint8Array(32).fill(5), crypto: nobleMintCrypto })
const sat = { unit: 'sat', generation: 0 }
const derive = nobleCrypto.deriver(new Uint8Array(64).fill(1), '00aabbccddeeff00')

/** Outputs and what it takes to make proofs of their signatures. */
const blinded = (count: number) =>
  Array.from({ length: count }, (_, n) => {
    const { secret, r } = derive(n)
    return { secret, r, output: { ...sat, amount: 2 ** (n % 4), B_: nobleCrypto.blind(secret, r) } }
  })

async function served(signatory: Signatory = local, lines: string[] = []) {
  const log = jsonLines((line) => lines.push(line))
  const server = await signatoryServer({ signatory, token: TOKEN, log })
  running.add(() => server.close())
  return server
}

describe('served', () => {
  test('gives the same keys, signatures and verdicts as in this process', async () => {
    const lines: string[] = []
    const { url } = await served(local, lines)
    const remote = remoteSignatory({ url: `${url}/`, token: TOKEN })
    const amounts = [1, 2, 4, 8]
    const keys = await remote.publicKeys(sat, amounts)
    expect(keys).toEqual(await local.publicKeys(sat, amounts))
    expect(await remote.publicKeys({ unit: 'usd', generation: 3 }, [64])).toEqual(
      await local.publicKeys({ unit: 'usd', generation: 3 }, [64]),
    )

    const wanted = blinded(4)
    const outputs = wanted.map(({ output }) => output)
    const signatures = await remote.sign(outputs)
    // DLEQ proofs have no randomness either.
    expect(signatures).toEqual(await local.sign(outputs))
    expect(await remote.sign(outputs)).toEqual(signatures)

    const proofs = wanted.map(({ secret, r, output }, n) => {
      const C = nobleCrypto.unblind(signatures[n]!.C_, r, keys[output.amount]!)
      return { ...sat, amount: output.amount, secret, C }
    })
    const doubtful = [
      ...proofs,
      { ...proofs[0]!, secret: 'another' },
      { ...proofs[0]!, amount: 2 },
      { ...proofs[0]!, C: 'none' },
    ]
    expect(await remote.verify(doubtful)).toEqual([true, true, true, true, false, false, false])

    const log = lines.join('')
    expect(log).toContain('"route":"/v1/sign","status":200')
    const told = [
      TOKEN,
      ...signatures.map(({ C_ }) => C_),
      ...wanted.map(({ secret }) => secret),
      ...outputs.map((o) => o.B_),
    ]
    for (const secret of told) expect(log).not.toContain(secret)
  })

  test('does nothing for a mint that means other keys, and does not call that a refusal', async () => {
    const { url } = await served()
    const remote = remoteSignatory({ url, token: TOKEN, retries: 0 })
    const [{ secret, output }] = blinded(1) as [ReturnType<typeof blinded>[number]]
    const { 1: ours, 2: other } = await local.publicKeys(sat, [1, 2])
    const proof = { ...sat, amount: 1, secret, C: output.B_ }
    expect(await remote.sign([{ ...output, key: ours }])).toEqual(await local.sign([output]))
    expect(await remote.verify([{ ...proof, key: ours }])).toEqual([false])
    for (const asked of [remote.sign([{ ...output, key: other }]), remote.verify([{ ...proof, key: other }])])
      expect(await asked.catch((error: unknown) => error)).toMatchObject({ name: 'Error' })
  })

  test('signs a thousand outputs at once, and no more', async () => {
    const quick = localSignatory({ seed: new Uint8Array(32), crypto: stubCrypto })
    const { url } = await served(quick)
    const remote = remoteSignatory({ url, token: TOKEN, retries: 0 })
    const outputs = Array.from({ length: 1000 }, (_, n) => {
      return {
        ...sat,
        amount: 1,
        B_: stubCrypto.blind(`secret ${n}`, stubCrypto.privateKey(new Uint8Array(32).fill(1))),
      }
    })
    expect(await remote.sign(outputs)).toEqual(await quick.sign(outputs))
    await expect(remote.sign([...outputs, outputs[0]!])).rejects.toThrow('does not answer')
  })

  test('what it refuses, it refuses once and for all', async () => {
    let calls = 0
    const { url } = await served({
      ...local,
      sign: (outputs) => {
        calls++
        return local.sign(outputs)
      },
    })
    const remote = remoteSignatory({ url, token: TOKEN })
    const [good] = blinded(1)
    const outputs = [good!.output, { ...good!.output, B_: `02${'f'.repeat(64)}` }]
    const refused = remote.sign(outputs)
    await expect(refused).rejects.toThrow(SignatoryRefusal)
    await expect(refused).rejects.toThrow('B_ is not on the curve')
    expect(calls).toBe(1)
  })

  test('who has not the token gets nothing', async () => {
    const { url } = await served()
    const body = JSON.stringify({ outputs: [] })
    const wrong = [undefined, '', 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `bearer ${TOKEN}`, TOKEN]
    for (const authorization of wrong)
      for (const path of ['/v1/sign', '/v1/verify', '/v1/public-keys', '/elsewhere']) {
        const headers = authorization === undefined ? {} : { authorization }
        const answer = await fetch(url + path, { method: 'POST', body, headers })
        expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([401, ['detail', 'code']])
      }
    expect((await fetch(`${url}/health`)).status).toBe(200)
    for (const token of ['', 'short', 'ü'.repeat(20), 'with a space in between'])
      await expect(signatoryServer({ signatory: local, token })).rejects.toThrow('token')
  })

  test('what is no request', async () => {
    const { url } = await served()
    const headers = { authorization: `Bearer ${TOKEN}` }
    const post = (path: string, body: string) => fetch(url + path, { method: 'POST', body, headers })
    const [one] = blinded(1)
    const bodies = [
      '',
      '[]',
      '{}',
      '{"outputs":7}',
      JSON.stringify({ outputs: [{ ...one!.output, amount: -1 }] }),
      JSON.stringify({ outputs: [{ ...one!.output, generation: 0.5 }] }),
      JSON.stringify({ outputs: [{ ...one!.output, unit: 7 }] }),
      JSON.stringify({ outputs: [{ ...one!.output, B_: null }] }),
    ]
    for (const body of bodies) expect([body, (await post('/v1/sign', body)).status]).toEqual([body, 400])
    expect((await post('/v1/public-keys', JSON.stringify({ ...sat, amounts: '1' }))).status).toBe(400)
    expect((await post('/v1/verify', JSON.stringify({ proofs: [{}] }))).status).toBe(400)
    expect((await post('/v1/nothing', '{}')).status).toBe(404)
    expect((await fetch(`${url}/v1/sign`, { headers })).status).toBe(404)
    expect((await post('/v1/sign', `{"a":"${'x'.repeat(2 ** 22)}"}`)).status).toBe(413)
  })

  test('a failure inside shows nothing', async () => {
    const failing = () => Promise.reject(new Error('the seed is in /secret'))
    const { url } = await served({ ...local, sign: failing })
    const headers = { authorization: `Bearer ${TOKEN}` }
    const answer = await fetch(`${url}/v1/sign`, { method: 'POST', body: '{"outputs":[]}', headers })
    expect([answer.status, await answer.text()]).toEqual([503, '{"detail":"the server cannot answer now"}'])
  })
})

/** A server that answers as it is told, once for each told; the last for ever. */
async function telling(...answers: readonly { status: number; body: string }[]) {
  let asked = 0
  const server: Server = createServer((request, response) => {
    request.resume()
    const { status, body } = answers[Math.min(asked++, answers.length - 1)]!
    response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {}).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  running.add(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}

/** A clock whose pauses take no time, and are noted; the limit of a try never ends. */
function hasty(timeoutMs: number) {
  const pauses: number[] = []
  const clock = {
    now: () => 0,
    monotonicMs: () => 0,
    setTimeout(call: () => void, delayMs: number) {
      if (delayMs === timeoutMs) return undefined
      pauses.push(delayMs)
      queueMicrotask(call)
    },
    clearTimeout: () => {},
  }
  return { clock, pauses, timeoutMs }
}

describe('its client', () => {
  const [one] = blinded(1)
  const good = async () => JSON.stringify({ signatures: await local.sign([one!.output]) })

  test('tries again after everything but a refusal, with growing pauses', async () => {
    const { clock, pauses, timeoutMs } = hasty(9999)
    const { C_, dleq } = (await local.sign([one!.output]))[0]!
    const bad = [
      ...[400, 401, 403, 404, 408, 413, 429, 500, 502, 503].map((status) => ({ status, body: '{"detail":"no"}' })),
      { status: 307, body: '' },
      { status: 200, body: '' },
      { status: 200, body: '<html>' },
      { status: 200, body: '{}' },
      { status: 200, body: '{"signatures":[]}' },
      { status: 200, body: JSON.stringify({ signatures: [{ C_: 'none', dleq }] }) },
      { status: 200, body: JSON.stringify({ signatures: [{ C_, dleq: { e: dleq.e } }] }) },
      {
        status: 200,
        body: JSON.stringify({
          signatures: [
            { C_, dleq },
            { C_, dleq },
          ],
        }),
      },
      { status: 422, body: '<html>' },
    ]
    const { url, asked } = await telling(...bad, { status: 200, body: await good() })
    const remote = remoteSignatory({ url, token: TOKEN, timeoutMs, retries: bad.length, clock })
    expect(await remote.sign([one!.output])).toEqual(await local.sign([one!.output]))
    expect([asked(), pauses.length]).toEqual([bad.length + 1, bad.length])
    expect(pauses.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 2000, 2000])
  })

  test('gives up after its retries, and says nothing about the outcome', async () => {
    const { clock, timeoutMs } = hasty(9999)
    const { url, asked } = await telling({ status: 503, body: '{}' })
    const remote = remoteSignatory({ url, token: TOKEN, timeoutMs, retries: 2, clock })
    const given = await remote.verify([]).catch((error: unknown) => error)
    expect(given).toBeInstanceOf(Error)
    expect(given).not.toBeInstanceOf(SignatoryRefusal)
    expect(String(given)).toContain('does not answer')
    expect(asked()).toBe(3)
    const gone = remoteSignatory({ url: 'http://127.0.0.1:1', token: TOKEN, timeoutMs, retries: 1, clock })
    await expect(gone.verify([])).rejects.toThrow('does not answer')
  })

  test('checks that all keys and verdicts are there', async () => {
    const { clock, timeoutMs } = hasty(9999)
    const options = { token: TOKEN, timeoutMs, retries: 0, clock }
    const keys = await local.publicKeys(sat, [1, 2])
    const some = await telling({ status: 200, body: JSON.stringify({ keys }) })
    expect(await remoteSignatory({ ...options, url: some.url }).publicKeys(sat, [2])).toEqual({ 2: keys[2] })
    await expect(remoteSignatory({ ...options, url: some.url }).publicKeys(sat, [1, 2, 4])).rejects.toThrow(
      'not answer',
    )
    const verdicts = await telling({ status: 200, body: '{"genuine":[true,"yes"]}' })
    const proof = { ...sat, amount: 1, secret: 's', C: 'c' }
    await expect(remoteSignatory({ ...options, url: verdicts.url }).verify([proof, proof])).rejects.toThrow(
      'not answer',
    )
  })

  test('gives each try its time', async () => {
    const clock = new VirtualClock(0)
    let tries = 0
    const hanging: typeof fetch = (_, init) => {
      tries++
      return new Promise((_, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error))
      })
    }
    const remote = remoteSignatory({ url: 'http://x', token: TOKEN, timeoutMs: 500, retries: 2, clock, fetch: hanging })
    const asked = remote.verify([]).catch((error: unknown) => error)
    // Three tries and the two pauses between them.
    for (let n = 0; n < 5; n++) {
      while (!clock.advance()) await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await asked).toMatchObject({ cause: { message: 'the signatory took too long' } })
    expect([tries, clock.now()]).toEqual([3, 500 + 100 + 500 + 200 + 500])
  })

  test('stops when it is told to, in a try and in a pause', async () => {
    const clock = new VirtualClock(0)
    const { url } = await telling({ status: 503, body: '{}' })
    const remote = remoteSignatory({ url, token: TOKEN, clock })
    const reason = new Error('enough')
    await expect(remote.verify([], AbortSignal.abort(reason))).rejects.toBe(reason)
    const stop = new AbortController()
    const asked = remote.verify([], stop.signal).catch((error: unknown) => error)
    // The first try has failed, and only the pause is left.
    while (!clock.ringsMs.includes(100)) await new Promise((resolve) => setImmediate(resolve))
    stop.abort(reason)
    expect(await asked).toBe(reason)
    const hanging: typeof fetch = (_, init) =>
      new Promise((_, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error))
        stopTrying.abort(reason)
      })
    const stopTrying = new AbortController()
    const trying = remoteSignatory({ url, token: TOKEN, clock, fetch: hanging })
    await expect(trying.verify([], stopTrying.signal)).rejects.toBe(reason)
  })
})
