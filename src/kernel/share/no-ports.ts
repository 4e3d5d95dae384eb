/**
 * Stands for the ports of a client that was given none: whatever is taken of it is it again, so that kinds can say how
 * their effects would be done. A call of it is a `TypeError` that says what is missing.
 */
export function noPorts(): unknown {
  const refuse = (): never => {
    throw new TypeError('a client has no ports: give it those that its local steps use')
  }
  const ports: object = new Proxy(refuse, { get: () => ports })
  return ports
}
