#!/usr/bin/env node
/** The command `hardshell`: `crash` proves kinds of operations, all else is the mint's. Each loads only what it needs. */
const [, , command = ''] = process.argv
await(command === 'crash' ? import('./crash.ts') : import('../mint-server/cli/cli.ts'))
