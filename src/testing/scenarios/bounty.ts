import type { Bounty } from '../../bounty/bounty.ts'
import { bountyKind } from '../../bounty/kind.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { FUNDS } from '../invariants/bounty-outside.ts'
import { bountySubject, type BountyStage } from '../environments/bounty-subject.ts'
import type { Scenario } from '../explorer/subject.ts'
import { notedNumber } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'

const MINUTE_MS = 60_000
/** Shorter than an outage. */
const LEASE_MS = 3 * MINUTE_MS
const DAY_MS = 24 * 60 * MINUTE_MS

/** Any of these may be the answer after time has passed, or if an earlier life has got further. */
const LATER = ['LEASE_LOST', 'EXPIRED', 'SETTLED', 'CANCELLED', 'CLAIMED', 'NOT_CLAIMED'] as const

const deadlineOf = ({ notes }: BountyStage): number => notedNumber(notes, 'deadline')
const asked = (stage: BountyStage, amount = 30) => ({
  payer: 'payer',
  amount,
  criteria: { tags: ['done'], metrics: [{ name: 'score', direction: 'atLeast', threshold: 3 }] },
  deadlineAt: deadlineOf(stage),
})
const work = (by: string, score = 3) => ({ by, tags: ['done'], metrics: { score } })

const create = async (stage: BountyStage, amount?: number): Promise<string> => {
  let id = ''
  await told(stage, async () => ({ id } = await stage.bounties.create({ ...asked(stage, amount), key: 'bounty' })), 'REJECTED') // prettier-ignore
  return id
}
const claim = (stage: BountyStage, id: string, worker: string, ...codes: readonly string[]): Promise<string> =>
  told(stage, () => stage.bounties.claim(id, { worker, leaseMs: LEASE_MS, key: worker }), ...LATER, ...codes)
const settle = (stage: BountyStage, id: string, lease: string, ...codes: readonly string[]): Promise<string> =>
  told(stage, () => stage.bounties.settle(id, { lease, payee: lease, contribution: work(lease) }), ...LATER, ...codes)
const release = (stage: BountyStage, id: string, lease: string): Promise<string> =>
  told(stage, () => stage.bounties.release(id, { lease }), ...LATER)
const renew = (stage: BountyStage, id: string, lease: string): Promise<string> =>
  told(stage, () => stage.bounties.renew(id, { lease, leaseMs: 2 * LEASE_MS }), ...LATER)
const cancel = (stage: BountyStage, id: string): Promise<string> =>
  told(stage, () => stage.bounties.cancel(id), ...LATER)

/** The answer of a call: `ok`, or one of these codes. After a dispute, a person has the request sent again. */
async function told(stage: BountyStage, call: () => Promise<Bounty>, ...codes: readonly string[]): Promise<string> {
  for (;;)
    try {
      await call()
      return 'ok'
    } catch (error) {
      if (!(error instanceof HardshellError)) throw error
      if (codes.includes(error.code)) return error.code
      if (error.code !== 'DISPUTED') throw error
      await stage.bounties.resume(sure(error.operationId, 'operation'))
    }
}

/** Waits for the end, which comes at the deadline at the latest. Has disputed requests sent again. */
async function over(stage: BountyStage, id: string): Promise<void> {
  for (;;) {
    const done = await stage.operations.until(id, ({ status, snapshot }) => status === 'done' || (snapshot?.hasTag('human') ? false : undefined)) // prettier-ignore
    if (done) return
    await stage.bounties.resume(id)
  }
}

/** Waits until a lease has run out, or something else has come between. */
const lapsed = ({ operations }: BountyStage, id: string, lease: string): Promise<unknown> =>
  operations.of(bountyKind()).until(id, ({ status, snapshot }) => {
    const now = sure(snapshot, 'snapshot')
    const held = now.context.claim?.lease === lease
    return status === 'done' || !held || now.hasTag('human') ? true : undefined
  })

