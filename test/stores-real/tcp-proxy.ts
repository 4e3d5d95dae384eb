/** A wire between a client and a server that can be cut or held at a chosen moment. */
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/**
 * What becomes of some bytes: they go on; both ends are cut off and nothing goes on; or they, and what follows, are
 * held for good, and the server never learns that its client is gone.
 */
export type Verdict = 'pass' | 'cut' | 'hold'

export interface Rules {
  /** Asked for what a client sends. */
  readonly request?: (text: string) => Verdict
  /** Asked for what the server sends. */
  readonly answer?: (text: string) => Verdict
}

export interface TcpProxy {
  readonly port: number
  /** For all connections from now on. */
  rules: Rules
  /** Cuts off what is held or goes through now. */
  drop(): Promise<void>
  close(): Promise<void>
}

export async function tcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let isHeld = false
    const cut = (): void => {
      client.destroy()
      upstream.destroy()
    }
    const pipe = (from: Socket, to: Socket, rule: 'request' | 'answer'): void => {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (bytes) => {
        const verdict = isHeld ? 'hold' : (proxy.rules[rule]?.(bytes.toString('latin1')) ?? 'pass')
        if (verdict === 'cut') cut()
        else if (verdict === 'hold') isHeld = true
        else to.write(bytes)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        if (!isHeld) to.destroy()
      })
    }
    pipe(client, upstream, 'request')
    pipe(upstream, client, 'answer')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    rules: {},
    async drop() {
      for (const socket of sockets) socket.destroy()
      while (sockets.size > 0) await setImmediate()
    },
    async close() {
      await proxy.drop()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** Does something to the first bytes that contain a text, and lets everything else pass. */
export function first(
  text: string,
  verdict: Verdict,
): { readonly rule: (bytes: string) => Verdict; readonly met: () => boolean } {
  let isMet = false
  return {
    met: () => isMet,
    rule(bytes) {
      if (isMet || !bytes.includes(text)) return 'pass'
      isMet = true
      return verdict
    },
  }
}
