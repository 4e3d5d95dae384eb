/** Animated QR codes (NUT-16): a token that is too long for one code, as frames that are shown in turn. */
import { checkCount, checkNames, checkText } from '../arguments.ts'
import { base64UrlOf } from '../cashu/base64.ts'
import { cborPieces } from '../cashu/cbor.ts'
import { writeCbor } from '../cashu/cbor-write.ts'
import { atOnce } from '../time-slices.ts'
import { bytesOfLetters, crc32, lettersOf } from './bytewords.ts'
import { chooser, Equations, xor, type Transfer } from './fountain.ts'

/** How frames are made. */
export interface QrFramesOptions {
  /** The most bytes of the text in one frame; 150 unless given. More make fewer frames, of codes that are harder to scan. */
  readonly frameBytes?: number
}

/** The longest text, in bytes of UTF-8. */
const MOST_BYTES = 1_000_000
/** More parts than anybody would watch. */
const MOST_PARTS = 4_096
const LEAST_BYTES = 10

/**
 * Frames of an animated QR code for a text, a token mostly: each is to be shown as a code of its own, some five to ten a second, until the other
 * side has enough of them. There is no end to them, and it does not matter which ones are missed. All are in capitals, which make smaller codes.
 *
 * @throws {TypeError} naming the argument: a text of more than 1,000,000 bytes, or of more than 4,096 frames.
 * @example
 * const frames = qrFrames(token)
 * console.log(frames.next().value) // the first one to show; again for the next
 */
export function qrFrames(text: string, options: QrFramesOptions = {}): Generator<string, never, void> {
  checkText(text, 'text')
  checkNames(options, 'options', ['frameBytes'])
  const { frameBytes = 150 } = options
  checkCount(frameBytes, 'frameBytes', LEAST_BYTES)
  if (text.length > MOST_BYTES) throw new TypeError(`text: at most ${MOST_BYTES} bytes`)
  const message = writeCbor(new TextEncoder().encode(text))
  if (message.length > MOST_BYTES + 5) throw new TypeError(`text: at most ${MOST_BYTES} bytes`)
  const size = Math.ceil(message.length / Math.ceil(message.length / frameBytes))
  const parts = Math.ceil(message.length / size)
  if (parts > MOST_PARTS)
    throw new TypeError(`frameBytes: at least ${Math.ceil(message.length / MOST_PARTS)} for this text`)
  return frames(message, size, { parts, messageBytes: message.length, checksum: crc32(message) })
}

function* frames(message: Uint8Array, size: number, transfer: Transfer): Generator<string, never, void> {
  const { parts, messageBytes, checksum } = transfer
  const choose = chooser(transfer)
  const partAt = (part: number): Uint8Array => message.subarray(part * size, (part + 1) * size)
  for (let sequence = 1; ; sequence = sequence === MOST_SEQUENCE ? 1 : sequence + 1) {
    if (parts === 1) yield `UR:BYTES/${lettersOf(message)}`
    else {
      // The last part is filled up with zeros.
      const data = new Uint8Array(size)
      for (const part of choose(sequence)) xorShort(data, partAt(part))
      yield `UR:BYTES/${sequence}-${parts}/${lettersOf(writeCbor([sequence, parts, messageBytes, checksum, data]))}`
    }
  }
}

const MOST_SEQUENCE = 2 ** 32 - 1

const xorShort = (into: Uint8Array, part: Uint8Array): void => xor(into.subarray(0, part.length), part)

/** What came of a frame: it said something new, it was one more of the same, it is of another code, or it is none. */
export type QrFrame = 'new' | 'known' | 'other' | 'none'

/** Puts a text together from the frames of an animated QR code, as a camera sees them. */
export interface QrReader {
  /** Takes what the camera read, in any order; frames may be missed and come twice. A code that is not animated is a text of one frame. */
  add(frame: string): QrFrame
  /** From 0 to 1. */
  readonly progress: number
  /** The text, once there are enough frames: for `parseCashu`, as any text that was scanned. */
  readonly text: string | undefined
}

/**
 * A reader of one animated QR code (NUT-16). It keeps to the code of which it saw a frame first.
 *
 * @example
 * const reader = qrReader()
 * for (const scanned of qrFrames(token)) {
 *   reader.add(scanned)
 *   if (reader.text !== undefined) break
 * }
 */
export const qrReader = (): QrReader => new Reader()

/**
 * The text of an animated QR code, from its frames as they are scanned; undefined where they end before there are enough.
 *
 * @throws {TypeError} for a frame that is no text, and what the iterable itself throws.
 * @example
 * const text = await readQrFrames(qrFrames(token))
 */
