#!/usr/bin/env node
/** The command `hardshell`: `crash` proves kinds, `chart` draws them, all else is the mint's. Each loads only what it needs. */
const [, , command = ''] = process.argv
const own = { crash: () => import('./crash.ts'), chart: () => import('./chart.ts') }
await(command === 'crash' || command === 'chart' ? own[command]() : import('../mint-server/cli/cli.ts'))
