/** What the tests of `npm run mutate` make mistakes in: its own tests look at one of the two closely. */
export const isFree = (age: number): boolean => age < 6

export const fee = (count: number): number => (count > 10 ? 0 : 5)

export async function firstFree(ages: AsyncIterable<number>): Promise<number | undefined> {
  for await (const age of ages) if (isFree(age)) return age
  return undefined
}
