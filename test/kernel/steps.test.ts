/**
 * Goal: each commit of an operation leaves one row of its history, in that commit, and nothing else ever depends on it.
 * Method: drafts whose processes are killed, fail in doubt, follow and come again, on one store and one virtual clock; then every
 * crash point, at each of which the explorer holds the steps against the rows.
 */
import { describe, expect, test } from 'vitest'
import {
  openClient,
  openOperations,
  operationsTable,
  stepsTable,
  type KindOperations,
  type OperationKind,
  type OperationsOptions,
  type PersistedSnapshot,
  type StepRecord,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Row, type Store, type Write } from '../../src/store/port.ts'
import { exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'
import { copyKind, draft, draftTables, type Press } from '../kits/draft.ts'
import { queue, Shop } from '../kits/owners-kit.ts'
import { tab, tabTables } from '../kits/tab.ts'

const DAY_MS = 86_400_000
const press: Press = { post: async () => 'ok' }

type Drafts = KindOperations<typeof draft.machine>

interface More extends Partial<Omit<OperationsOptions<Press>, 'kinds'>> {
  readonly kinds?: readonly OperationKind<Press>[]
  readonly commit?: (land: () => Promise<void>, writes: readonly Write[]) => Promise<void>
}

/** Starts a process in a shop. */
async function opened(shop = new Shop(draftTables), { commit, store, ...more }: More = {}) {
  const { clock, random } = shop
  const plain = store ?? (await shop.store())
  const mine: Store = { ...plain, ...(commit && { commit: (writes) => commit(() => plain.commit(writes), writes) }) }
  const options = { tables: draftTables, kinds: [draft, copyKind], ports: press, clock, random, onError() {}, ...more }
  const operations = openOperations<Press>({ ...options, store: mine })
  await operations.resumed
  return { shop, operations, drafts: operations.of(draft) }
}

/** Whatever is under way comes to its end. */
const rest = (shop: Shop): Promise<void> => shop.pass(10)

/** Lets time go on, also where no timer rings. */
async function later(shop: Shop, forMs: number): Promise<void> {
  shop.clock.setTimeout(() => {}, forMs)
  await shop.pass(forMs)
}

const inShort = (steps: readonly StepRecord[]): string[] =>
  steps.map(
    ({ from, to, event, src, answer }) => `${from ?? '-'} → ${to}: ${src === null ? event : `${src} ${answer}`}`,
  )

const stored = (shop: Shop): readonly Row[] => shop.rows.dump()['steps'] ?? []

/** Each step that is stored follows the one before it, and the last leads to where the operation is. */
function whole(shop: Shop, id: string): void {
  const steps = stored(shop).filter(({ operation }) => operation === id)
  const { version, state } = shop.row(id)
  expect(steps.map((step) => step['version'])).toEqual(Array.from({ length: version }, (_, at) => at + 1))
  expect(steps.map(({ from }) => from)).toEqual([null, ...steps.map(({ to }) => to).slice(0, -1)])
  expect(steps.at(-1)?.['to']).toBe(state)
}

describe('the steps of an operation', () => {
  test('say what led from which state to which, what answered, how long that took, and what was on the way', async () => {
    const shop = new Shop(draftTables)
    const answers = ['busy', 'ok'] as const
    let asked = 0
    const post: Press['post'] = async () => {
      const answer = answers[asked++] ?? 'ok'
      await new Promise<void>((resolve) => shop.clock.setTimeout(resolve, 250))
      return answer
    }
    const { operations, drafts } = await opened(shop, { ports: { post } })
    const { id } = await drafts.create({ text: 'secret text' })
    await drafts.send(id, { type: 'edit', text: 'another secret' })
    await drafts.send(id, { type: 'post' })
    await shop.pass(5_000)
    const steps = await operations.steps(id)
    const [{ owner } = { owner: '' }] = steps
    const at = (atMs: number): number => 1_750_000_000_000 + atMs
    const step = { operation: id, owner, attempt: 1, src: null, answer: null, delay: null, tookMs: null, detail: null }
    const pausing = 'xstate.after.pause.(machine).pausing'
    const answered = { event: 'xstate.done.actor.0.(machine).posting', src: 'post', tookMs: 250 }
    const because = 'the press was busy 1 times'
    expect(steps).toEqual([
      { ...step, version: 1, atMs: at(0), event: 'xstate.init', from: null, to: 'open', detail: { locals: [{ src: 'check', answer: 'ok' }] } }, // prettier-ignore
      { ...step, version: 2, atMs: at(0), event: 'edit', from: 'open', to: 'open' },
      { ...step, version: 3, atMs: at(0), event: 'post', from: 'open', to: 'posting' },
      { ...step, ...answered, version: 4, atMs: at(250), answer: 'busy', from: 'posting', to: 'pausing', detail: { because } }, // prettier-ignore
      { ...step, version: 5, atMs: at(1250), event: pausing, delay: 'pause', from: 'pausing', to: 'posting', detail: { because } }, // prettier-ignore
      { ...step, ...answered, version: 6, atMs: at(1500), answer: 'ok', from: 'posting', to: 'posted', detail: { because, emitted: ['posted'] } }, // prettier-ignore
    ])
    whole(shop, id)
    expect(JSON.stringify(steps)).not.toContain('secret')
  })

  test('come after a version, so many at a time, for the operation that is asked for', async () => {
    const { operations, drafts, shop } = await opened()
    const [{ id }] = [await drafts.create({ text: 'tea' }), await drafts.create({ text: 'other' })]
    await drafts.send(id, { type: 'post' })
    await rest(shop)
    const versions = async (page?: Parameters<Drafts['steps']>[1]): Promise<number[]> =>
      (await drafts.steps(id, page)).map(({ version }) => version)
    expect(await versions()).toEqual([1, 2, 3])
    expect(await versions({ after: 1 })).toEqual([2, 3])
    expect(await versions({ after: 1, limit: 1 })).toEqual([2])
    expect(await versions({ after: 3 })).toEqual([])
    await expect(operations.steps('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(operations.of(copyKind).steps(id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(operations.steps('')).rejects.toThrow(TypeError)
    await expect(operations.steps(id, { after: -1 })).rejects.toThrow('after: a whole number from 0')
    await expect(operations.steps(id, { limit: 0 })).rejects.toThrow('limit: a whole number from 1')
    // @ts-expect-error: there is no such option
    await expect(operations.steps(id, { before: 1 })).rejects.toThrow('before: not among after, limit')
    operations.close()
    await expect(operations.steps(id)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('are written with their commits, one each, by whatever commits', async () => {
    const written: string[] = []
    const { shop, drafts } = await opened(undefined, {
      commit(land, writes) {
        const of = (table: string): number =>
          writes.filter((write) => ('put' in write ? write.put : 'patch' in write ? write.patch : '') === table).length
        written.push(`${of('operations')} and ${of('steps')}`)
        return land()
      },
    })
    const { id } = await drafts.create({ text: 'tea' })
    await drafts.send(id, { type: 'copy' })
    await rest(shop)
    expect(written).toEqual(['1 and 1', '3 and 3', '1 and 1'])
    const steps = await drafts.steps(id)
    expect(inShort(steps)).toEqual(['- → open: xstate.init', 'open → copying: copy', 'copying → open: join ended'])
    expect(steps.map(({ detail }) => detail?.children)).toEqual([undefined, 2, undefined])
    for (const each of [id, `${id}/a`, `${id}/b`]) whole(shop, each)
  })

  test('have those of a delay that the chart takes no notice of', async () => {
    const { shop, drafts } = await opened()
    const { id } = await drafts.create({ text: 'tea' })
    await shop.pass(3_600_000)
    expect((await drafts.steps(id)).at(-1)).toMatchObject({ from: 'open', to: 'open', delay: 'lapse', version: 2 })
    whole(shop, id)
  })

  test.each(['landed', 'lost'] as const)('land once where the commit is in doubt, and %s', async (how) => {
    let doubts = 0
    const { shop, drafts } = await opened(undefined, {
      async commit(land, writes) {
        const isPosted = writes.some((write) => 'put' in write && write.row['state'] === 'posted')
        if (!isPosted || doubts++ > 0) return land()
        if (how === 'landed') await land()
        throw new StoreError('IN_DOUBT', 'the connection broke')
      },
    })
    const { id } = await drafts.create({ text: 'tea' })
    await drafts.send(id, { type: 'post' })
    await shop.pass(1_000)
    expect([shop.row(id).state, doubts]).toEqual(['posted', how === 'landed' ? 1 : 2])
    whole(shop, id)
  })

  test('tell of a take-over, with the attempt that it makes', async () => {
    const shop = new Shop(draftTables)
    const first = await shop.open(undefined, { kind: draft, ports: { post: () => new Promise<never>(() => {}) } })
    const { id } = await first.operations.of(draft).create({ text: 'tea' })
    await first.operations.of(draft).send(id, { type: 'post' })
    await rest(shop)
    first.die()
    const { drafts } = await opened(shop)
    await rest(shop)
    const steps = await drafts.steps(id)
    expect(inShort(steps).slice(2)).toEqual(['posting → posting: @hardshell.takeOver', 'posting → posted: post ok'])
    expect(steps.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 1])
    expect(new Set(steps.map(({ owner }) => owner)).size).toBe(2)
    whole(shop, id)
  })

  test('tell of a take-over by an actor alone, where a former version wrote the row', async () => {
    const shop = new Shop(draftTables)
    const never: Press = { post: () => new Promise<never>(() => {}) }
    const first = await shop.open(undefined, { kind: draft, ports: never })
    const { id } = await first.operations.of(draft).create({ text: 'tea' })
    await first.operations.of(draft).send(id, { type: 'post' })
    first.die()
    const newer = { ...draft, version: 2, migrate: { 1: (snapshot: PersistedSnapshot) => snapshot } }
    const { operations } = await opened(shop, { kinds: [newer, copyKind] })
    await rest(shop)
    expect(inShort(await operations.steps(id)).slice(2, 3)).toEqual(['posting → posting: @hardshell.takeOver'])
    expect(stored(shop).map(({ kindVersion }) => kindVersion)).toEqual([1, 1, 2, 2])
    whole(shop, id)
  })

  test('tell why an operation was set aside, and that it went on', async () => {
    let isBroken = true
    const post: Press['post'] = async () => {
      if (isBroken) throw new TypeError('broken')
      return 'ok'
    }
    const { shop, operations, drafts } = await opened(undefined, { ports: { post } })
    const { id } = await drafts.create({ text: 'tea' })
    await drafts.send(id, { type: 'post' })
    await rest(shop)
    const aside = (await drafts.steps(id)).at(-1)
    expect(aside).toMatchObject({ event: '@hardshell.quarantine', from: 'posting', to: 'posting', detail: { because: 'TypeError: broken' } }) // prettier-ignore
    isBroken = false
    await operations.resume(id)
    await rest(shop)
    expect(inShort(await drafts.steps(id)).slice(3)).toEqual([
      'posting → posting: @hardshell.resume',
      'posting → posting: @hardshell.takeOver',
      'posting → posted: post ok',
    ])
    whole(shop, id)
  })

  test('are written by followers and clients, too', async () => {
    const shop = new Shop(draftTables)
    const { lock } = queue()
    const store = { ...(await shop.store()), ownership: { by: 'lock', lock } } as const
    const owner = await opened(shop, { store })
    const follower = await opened(shop, { store })
    const { clock, random } = shop
    const kinds = [draft, copyKind]
    const client = openClient<Press>({ store, tables: draftTables, kinds, ports: press, clock, random })
    const { id } = await follower.drafts.create({ text: 'tea' })
    await client.of(draft).send(id, { type: 'post' })
    await shop.pass(1_000)
    const steps = await client.steps(id)
    expect(steps.slice(0, 2).map((step) => [step.owner, step.attempt])).toEqual([
      ['', 0],
      ['', 0],
    ])
    expect(inShort(steps).at(-1)).toBe('posting → posted: post ok')
    expect(await owner.drafts.steps(id)).toEqual(steps)
    whole(shop, id)
  })

  test('refuse nothing: what was left behind is written over, and what a kind says badly is left out', async () => {
    const shop = new Shop(draftTables)
    const because = (): string => {
      throw new TypeError('no reason')
    }
    const { drafts } = await opened(shop, { kinds: [{ ...draft, because }, copyKind] })
    await drafts.create({ text: 'tea' }, { id: 'known' })
    const left = { ...stored(shop)[0]!, version: 2, to: 'nowhere' }
    await (await shop.store()).commit([{ put: 'steps', row: left }])
    expect(await drafts.send('known', { type: 'drop' })).toBe(true)
    whole(shop, 'known')
  })
})

describe('where steps are not kept', () => {
  test('there are none, and all else is as it is', async () => {
    const shop = new Shop(tabTables)
    const ports = { charge: async () => {} }
    const { operations } = await shop.open(undefined, { kind: tab, ports })
    const { id } = await operations.of(tab).create({})
    expect([await operations.steps(id), await operations.stepSnapshot(id, 1)]).toEqual([[], undefined])
    expect((await operations.explain(id)).lastAnswer).toBe(undefined)
  })

  test('a table of that name that is the program’s own is left alone', async () => {
    const own = { columns: { operation: 'text', version: 'integer', done: 'integer' }, key: ['operation'] } as const
    const tables = { operations: operationsTable(), steps: own }
    const store = await memoryStore().open({ version: 1, tables })
    const operations = openOperations<Press>({ store, tables, kinds: [draft, copyKind], ports: press })
    const { id } = await operations.of(draft).create({ text: 'tea' })
    await operations.of(draft).send(id, { type: 'drop' })
    expect([await operations.steps(id), await store.query({ table: 'steps' })]).toEqual([[], []])
    operations.close()
  })

  test('because they are switched off, those that are there stay', async () => {
    const shop = new Shop(draftTables)
    const { drafts, operations } = await opened(shop)
    const { id } = await drafts.create({ text: 'tea' })
    operations.close()
    const off = await opened(shop, { keepSteps: false })
    await off.drafts.send(id, { type: 'post' })
    await later(shop, 200 * DAY_MS)
    expect([shop.row(id).version, inShort(await off.drafts.steps(id))]).toEqual([3, ['- → open: xstate.init']])
  })

  test('an option that makes no sense is refused by its name', async () => {
    const store = await new Shop(draftTables).store()
    const open = (keepSteps: object) =>
      openOperations<Press>({ store, tables: draftTables, kinds: [draft], ports: press, keepSteps })
    expect(() => open({ days: -1 })).toThrow('keepSteps.days: days from 0, or Infinity')
    expect(() => open({ perOperation: 0 })).toThrow('keepSteps.perOperation: a whole number from 1, or Infinity')
    expect(() => open({ hours: 1 })).toThrow('keepSteps.hours: not among days, perOperation')
  })
})

describe('retention', () => {
  const versions = (shop: Shop, id: string): number[] =>
    stored(shop).flatMap(({ operation, version }) => (operation === id ? [Number(version)] : []))

  test('keeps the newest steps of an operation', async () => {
    const { shop, drafts } = await opened(undefined, { keepSteps: { perOperation: 20, days: Infinity } })
    const { id } = await drafts.create({ text: 'tea' })
    for (let at = 0; at < 50; at++) {
      await drafts.send(id, { type: 'edit', text: `${at}` })
      await rest(shop)
      const kept = versions(shop, id)
      expect(kept.length).toBeLessThanOrEqual(22)
      expect(kept).toEqual(Array.from({ length: kept.length }, (_, each) => at + 2 - kept.length + each + 1))
    }
    expect(versions(shop, id).length).toBeGreaterThanOrEqual(20)
    // A store that is away for that moment is asked again later.
    const busy = await opened(shop, {
      keepSteps: { perOperation: 5, days: Infinity },
      commit: (land, writes) =>
        writes.every((write) => 'delete' in write) ? Promise.reject(new StoreError('BUSY', 'locked')) : land(),
    })
    await busy.drafts.send(id, { type: 'edit', text: 'more' })
    await rest(shop)
    expect(versions(shop, id).length).toBeGreaterThan(20)
  })

  test('deletes the steps of what ended so many days ago, and of nothing that goes on', async () => {
    const shop = new Shop(draftTables)
    const { drafts, operations } = await opened(shop, { keepSteps: { days: 10 } })
    const ids = await Promise.all(['a', 'b', 'c'].map(async (text) => (await drafts.create({ text })).id))
    const [old = '', young = '', open = ''] = ids
    await drafts.send(old, { type: 'drop' })
    await later(shop, 5 * DAY_MS)
    await drafts.send(young, { type: 'drop' })
    await later(shop, 5 * DAY_MS - 1)
    expect(ids.map((id) => versions(shop, id).length)).toEqual([2, 3, 2])
    await later(shop, DAY_MS)
    expect(ids.map((id) => versions(shop, id).length)).toEqual([0, 3, 2])
    expect([await drafts.steps(old), (await drafts.get(old)).state]).toEqual([[], 'dropped'])
    operations.close()
    // The next process goes on from there.
    await opened(shop, { keepSteps: { days: 10 } })
    await later(shop, 5 * DAY_MS)
    expect(ids.map((id) => versions(shop, id).length)).toEqual([0, 0, 2])
    whole(shop, open)
  })

  test('goes through thousands that ended at one moment, a few in each commit', async () => {
    const shop = new Shop(draftTables)
    const first = await opened(shop)
    const { id } = await first.drafts.create({ text: 'tea' })
    await first.drafts.send(id, { type: 'drop' })
    first.operations.close()
    const [row, steps] = [shop.row(id), stored(shop)]
    const copies = Array.from({ length: 700 }, (_, at) => `copy ${at}`)
    const store = await shop.store()
    await store.commit(
      copies.flatMap((copyId): Write[] => [
        { put: 'operations', row: { ...row, id: copyId, commitId: copyId } },
        ...steps.map((step) => ({ put: 'steps', row: { ...step, operation: copyId } })),
      ]),
    )
    let most = 0
    await opened(shop, {
      keepSteps: { days: 1 },
      commit(land, writes) {
        most = Math.max(most, writes.length)
        return land()
      },
    })
    await later(shop, 2 * DAY_MS)
    expect(stored(shop).filter(({ operation }) => operation !== '')).toEqual([])
    expect(most).toBe(200)
  })

  test('a process that has nothing to delete writes nothing', async () => {
    const commits: (readonly Write[])[] = []
    const { shop } = await opened(undefined, {
      commit(land, writes) {
        commits.push(writes)
        return land()
      },
    })
    await later(shop, 100 * DAY_MS)
    expect(commits).toEqual([])
  })

  test('an operation that is deleted takes its steps with it', async () => {
    const shop = new Shop(draftTables)
    const { drafts } = await opened(shop, { kinds: [{ ...draft, keepMs: 60_000 }, copyKind], keepSteps: false })
    const kept = await opened(shop, { kinds: [{ ...draft, keepMs: 60_000 }, copyKind] })
    const [gone, stays] = [await kept.drafts.create({ text: 'tea' }), await kept.drafts.create({ text: 'tea' })]
    await kept.drafts.send(gone.id, { type: 'drop' })
    await later(shop, 300_000)
    await expect(drafts.get(gone.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect([versions(shop, gone.id), versions(shop, stays.id)]).toEqual([[], [1]])
  })
})

describe('explain', () => {
  test('names what was answered last, in which state, and when', async () => {
    const { shop, operations, drafts } = await opened(undefined, { ports: { post: async () => 'busy' } })
    const { id } = await drafts.create({ text: 'tea' })
    expect((await operations.explain(id)).lastAnswer).toBe(undefined)
    await drafts.send(id, { type: 'post' })
    await rest(shop)
    const atMs = shop.clock.now()
    expect((await operations.explain(id)).lastAnswer).toMatchObject({ src: 'post', answer: 'busy', state: 'posting' })
    expect((await operations.explain(id)).lastAnswer?.atMs).toBeLessThanOrEqual(atMs)
  })
})

describe('a snapshot of a step', () => {
  test('shows the context as it was: names and numbers; texts where it is asked unsafely', async () => {
    const { operations, drafts } = await opened()
    const { id } = await drafts.create({ text: 'a secret' })
    await drafts.send(id, { type: 'edit', text: 'none' })
    const context = { id: '(text of 32)', text: '(text of 8)', tries: 0 }
    const then = { version: 1, kindVersion: 1, status: 'active', value: 'open' }
    expect(await operations.stepSnapshot(id, 1)).toEqual({ ...then, context })
    expect(await operations.stepSnapshot(id, 1, { unsafe: true })).toEqual({
      ...then,
      context: { id, text: 'a secret', tries: 0 },
    })
    expect(await operations.stepSnapshot(id, 2, { unsafe: true })).toMatchObject({ context: { text: 'none' } })
    expect(await operations.stepSnapshot(id, 3)).toBe(undefined)
    await expect(operations.stepSnapshot(id, 0)).rejects.toThrow('version: a whole number from 1')
  })

  test('is kept by kinds that say so, and by no others', async () => {
    const { operations } = await opened()
    const { id } = await operations.of(copyKind).create({})
    expect(await operations.stepSnapshot(id, 1)).toBe(undefined)
    expect(JSON.stringify(await operations.steps(id))).not.toContain('snapshot')
  })
})

describe('a fork', () => {
  test('goes on from where another operation was, with delays of its own, and says where it comes from', async () => {
    const posted: string[] = []
    const { shop, operations, drafts } = await opened(undefined, {
      ports: { post: async (id) => (posted.push(id), 'ok') },
    })
    const { id } = await drafts.create({ text: 'note' })
    await drafts.send(id, { type: 'edit', text: 'note two' })
    await drafts.send(id, { type: 'post' })
    await later(shop, 3_000_000)
    const fork = await drafts.fork(id, { at: 1 })
    expect(fork).toMatchObject({ state: 'open', version: 1, snapshot: { context: { id: fork.id, text: 'note' } } })
    expect(await drafts.steps(fork.id)).toMatchObject([
      { event: '@hardshell.fork', from: null, to: 'open', detail: { forkedFrom: { id, version: 1 } } },
    ])
    // It lapses an hour from now, and not from when the other began.
    await later(shop, 3_599_999)
    expect((await drafts.get(fork.id)).state).toBe('open')
    await later(shop, 1)
    expect((await drafts.get(fork.id)).state).toBe('dropped')
    const asking = await drafts.fork(id, { at: 3, id: 'mine' })
    await rest(shop)
    expect([asking.id, (await drafts.get('mine')).state, posted]).toEqual(['mine', 'posted', [id, 'mine']])
    for (const each of [id, fork.id, 'mine']) whole(shop, each)
    expect((await operations.get(id)).state).toBe('posted')
  })

  test('is one for a key, and its id is nobody else’s', async () => {
    const { drafts } = await opened()
    const { id } = await drafts.create({ text: 'tea' })
    await drafts.send(id, { type: 'edit', text: 'cups' })
    const [fork, again] = [await drafts.fork(id, { at: 1, key: 'k' }), await drafts.fork(id, { at: 1, key: 'k' })]
    expect(again.id).toBe(fork.id)
    await expect(drafts.fork(id, { at: 2, key: 'k' })).rejects.toMatchObject({ code: 'KEY_REUSED' })
    await expect(drafts.fork(id, { at: 1, id })).rejects.toMatchObject({ code: 'ID_REUSED' })
  })

  test('of what had ended, waits for children, or was not kept is refused, with the reason', async () => {
    const { shop, drafts } = await opened()
    const { id } = await drafts.create({ text: 'tea' })
    await drafts.send(id, { type: 'copy' })
    await rest(shop)
    await drafts.send(id, { type: 'drop' })
    const refused = (at: number): Promise<unknown> => drafts.fork(id, { at }).catch((error: unknown) => error)
    expect(await refused(2)).toMatchObject({ code: 'INVALID_STATE', message: `version 2 of operation '${id}': it waits for others ('join')` }) // prettier-ignore
    expect(await refused(4)).toMatchObject({ code: 'INVALID_STATE', message: `version 4 of operation '${id}': it had ended` }) // prettier-ignore
    expect(await refused(9)).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refused(0)).toEqual(new TypeError('at: a whole number from 1'))
    await expect(drafts.fork('nobody', { at: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    // @ts-expect-error: the step must be named
    await expect(drafts.fork(id, {})).rejects.toThrow('at: a whole number from 1')
  })

  test('of a kind that does not say so is refused by its name', async () => {
    const { operations } = await opened()
    const { id } = await operations.of(copyKind).create({})
    await expect(operations.of(copyKind).fork(id, { at: 1 })).rejects.toThrow("kind: 'copy' cannot be forked (forks)")
  })
})

describe('explored', () => {
  test('a draft, its copies and its fork leave their steps wherever a process crashes, and the fork is whole or not there', async () => {
    const subject = kindSubject({
      kinds: [draft, copyKind],
      tables: draftTables,
      outside: () => ({ posted: {} as Record<string, number> }),
      ports: ({ posted }): Press => ({
        async post(id) {
          posted[id] = 1
          return 'ok'
        },
      }),
      judge: ({ outside: { posted }, operations }) => {
        const drafts = operations.filter(({ kind }) => kind === 'draft')
        return drafts.length === 2 && drafts.every(({ id, state }) => state === 'posted' && posted[id] === 1)
          ? []
          : [`posts: ${drafts.length} drafts, ${Object.keys(posted).length} posted`]
      },
    })
    const drive = async ({ operations }: KindStage<object>): Promise<void> => {
      const drafts = operations.of(draft)
      const { id } = await drafts.create({ text: 'tea' }, { key: 'draft' })
      const { id: fork } = await drafts.fork(id, { at: 1, key: 'fork' })
      for (const each of [id, fork]) {
        await drafts.send(each, { type: 'post' })
        await drafts.until(each, ({ status }) => (status === 'done' ? status : undefined))
      }
    }
    const found = await exploreCrashes({ kind: 'draft', name: 'forked', subject, drive }, { faults: 1 })
    expect(found.violations).toEqual([])
    expect(found.closed).toBe(true)
    expect(found.lives).toBeGreaterThan(100)
    const byTwo = await exploreCrashes({ kind: 'draft', name: 'forked', subject, drive }, { owners: true })
    expect([byTwo.violations, byTwo.closed]).toEqual([[], true])
  })

  test('a commit without its step is found', async () => {
    const silent = { ...draftTables, steps: stepsTable() }
    const subject = kindSubject({
      kinds: [draft, copyKind],
      tables: silent,
      outside: () => ({}),
      ports: () => press,
      judge: () => [],
    })
    const forgetful = {
      ...subject,
      open: async () => {
        const environment = await subject.open()
        return {
          ...environment,
          start: (means: Parameters<typeof environment.start>[0]) =>
            environment.start({
              ...means,
              store: {
                async open(schema) {
                  const store = await means.store.open(schema)
                  const commit: Store['commit'] = (writes) =>
                    store.commit(writes.filter((write) => !('put' in write && write.row['event'] === 'drop')))
                  return { ...store, commit }
                },
              },
            }),
        }
      },
    }
    const drive = async ({ operations }: KindStage<object>): Promise<void> => {
      const { id } = await operations.of(draft).create({ text: 'tea' }, { key: 'draft' })
      await operations.of(draft).send(id, { type: 'drop' })
    }
    const { violations } = await exploreCrashes({ kind: 'draft', name: 'silent', subject: forgetful, drive })
    expect(violations[0]?.what).toBe('steps: a commit of draft writes 0 steps of version 2')
  })
})
