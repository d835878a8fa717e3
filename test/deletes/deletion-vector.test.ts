import { describe, expect, it } from 'vitest'
import { decodeVectorBlob, type DeletionVectorRef, encodeVectorBlob, loadDeletionVector } from '../../src/deletes/deletion-vector.js'
import { readVectorFooter } from '../../src/deletes/deletion-vector-footer.js'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { encodePuffinFile, type NewPuffinBlob } from '../../src/puffin/puffin-file.js'
import { crc32 } from '../../src/util/crc32.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

const PATH = 'mem://t/data/v.puffin'

describe('the blob of a vector', () => {
  it('has length and checksum in big-endian around a vector in little-endian (trap 40)', () => {
    const blob = encodeVectorBlob(PositionBitmap.of([1, 2 ** 32 + 3]))
    const vector = ['0200000000000000', '00000000', '3a300000', '01000000', '00000000', '10000000', '0100', '01000000', '3a300000', '01000000', '00000000', '10000000', '0300']
    const framed = Buffer.from(`d1d33964${vector.join('')}`, 'hex')
    expect(Buffer.from(blob).toString('hex')).toBe(`${bigEndian(framed.length)}${framed.toString('hex')}${bigEndian(crc32(framed))}`)
    expect([...decodeVectorBlob(blob)]).toEqual([1, 2 ** 32 + 3])
  })

  it('with bytes after its end, or too few, is corrupt (trap 41)', () => {
    const blob = encodeVectorBlob(PositionBitmap.of([1, 5]))
    expect(codeThrownBy(() => decodeVectorBlob(Buffer.concat([blob, Buffer.alloc(1)])))).toBe('CORRUPT')
    for (let length = 0; length < blob.length; length++) expect(codeThrownBy(() => decodeVectorBlob(blob.subarray(0, length)))).toBe('CORRUPT')
  })

  it('with bytes after the vector but inside of the frame is corrupt, whatever its checksum (trap 41)', () => {
    const blob = encodeVectorBlob(PositionBitmap.of([1, 5]))
    const framed = Buffer.concat([blob.subarray(4, -4), Buffer.alloc(2)])
    const longer = Buffer.from(`${bigEndian(framed.length)}${framed.toString('hex')}${bigEndian(crc32(framed))}`, 'hex')
    expect(thrownBy(() => decodeVectorBlob(longer)).message).toMatch(/2 bytes follow/)
  })

  it('with a single bit flipped anywhere is corrupt', () => {
    const blob = encodeVectorBlob(PositionBitmap.of([1, 5, 70_000]))
    for (let bit = 0; bit < 8 * blob.length; bit++) {
      const damaged = blob.slice()
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      expect(codeThrownBy(() => decodeVectorBlob(damaged))).toBe('CORRUPT')
    }
  })

  it('with another number of positions than the manifest says is corrupt, and the error names the file (trap 41)', () => {
    const blob = encodeVectorBlob(PositionBitmap.of([1, 5]))
    expect([...decodeVectorBlob(blob, { cardinality: 2 })]).toEqual([1, 5])
    const error = thrownBy(() => decodeVectorBlob(blob, { cardinality: 3, file: PATH }))
    expect(error).toMatchObject({ code: 'CORRUPT', file: PATH })
    expect(error.message).toMatch(/deletes 2 rows, and should delete 3/)
  })
})

