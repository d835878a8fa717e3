import { randomBytes } from 'node:crypto'
import * as zlib from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as codecs from '../../src/util/compression.js'
import { isFloeError } from '../../src/util/errors.js'

type Decompress = (bytes: Uint8Array, maxOutputBytes: number) => Uint8Array | Promise<Uint8Array>
type Compress = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

const cases: readonly (readonly [name: string, compress: Compress, decompress: Decompress])[] = [
  ['raw deflate', (b) => codecs.deflateRaw(b), codecs.inflateRaw],
  ['raw deflate on the pool', (b) => codecs.deflateRawAsync(b), codecs.inflateRawAsync],
  ['gzip', (b) => codecs.gzip(b), codecs.gunzip],
  ['gzip on the pool', (b) => codecs.gzipAsync(b), codecs.gunzipAsync],
  ['zstd', (b) => codecs.compressZstd(b), codecs.decompressZstd],
  ['zstd on the pool', (b) => codecs.compressZstdAsync(b), codecs.decompressZstdAsync],
  ['snappy', (b) => codecs.compressSnappy(b), codecs.decompressSnappy],
  ['snappy, async', (b) => codecs.compressSnappyAsync(b), codecs.decompressSnappyAsync],
]

const text = new TextEncoder().encode('the quick brown fox jumps over the lazy dog; '.repeat(3000))
const inputs: readonly Uint8Array[] = [
  new Uint8Array(0),
  Uint8Array.of(0),
  new Uint8Array(1_000).fill(7),
  new Uint8Array(1_000_000),
  new Uint8Array(randomBytes(200_000)),
  text,
  Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) >>> 7),
]

describe.each(cases)('%s', (_name, compress, decompress) => {
  it('gives back what it compressed, as plain bytes', async () => {
    for (const input of inputs) {
      const output = await decompress(await compress(input), input.length)
      expect(output.constructor).toBe(Uint8Array)
      expect(Buffer.compare(output, input)).toBe(0)
    }
  })

  it('refuses output over the limit with CORRUPT', async () => {
    const packed = await compress(text)
    await expect(fail(() => decompress(packed, text.length - 1))).resolves.toBe('CORRUPT')
    await expect(fail(() => decompress(packed, 0))).resolves.toBe('CORRUPT')
  })

  it('reports every truncation as CORRUPT', async () => {
    const packed = await compress(text.subarray(0, 2_000))
    for (let length = 0; length < packed.length; length++) {
      expect(await fail(() => decompress(packed.subarray(0, length), 10_000))).toBe('CORRUPT')
    }
  })

  it('survives flipped bits in bounded output', async () => {
    const packed = await compress(text.subarray(0, 300))
    for (let bit = 0; bit < packed.length * 8; bit++) {
      const damaged = packed.slice()
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      const outcome = await fail(() => decompress(damaged, 4_096))
      expect(['CORRUPT', 'UNSUPPORTED', undefined]).toContain(outcome)
    }
  })
})

describe('gzip', () => {
  it('reads all members of a concatenated file', () => {
    const two = Buffer.concat([zlib.gzipSync('one'), zlib.gzipSync('two')])
    expect(Buffer.from(codecs.gunzip(two, 100)).toString()).toBe('onetwo')
  })
})

