/** The mint's processes from outside: started, killed, started again at the same address, measured. */
import { readFileSync } from 'node:fs'
import { freePort } from '../free-port.ts'
import { startScript, type Child } from '../kill-lab/children.ts'
import type { Counted, MintArguments } from './mint.ts'
import type { Place } from './places.ts'

/** What a process has used since its start. */
export interface Usage extends Counted {
  /** CPU time of all its threads, as the system counts it. */
  readonly cpuMs: number
}

export interface MintProcess {
  readonly url: string
  usage(): Promise<Usage>
  /** Kills it, and starts it again at the same address; resolves when it listens. */
  crash(): Promise<void>
  /** Lets it end in order. @throws {Error} It did not. */
  stop(): Promise<void>
}

/** Starts a mint's process. Any number of them may share a place. */
export async function startMint(place: Place): Promise<MintProcess> {
  /** Who waits for the next line that the process prints. */
  let next = Promise.withResolvers<string>()

  const port = await freePort()

  const start = async (): Promise<{ child: Child; url: string }> => {
    next = Promise.withResolvers()
    const args = JSON.stringify({ place, port } satisfies MintArguments)
    const child = startScript(new URL('./mint.ts', import.meta.url), [args], (line) => next.resolve(line))
    const ended = child.ended.then(() => Promise.reject(new Error('the mint ended')))
    const line = await Promise.race([next.promise, ended])
    ended.catch(() => {})
    return { child, ...(JSON.parse(line) as { url: string }) }
  }

  const first = await start()
  const { url } = first
  let { child } = first
  return {
    url,
    async usage() {
      next = Promise.withResolvers()
      child.kill('SIGUSR2')
      const counted = JSON.parse(await next.promise) as Counted
      return { ...counted, cpuMs: cpuMsOf(child.pid) }
    },
    async crash() {
      child.kill('SIGKILL')
      await child.ended
      ;({ child } = await start())
    },
    async stop() {
      child.kill('SIGTERM')
      const { code, signal } = await child.ended
      if (code !== 0) throw new Error(`the mint ended with ${code ?? signal}`)
    },
  }
}

/** Linux counts in hundredths of a second. */
const TICK_MS = 10

/** User and system time of a process; the name of its program, in parentheses, may contain anything. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return TICK_MS * (Number(fields[11]) + Number(fields[12]))
}
