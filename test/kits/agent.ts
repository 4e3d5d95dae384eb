/** Wallets in processes of their own, which do what a test says, and can be killed, stopped and woken up. */
import { startScript, type Child } from '../../scripts/kill-lab/children.ts'
import type { Wallet } from '../../src/index.ts'

/** Where a wallet's rows are. */
export type AgentStore = { readonly path: string } | { readonly connection: string; readonly namespace: string }

export interface AgentPlan {
  readonly store: AgentStore
  /** Hex. */
  readonly seed: string
}

/** What functions that run in an agent can use. */
export interface AgentStage {
  readonly wallet: Wallet
  /** For what one function leaves to a later one. */
  readonly kept: Record<string, unknown>
}

export interface Agent {
  /** Runs a function in the process: it knows its arguments, and nothing of what is around it here. */
  run<A extends readonly unknown[], T>(act: (stage: AgentStage, ...args: A) => Promise<T> | T, ...args: A): Promise<T>
  /** SIGKILL ends it for good; SIGSTOP holds it until SIGCONT. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  readonly ended: Child['ended']
}

/** What is said to an agent, and what it answers; each a line of JSON. */
export interface Order {
  readonly n: number
  readonly act: string
  readonly args: readonly unknown[]
}
export type Answer = { readonly n: number } & ({ readonly value: unknown } | { readonly error: string })

/** Starts a process, which opens its wallet at once. */
export function startAgent(plan: AgentPlan): Agent {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  const child = startScript(new URL('./agent-process.ts', import.meta.url), [JSON.stringify(plan)], (line) => {
    const answer = JSON.parse(line) as Answer
    const order = waiting.get(answer.n)
    waiting.delete(answer.n)
    if ('error' in answer) order?.reject(new Error(answer.error))
    else order?.resolve(answer.value as never)
  })
  let orders = 0
  return {
    run(act, ...args) {
      const n = ++orders
      child.tell(JSON.stringify({ n, act: String(act), args } satisfies Order))
      return new Promise((resolve, reject) => waiting.set(n, { resolve, reject }))
    },
    signal: (signal) => child.kill(signal),
    ended: child.ended,
  }
}