/** Sends a settlement directly to the chart, whoever holds the bounty. Returns true if the chart took it. */
const settleAnyway = ({ operations }: BountyStage, id: string, lease: string): Promise<boolean> =>
  operations.of(bountyKind()).send(id, { type: 'settle', lease, payee: lease, contribution: work(lease) })

/** Does what a later life must not repeat. It may have been done in part. */
async function once(stage: BountyStage, what: string, run: () => Promise<void>): Promise<void> {
  if (stage.notes[what] !== undefined) return
  await run()
  stage.note(what, true)
}

const must = (so: boolean, what: string): void => {
  if (!so) throw new Error(what)
}

interface Traits {
  /** How long the bounty can be claimed, in ms. */
  readonly forMs?: number
  /** A person resumes the first request of a life whose result is unknown, instead of waiting. */
  readonly hurried?: boolean
}

function scenario(
  name: string,
  drive: (stage: BountyStage) => Promise<void>,
  { forMs = DAY_MS, hurried = false }: Traits = {},
): Scenario<BountyStage> {
  return {
    kind: 'bounty',
    name,
    subject: bountySubject,
    setup: async (stage) => stage.note('deadline', stage.clock.now() + forMs),
    async drive(stage) {
      const hurry = stage.bounties.on(({ id, state }) => {
        if (!hurried || !state.endsWith('.pausing')) return
        hurry()
        void stage.bounties.resume(id).catch(() => {})
      })
      await drive(stage)
    },
  }
}

