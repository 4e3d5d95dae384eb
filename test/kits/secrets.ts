/** Finds what must stay secret in rows and on the wire. */

/** Every value of these properties, however deep. */
const SECRET = new Set(['secret', 'r', 'C', 'C_', 'privateKey', 'token', 's', 'e', 'body'])

export function secretsIn(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    // Snapshots, timers and bodies are JSON texts.
    if (/^[{[]/.test(value))
      try {
        secretsIn(JSON.parse(value), found)
      } catch {
        // An ordinary text.
      }
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (SECRET.has(key) && typeof inner === 'string' && inner.length >= 16) found.add(inner)
    secretsIn(inner, found)
  }
}
