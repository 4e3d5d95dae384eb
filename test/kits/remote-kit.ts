/** Wallets and their far sides, in one process or several, and what goes between them. */
import { onTestFinished } from 'vitest'
import type { Wallet } from '../../src/index.ts'
import { connectWallet, serveWallet, type Allow, type Port, type RemoteWallet } from '../../src/remote/index.ts'

/** Every verb, without limits. */
export const EVERYTHING = {
  balances: true,
  control: true,
  events: true,
  history: true,
  kv: true,
  melt: true,
  mint: true,
  mints: true,
  operations: true,
  rebind: true,
  receive: true,
  restore: true,
  send: true,
  swap: true,
  trust: true,
} as const satisfies Required<Allow>

export interface Linked {
  readonly far: RemoteWallet
  /** The far side's own port, and the near side's. */
  readonly ports: readonly [far: MessagePort, near: MessagePort]
  /** Every message that crossed, in both directions. */
  readonly crossed: readonly string[]
  /** Serves no more, and again. */
  stop(): void
  serve(wallet?: Wallet, allow?: Allow): void
}

/** A port that keeps what comes out of it. */
const tapped = (port: MessagePort, crossed: string[]): Port => ({
  postMessage: (message) => port.postMessage(message),
  addEventListener: (event, listener) => port.addEventListener(event, listener),
  removeEventListener: (event, listener) => port.removeEventListener(event, listener),
  start() {
    port.addEventListener('message', ({ data }) => crossed.push(String(data)))
    port.start()
  },
})

/** A wallet and a far side of it, on a channel of the DOM's kind. */
export async function linked(wallet: Wallet, allow: Allow = EVERYTHING, options = {}): Promise<Linked> {
  const { port1, port2 } = new MessageChannel()
  const crossed: string[] = []
  let served = serveWallet(wallet, tapped(port1, crossed), { allow })
  const far = await connectWallet(tapped(port2, crossed), options)
  onTestFinished(async () => {
    await far.close()
    served.close()
    port1.close()
    port2.close()
  })
  return {
    far,
    ports: [port2, port1],
    crossed,
    stop: () => served.close(),
    serve(again = wallet, allowed = allow) {
      served = serveWallet(again, port1, { allow: allowed })
    },
  }
}
