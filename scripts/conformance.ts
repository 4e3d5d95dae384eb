import { join } from 'node:path'
import { startRun } from './kill-lab/run.ts'
import { ensureNutshell } from './nutshell.ts'
import { nutshellCli } from './conformance/nutshell-cli.ts'
import { tokens } from './conformance/tokens.ts'
import { startOurs,startTheirs } from './conformance/mints.ts'
import { Steps } from './conformance/steps.ts'
const { dir, say, seconds } = startRun('conformance', false)
const python = await ensureNutshell({ version: '0.21.0' })
await using ours = await startOurs(dir)
say(`${seconds()} s`)
const steps = new Steps(say)
await using cli = await nutshellCli({ python, dir: join(dir, 'cli'), mintUrl: ours.url })
await tokens(steps.part('tokens'), ours, cli, dir)
say(`${seconds()} s`)
