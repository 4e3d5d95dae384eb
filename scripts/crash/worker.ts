/** A worker thread: makes the mistake it is told to make, if any, then explores what it is sent and says what it found. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parentPort, threadId, workerData } from 'node:worker_threads'
import { mutated, type Mutant } from '../../src/testing/mutants/index.ts'
import type { TestedStore } from '../../src/testing/environments/backing-store.ts'
import { prng } from '../kill-lab/prng.ts'
import { boardOf, type Job, type Outcome } from './pool.ts'

const { mutant, memory, isReal } = workerData as {
  mutant: Mutant | undefined
  memory: SharedArrayBuffer
  isReal: boolean
}

if (mutant || isReal) {
  const root = new URL('../../', import.meta.url)
  const stub = new URL('src/testing/environments/stub-crypto.ts', root).href
  const wrong = Map.groupBy(mutant?.changes ?? [], ({ file }) => new URL(file, root).href)
  registerHooks({
    load(url, context, load) {
      if (isReal && url === stub)
        return { format: 'module', source: `export { realCrypto as stubCrypto } from './real-crypto.ts'`, shortCircuit: true } // prettier-ignore
      const changes = wrong.get(url)
      if (!changes) return load(url, context)
      const source = readFileSync(fileURLToPath(url), 'utf8')
      return { format: 'module-typescript', source: changes.reduce(mutated, source), shortCircuit: true }
    },
  })
}

// Stacks are not looked at, and cost a good part of a life.
Error.stackTraceLimit = 0
const { exploreCrashes } = await import('../../src/testing/explorer/explorer.ts')
const { nameOf } = await import('../../src/testing/explorer/subject.ts')
const { scenarios } = await import('../../src/testing/scenarios/index.ts')
const { exploreLane } = await import('./lane-work.ts')

/** Kept from job to job. */
let store: TestedStore | undefined

const { lives, path: bytes } = boardOf(memory)
const encoder = new TextEncoder()

async function explore(job: Job): Promise<void> {
  const { scenario: name, options, place, draw } = job
  if (place && job.lane?.lane !== 'group' && !store) store = (await import('./stores.ts')).testedStore(place, threadId)
  const begins = (path: string): void => {
    const { written } = encoder.encodeInto(path, bytes)
    Atomics.store(lives, 1, written)
    Atomics.add(lives, 0, 1)
  }
  if (job.lane) return parentPort!.postMessage(await exploreLane(job, { store, thread: threadId, begins }))
  const exploration = await exploreCrashes(
    scenarios.find((it) => nameOf(it) === name)!,
    {
      ...{ ...options, store, lives: begins },
      ...(draw && { drawn: (fault) => prng(`${draw.seed} ${name} ${fault}`).below(draw.oneOf) === 0 }),
    },
  )
  parentPort!.postMessage({ exploration } satisfies Outcome)
}

parentPort!.on('message', (job: Job) => void explore(job))
