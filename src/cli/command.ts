/** What a command is: its arguments, its help, and what it does. Node's own `parseArgs` reads the line. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { Interrupted, Misused } from './errors.ts'
import { output, type Output } from './output.ts'

/** One option of a command. */
export interface Option {
  /** What stands for its value in the help; an option without one is a switch. */
  readonly value?: string
  /** What it does, in the help. */
  readonly help: string
}

/** Options by their names. */
export type Options = { readonly [name: string]: Option }

/** What was given on the command line. */
export class Given<Name extends string = string> {
  readonly #values: Readonly<Record<string, unknown>>
  /** What stands there without a name. */
  readonly words: readonly string[]

  constructor(values: Readonly<Record<string, unknown>>, words: readonly string[]) {
    this.#values = values
    this.words = words
  }

  /** The value of an option. */
  text(name: Name): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** Whether a switch was given. */
  has(name: Name): boolean {
    return this.#values[name] === true
  }

  /** A whole number. @throws {Misused} */
  count(name: Name, least = 0): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : countOf(text, `--${name}`, least)
  }
}

/** A whole number as somebody types it. @throws {Misused} which does not show it */
export function countOf(text: string, name: string, least = 0): number {
  const count = Number(text.replaceAll(/[_,](?=\d{3})/g, ''))
  if (!/^\d[\d_,]*$/.test(text) || !Number.isSafeInteger(count) || count < least)
    throw new Misused(`${name}: a whole number from ${least}`)
  return count
}

/** One call of a command. */
export interface Call<Name extends string = string> {
  readonly given: Given<Name>
  readonly out: Output
  /** Aborts at Ctrl-C: the waiting ends, no operation does. */
  readonly signal: AbortSignal
}

/** A command, or one of a group. */
export interface Command<O extends Options = Options> {
  /** What it does, in a line. */
  readonly summary: string
  /** What stands behind its name: `AMOUNT`, `[ID]`. */
  readonly usage: string
  /** How many words may stand there. */
  readonly words: readonly [least: number, most: number]
  /** Words that a shell can offer there. */
  readonly offers?: readonly string[]
  /** More of its help. */
  readonly about?: string
  readonly options: O
  /** Does it, and gives the exit code. */
  run(call: Call<keyof O & string>): Promise<number>
}

/** A command; its options' names are known to the compiler. */
export const command = <const O extends Options>(of: Command<O>): Command<O> => of

/** Commands that belong together: `hardshell wallet …`. */
export interface Group {
  readonly summary: string
  readonly about: string
  readonly commands: Readonly<Record<string, Command>>
}

/** Options of every command. */
export const COMMON = {
  json: { help: 'one JSON object as the last line, and errors too' },
  help: { help: 'says what all this is' },
} as const satisfies Options

/** What would be a secret on the command line, which other programs see, and which shells keep. */
const NEVER = /^--?(seed|phrase|mnemonic|passphrase|secret|private-?key)(=|$)/i

/** Refuses what names a secret, before anything else is said of the line. @throws {Misused} */
export function assertNoSecret(args: readonly string[]): void {
  const [name] = args.find((arg) => NEVER.test(arg))?.split('=') ?? []
  if (name === undefined) return
  throw new Misused(`${name}: a seed is never an argument, for other programs see arguments and shells keep them; it comes from a file (--seed-file FILE), a prompt, or HARDSHELL_SEED`) // prettier-ignore
}

/** Reads a command's line. @throws {Misused} */
export function read(of: Command, args: readonly string[]): Given {
  assertNoSecret(args)
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { value }] of Object.entries<Option>({ ...of.options, ...COMMON }))
    options[name] = { type: value === undefined ? 'boolean' : 'string', ...(name === 'help' && { short: 'h' }) }
  const { values, positionals } = parsed(args, options)
  const [least, most] = of.words
  if (values['help'] === true) return new Given(values, positionals)
  if (positionals.length < least) throw new Misused(`${of.usage} is missing`)
  if (positionals.length > most)
    throw new Misused(most === 0 ? 'nothing else may stand there' : `no more than ${of.usage} may stand there`)
  return new Given(values, positionals)
}

function parsed(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    // Node's message has one useful sentence, the first.
    throw new Misused(error instanceof Error ? (error.message.split(/\. |\n/)[0] ?? '') : 'the line cannot be read')
  }
}

/** Runs a command, says what goes wrong, and gives the exit code. */
export async function runCommand(of: Command, name: string, args: readonly string[]): Promise<number> {
  const out = output(args.includes('--json'))
  const interrupt = interruptible()
  try {
    const given = read(of, args)
    if (given.has('help')) {
      process.stdout.write(helpOf(of, name))
      return 0
    }
    return await of.run({ given, out, signal: interrupt.signal })
  } catch (error) {
    return out.fail(error)
  } finally {
    interrupt.end()
  }
}

/** The first Ctrl-C (or SIGTERM) ends the waiting; the second one the process, at once. */
function interruptible(): { readonly signal: AbortSignal; end(): void } {
  const stop = new AbortController()
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort(
      new Interrupted('INTERRUPTED', 'interrupted', 'What was begun goes on: `hardshell wallet pending` lists it.'),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  return {
    signal: stop.signal,
    end: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt)
    },
  }
}

/** Names and what they mean, under each other. */
function listed(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('')
}

/** The help of one command. */
export function helpOf({ usage, summary, about, options }: Command, name: string): string {
  const entries = Object.entries({ ...options, ...COMMON }).map(
    ([option, { value, help }]: [string, Option]): [string, string] => [
      `--${option}${value === undefined ? '' : ` ${value}`}`,
      help,
    ],
  )
  const line = ['hardshell', name, usage, '[options]'].filter((part) => part !== '').join(' ')
  return `${line}\n\n${[summary, about].filter((part) => part !== undefined).join('\n\n')}\n\n${listed(entries)}`
}

/** The help of a group. */
export function groupHelpOf({ summary, about, commands }: Group, name: string): string {
  const entries = Object.entries(commands).map(([each, of]): [string, string] => [
    `hardshell ${name} ${each}${of.usage === '' ? '' : ` ${of.usage}`}`,
    of.summary,
  ])
  return `hardshell ${name} COMMAND [options]\n\n${summary}\n\n${listed(entries)}\n${about}\n\nWith --help, each says what its options are.\n`
}

/** Runs a command of a group. */
export async function runGroup(group: Group, name: string, args: readonly string[]): Promise<number> {
  const [which, ...rest] = args
  if (which === '--help' || which === '-h' || which === 'help') {
    process.stdout.write(groupHelpOf(group, name))
    return 0
  }
  const names = Object.keys(group.commands).join(', ')
  const found = which !== undefined && Object.hasOwn(group.commands, which) ? group.commands[which] : undefined
  if (found && which !== undefined) return runCommand(found, `${name} ${which}`, rest)
  const out = output(args.includes('--json'))
  try {
    assertNoSecret(args)
  } catch (error) {
    return out.fail(error)
  }
  return out.fail(new Misused(`hardshell ${name} needs a command: ${names}`))
}
