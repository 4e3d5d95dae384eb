/** What is tried one after the other, and what came of it. */

export interface Step {
  /** Whose wallet, at whose mint. */
  readonly part: string
  readonly step: string
  /** What was found; where it is not fine, what was wrong. */
  readonly found: string
  readonly isFine: boolean
  readonly ms: number
}

/** Does one step: `work` says what it found, or throws. What fails is noted, and the next steps are tried all the same. */
export type Try = (step: string, work: () => Promise<string>) => Promise<void>

export class Steps {
  readonly all: Step[] = []
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  part(part: string): Try {
    return async (step, work) => {
      const startedAt = performance.now()
      const [isFine, found] = await work().then(
        (found) => [true, found] as const,
        (error: unknown) => [false, firstLine(error)] as const,
      )
      const ms = Math.round(performance.now() - startedAt)
      this.all.push({ part, step, found, isFine, ms })
      this.#say(`${isFine ? 'ok ' : 'BAD'} ${part}: ${step}: ${found}`)
    }
  }
}

const firstLine = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0]!

/** What something fails of, in one line; `done` where it does not. */
export const outcomeOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', firstLine)

/** @throws {Error} saying both, where they are not the same. */
export function same(what: string, found: string | number, expected: string | number): void {
  if (found !== expected) throw new Error(`${what}: ${found}, expected ${expected}`)
}
