/** Every chart in machines/, with the path of its file. */
import { globSync } from 'node:fs'
import { StateMachine, type AnyStateMachine } from 'xstate'

const root = new URL('../..', import.meta.url)

/** Path and machine, for `test.each`. */
export const everyMachine: readonly (readonly [string, AnyStateMachine])[] = (
  await Promise.all(
    globSync('machines/**/*.ts', { cwd: root }).map(async (path) => {
      const exported = (await import(new URL(path, root).href)) as Readonly<Record<string, unknown>>
      const found = Object.values(exported).filter((value) => value instanceof StateMachine)
      return found.map((machine: AnyStateMachine) => [path, machine] as const)
    }),
  )
).flat()
