import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { FloeError } from '../../src/util/errors.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

interface ReferenceBitmap {
  /** How it was made: `add p…`, `step first count distance`, `range from toExclusive`, `or earlier`. */
  readonly script: readonly string[]
  readonly bytes: number
  readonly sha256: string
}

describe('bytes', () => {
  // Made by `org.apache.iceberg.deletes.RoaringPositionBitmap` of Iceberg 1.11.0, run-length encoded, from the same scripts
  const references = JSON.parse(readFileSync(join(import.meta.dirname, 'reference-bitmaps.json'), 'utf8')) as readonly ReferenceBitmap[]

  it(`are those of the reference, for ${references.length} bitmaps made in the same way`, () => {
    const made: PositionBitmap[] = []
    for (const { script, bytes, sha256 } of references) {
      const bitmap = new PositionBitmap()
      for (const line of script) run(bitmap, line, made)
      const encoded = bitmap.encode()
      expect([encoded.length, createHash('sha256').update(encoded).digest('hex')], script.join('; ')).toEqual([bytes, sha256])
      expect(Buffer.compare(PositionBitmap.decode(encoded).encode(), encoded)).toBe(0)
      made.push(bitmap)
    }
  })

  it('keep an array that would be no smaller as runs, and runs that came as such, as the reference does', () => {
    expect(PositionBitmap.of([1, 2, 3]).encode()).toEqual(one('3a300000', '01000000', '00000200', '10000000', '010002000300'))
    const range = new PositionBitmap()
    range.addRange(1, 4)
    expect(range.encode()).toEqual(one('3b300000', '01', '00000200', '0100', '01000200'))
  })

  it('of no positions are a count of zero', () => {
    expect(Buffer.from(new PositionBitmap().encode()).toString('hex')).toBe('0000000000000000')
  })

  it('have an empty bitmap for each 32-bit half that is left out, as in the reference', () => {
    const empty = '3a30000000000000'
    const hex = Buffer.from(PositionBitmap.of([2 * 2 ** 32]).encode()).toString('hex')
    expect(hex).toBe(`0300000000000000${'00000000'}${empty}${'01000000'}${empty}${'02000000'}3a300000010000000000000010000000${'0000'}`)
    expect(PositionBitmap.of([2 ** 52]).encode()).toHaveLength(8 + 4 + 8 + 8 + 2)
  })

  it('that are not the shortest are read and written in their shortest form', () => {
    const touching = one('3b300000', '01', '00000900', '0200', '00000400', '05000400')
    const bitmap = PositionBitmap.decode(touching)
    expect([...bitmap]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(bitmap.encode()).toEqual(PositionBitmap.of(bitmap).encode())
    bitmap.add(10)
    expect(bitmap.cardinality).toBe(11)
  })

  it('may be read from a buffer at an odd address, which the bitmap never changes', () => {
    const encoded = PositionBitmap.of([1, 2, 3, 5, 70_000]).encode()
    const buffer = Buffer.concat([Buffer.alloc(1), encoded]).subarray(1)
    for (const bytes of [encoded, buffer]) {
      const copy = Buffer.from(bytes)
      const bitmap = PositionBitmap.decode(bytes)
      bitmap.add(4)
      bitmap.addRange(0, 9)
      bitmap.addAll(PositionBitmap.of([69_999, 70_001]))
      expect(Buffer.compare(bytes, copy)).toBe(0)
      expect([...bitmap]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 69_999, 70_000, 70_001])
    }
  })
})

describe('bytes that are refused', () => {
  const array = '00000200'
  const offset = '10000000'
  it.each<[string, Uint8Array]>([
    ['too short for a count', Buffer.alloc(7)],
    ['a count that no bytes back', hex('ffffffffffffff7f')],
    ['a negative count', hex('ffffffffffffffff')],
    ['a key whose positions are negative', hex('0100000000000000', '00000080', '3a30000000000000')],
    ['keys out of order', hex('0200000000000000', '01000000', '3a30000000000000', '00000000', '3a30000000000000')],
    ['a key twice', hex('0200000000000000', '01000000', '3a30000000000000', '01000000', '3a30000000000000')],
    ['bytes after the end', Buffer.concat([PositionBitmap.of([1]).encode(), Buffer.alloc(1)])],
    ['another cookie', one('3c300000', '01000000', array, offset, '010002000300')],
    ['a cookie with something in its upper half', one('3a300100', '01000000', array, offset, '010002000300')],
    ['more containers than there can be', one('3a300000', '01000100', array, offset, '010002000300')],
    ['more containers than bytes', one('3a300000', '00000100', array, offset, '010002000300')],
    ['container keys out of order', one('3a300000', '02000000', '01000000', '00000000', '18000000', '1a000000', '0100', '0100')],
    ['a container key twice', one('3a300000', '02000000', '00000000', '00000000', '18000000', '1a000000', '0100', '0200')],
    ['an offset that points elsewhere', one('3a300000', '01000000', array, '12000000', '010002000300')],
    ['values out of order', one('3a300000', '01000000', array, offset, '020001000300')],
    ['a value twice', one('3a300000', '01000000', array, offset, '010003000300')],
    ['fewer values than the header says', one('3a300000', '01000000', array, offset, '01000200')],
    ['fewer bits than the header says', one('3a300000', '01000000', '0000ffff', offset, 'ff'.repeat(8191), '7f')],
    ['half a bitmap', one('3a300000', '01000000', '0000ffff', offset, 'ff'.repeat(4096))],
    ['no runs', one('3b300000', '01', '00000000', '0000')],
    ['runs out of order', one('3b300000', '01', '00000300', '0200', '09000100', '01000100')],
    ['runs that overlap', one('3b300000', '01', '00000500', '0200', '01000200', '03000200')],
    ['a run past the end of its container', one('3b300000', '01', '00000100', '0100', 'ffff0100')],
    ['runs of another length than the header says', one('3b300000', '01', '00000500', '0100', '01000200')],
    ['more runs than bytes', one('3b300000', '01', '00000500', 'ffff', '01000500')],
    ['a run flag for a container that is not there', one('3b300000', '03', '00000200', '0100', '01000200')],
  ])('%s', (_, bytes) => {
    const error = thrownBy(() => PositionBitmap.decode(bytes, { file: 's3://b/v.puffin' }))
    expect(error).toMatchObject({ code: 'CORRUPT', file: 's3://b/v.puffin' })
  })
})