export const bountyScenarios: readonly Scenario<BountyStage>[] = [
  scenario('settled', async (stage) => {
    const id = await create(stage)
    await claim(stage, id, 'ada')
    await settle(stage, id, 'ada')
    await over(stage, id)
  }),
  scenario('settled-twice', async (stage) => {
    const id = await create(stage)
    await once(stage, 'early', async () => void (await settleAnyway(stage, id, 'eve')))
    await claim(stage, id, 'ada')
    const poor = { lease: 'ada', contribution: work('ada', 2) }
    await told(stage, () => stage.bounties.settle(id, poor), ...LATER, 'CRITERIA_UNMET')
    if ((await settle(stage, id, 'ada')) === 'ok') {
      // The settlement is fixed: the result is the same, whatever contribution and payee are given.
      const again = await stage.bounties.settle(id, { lease: 'ada', payee: 'eve', contribution: work('eve') })
      must(again.offer?.payee === 'ada', 'settled again, it pays somebody else')
    }
    await over(stage, id)
  }),
  scenario('successor', async (stage) => {
    // Ada pauses for longer than her lease, and comes back when Bob has claimed it, and again when he is paid.
    const id = await create(stage)
    await once(stage, 'paused', async () => {
      await claim(stage, id, 'ada')
      await lapsed(stage, id, 'ada')
    })
    await claim(stage, id, 'bob')
    must(!(await settleAnyway(stage, id, 'ada')), 'a lease that ran out settled the bounty')
    await settle(stage, id, 'bob')
    await settle(stage, id, 'ada')
    await over(stage, id)
  }),
  scenario(
    'renewed',
    async (stage) => {
      const id = await create(stage)
      await claim(stage, id, 'ada')
      await renew(stage, id, 'ada')
      await settle(stage, id, 'ada')
      await over(stage, id)
    },
    { hurried: true },
  ),
  scenario('renewed-twice', async (stage) => {
    // Her work takes longer than two renewals; none goes beyond what was asked for last.
    const id = await create(stage)
    await claim(stage, id, 'ada')
    for (const part of ['a first time', 'a second time'])
      await once(stage, part, async () => {
        if ((await renew(stage, id, 'ada')) === 'ok') stage.note('renewedMs', stage.clock.now())
        await stage.clock.pause(LEASE_MS + MINUTE_MS)
      })
    const { renewedMs } = stage.notes
    const isHeld = typeof renewedMs === 'number' && stage.clock.now() < renewedMs + 2 * LEASE_MS - MINUTE_MS
    const answer = await settle(stage, id, 'ada')
    must(!isHeld || answer !== 'LEASE_LOST', 'a lease that was renewed twice is lost before its time')
    await over(stage, id)
  }),
  scenario('released', async (stage) => {
    const id = await create(stage)
    await once(stage, 'given back', async () => {
      await claim(stage, id, 'ada')
      if ((await release(stage, id, 'ada')) !== 'ok') return
      must((await claim(stage, id, 'ada')) !== 'ok', 'a lease that was given back holds the bounty')
    })
    await claim(stage, id, 'bob')
    await settle(stage, id, 'bob')
    await over(stage, id)
  }),
  scenario('cancelled', async (stage) => {
    const id = await create(stage)
    await cancel(stage, id)
    await claim(stage, id, 'ada')
    await over(stage, id)
  }),
  scenario('cancelled-early', async (stage) => {
    const { id } = await stage.operations.of(bountyKind()).create(asked(stage), { key: 'bounty' })
    await cancel(stage, id)
    await over(stage, id)
  }),
  scenario('cancelled-claimed', async (stage) => {
    const id = await create(stage)
    await claim(stage, id, 'ada')
    await cancel(stage, id)
    await release(stage, id, 'ada')
    await cancel(stage, id)
    await over(stage, id)
  }),
  scenario(
    'expired',
    async (stage) => {
      const id = await create(stage)
      await over(stage, id)
      must((await claim(stage, id, 'ada')) === 'EXPIRED', 'a bounty that has expired was claimed')
    },
    { forMs: 3 * MINUTE_MS },
  ),
  scenario('expired-claimed', async (stage) => {
    const id = await create(stage)
    await claim(stage, id, 'ada')
    await told(stage, () => stage.bounties.renew(id, { lease: 'ada', leaseMs: 2 * DAY_MS }), ...LATER)
    await over(stage, id)
    await settle(stage, id, 'ada')
  }),
  scenario(
    'credits-rejected',
    async (stage) => {
      const id = await create(stage, FUNDS + 1)
      if (id === '') return
      // With the credits down until the deadline it is over before they can refuse.
      await over(stage, id)
      must((await stage.bounties.get(id)).state === 'expired', 'a bounty beyond the payer’s means was opened')
    },
    { hurried: true },
  ),
  scenario(
    'claims-rejected',
    async (stage) => {
      const id = await create(stage)
      // Another program holds the task at the claims service.
      await stage.services.claims.acquire({ key: 'elsewhere', task: id, worker: 'eve', untilMs: deadlineOf(stage) })
      await claim(stage, id, 'ada', 'CLAIM_REFUSED')
      await cancel(stage, id)
      await over(stage, id)
    },
    { hurried: true },
  ),
  scenario('claim-revoked', async (stage) => {
    const id = await create(stage)
    await claim(stage, id, 'ada')
    stage.outside.meddled = true
    await stage.services.claims.release({ key: `${id}/ada` })
    await renew(stage, id, 'ada')
    await cancel(stage, id)
    await over(stage, id)
  }),
  scenario('unruly', async (stage) => {
    // All at once, and in vain most of it; then whoever has it ends it, or time does.
    const id = await create(stage)
    if (stage.notes['stormed'] === undefined) {
      stage.note('stormed', true)
      await Promise.all([
        settle(stage, id, 'ada'),
        claim(stage, id, 'ada'),
        renew(stage, id, 'bob'),
        claim(stage, id, 'bob'),
        cancel(stage, id),
        settle(stage, id, 'bob'),
        release(stage, id, 'ada'),
        settleAnyway(stage, id, 'eve'),
      ])
    }
    await claim(stage, id, 'cyd')
    await Promise.all([settle(stage, id, 'ada'), settle(stage, id, 'bob'), cancel(stage, id)])
    await over(stage, id)
  }),
]
