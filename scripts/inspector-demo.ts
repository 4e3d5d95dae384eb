/**
 * The demo's wallet, killed again and again, and watched live in the inspector.
 *
 *   npm run inspector:demo -- [--kills 40] [--pause-ms 1500] [--port N] [--write]
 *
 * It prints an address to open in a browser. A wallet process mints, pays, swaps and melts at a mint of its own; SIGKILL ends it
 * again and again, and the next one goes on. The page is served by this process, which reads the wallet's file as a client. When the
 * kills are over the page stays until Ctrl-C.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { openAs } from '../src/cli/databases.ts'
import { serve } from '../src/inspector/serve.ts'
import { builtPage } from './inspector-page.ts'
import { startMint } from './kill-lab/children.ts'
import { Lab } from './kill-lab/lab.ts'
import { getJson } from './kill-lab/mint-balances.ts'
import { rounds } from './kill-lab/rounds.ts'
import { startRun, wholeNumber } from './kill-lab/run.ts'
import { adapterOf, startPlaces } from './kill-lab/stores/index.ts'
import { startWire } from './kill-lab/wire.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '40' },
    'pause-ms': { type: 'string', default: '1500' },
    port: { type: 'string', default: '0' },
    write: { type: 'boolean', default: false },
    /** For programs: ends when the kills are over. */
    once: { type: 'boolean', default: false },
  },
})
const kills = wholeNumber('kills', values.kills)
const pauseMs = wholeNumber('pause-ms', values['pause-ms'])
/** How long a request is on its way, there and back each: slow enough to be seen under way. */
const EACH_WAY_MS = 250

const { dir, say } = startRun('inspector-demo', false)
await using stack = new AsyncDisposableStack()
const mint = stack.use(await startMint())
const places = stack.use(await startPlaces('sqlite', dir))
const wire = stack.use(await startWire(mint.url, EACH_WAY_MS))
const alice = places.place('alice', randomBytes(64).toString('hex'))
const plan = rounds(
  { place: (name, seed) => (name === 'alice' ? alice : places.place(name, seed)) },
  wire.url,
  (amounts) =>
    Promise.all(
      amounts.map(async (amount) => {
        return (await getJson<{ request: string }>(`${mint.url}/admin/invoice`, JSON.stringify({ amount }))).request
      }),
    ),
)
const inspected = stack.use(await openAs('wallet', await adapterOf(alice)))
const inspector = stack.use(
  await serve({
    inspectable: inspected.inspectable,
    ...{ title: 'alice, who is killed again and again', write: values.write },
    port: wholeNumber('port', values.port),
    page: await builtPage(),
  }),
)
say(`open ${inspector.url}`)

const lab = stack.use(new Lab(dir))
let killed = 0
for (let round = 0; killed < kills; round++) {
  const next = await plan(round, 'done')
  for (;;) {
    const ended = await lab.live(next, (_, lifeMs) => (killed < kills && lifeMs > pauseMs ? 0 : undefined))
    if (ended === 'done') break
    if (ended === 'stuck') throw new Error('an operation is stuck')
    killed++
    say(
      `kill ${killed}/${kills}${typeof ended === 'string' ? '' : ` hit ${ended.kind}.${ended.state} of ${ended.wallet}`}`,
    )
  }
}
say('no more kills; the page stays until Ctrl-C')
if (!values.once) await new Promise(() => {})
