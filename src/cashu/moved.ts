/** The address that a redirect names. It is shown to people, and never followed. */
import { normalizeMintUrl } from './codec.ts'

const ADDRESS_AT_MOST_CHARACTERS = 200

/**
 * The address of a mint that redirects: the header's, without the request's own path, credentials, query and fragment,
 * so that nothing of the request shows in it. Undefined where it is no address of HTTP, or too long to be shown.
 */
export function movedTo(
  location: string | null,
  request: { readonly url: string; readonly mintUrl: string },
): string | undefined {
  if (location === null || !URL.canParse(location, request.url)) return undefined
  const { protocol, origin, pathname } = new URL(location, request.url)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  const path = request.url.slice(request.mintUrl.length)
  const bare = pathname.replace(/\/+$/, '')
  const root = bare.endsWith(path) ? bare.slice(0, bare.length - path.length) : ''
  const found = [origin + root, origin].find((address) => address.length <= ADDRESS_AT_MOST_CHARACTERS)
  return found === undefined ? undefined : normalizeMintUrl(found)
}
