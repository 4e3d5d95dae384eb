/** Typed readers of what a scenario wrote down. */

/** Notes by name, as the world keeps them. */
export type Notes = Readonly<Record<string, unknown>>

/** A text that was noted. @throws {TypeError} where none was. */
export function notedText(notes: Notes, name: string): string {
  const { [name]: text } = notes
  if (typeof text !== 'string') throw new TypeError(`no text was noted as '${name}'`)
  return text
}

/** A number that was noted. @throws {TypeError} where none was. */
export function notedNumber(notes: Notes, name: string): number {
  const { [name]: count } = notes
  if (typeof count !== 'number') throw new TypeError(`no number was noted as '${name}'`)
  return count
}

/** A note of one shape. Whoever reads and writes it does so through this, so that nothing else is found by its name. */
export interface Note<T> {
  in(notes: Notes): T | undefined
  write(stage: { note(name: string, value: unknown): void }, value: T): void
}

export const noteOf = <T>(name: string): Note<T> => ({
  in: (notes) => notes[name] as T | undefined,
  write: (stage, value) => stage.note(name, value),
})
