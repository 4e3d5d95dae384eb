/**
 * The clients' crypto, in a thread of its own: the other one is always free to hear an answer when it comes, so that
 * what a request took is what the mint took.
 */
import { randomBytes } from 'node:crypto'
import { parentPort, Worker } from 'node:worker_threads'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import type { Blinded, Output, Proof, Signature } from './protocol.ts'

/** What clients compute. */
const calls = {
  /** New outputs of these amounts. */
  blind: (amounts: readonly number[], id: string): Blinded[] =>
    amounts.map((amount) => {
      const secret = randomBytes(32).toString('hex')
      const r = nobleCrypto.privateKey(randomBytes(32))
      return { message: { amount, id, B_: nobleCrypto.blind(secret, r) } satisfies Output, secret, r }
    }),
  /** The proofs of signed outputs. @throws {Error} The mint did not sign what it was asked to. */
  unblind: (
    signed: readonly { readonly output: Blinded; readonly signature: Signature }[],
    keys: Readonly<Record<string, string>>,
  ): Proof[] =>
    signed.map(({ output: { message, secret, r }, signature: { id, amount, C_, dleq } }) => {
      const key = keys[amount]
      const holds = key !== undefined && id === message.id && nobleCrypto.verifyDleq(message.B_, C_, key, dleq)
      if (!holds) throw new Error('a signature of the mint does not hold')
      return { id, amount, secret, C: nobleCrypto.unblind(C_, r, key) }
    }),
  /** The points that the mint knows proofs by. */
  points: (secrets: readonly string[]): string[] => secrets.map((secret) => nobleCrypto.hashToCurve(secret)),
}

type Calls = typeof calls
type Name = keyof Calls

interface Asked {
  readonly id: number
  readonly name: Name
  readonly args: readonly unknown[]
}
type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: unknown })

export type ClientCrypto = { [N in Name]: (...args: Parameters<Calls[N]>) => Promise<ReturnType<Calls[N]>> } & {
  end(): Promise<void>
}

export function startCrypto(): ClientCrypto {
  const worker = new Worker(new URL(import.meta.url))
  const waiting = new Map<number, (reply: Reply) => void>()
  let count = 0
  worker.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply))
  const call =
    (name: Name) =>
    (...args: readonly unknown[]): Promise<never> =>
      new Promise((resolve, reject) => {
        const id = count++
        waiting.set(id, (reply) => {
          waiting.delete(id)
          if ('error' in reply) reject(reply.error as Error)
          else resolve(reply.result as never)
        })
        worker.postMessage({ id, name, args } satisfies Asked)
      })
  return {
    blind: call('blind'),
    unblind: call('unblind'),
    points: call('points'),
    end: async () => void (await worker.terminate()),
  }
}

parentPort?.on('message', ({ id, name, args }: Asked) => {
  try {
    const result = (calls[name] as (...args: readonly unknown[]) => unknown)(...args)
    parentPort!.postMessage({ id, result } satisfies Reply)
  } catch (error) {
    parentPort!.postMessage({ id, error } satisfies Reply)
  }
})
