/** What `hardshell doctor` asks mints: whether they answer, and what time it is there. */
import { fetchTransport } from '../../cashu/transport.ts'
import { messageOf } from '../../kernel/util/errors.ts'
import { durationText } from '../terminal.ts'
import type { Finding, Look } from './finding.ts'

/** How long a mint is waited for. */
const ASK_MS = 10_000
/** A clock that is further off than this is told of. */
const FAR_OFF_MS = 60_000

/** Asks every trusted mint. */
export const mints: Look = async ({ open, signal, folder }) => {
  if (open?.of !== 'wallet') return []
  const trusted = (await open.store.query({ table: 'mints' })).filter(({ trusted }) => trusted === 1)
  if (trusted.length === 0)
    return [{ about: 'mints', state: 'warning', text: 'none is trusted', advice: `\`hardshell wallet mints trust URL${folder}\`` }] // prettier-ignore
  const found = await Promise.all(
    trusted.map(({ mintUrl, address }) => {
      const url = typeof mintUrl === 'string' ? mintUrl : ''
      return asked(url, typeof address === 'string' ? address : url, signal)
    }),
  )
  return found.flat()
}

async function asked(mintUrl: string, address: string, signal: AbortSignal): Promise<Finding[]> {
  const startMs = Date.now()
  try {
    const { status, dateMs, location } = await fetchTransport()({
      method: 'GET',
      url: `${address}/v1/info`,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]),
    })
    const tookMs = Date.now() - startMs
    if (location !== undefined)
      return [{ about: 'mint', state: 'wrong', text: `${mintUrl} redirects to ${location ?? 'an address that is not told'}`, advice: 'Ask whoever runs it; `hardshell wallet mints rebind` follows it.' }] // prettier-ignore
    if (status !== 200)
      return [{ about: 'mint', state: 'wrong', text: `${mintUrl} answers with status ${status}`, advice: 'What needs it waits, and nothing is lost.' }] // prettier-ignore
    const mint: Finding = { about: 'mint', state: 'ok', text: `${mintUrl} answers in ${tookMs} ms` }
    return dateMs === undefined ? [mint] : [mint, ...clock(mintUrl, dateMs - (startMs + tookMs / 2))]
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return [{ about: 'mint', state: 'wrong', text: `${mintUrl} does not answer: ${messageOf(cause) || 'no answer'}`, advice: 'What needs it waits, and nothing is lost.' }] // prettier-ignore
  }
}

/** Quotes end by the mint's clock; the times that a person sees are this machine's. */
function clock(mintUrl: string, aheadMs: number): Finding[] {
  if (Math.abs(aheadMs) < FAR_OFF_MS) return []
  const how = `${durationText(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'}`
  return [{ about: 'clock', state: 'warning', text: `${mintUrl} is ${how} this machine`, advice: 'Compare this clock with another one. The wallet goes by the mint’s where quotes end.' }] // prettier-ignore
}