describe('zstd', () => {
  // 28 b5 2f fd: magic. Descriptor 0: no declared size, window byte 0. One raw block and the checksum flag off.
  const unsized = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x19, 0x00, 0x00, 0x61, 0x62, 0x63)

  it('reads a frame that declares no size', () => {
    expect(Buffer.from(codecs.decompressZstd(unsized, 10)).toString()).toBe('abc')
    expect(() => codecs.decompressZstd(unsized, 2)).toThrow('more than the 2 bytes')
  })

  it('grows its output for a large frame of unknown size', () => {
    // RLE blocks of 128 KiB each: 4 bytes of input become 131072 of output.
    const rle = [...Array<number>(39).fill(0x02), 0x03].flatMap((kind) => [kind, 0x00, 0x10, 0x07])
    const bytes = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ...rle])
    const output = codecs.decompressZstd(bytes, 40 * 131_072)
    expect(output.length).toBe(40 * 131_072)
    expect(output.every((byte) => byte === 7)).toBe(true)
    expect(() => codecs.decompressZstd(bytes, 39 * 131_072)).toThrow('more than')
  })

  it('reads concatenated and skippable frames', () => {
    const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9)
    const bytes = Buffer.concat([unsized, skippable, codecs.compressZstd(Buffer.from('def')), unsized])
    expect(Buffer.from(codecs.decompressZstd(bytes, 9)).toString()).toBe('abcdefabc')
    expect(() => codecs.decompressZstd(bytes, 8)).toThrow('more than')
  })

  it('refuses a declared size that its blocks cannot hold, before allocating', () => {
    const size = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]
    const lying = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, ...size, 0x19, 0x00, 0x00, 0x61, 0x62, 0x63)
    expect(() => codecs.decompressZstd(lying, Number.MAX_SAFE_INTEGER)).toThrow('its blocks hold at most')
  })

  it('refuses a frame that needs a dictionary', () => {
    const withDictionary = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x00, 0x05, 0x19, 0x00, 0x00, 0x61, 0x62, 0x63)
    expect(() => codecs.decompressZstd(withDictionary, 10)).toThrow('dictionary')
  })
})

describe('zstd into memory that is given', () => {
  const twoFrames = new Uint8Array([...codecs.compressZstd(text), ...codecs.compressZstd(text)])

  it('fills it, with one frame and with several', () => {
    for (const [packed, size] of [[codecs.compressZstd(text), text.length], [twoFrames, 2 * text.length]] as const) {
      const memory = new Uint8Array(size + 2)
      codecs.decompressZstdInto(packed, memory.subarray(1, size + 1))
      const expected = new Uint8Array(size + 2)
      expected.set(codecs.decompressZstd(packed, size), 1)
      expect(memory).toEqual(expected)
    }
  })

  it('refuses content that is shorter, longer or damaged', () => {
    const packed = codecs.compressZstd(text)
    const size = text.length
    for (const [bytes, room] of [[packed, size + 1], [packed, size - 1], [twoFrames, size], [packed.slice(0, -1), size]] as const) {
      expect(() => codecs.decompressZstdInto(bytes, new Uint8Array(room))).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
  })
})

describe('snappy', () => {
  it('reads every element kind of the format', () => {
    // "abcd", copy-1 of 4 at 4, copy-2 of 3 at 8, copy-4 of 2 at 1, literal with a one-byte length
    const bytes = Uint8Array.of(14, 0x0c, 0x61, 0x62, 0x63, 0x64, 0x01, 0x04, 0x0a, 0x08, 0x00, 0x07, 0x01, 0, 0, 0, 0xf0, 0x00, 0x7a)
    expect(Buffer.from(codecs.decompressSnappy(bytes, 14)).toString()).toBe('abcdabcdabcccz')
  })

  it('refuses a copy from before the start and a declared length that cannot be', () => {
    expect(() => codecs.decompressSnappy(Uint8Array.of(8, 0x0c, 0x61, 0x62, 0x63, 0x64, 0x01, 0x05), 8)).toThrow('outside')
    expect(() => codecs.decompressSnappy(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61), 2 ** 32)).toThrow('can hold')
  })
})

describe('a compression level out of range', () => {
  it('is INVALID', async () => {
    await expect(fail(() => codecs.deflateRaw(text, 77))).resolves.toBe('INVALID')
    await expect(fail(() => codecs.gzipAsync(text, 77))).resolves.toBe('INVALID')
  })
})

async function fail(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    if (!isFloeError(error)) throw error
    return error.code
  }
}

describe('a second copy of the library in one process', () => {
  afterEach(() => {
    vi.resetModules()
  })

  it('leaves the zstd of the first one working', async () => {
    const text = new TextEncoder().encode('the same bytes '.repeat(1000))
    const before = codecs.compressZstd(text)
    vi.resetModules()
    const second = await import('../../src/util/compression.js')
    expect(second.decompressZstd(before, text.length)).toEqual(text)
    expect(codecs.decompressZstd(second.compressZstd(text), text.length)).toEqual(text)
  })
})
