/** The files of the page, as `npm run build` leaves them beside the package's modules. */
import { readFile } from 'node:fs/promises'
import { Refused } from './guard.ts'

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

export type PageFile = keyof typeof TYPES

/** A file that is read once. */
export interface Served {
  readonly type: string
  readonly body: Buffer
}

/** In the package: `dist/src/inspector/` and `dist/inspector-page/`. */
export const PACKED_PAGE = new URL('../../inspector-page/', import.meta.url)

const isPageFile = (name: string): name is PageFile => Object.hasOwn(TYPES, name)

export class PageFiles {
  readonly #folder: URL
  readonly #read = new Map<PageFile, Served>()

  constructor(folder: URL) {
    this.#folder = folder
  }

  /** The file of a path; undefined where the page has none. @throws {Refused} where the page was not built */
  async at(path: string): Promise<Served | undefined> {
    const name = path === '/' ? 'index.html' : path.slice(1)
    if (!isPageFile(name)) return undefined
    const known = this.#read.get(name)
    if (known) return known
    const body = await readFile(new URL(name, this.#folder)).catch(() => {
      throw new Refused(503, 'PAGE', 'the page was not built: npm run build')
    })
    const file = { type: TYPES[name], body }
    this.#read.set(name, file)
    return file
  }
}
