import { Int32, makeTable, Table, Utf8, vectorFromArray } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/arrow/arrow-data.js'
import { HASH_LANES, rowHasher } from '../../src/arrow/row-hash.js'
import { sliceBatch } from '../../src/arrow/take.js'
import type { Type } from '../../src/schema/type.js'

const texts = (hashes: Int32Array): string[] =>
  Array.from({ length: hashes.length / HASH_LANES }, (_, row) => hashes.subarray(row * HASH_LANES, (row + 1) * HASH_LANES).join())

const types: Type[] = [{ kind: 'int' }, { kind: 'string' }]
const batchOf = (ints: readonly (number | null)[], strings: readonly (string | null)[]): RecordBatch =>
  new Table({ a: vectorFromArray([...ints], new Int32()), b: vectorFromArray([...strings], new Utf8()) }).batches[0]!

describe('hashes of rows', () => {
  it('are equal for equal rows wherever they lie, and differ for all others', () => {
    const batch = batchOf([1, null, 1, 2, null, 0, 1], ['ab', 'ab', 'ab', 'ab', null, '', 'a'])
    const hash = rowHasher(types, 5)
    const all = texts(hash(columnsOf(batch), batch.numRows))
    expect(all[0]).toBe(all[2])
    expect(new Set(all).size).toBe(6)
    const part = sliceBatch(batch, 3, 3)
    expect(texts(hash(columnsOf(part), 3))).toEqual(all.slice(3, 6))
    expect(texts(rowHasher(types, 6)(columnsOf(batch), batch.numRows))[0]).not.toBe(all[0])
  })

  it('tell null from zero, zero from minus zero, and no NaN from another', () => {
    const values = new Float64Array([0, -0, NaN, NaN, 1])
    new BigUint64Array(values.buffer)[3] = 0xfff8_0000_0000_0001n
    const batch = makeTable({ a: values }).batches[0]!
    const all = texts(rowHasher([{ kind: 'double' }], 1)(columnsOf(batch), batch.numRows))
    expect(all[2]).toBe(all[3])
    expect(new Set(all).size).toBe(4)
  })

  it('do not collide among neighbouring keys', () => {
    const ids = Int32Array.from({ length: 300_000 }, (_, i) => i)
    const batch = makeTable({ a: ids }).batches[0]!
    const hashes = rowHasher([{ kind: 'int' }], 3)(columnsOf(batch), batch.numRows)
    for (let lane = 0; lane < HASH_LANES; lane++) {
      const words = new Set<number>()
      for (let at = lane; at < hashes.length; at += HASH_LANES) words.add(hashes[at]!)
      // Of 300,000 random words about ten are equal to another
      expect(words.size).toBeGreaterThan(299_950)
    }
  })
})
