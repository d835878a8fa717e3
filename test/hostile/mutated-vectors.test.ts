/**
 * Damaged vectors, Puffin files and vector blobs: each is refused with a typed error, or is read as what a plain reader says
 * that it means. `FLOE_INPUTS=<n>` tries more of each kind, `FLOE_SEED=<n>` others.
 */
import { describe, expect, it } from 'vitest'
import { decodeVectorBlob, encodeVectorBlob } from '../../src/deletes/deletion-vector.js'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { decodePuffinFile, encodePuffinFile } from '../../src/puffin/puffin-file.js'
import { crc32 } from '../../src/util/crc32.js'
import { FloeError } from '../../src/util/errors.js'
import { readVectorPlainly } from '../support/plain-vector.js'
import { mutate, seeded } from './mutate.js'

const INPUTS = Number(process.env['FLOE_INPUTS'] ?? 1_000)
const SEED = Number(process.env['FLOE_SEED'] ?? 20_260)
const range = (count: number, value: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => value(i))

/** Each kind of container, alone and mixed, with and without the list of offsets, and several 32-bit halves. */
const samples = [
  [],
  [0],
  [1, 5, 9, 65_535, 65_536],
  range(300, (i) => 7 * i),
  range(5_000, (i) => 3 * i),
  range(900, (i) => i),
  [...range(400, (i) => 10 * i), ...range(800, (i) => 70_000 + i), ...range(9_000, (i) => 140_000 + 2 * i), 300_000, 400_000, 400_001],
  [3, 2 ** 32 + 4, 3 * 2 ** 32 + 1, 3 * 2 ** 32 + 2],
].map((positions) => PositionBitmap.of(positions))

describe('damaged bytes', () => {
  it(`of ${INPUTS} vectors are refused or mean what they say`, () => {
    const outcomes = attack(samples.map((bitmap) => bitmap.encode()), (bytes) => {
      const decoded = PositionBitmap.decode(bytes)
      const plain = readVectorPlainly(bytes)
      if (plain === 'invalid') throw new Error('invalid bytes were read')
      expect(decoded.cardinality).toBe(plain.length)
      if (plain.every((position) => position < 2n ** 53n)) expect([...decoded].map(BigInt)).toEqual(plain)
      expect(readVectorPlainly(decoded.encode())).toEqual(plain)
    })
    expect(outcomes.read).toBeGreaterThan(0)
    expect(outcomes.refused).toBeGreaterThan(outcomes.read)
  })

  it(`of ${INPUTS} vectors whose checksums were made right again are refused or mean what they say`, () => {
    const outcomes = attack(samples.map((bitmap) => bitmap.encode()), (vector) => {
      const framed = Buffer.concat([Buffer.from('00000000d1d33964', 'hex'), vector, Buffer.alloc(4)])
      framed.writeUInt32BE(vector.length + 4, 0)
      framed.writeUInt32BE(crc32(framed.subarray(4, -4)), framed.length - 4)
      expect(decodeVectorBlob(framed).cardinality).toBe(readVectorPlainly(vector).length)
    })
    expect(outcomes.read).toBeGreaterThan(0)
  })

  it(`of ${INPUTS} blobs are all refused: checksum and length cover every byte`, () => {
    const outcomes = attack(samples.map(encodeVectorBlob), (bytes) => decodeVectorBlob(bytes))
    expect(outcomes.read).toBe(0)
  })

  it(`of ${INPUTS} Puffin files are refused, or the blobs lie in the file and apart`, () => {
    const blobs = samples.map((bitmap, i) => ({
      type: 'deletion-vector-v1', fields: [2147483645], snapshotId: -1n, sequenceNumber: -1n,
      properties: new Map([['referenced-data-file', `s3://b/${i}`], ['cardinality', String(bitmap.cardinality)]]),
      content: encodeVectorBlob(bitmap),
    }))
    const files = [encodePuffinFile(blobs.slice(0, 4), new Map([['created-by', 'x']])), encodePuffinFile(blobs.slice(7), new Map())]
    attack(files.map(({ bytes }) => bytes), (bytes) => {
      let end = 4
      for (const { offset, length } of decodePuffinFile(bytes).blobs.toSorted((a, b) => a.offset - b.offset || a.length - b.length)) {
        expect(offset).toBeGreaterThanOrEqual(end)
        end = offset + length
      }
      expect(end).toBeLessThanOrEqual(bytes.length - 16)
    })
  })
})

/** Reads damaged copies of the samples in turn; anything but success or a typed error about the bytes fails the test. */
function attack(inputs: readonly Uint8Array[], read: (bytes: Uint8Array) => unknown): { readonly read: number; readonly refused: number } {
  const random = seeded(SEED)
  let refused = 0
  for (let i = 0; i < INPUTS; i++) {
    const bytes = mutate(Buffer.from(inputs[i % inputs.length]!), random)
    try {
      read(bytes)
    } catch (error) {
      if (!(error instanceof FloeError && (error.code === 'CORRUPT' || error.code === 'UNSUPPORTED'))) {
        throw new Error(`input ${i} of seed ${SEED}: ${bytes.toString('hex').slice(0, 400)}`, { cause: error })
      }
      refused++
    }
  }
  return { read: INPUTS - refused, refused }
}
