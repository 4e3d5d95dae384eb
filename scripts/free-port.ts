/** Ports for servers that come and go. */
import { once } from 'node:events'
import { createServer } from 'node:net'

const LOWEST = 15_000
/** Systems give ports from here on to connections that ask for none: Linux from 32,768, others higher. */
const END = 32_768

/**
 * A port of this machine that nobody uses, and that no connection is given while the server behind it is away. From among
 * those ports a client that knocks again and again would at last be connected to itself, and keep the server out.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (END - LOWEST))
    const probe = createServer().listen(port, '127.0.0.1')
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}
