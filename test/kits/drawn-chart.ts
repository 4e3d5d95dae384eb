/** Reads what is drawn of a chart: a strict reader of XML, and where states, lines and texts are in the picture. */

/** An element of XML. */
export interface Element {
  readonly tag: string
  readonly attributes: { readonly [name: string]: string }
  readonly children: readonly Element[]
  readonly text: string
}

interface Open {
  readonly tag: string
  readonly attributes: { readonly [name: string]: string }
  readonly children: Element[]
  text: string
}

const decoded = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

/** @throws {Error} where a text is no well-formed XML of the simple kind that is drawn */
export function parsedXml(xml: string): Element {
  const root: Open = { tag: '', attributes: {}, children: [], text: '' }
  const open: Open[] = [root]
  let at = 0
  for (const match of xml.matchAll(/<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/gi)) {
    const [whole, isEnd, tag = '', attributes = '', isEmpty] = match
    const between = xml.slice(at, match.index)
    if (/[<]|&(?!lt;|gt;|quot;|amp;)/.test(between)) throw new Error(`no XML: ${between}`)
    const last = open.at(-1) ?? root
    last.text += decoded(between)
    at = match.index + whole.length
    if (isEnd) {
      if (last.tag !== tag || open.length === 1) throw new Error(`</${tag}> ends <${last.tag}>`)
      open.pop()
      continue
    }
    const named = [...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, decoded(value)] as const) // prettier-ignore
    const element: Open = { tag, attributes: Object.fromEntries<string>(named), children: [], text: '' }
    last.children.push(element)
    if (!isEmpty) open.push(element)
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)?.tag ?? ''}> does not end`)
  const [only, ...others] = root.children
  if (!only || others.length > 0 || xml.slice(at).trim() !== '') throw new Error('one element is needed')
  return only
}

/** All elements of a class, at any depth. */
export function withClass(element: Element, name: string): Element[] {
  const own = (element.attributes['class'] ?? '').split(' ').includes(name) ? [element] : []
  return [...own, ...element.children.flatMap((child) => withClass(child, name))]
}

/** Where something is in the picture. */
export interface Rectangle {
  readonly what: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** The rectangle around a state's shape. */
export function rectangleOf(state: Element): Rectangle {
  const shape = state.children.find(({ tag }) => tag === 'path' || tag === 'ellipse')
  const { d, cx, cy, rx, ry } = shape?.attributes ?? {}
  const what = state.attributes['data-state'] ?? ''
  if (d === undefined)
    return { what, left: Number(cx) - Number(rx), right: Number(cx) + Number(rx), top: Number(cy) - Number(ry), bottom: Number(cy) + Number(ry) } // prettier-ignore
  const points = [...d.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
  const xs = points.map(([x]) => x)
  const ys = points.map(([, y]) => y)
  return { what, left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) }
}

/** The rectangle of a text, by the mean width of Helvetica's small letters. */
export function textRectangle({ attributes, text }: Element, fontPx: number): Rectangle {
  const [left, base] = [Number(attributes['x']), Number(attributes['y'])]
  const indent = /^\s*/.exec(text)?.[0].length ?? 0
  const start = left + indent * fontPx * 0.278
  const right = start + text.trim().length * fontPx * 0.48
  return { what: text.trim(), left: start, right, top: base - fontPx * 0.7, bottom: base }
}

/** What lies on what, by more than a pixel. */
export function overlaps(some: readonly Rectangle[], others: readonly Rectangle[] = some): string[] {
  const lies = (a: Rectangle, b: Rectangle): boolean =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1
  return some.flatMap((a, at) =>
    (some === others ? others.slice(at + 1) : others).filter((b) => lies(a, b)).map((b) => `${a.what} on ${b.what}`),
  )
}
