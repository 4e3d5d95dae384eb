/**
 * Makes ready what people paste or scan: takes out what cannot be seen, finds what is hidden, and takes runs of characters out of what is
 * around them. Everything here goes over the text once, piece by piece.
 */
import type { Pieces } from '../../time-slices.ts'

/** Characters that are gone over in one piece. */
const PIECE = 1 << 17

/** What has no width, marks directions or is a soft hyphen; variation selectors, too, for they hide other texts. */
const INVISIBLE =
  /\u{AD}|\u{34F}|\u{61C}|\u{180E}|[\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}-\u{206F}\u{FEFF}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]/gu
/** A text as it can be seen: what is hidden in it stands behind it. */
export function* visible(text: string): Pieces<string> {
  const hidden = yield* hiddenIn(text)
  return yield* changed(hidden === '' ? text : `${text}\n${hidden}`, (piece) => piece.replace(INVISIBLE, ''))
}

/** As links write what is in base64. */
const ESCAPES: Readonly<Record<string, string>> = { '%2b': '+', '%2f': '/', '%3d': '=' }

/** A text as it stands in links, with base64 as it is elsewhere. */
export const unescaped = (text: string): Pieces<string> =>
  changed(text, (piece) => piece.replace(/%(?:2b|2f|3d)/gi, (escape) => ESCAPES[escape.toLowerCase()] ?? escape))

function* changed(text: string, change: (piece: string) => string): Pieces<string> {
  let done = ''
  for (let from = 0, to = 0; from < text.length; from = to) {
    if (from > 0) yield
    to = endOfPiece(text, from + PIECE)
    done += change(text.slice(from, to))
  }
  return done
}

/** An end of a piece that parts neither an escape nor a character. */
function endOfPiece(text: string, least: number): number {
  let at = least
  for (let moved = 0; moved < 3; moved++) if (/[%\uD800-\uDBFF]/.test(text[at - 1] ?? '') || text[at - 2] === '%') at++
  return at
}

/** The byte that a variation selector stands for; undefined for all other characters. */
function hiddenByte(code: number, next: number): number | undefined {
  if (code >= 0xfe00 && code <= 0xfe0f) return code - 0xfe00
  if (code === 0xdb40 && next >= 0xdd00 && next <= 0xddef) return next - 0xdd00 + 16
  return undefined
}

/** Texts that are hidden behind a character, an emoji mostly, as variation selectors: each stands for a byte of UTF-8. */
function* hiddenIn(text: string): Pieces<string> {
  if (!/[\uFE00-\uFE0F\uDB40]/.test(text)) return ''
  const bytes = new Uint8Array(text.length)
  let [count, run, pause] = [0, 0, PIECE]
  for (let at = 0; at < text.length; at++) {
    if (at >= pause) {
      yield
      pause += PIECE
    }
    const byte = hiddenByte(text.charCodeAt(at), text.charCodeAt(at + 1))
    if (byte === undefined) {
      if (run > 0 && run < LEAST_HIDDEN) count -= run
      // Runs are kept apart.
      else if (run > 0) bytes[count++] = NEWLINE
      run = 0
    } else {
      if (byte >= 16) at++
      bytes[count++] = byte
      run++
    }
  }
  return new TextDecoder().decode(bytes.subarray(0, count))
}

/** One alone makes an emoji a coloured one. */
const LEAST_HIDDEN = 8
const NEWLINE = 0x0a

/** A run of characters, over several lines or words. */
export interface Run {
  readonly text: string
  /** Where it may end: behind each of its words. In characters of the run, and in those of the text. */
  readonly ends: readonly { readonly length: number; readonly at: number }[]
}

/** Words that a run goes on over at most where what it is shows by a checksum. */
const MOST_WORDS = 24

/** The word that stands there, and where it ends. */
export function wordAt(text: string, at: number, characters: RegExp): string {
  const sticky = new RegExp(characters.source, 'y')
  sticky.lastIndex = at
  return sticky.exec(text)?.[0] ?? ''
}

/** Lines that a run goes on over at most: those of the largest token have forty characters. */
const MOST_LINES = 100_000

/** What stands between the lines of a mail. */
const GAP = /[\s>]+/

/**
 * The words from there on that are of some characters only, as far as they go: lines that were wrapped, and what follows them.
 * Stops before what begins like another one, and behind padding.
 */
export function* runAt(text: string, from: number, characters: RegExp, most: number, stop: RegExp): Pieces<Run> {
  const words: string[] = []
  const ends: { length: number; at: number }[] = []
  let [at, length] = [from, 0]
  for (;;) {
    if (words.length % 5_000 === 4_999) yield
    // No more of it is looked at than may be taken.
    const word = wordAt(text.slice(at, at + most - length + 1), 0, characters)
    if (
      word === '' ||
      words.length > MOST_LINES ||
      (words.length > 0 && stop.test(word)) ||
      length + word.length > most
    )
      break
    words.push(word)
    at += word.length
    length += word.length
    ends.push({ length, at })
    if (text[at] === '=') break
    const gap = wordAt(text, at, GAP)
    if (gap === '') break
    at += gap.length
  }
  return { text: words.join(''), ends }
}

/** The run up to each of its words: only a checksum says where it ends. */
export function* growing(run: Run): Generator<{ readonly text: string; readonly at: number }> {
  for (const { length, at } of run.ends.slice(0, MOST_WORDS)) yield { text: run.text.slice(0, length), at }
}

/** Places that are looked at in one text: whoever pastes a text has a few things in it. */
export const MOST_PLACES = 32

/** What is at a place, and where the text goes on; undefined where nothing is. */
type ReadPlace<T> = (
  text: string,
  at: number,
  begin: string,
) => Pieces<{ readonly read: readonly T[]; readonly end: number } | undefined>

/** What is at the places where something begins so; not in the middle of a word. */
export function* placesIn<T>(text: string, beginning: RegExp, readPlace: ReadPlace<T>): Pieces<readonly T[]> {
  const read: T[] = []
  const begin = new RegExp(beginning)
  for (let looked = 0; looked < MOST_PLACES;) {
    const match = begin.exec(text)
    if (!match) break
    const { index } = match
    if (/[a-zA-Z0-9]/.test(text[index - 1] ?? '')) continue
    const place = yield* readPlace(text, index, match[0])
    if (!place) continue
    looked++
    read.push(...place.read)
    begin.lastIndex = Math.max(place.end, index + match[0].length)
  }
  return read
}

/** Without the marks of a sentence that stand behind it. */
export function unmarked(text: string): string {
  let end = text.length
  while (end > 0 && MARKS.includes(text[end - 1] ?? '')) end--
  return text.slice(0, end)
}

const MARKS = `"'\`»“”’)]}>*_.,:;!?`
