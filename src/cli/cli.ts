#!/usr/bin/env node
/** The command `hardshell`: `crash` proves kinds of operations, `inspect` shows them, all else is the mint's. Each loads only what it needs. */
const [, , command = ''] = process.argv
const own = { crash: () => import('./crash.ts'), inspect: () => import('./inspect.ts') }
await (command === 'crash' || command === 'inspect' ? own[command]() : import('../mint-server/cli/cli.ts'))
