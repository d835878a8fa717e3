import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodePuffinBlob, decodePuffinFile, encodePuffinFile, type NewPuffinBlob } from '../../src/puffin/puffin-file.js'
import { decodePuffinFooter, encodePuffinFooter, type PuffinBlob, puffinFooterLength } from '../../src/puffin/puffin-footer.js'
import { compressZstd } from '../../src/util/compression.js'
import { goldenFolder } from '../golden/golden-tables.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

const blob = (content: Uint8Array, rest: Partial<NewPuffinBlob> = {}): NewPuffinBlob =>
  ({ type: 'some-type-v1', fields: [1, 2], snapshotId: 3n, sequenceNumber: 4n, properties: new Map(), content, ...rest })
const file = encodePuffinFile([blob(Uint8Array.of(1, 2, 3)), blob(new Uint8Array(0)), blob(Uint8Array.of(9))], new Map([['created-by', 'tests']]))

describe('a Puffin file', () => {
  it('comes back as it was written', () => {
    const footer = decodePuffinFile(file.bytes)
    expect(footer.properties).toEqual(new Map([['created-by', 'tests']]))
    expect(footer.blobs).toEqual(file.blobs.map((placed) => ({ ...placed, compressionCodec: undefined })))
    expect(footer.blobs.map(({ offset, length }) => [offset, length])).toEqual([[4, 3], [7, 0], [7, 1]])
    expect(file.bytes.subarray(4, 7)).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('may have no blobs and no properties', () => {
    const { bytes } = encodePuffinFile([], new Map())
    expect(Buffer.from(bytes).toString('latin1')).toBe('PFA1PFA1{"blobs":[]}\x0c\0\0\0\0\0\0\0PFA1')
    expect(decodePuffinFile(bytes)).toEqual({ blobs: [], properties: new Map() })
  })

  it('keeps 64-bit ids and names such as __proto__', () => {
    const properties = new Map([['__proto__', 'x'], ['constructor', 'ü']])
    const ids = { snapshotId: 9007199254740993n, sequenceNumber: -1n, properties }
    const { bytes } = encodePuffinFile([blob(Uint8Array.of(1), ids)], properties)
    const footer = decodePuffinFile(bytes)
    expect(footer.blobs[0]).toMatchObject(ids)
    expect(footer.properties).toEqual(properties)
  })

  it('is found out when its marks are wrong', () => {
    for (const offset of [0, file.blobs[2]!.offset + 1, file.bytes.length - 4]) {
      const bytes = file.bytes.slice()
      bytes[offset] = 0
      expect(codeThrownBy(() => decodePuffinFile(bytes, 'a.puffin'))).toBe('CORRUPT')
    }
    expect(thrownBy(() => decodePuffinFile(new Uint8Array(5), 'a.puffin')).message).toContain('a.puffin')
  })

  it('is found out when its footer claims another size, before memory is taken for it', () => {
    const at = file.bytes.length - 12
    for (const size of [-1, 0, 2 ** 31 - 1, file.bytes.length, file.bytes.length - 20]) {
      const bytes = file.bytes.slice()
      new DataView(bytes.buffer).setInt32(at, size, true)
      expect(codeThrownBy(() => decodePuffinFile(bytes))).toBe('CORRUPT')
    }
  })

  it('with flags of a later version, or an LZ4 footer, is not supported', () => {
    for (const [offset, value] of [[8, 2], [8, 1], [7, 1], [5, 128]] as const) {
      const bytes = file.bytes.slice()
      bytes[bytes.length - offset] = value
      expect(codeThrownBy(() => decodePuffinFile(bytes))).toBe('UNSUPPORTED')
    }
  })

  it.each([
    ['before the head', { offset: 3, length: 1 }],
    ['into the footer', { offset: 4, length: 10 }],
    ['with a negative length', { offset: 5, length: -1 }],
    ['beyond all numbers', { offset: 2 ** 53 - 1, length: 2 ** 53 - 1 }],
  ])('with a blob %s is corrupt', (_, place) => {
    expect(codeThrownBy(() => decodeBlobs([place]))).toBe('CORRUPT')
  })

  it('with blobs that overlap is corrupt, in whatever order they are listed', () => {
    expect(codeThrownBy(() => decodeBlobs([{ offset: 6, length: 3 }, { offset: 4, length: 3 }]))).toBe('CORRUPT')
    expect(decodeBlobs([{ offset: 7, length: 2 }, { offset: 4, length: 3 }]).blobs).toHaveLength(2)
  })

  it.each([
    ['no JSON', '{"blobs":['],
    ['no blobs', '{}'],
    ['a blob without an offset', '{"blobs":[{"type":"t","fields":[],"snapshot-id":1,"sequence-number":1,"length":1}]}'],
    ['an offset that is text', '{"blobs":[{"type":"t","fields":[],"snapshot-id":1,"sequence-number":1,"offset":"4","length":1}]}'],
    ['a property that is no text', '{"blobs":[],"properties":{"a":1}}'],
    ['malformed UTF-8', '{"blobs":[],"properties":{"a":"\xff"}}'],
    ['nesting without end', '['.repeat(100_000)],
  ])('whose footer has %s is corrupt', (_, payload) => {
    const bytes = Buffer.concat([Buffer.from('PFA1PFA1'), Buffer.from(payload, 'latin1'), Buffer.alloc(12)])
    bytes.writeInt32LE(payload.length, bytes.length - 12)
    bytes.write('PFA1', bytes.length - 4)
    expect(codeThrownBy(() => decodePuffinFile(bytes))).toBe('CORRUPT')
  })
})

describe('a blob', () => {
  const stored = compressZstd(new Uint8Array(5000).fill(7))
  const zstd: PuffinBlob = { type: 't', fields: [], snapshotId: 1n, sequenceNumber: 1n, offset: 4, length: stored.length, compressionCodec: 'zstd', properties: new Map() }

  it('is decompressed where it is compressed, up to a bound', () => {
    expect(decodePuffinBlob(zstd, stored, 5000)).toEqual(new Uint8Array(5000).fill(7))
    expect(codeThrownBy(() => decodePuffinBlob(zstd, stored, 4999))).toBe('CORRUPT')
    const plain = { ...zstd, compressionCodec: undefined }
    expect(decodePuffinBlob(plain, stored, 0)).toBe(stored)
  })

  it('of another size than its footer says is corrupt, and of another codec not supported', () => {
    expect(codeThrownBy(() => decodePuffinBlob(zstd, stored.subarray(1), 5000))).toBe('CORRUPT')
    expect(codeThrownBy(() => decodePuffinBlob({ ...zstd, compressionCodec: 'lz4' }, stored, 5000))).toBe('UNSUPPORTED')
  })
})

describe('statistics files of the reference', () => {
  const tables = join(goldenFolder, 'tables')
  const paths = readdirSync(tables, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.stats'))

  it.each(paths)('%s has readable sketches, and encodes to the same footer', (path) => {
    const bytes = new Uint8Array(readFileSync(join(tables, path)))
    const footer = decodePuffinFile(bytes)
    const length = puffinFooterLength(bytes, { fileSizeBytes: bytes.length })
    expect(Buffer.compare(encodePuffinFooter(footer), bytes.subarray(bytes.length - length))).toBe(0)
    expect(footer.blobs.length).toBeGreaterThan(0)
    for (const sketch of footer.blobs) {
      expect(sketch.type).toBe('apache-datasketches-theta-v1')
      expect(sketch.compressionCodec).toBe('zstd')
      expect(Number(sketch.properties.get('ndv'))).toBeGreaterThan(0)
      const content = decodePuffinBlob(sketch, bytes.subarray(sketch.offset, sketch.offset + sketch.length), 2 ** 20)
      // Serial version and family of a compact theta sketch
      expect([...content.subarray(1, 3)]).toEqual([3, 3])
    }
  })
})

function decodeBlobs(places: readonly Pick<PuffinBlob, 'offset' | 'length'>[]) {
  const blobs = places.map((place) => ({ type: 't', fields: [], snapshotId: 1n, sequenceNumber: 1n, properties: new Map<string, string>(), ...place }))
  const footer = encodePuffinFooter({ blobs, properties: new Map() })
  return decodePuffinFooter(footer, { fileSizeBytes: footer.length + 9 })
}
