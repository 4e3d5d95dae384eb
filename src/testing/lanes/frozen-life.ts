/** A life that may also stand still: as a process that is stopped, or a tab in the background, whose world goes on. */
import { Life, type VirtualClock } from '../explorer/life.ts'
import { ProcessClock } from '../explorer/process-clock.ts'

/** Nothing reaches a frozen process, no answer and no timer, and nothing leaves it; all of it does once it thaws. */
export class FrozenLife extends Life {
  readonly clock: ProcessClock
  /** Aborts when the process dies: what the system does then. */
  readonly death = new AbortController()
  readonly #world: VirtualClock
  #thawing: Promise<void> | undefined
  /** When it thawed last, by a clock that is right. */
  thawedAtMs = -Infinity

  constructor(world: VirtualClock) {
    super()
    this.#world = world
    this.clock = new ProcessClock(world)
  }

  get frozen(): boolean {
    return this.#thawing !== undefined
  }

  /** From now on, for so long. */
  freeze(forMs: number): void {
    this.#thawing ??= this.clock.standing(async () => {
      await this.#world.pause(forMs)
      this.#thawing = undefined
      this.thawedAtMs = this.#world.rightMs
    })
  }

  /** Resolves at once, unless it is frozen; never, where it is dead. */
  async awake(): Promise<void> {
    while (this.#thawing) await this.#thawing
    if (this.dead) await this.die()
  }

  override async call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#thawing) await this.awake()
    try {
      return await super.call(run)
    } finally {
      if (this.#thawing) await this.awake()
    }
  }

  override die(): Promise<never> {
    this.clock.stop()
    this.death.abort()
    return super.die()
  }
}
