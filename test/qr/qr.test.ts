/**
 * Goal: a text that is shown as an animated QR code arrives, whatever frames the camera misses, and whatever else it sees.
 * Method: the frames of another implementation and the vectors of NUT-16 for which parts a frame is made of; texts drawn by chance, with
 * frames that are lost, repeated, out of order, damaged and of another code.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken } from '../../src/cashu/codec.ts'
import { parseCashu } from '../../src/cashu/text/parse-cashu.ts'
import { bytesOfLetters, crc32, lettersOf } from '../../src/qr/bytewords.ts'
import { chooser } from '../../src/qr/fountain.ts'
import { qrFrames, qrReader, readQrFrames, type QrFrame } from '../../src/qr/index.ts'
import { UR_FRAMES, UR_SHORT, UR_TEXT } from '../kits/ur-vectors.ts'

/** What becomes of a frame between screen and camera. */
type Sight = 'seen' | 'missed' | 'twice' | 'damaged' | 'foreign'

/** The first frames. */
function take(text: string, count: number, frameBytes = 50): string[] {
  const frames = qrFrames(text, { frameBytes })
  return Array.from({ length: count }, () => frames.next().value)
}

/** Frames of which some are missed. */
function* missing(frames: Iterable<string>, isMissed: (at: number) => boolean): Generator<string> {
  let at = 0
  for (const frame of frames) if (!isMissed(at++)) yield frame
}

describe('frames', () => {
  test('are those that others make', () => {
    const frames = take(UR_TEXT, 25)
    for (const [number, frame] of Object.entries(UR_FRAMES))
      expect(frames[Number(number) - 1]).toBe(frame.toUpperCase())
    expect(take(UR_SHORT.text, 2)).toEqual([UR_SHORT.frame.toUpperCase(), UR_SHORT.frame.toUpperCase()])
  })

  test('of others are read, in any case, without the plain ones', () => {
    const reader = qrReader()
    for (const frame of Object.values(UR_FRAMES).slice(1)) reader.add(frame)
    expect(reader.text).toBe(UR_TEXT)
    const short = qrReader()
    expect(short.add(` ${UR_SHORT.frame.toUpperCase()} `)).toBe('new')
    expect(short.text).toBe(UR_SHORT.text)
  })

  test('are made of the parts that NUT-16’s vectors say', () => {
    const four = chooser({ parts: 4, messageBytes: 17, checksum: 0x2c183a19 })
    expect([5, 6, 7, 8, 9, 10, 11, 12, 13].map(four)).toEqual([
      [0],
      [0, 3],
      [1, 0, 2],
      [2],
      [1, 2, 0],
      [3],
      [0, 1],
      [2, 1],
      [2, 3, 0],
    ])
    const three = chooser({ parts: 3, messageBytes: 162, checksum: 0xa0486a70 })
    expect([4, 5, 6, 7, 8, 11, 2 ** 32 - 1].map(three)).toEqual([[1], [1, 2], [1], [0, 2, 1], [0], [0, 2], [2, 1, 0]])
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  })

  test('hold no more bytes of the text than is asked for, and are codes of the dense mode', () => {
    for (const frame of take('x'.repeat(1_000), 30, 100)) {
      expect(frame).toMatch(/^[0-9A-Z $%*+./:-]+$/)
      // Two letters for each byte, and a head of at most 21 bytes with the checksum.
      expect(frame.length).toBeLessThanOrEqual(2 * (100 + 21) + 'UR:BYTES/30-10/'.length)
    }
  })

  test('a wrong call is a TypeError that names the argument', () => {
    expect(() => qrFrames('')).toThrow(/^text: /)
    expect(() => qrFrames('x', { frameBytes: 9 })).toThrow(/^frameBytes: /)
    expect(() => qrFrames('x', { bytes: 9 } as never)).toThrow(/^bytes: /)
    expect(() => qrFrames('x'.repeat(1_000_001))).toThrow(/^text: /)
    expect(() => qrFrames('ü'.repeat(600_000))).toThrow(/^text: /)
    expect(() => qrFrames('x'.repeat(100_000), { frameBytes: 10 })).toThrow(/^frameBytes: at least 25 /)
    expect(() => qrReader().add(7 as never)).toThrow(/^frame: /)
  })
})

