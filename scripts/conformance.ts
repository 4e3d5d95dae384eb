import { startRun } from './kill-lab/run.ts'
import { startOurs, startTheirs } from './conformance/mints.ts'
import { compare } from './conformance/refusals.ts'
const { dir, say, seconds } = startRun('conformance', false)
await using ours = await startOurs(dir)
await using theirs = await startTheirs({ version: '0.21.0', dir, log: () => {} })
say(`${seconds()} s`)
for (const { asks, ours: o, theirs: t, isFine } of await compare(ours, theirs))
  say(`${isFine ? '   ' : 'BAD'} ${asks.padEnd(60)} ${o.padEnd(12)} ${o === t ? '' : t}`)
say(`${seconds()} s`)
