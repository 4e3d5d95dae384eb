/** A life that may also freeze, like a stopped process or a tab in the background, while the world goes on. */
import { Life, type VirtualClock } from '../explorer/life.ts'
import { ProcessClock } from '../explorer/process-clock.ts'

/** No answer and no timer reaches a frozen process, and no request leaves it. All of them do when it thaws. */
export class FrozenLife extends Life {
  readonly clock: ProcessClock
  /** Aborts when the process dies, for what the system does then. */
  readonly death = new AbortController()
  readonly #world: VirtualClock
  #thawing: Promise<void> | undefined
  /** When it thawed last, by the world's clock. */
  thawedAtMs = -Infinity

  constructor(world: VirtualClock) {
    super()
    this.#world = world
    this.clock = new ProcessClock(world)
  }

  get frozen(): boolean {
    return this.#thawing !== undefined
  }

  /** Freezes the process from now on, for this long. */
  freeze(forMs: number): void {
    this.#thawing ??= this.clock.standing(async () => {
      await this.#world.pause(forMs)
      this.#thawing = undefined
      this.thawedAtMs = this.#world.rightMs
    })
  }

  /** Resolves at once; if the process is frozen, when it thaws; if it is dead, never. */
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