describe('a text arrives', () => {
  test('though frames are missed, come twice and in any order', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 2_000, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
        fc.integer({ min: 10, max: 200 }),
        fc.infiniteStream(fc.constantFrom<Sight>('seen', 'missed', 'twice', 'damaged', 'foreign')),
        (text, frameBytes, sights) => {
          const reader = qrReader()
          const foreign = qrFrames(`${text}!`.repeat(20), { frameBytes })
          const answers: Record<Sight, Set<QrFrame>> = { seen: new Set(), missed: new Set(), twice: new Set(), damaged: new Set(), foreign: new Set() } // prettier-ignore
          let progress = 0
          for (const frame of qrFrames(text, { frameBytes })) {
            const sight = sights.next().value as Sight
            if (sight === 'damaged') answers.damaged.add(reader.add(frame.slice(0, -1)))
            // What it sees first is what it keeps to.
            if (sight === 'foreign' && reader.progress > 0) answers.foreign.add(reader.add(foreign.next().value))
            if (sight === 'seen' || sight === 'twice') answers.seen.add(reader.add(frame))
            if (sight === 'twice') answers.twice.add(reader.add(frame))
            expect(reader.progress).toBeGreaterThanOrEqual(progress)
            progress = reader.progress
            if (reader.text !== undefined) break
          }
          expect(reader.text).toBe(text)
          expect(reader.progress).toBe(1)
          expect([...answers.damaged, ...answers.foreign, ...answers.twice].every((one) => one !== 'new')).toBe(true)
          expect([...answers.seen].every((one) => one === 'new' || one === 'known')).toBe(true)
        },
      ),
    )
  })

  test('after hardly more frames than it has parts', () => {
    const text = 'x'.repeat(9_429)
    const parts = Math.ceil((text.length + 3) / 150)
    const reader = qrReader()
    let seen = 0
    for (const frame of missing(qrFrames(text), (at) => at % 5 === 0)) {
      reader.add(frame)
      seen++
      if (reader.text !== undefined) break
    }
    expect(seen).toBeLessThan(parts * 1.4)
  })

  test('a token: from one wallet to the other', async () => {
    const token = encodeToken({
      mintUrl: 'https://mint.example',
      unit: 'sat',
      proofs: Array.from({ length: 20 }, (_, at) => ({
        amount: 2 ** at,
        id: '009a1f293253e41e',
        secret: `${at}`.padStart(64, '0'),
        C: '02bc9097997d81afb2cc7346b5e4345a9346bd2a506eb7958598a72f0cf85163ea',
      })),
    })
    const scanned = missing(qrFrames(token), (at) => at % 3 === 1)
    const text = await readQrFrames(scanned)
    expect(text).toBe(token)
    expect(await parseCashu(text!)).toMatchObject({ type: 'token', proofs: 20 })
    expect(await readQrFrames(take(token, 3))).toBeUndefined()
    // A code that is not animated.
    expect(await readQrFrames([token])).toBe(token)
  })

  test('a token in bytes as its text', () => {
    const token =
      'cashuBo2FtdGh0dHBzOi8vbWludC5leGFtcGxlYXVjc2F0YXSBomFpSAARIjNEVWZ3YXCBo2FhAWFzeEAyYWZiYWRmNzk3Y2M4ZTVjYjA2YmQxMDAxNmIyNzA0MmJkMjVkYzFkYjVmMjM2MDEyM2I5OGQ1N2EyMTNlYzg5YWNYIQJ5vmZ--dy7rFWgYpXOhwsHApv82y3OKNlZ8oFbFvgXmA'
    const raw = Buffer.concat([Buffer.from('crawB'), Buffer.from(token.slice(6), 'base64url')])
    const reader = qrReader()
    reader.add(`ur:bytes/${lettersOf(Buffer.concat([Buffer.from([0x58, raw.length]), raw]))}`)
    expect(reader.text).toBe(token)
    expect(decodeToken(token).proofs).toHaveLength(1)
  })
})

describe('what is no frame', () => {
  test('is said to be none, and does not count', () => {
    const reader = qrReader()
    const [first = ''] = take(UR_TEXT, 1)
    const odd = ['', 'ur:', 'ur:bytes/', 'ur:bytes/1-9/', 'ur:crypto-psbt/1-9/lpadascf', `${first}ae`, first.replace('1-9', '2-9'), first.replace('LP', 'LQ'), 'UR:BYTES/AEAEAEAEAE'] // prettier-ignore
    for (const frame of odd) expect(reader.add(frame), frame).toBe('none')
    expect(reader.progress).toBe(0)
    expect(reader.text).toBeUndefined()
  })

  test('does no harm, whatever numbers it has', () => {
    const part = (...fields: readonly number[]): string => {
      const [sequence = 0, parts = 0] = fields
      const head = [
        0x85,
        ...fields.flatMap((field) => [0x1a, ...[24, 16, 8, 0].map((shift) => (field >>> shift) & 255)]),
      ]
      return `ur:bytes/${sequence}-${parts}/${lettersOf(Uint8Array.from([...head, 0x43, 1, 2, 3]))}`
    }
    const reader = qrReader()
    for (const fields of [
      [0, 2, 6, 1],
      [1, 0, 6, 1],
      [1, 2, 0, 1],
      [1, 4097, 12_291, 1],
      [1, 3, 6, 1],
      [1, 1, 6, 1],
      [1, 2, 2 ** 31, 1],
    ])
      expect(reader.add(part(...fields)), fields.join(' ')).toBe('none')
    expect(reader.add(part(1, 2, 6, 1))).toBe('new')
    // The checksum does not fit what comes of it: from the beginning.
    expect(reader.add(part(2, 2, 6, 1))).toBe('none')
    expect(reader.progress).toBe(0)
  })

  test('never makes it throw', () => {
    const reader = qrReader()
    fc.assert(fc.property(fc.string(), (text) => void reader.add(`ur:bytes/1-9/${text}`)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(bytesOfLetters(lettersOf(bytes)) ?? new Uint8Array()).toEqual(bytes)
        for (const head of ['1-9/', '', '9-1/']) reader.add(`ur:bytes/${head}${lettersOf(bytes)}`)
      }),
    )
  })
})
