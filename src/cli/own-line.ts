/** What those commands share that read their own line: how it is read, and how they say what went wrong. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { EXIT, Misused } from './errors.ts'

/** Reads a command's line. @throws {Misused} */
export function ownLine<const Config extends ParseArgsConfig>(config: Config) {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new Misused(error instanceof Error ? error.message : String(error))
  }
}

/** An error with the place where it was thrown: it may be one of the user's own program. */
export const traced = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** Runs a command, whose answer is the exit code. `textOf` says of an error what it shows, unless the line is wrong. */
export async function runOwn(
  name: string,
  run: (args: string[]) => Promise<number>,
  textOf: (error: unknown) => string = traced,
): Promise<void> {
  const [, , , ...args] = process.argv
  try {
    process.exitCode = await run(args)
  } catch (error) {
    const isUsage = error instanceof Misused
    const text = isUsage ? error.message : textOf(error)
    process.stderr.write(`hardshell ${name}: ${text}${isUsage ? ' (--help explains)' : ''}\n`)
    process.exitCode = isUsage ? EXIT.misused : EXIT.failed
  }
}