describe('loading a vector', () => {
  it('takes it out of a file that others share, by offset and size (trap 40)', async () => {
    const { io, refs } = await store([['a', [1, 5]], ['b', [2]]])
    expect([...await loadDeletionVector(io, refs[0]!)]).toEqual([1, 5])
    expect([...await loadDeletionVector(io, refs[1]!, { dataFilePath: 'b' })]).toEqual([2])
  })

  it('asks for the footer once when many vectors share it', async () => {
    const { io, refs } = await store([['a', [1, 5]], ['b', [2]]])
    let reads = 0
    const read = io.read.bind(io)
    io.read = (...args) => read(...args).finally(() => reads++)
    const footer = readVectorFooter(io, refs[0]!)
    for (const ref of refs) await loadDeletionVector(io, ref, { loadFooter: () => footer })
    expect(reads).toBe(3)
  })

  it('finds a footer that is longer than the first read', async () => {
    const many = Array.from({ length: 400 }, (_, i): [string, number[]] => [`data-file-${i}-${'x'.repeat(100)}`, [i]])
    const { io, refs } = await store(many)
    expect([...await loadDeletionVector(io, refs[7]!)]).toEqual([7])
    expect([...await loadDeletionVector(io, { ...refs[399]!, fileSizeBytes: undefined })]).toEqual([399])
  })

  // Both vectors have as many positions, so nothing but the footer tells them apart
  it.each<[string, (refs: readonly DeletionVectorRef[]) => Partial<DeletionVectorRef>]>([
    ['another vector\'s offset', ([, b]) => ({ contentOffset: b!.contentOffset })],
    ['an offset inside of the vector', ([a]) => ({ contentOffset: a!.contentOffset! + 1 })],
    ['another size', ([a]) => ({ contentSizeBytes: a!.contentSizeBytes! + 1 })],
    ['a size beyond the file', () => ({ contentSizeBytes: 2 ** 30 })],
    ['a size beyond the file, whose size is unknown', () => ({ contentSizeBytes: 2 ** 30, fileSizeBytes: undefined })],
    ['a negative offset', () => ({ contentOffset: -46 })],
    ['a size that is too small', () => ({ contentSizeBytes: 4 })],
    ['no offset', () => ({ contentOffset: undefined })],
    ['another number of rows', () => ({ recordCount: 3 })],
    ['another data file', () => ({ referencedDataFile: 'b' })],
    ['no data file', () => ({ referencedDataFile: undefined })],
  ])('is refused when the manifest has %s (trap 41)', async (_, change) => {
    const { io, refs } = await store([['a', [1, 5]], ['b', [2, 9]]])
    await expect(loadDeletionVector(io, { ...refs[0]!, ...change(refs) })).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('is refused for a data file that it does not belong to (trap 41)', async () => {
    const { io, refs } = await store([['a', [1, 5]]])
    await expect(loadDeletionVector(io, refs[0]!, { dataFilePath: 'c' })).rejects.toMatchObject({ code: 'CORRUPT', file: PATH })
  })

  it.each<[string, Partial<NewPuffinBlob>]>([
    ['type', { type: 'apache-datasketches-theta-v1' }],
    ['data file', { properties: new Map([['referenced-data-file', 'other']]) }],
    ['cardinality', { properties: new Map([['cardinality', '7']]) }],
  ])('is refused when the footer says another %s (trap 41)', async (_, blob) => {
    const { io, refs } = await store([['a', [1, 5]]], blob)
    await expect(loadDeletionVector(io, refs[0]!)).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('goes without properties that a writer left out', async () => {
    const { io, refs } = await store([['a', [1, 5]]], { properties: new Map() })
    expect([...await loadDeletionVector(io, refs[0]!)]).toEqual([1, 5])
  })

  it('says that the file is gone, and stops when it is told to', async () => {
    const { io, refs } = await store([['a', [1]]])
    await expect(loadDeletionVector(io, refs[0]!, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    await io.delete([PATH])
    await expect(loadDeletionVector(io, refs[0]!)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(loadDeletionVector(io, { ...refs[0]!, fileSizeBytes: undefined })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

function bigEndian(value: number): string {
  return value.toString(16).padStart(8, '0')
}

async function store(vectors: readonly (readonly [string, readonly number[]])[], change: Partial<NewPuffinBlob> = {}) {
  const blobs = vectors.map(([dataFile, positions]): NewPuffinBlob => ({
    type: 'deletion-vector-v1', fields: [2147483645], snapshotId: -1n, sequenceNumber: -1n,
    properties: new Map([['referenced-data-file', dataFile], ['cardinality', String(positions.length)]]),
    content: encodeVectorBlob(PositionBitmap.of(positions)), ...change,
  }))
  const { bytes, blobs: placed } = encodePuffinFile(blobs, new Map())
  const io = new MemoryFileIO()
  await io.write(PATH, bytes)
  const refs = placed.map(({ offset, length }, i): DeletionVectorRef => ({
    filePath: PATH, fileSizeBytes: bytes.length, contentOffset: offset, contentSizeBytes: length,
    recordCount: vectors[i]![1].length, referencedDataFile: vectors[i]![0],
  }))
  return { io, refs }
}
