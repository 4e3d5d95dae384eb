/** Links within the pages of a repository. */
import { posix } from 'node:path'

export interface Link {
  /** As it stands in the page. */
  readonly text: string
  /** The path that it leads to, from the root; the page itself where it names none. */
  readonly to: string
  /** The heading that it leads to, as links name it. */
  readonly heading: string | undefined
}

/** Where a page leads to, but for addresses elsewhere. */
export const linksOf = (page: string, content: string): Link[] =>
  [...content.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([text, path = '', heading]) => ({
    text,
    to: path === '' ? page : posix.join(posix.dirname(page), path),
    heading,
  }))
