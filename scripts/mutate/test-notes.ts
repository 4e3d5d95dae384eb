/** Set up in test files of a program with probes: once their tests are over, writes what ran. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll } from 'vitest'
import { taken } from './notes.ts'
import { NOTES } from './places.ts'

afterAll(() => writeFileSync(`${process.env[NOTES]}/${randomUUID()}.json`, JSON.stringify(taken())))