export async function readQrFrames(frames: AsyncIterable<string> | Iterable<string>): Promise<string | undefined> {
  const reader = qrReader()
  for await (const frame of frames) {
    reader.add(frame)
    if (reader.text !== undefined) break
  }
  return reader.text
}

interface Started extends Transfer {
  readonly partBytes: number
  readonly choose: (sequence: number) => readonly number[]
  readonly equations: Equations
}

class Reader implements QrReader {
  #started: Started | undefined
  #text: string | undefined

  get text(): string | undefined {
    return this.#text
  }

  get progress(): number {
    if (this.#text !== undefined) return 1
    return this.#started ? this.#started.equations.known / this.#started.parts : 0
  }

  add(frame: string): QrFrame {
    if (typeof frame !== 'string') throw new TypeError('frame: a text')
    if (this.#text !== undefined) return 'known'
    if (frame.length > MOST_FRAME) return 'none'
    const [, numbers, letters] = /^ur:bytes\/(?:(\d{1,10}-\d{1,10})\/)?([a-z]+)$/i.exec(frame.trim()) ?? []
    if (letters === undefined) return this.#whole(frame)
    const bytes = bytesOfLetters(letters)
    if (!bytes) return 'none'
    if (numbers !== undefined) return this.#part(numbers, bytes)
    const text = textOf(bytes)
    return text === undefined ? 'none' : this.#whole(text)
  }

  #whole(text: string): QrFrame {
    if (this.#started) return 'other'
    // A frame of another kind of code is no text.
    if (text === '' || /^ur:/i.test(text)) return 'none'
    this.#text = text
    return 'new'
  }

  #part(numbers: string, bytes: Uint8Array): QrFrame {
    const frame = frameOf(bytes)
    if (!frame || numbers !== `${frame.sequence}-${frame.parts}`) return 'none'
    const { sequence, data, ...transfer } = frame
    this.#started ??= {
      ...transfer,
      partBytes: data.length,
      choose: chooser(transfer),
      equations: new Equations(transfer.parts),
    }
    const { parts, messageBytes, checksum, partBytes, choose, equations } = this.#started
    const isSame =
      transfer.parts === parts &&
      transfer.messageBytes === messageBytes &&
      transfer.checksum === checksum &&
      data.length === partBytes
    if (!isSame) return 'other'
    if (!equations.add(choose(sequence), data)) return 'known'
    const solved = equations.solved()
    if (!solved) return 'new'
    const message = new Uint8Array(parts * partBytes)
    for (const [at, part] of solved.entries()) message.set(part, at * partBytes)
    const whole = message.subarray(0, messageBytes)
    const text = crc32(whole) === checksum ? textOf(whole) : undefined
    // Some frame was of another code that looked the same: from the beginning.
    if (text === undefined) this.#started = undefined
    this.#text = text
    return text === undefined ? 'none' : 'new'
  }
}

/** No QR code has more characters. */
const MOST_FRAME = 8_000

interface Frame extends Transfer {
  readonly sequence: number
  readonly data: Uint8Array
}

function frameOf(bytes: Uint8Array): Frame | undefined {
  const value = cborOf(bytes)
  if (!Array.isArray(value) || value.length !== 5) return undefined
  const [sequence, parts, messageBytes, checksum, data] = Array.from<unknown>(value)
  if (!isCount(sequence) || !isCount(parts) || !isCount(messageBytes) || !(data instanceof Uint8Array)) return undefined
  if (typeof checksum !== 'number' || !(checksum >= 0 && checksum <= MOST_SEQUENCE)) return undefined
  if (parts > MOST_PARTS || messageBytes > MOST_BYTES + 5) return undefined
  // As many parts as it takes, and none that is empty.
  if (Math.ceil(messageBytes / data.length) !== parts) return undefined
  return { sequence, parts, messageBytes, checksum, data }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && value >= 1 && value <= MOST_SEQUENCE

function cborOf(bytes: Uint8Array): unknown {
  try {
    const { value, end } = atOnce(cborPieces(bytes, { entries: 5, tooMany: () => stop('too many') }))
    return end === bytes.length ? value : undefined
  } catch {
    return undefined
  }
}

function stop(why: string): never {
  throw new Error(why)
}

/** The text in a message; a token in bytes (NUT-00) as its text. */
function textOf(message: Uint8Array): string | undefined {
  const value = cborOf(message)
  if (typeof value === 'string') return value
  if (!(value instanceof Uint8Array)) return undefined
  if (RAW.every((byte, at) => value[at] === byte)) return `cashuB${atOnce(base64UrlOf(value.subarray(RAW.length)))}`
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value)
  } catch {
    return undefined
  }
}

const RAW = new TextEncoder().encode('crawB')
