/** How long a step that met conflicts on other rows is computed again. */
import type { Kernel } from '../kernel.ts'
import { HardshellError } from '../util/errors.ts'
import { sleep } from '../util/ports.ts'

/** Conflicts after which it is given up. Each means that another operation got through. */
const MOST_CONFLICTS = 200
/** How many conflicts are retried without a pause. */
const QUICK_TRIES = 2

/**
 * Pauses after the nth conflict of one step: the more often, the longer, where many are at the same rows at once.
 *
 * @throws {HardshellError} `CONTENTION` where there were too many
 */
export async function afterConflict(
  kernel: Kernel,
  tries: number,
  { signal, gaveUp }: { readonly signal: AbortSignal; readonly gaveUp: string },
): Promise<void> {
  if (tries >= MOST_CONFLICTS) throw new HardshellError('CONTENTION', gaveUp)
  if (tries > QUICK_TRIES) await sleep(kernel.clock, Math.ceil(1 + (tries % 16) * 2 * kernel.chance()), signal)
}