describe('positions beyond 2^53', () => {
  const key = 'ffffff7f'
  const bytes = hex('0200000000000000', '00000000', '3a30000001000000', '00000000', '10000000', '0700', key, '3a30000001000000', '00000000', '10000000', 'ffff')

  it('are kept, counted, merged and written exactly', () => {
    const bitmap = PositionBitmap.decode(bytes)
    expect(bitmap.cardinality).toBe(2)
    expect(bitmap.contains(7)).toBe(true)
    expect(Buffer.compare(bitmap.encode(), bytes)).toBe(0)
    const merged = bitmap.union(PositionBitmap.of([8]))
    expect(merged.cardinality).toBe(3)
    expect(merged.difference(PositionBitmap.of([8])).equals(bitmap)).toBe(true)
    const mask = new Uint8Array(10).fill(1)
    merged.removeFrom(mask, 0, 10)
    expect([...mask]).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 1])
    expect(bitmap.countInRange(0, 2 ** 53 - 1)).toBe(1)
  })

  it('cannot be listed: an error says so before the first one is', () => {
    const bitmap = PositionBitmap.decode(bytes)
    let calls = 0
    expect(codeThrownBy(() => bitmap.forEach(() => calls++))).toBe('UNSUPPORTED')
    expect(codeThrownBy(() => [...bitmap])).toBe('UNSUPPORTED')
    expect(codeThrownBy(() => bitmap.last)).toBe('UNSUPPORTED')
    expect(bitmap.first).toBe(7)
    expect(calls).toBe(0)
  })

  it('cannot be added, nor can negative ones, fractions or NaN', () => {
    for (const position of [-1, 0.5, 2 ** 53, Number.NaN, Infinity]) {
      expect(codeThrownBy(() => new PositionBitmap().add(position))).toBe('INVALID')
      expect(new PositionBitmap().contains(position)).toBe(false)
    }
    expect(codeThrownBy(() => new PositionBitmap().addRange(5, 4))).toBe('INVALID')
    expect(codeThrownBy(() => new PositionBitmap().addRange(0, 0.5))).toBe('INVALID')
  })
})

describe('memory', () => {
  it('is known about, for caches', () => {
    const sparse = PositionBitmap.of(Array.from({ length: 10_000 }, (_, i) => 1000 * i))
    expect(sparse.memoryBytes).toBeGreaterThan(20_000)
    expect(sparse.memoryBytes).toBeLessThan(60_000)
    const run = new PositionBitmap()
    run.addRange(0, 2 ** 31)
    expect(run.cardinality).toBe(2 ** 31)
    expect(run.memoryBytes).toBeLessThan(2 ** 22)
  })

  it('of a small input is never taken for what the input claims', () => {
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 100; i++) expect(() => PositionBitmap.decode(one('3a300000', '00000100', 'ff'.repeat(64)))).toThrow(FloeError)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })
})

function hex(...parts: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(parts.join(''), 'hex'))
}

/** A vector of one 32-bit bitmap for key 0. */
function one(...parts: readonly string[]): Uint8Array {
  return hex('0100000000000000', '00000000', ...parts)
}

function run(bitmap: PositionBitmap, line: string, made: readonly PositionBitmap[]): void {
  const [operation, ...rest] = line.split(' ')
  const numbers = rest.map(Number)
  const [a, b, c] = numbers as [number, number, number]
  if (operation === 'add') for (const position of numbers) bitmap.add(position)
  else if (operation === 'step') for (let i = 0; i < b; i++) bitmap.add(a + i * c)
  else if (operation === 'range') bitmap.addRange(a, b)
  else bitmap.addAll(made[a]!)
}
