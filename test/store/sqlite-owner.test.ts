/**
 * Goal: of the processes on one SQLite file one is the owner, and another follows when that one dies. Method: real processes, killed with SIGKILL.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

type Child = ChildProcessByStdio<Writable, Readable, null>
let folder: string
let children: Child[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'owner-'))
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

/** Starts a process; gives the next role that it says it has. */
function start(): { child: Child; role: () => Promise<string> } {
  const program = fileURLToPath(import.meta.resolve('../kits/owner-process.ts'))
  const child = spawn(process.execPath, [program, join(folder, 'wallet.db')], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, role: async () => (await lines.next()).value as string }
}

test('another process becomes the owner when the owner is killed', async () => {
  const first = start()
  expect(await first.role()).toBe('owner')
  const others = [start(), start()]
  expect(await Promise.all(others.map(({ role }) => role()))).toEqual(['follower', 'follower'])
  const roles = others.map(({ role }) => role())
  first.child.kill('SIGKILL')
  expect(await Promise.race(roles)).toBe('owner')
  // One of them, and not the other.
  const still = Symbol('still')
  const second = Promise.all(roles)
  expect(await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 1_000, still))])).toBe(still)
})

test('another process becomes the owner when the owner closes', async () => {
  const first = start()
  expect(await first.role()).toBe('owner')
  const second = start()
  expect(await second.role()).toBe('follower')
  first.child.stdin.end()
  expect(await second.role()).toBe('owner')
  if (first.child.exitCode === null) await once(first.child, 'exit')
  expect(first.child.exitCode).toBe(0)
})
