import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/compaction/order/sort-keys.js'
import type { SortKeys } from '../../../src/compaction/order/sort-keys.js'
import { sortedRows } from '../../../src/compaction/order/sorted-rows.js'

function keysOf(words: readonly (readonly number[])[], rest?: readonly (readonly number[])[]): SortKeys {
  const length = words[0]?.length ?? rest?.length ?? 0
  if (rest === undefined) return { length, words: words.map((word) => Uint32Array.from(word)), rest: undefined }
  const offsets = new Int32Array(length + 1)
  rest.forEach((bytes, row) => (offsets[row + 1] = offsets[row]! + bytes.length))
  return { length, words: words.map((word) => Uint32Array.from(word)), rest: { offsets, bytes: Uint8Array.from(rest.flat()) } }
}

function naive(keys: SortKeys): number[] {
  return Array.from({ length: keys.length }, (_, row) => row).sort((a, b) => compareKeys(keys, a, keys, b))
}

const found = (keys: SortKeys): number[] => [...(sortedRows(keys) ?? Uint32Array.from({ length: keys.length }, (_, row) => row))]

describe('sortedRows', () => {
  it('agrees with a stable sort by comparison, for any words and bytes', () => {
    const word = fc.oneof(fc.nat(3), fc.constantFrom(0, 0xffff_ffff, 0x8000_0000, 1 << 20), fc.nat(0xffff_ffff))
    const row = fc.tuple(word, word, word, fc.array(fc.constantFrom(0, 1, 255), { maxLength: 30 }))
    const anyKeys = fc.tuple(fc.array(row, { maxLength: 300 }), fc.integer({ min: 0, max: 3 }), fc.boolean())
    fc.assert(
      fc.property(anyKeys, ([rows, words, hasRest]) => {
        const columns = [0, 1, 2].slice(0, words).map((i) => rows.map((item) => item[i] as number))
        const keys = keysOf(columns, hasRest || words === 0 ? rows.map((item) => item[3]) : undefined)
        expect(found(keys)).toEqual(naive(keys))
      }),
      { numRuns: 300 },
    )
  })

  it('agrees with it for more rows than a narrow digit is for', () => {
    const high = Array.from({ length: 10_000 }, (_, i) => Math.imul(i, 0x9e37_79b1) >>> 18)
    const low = Array.from({ length: 10_000 }, (_, i) => Math.imul(i, 0x85eb_ca6b) >>> 0)
    const keys = keysOf([high, low, low.map((value) => value & 7)])
    expect(found(keys)).toEqual(naive(keys))
  })

  it('is in time linear in the bytes, and in no deep recursion, for long keys that begin alike', () => {
    const long = new Array<number>(20_000).fill(97)
    const rest = Array.from({ length: 60 }, (_, i) => long.slice(0, 20_000 - ((i * 7) % 60) * 300))
    const keys = keysOf([new Array<number>(60).fill(1)], rest)
    expect(found(keys)).toEqual(naive(keys))
  })

  it('answers nothing for rows in order', () => {
    expect(sortedRows(keysOf([[1, 1, 2]]))).toBeUndefined()
    expect(sortedRows(keysOf([[]]))).toBeUndefined()
  })
})
