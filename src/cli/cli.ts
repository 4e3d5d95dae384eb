#!/usr/bin/env node
/** The command `hardshell`: `crash` proves kinds, `chart` draws them, `inspect` shows operations; all else is the mint's. Each loads only what it needs. */
const [, , command = ''] = process.argv
const own: Readonly<Record<string, () => Promise<unknown>>> = {
  crash: () => import('./crash.ts'),
  chart: () => import('./chart.ts'),
  inspect: () => import('./inspect.ts'),
}
await(Object.hasOwn(own, command) ? own[command]?.() : import('../mint-server/cli/cli.ts'))
