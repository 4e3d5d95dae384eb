/** Reads of many rows for one request, which must not take all connections to the database at once. */

/** How many rows are read at once. */
const WAVE = 16

/** What a read gives for each item, in their order. */
export async function inWaves<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const found: R[] = []
  for (let at = 0; at < items.length; at += WAVE)
    found.push(...(await Promise.all(items.slice(at, at + WAVE).map((item) => read(item)))))
  return found
}
