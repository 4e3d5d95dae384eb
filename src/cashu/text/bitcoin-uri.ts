/** Bitcoin addresses as links (BIP21, BIP321): parameters, and ways to pay among them. */
import { CashuError } from '../errors.ts'
import { compact } from '../shape.ts'
import type { FoundBitcoin } from './found.ts'

/** What a link says. */
export interface BitcoinUri {
  /** Left out where there are only other ways to pay. */
  readonly onChain?: FoundBitcoin
  /** Other ways to pay, as they stand there. */
  readonly ways: readonly string[]
}

/** A longer one is refused. */
const MOST_CHARACTERS = 60_000
const MOST_PARAMETERS = 100

const malformed = (why: string): CashuError => new CashuError('BITCOIN_URI_MALFORMED', `not a bitcoin: link: ${why}`)

/** Parameters that are other ways to pay, or addresses of their own. */
const WAYS = ['lightning', 'lno', 'creq']
const ADDRESSES = ['bc', 'tb', 'bcrt']
const KNOWN = [...WAYS, ...ADDRESSES, 'amount', 'label', 'message', 'pop']

/** @throws {CashuError} `BITCOIN_URI_MALFORMED` */
export function readBitcoinUri(uri: string): BitcoinUri {
  if (uri.length > MOST_CHARACTERS) throw malformed(`more than ${MOST_CHARACTERS} characters`)
  const [, path = '', query = ''] = /^bitcoin:(?:\/\/)?([^?#]*)(?:\?([^#]*))?/i.exec(uri) ?? []
  const parameters = query.split('&').filter((pair) => pair !== '')
  if (parameters.length > MOST_PARAMETERS) throw malformed(`more than ${MOST_PARAMETERS} parameters`)
  const values = new Map<string, string[]>()
  for (const pair of parameters) {
    const [key = '', ...rest] = pair.split('=')
    const known = nameOf(key.toLowerCase())
    values.set(known, [...(values.get(known) ?? []), decoded(rest.join('='))])
  }
  const address = decoded(path) || ADDRESSES.flatMap((key) => values.get(key) ?? [])[0]
  if (address !== undefined && !/^[a-zA-Z0-9]{14,100}$/.test(address)) throw malformed('no address')
  const ways = WAYS.flatMap((key) => values.get(key) ?? []).filter((way) => way !== '')
  if (address === undefined && ways.length === 0) throw malformed('nothing to pay to')
  return compact<BitcoinUri>({ ways, onChain: address === undefined ? undefined : onChainOf(address, values) })
}

const onChainOf = (address: string, values: ReadonlyMap<string, readonly string[]>): FoundBitcoin =>
  compact<FoundBitcoin>({
    type: 'bitcoin',
    address,
    amountSat: satOf(only(values.get('amount'))),
    label: values.get('label')?.[0],
    message: values.get('message')?.[0],
  })

/** What must be understood (`req-`) and is not makes the link another one. */
function nameOf(key: string): string {
  if (!key.startsWith('req-')) return key
  const name = key.slice('req-'.length)
  if (!KNOWN.includes(name)) throw malformed('it requires what is not known here')
  return name
}

const only = (values: readonly string[] = []): string | undefined => {
  if (values.length > 1) throw malformed('more than one amount')
  return values[0]
}

/** In bitcoin, with up to eight decimals. */
function satOf(amount: string | undefined): number | undefined {
  if (amount === undefined) return undefined
  const [, whole = '', decimals = ''] =
    /^(\d{1,8})(?:\.(\d{0,8}))?$/.exec(amount) ?? /^()\.(\d{1,8})$/.exec(amount) ?? []
  if (whole === '' && decimals === '') throw malformed('no amount of bitcoin')
  return Number(whole) * 1e8 + Number(decimals.padEnd(8, '0'))
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value).trim()
  } catch {
    throw malformed('wrong escapes')
  }
}
