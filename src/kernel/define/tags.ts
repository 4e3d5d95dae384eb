/** The tags of states that mean something to the kernel and its tools. A chart may have others, which are its own. */

/** What each tag says of a state, and what must then hold of it. */
export const TAGS = {
  /**
   * The state is over within its step: it invokes one `local()`, and nothing else happens in it. A local step anywhere
   * else is refused, and so is the tag without one.
   */
  local: 'invokes one local step',
  /**
   * The operation waits for a person or a caller: nothing else need lead on. Such a state takes an event of a caller.
   * `explain` says `needsHuman`. Without the tag, a state from which only a caller’s event leads on counts as stuck.
   */
  human: 'waits for a person or a caller',
  /**
   * The caller’s question is answered, though work may go on behind it. A chart that has the tag has it on its final
   * states too.
   */
  ended: 'the caller’s question is answered',
} as const

/** A tag that the kernel and its tools know. */
export type Tag = keyof typeof TAGS
