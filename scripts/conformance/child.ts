/** Programs that are run here end with this process, however that ends in an orderly way. */
import { spawn, type ChildProcessWithoutNullStreams, type SpawnOptionsWithoutStdio } from 'node:child_process'
import { once } from 'node:events'

const running = new Set<ChildProcessWithoutNullStreams>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a program; `ended` resolves to its exit code, null where a signal ended it or it did not start. */
export function run(
  command: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio,
): { readonly child: ChildProcessWithoutNullStreams; readonly ended: Promise<number | null> } {
  const child = spawn(command, args, options)
  running.add(child)
  // What is written to one that has ended is lost (EPIPE); its exit tells.
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(
    ([code]) => {
      running.delete(child)
      return code as number | null
    },
    () => {
      running.delete(child)
      return null
    },
  )
  return { child, ended }
}
