import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/arrow/arrow-data.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { fullMask } from '../../src/arrow/row-mask.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { EqualitySet } from '../../src/deletes/equality-set.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import type { Schema } from '../../src/schema/schema.js'

type Values = Readonly<Record<string, unknown>>

function batchOf(columns: Schema, rows: readonly Values[]) {
  const builder = new BatchBuilder(columns)
  builder.append(rows)
  return builder.finish()
}

/** Which of `rows`, of a data file of sequence number `sequence`, remain after `deleted` were deleted at their sequence numbers. */
function remaining(columns: Schema, deleted: readonly (readonly [Values, bigint])[], rows: readonly Values[], sequence = 0n): number[] {
  const set = new EqualitySet(columns.fields.map((field) => field.type))
  for (const [key, at] of deleted) set.add(columnsOf(batchOf(columns, [key])), 1, at)
  const mask = fullMask(rows.length)
  if (rows.length > 0) set.deselect(columnsOf(batchOf(columns, rows)), mask, sequence)
  return [...mask.keys()].filter((row) => mask[row] === 1)
}

const everyKey = schema({
  b: t.boolean, i: t.int, l: t.long, f: t.float, x: t.double, d: t.decimal(20, 2), day: t.date, at: t.time, ts: t.timestamptz,
  s: t.string, u: t.uuid, fx: t.fixed(3), bin: t.binary,
})
const values: Readonly<Record<string, readonly unknown[]>> = {
  b: [true, false], i: [0, -1, 2 ** 31 - 1], l: [0n, -1n, 2n ** 32n, 2n ** 63n - 1n], f: [NaN, -0, 0, 1.5], x: [NaN, -0, 0, 1e300], d: ['0.00', '-0.01', '123456789012345678.90'],
  day: [0, -1], at: [0n, 86_399_999_999n], ts: [0n, -1n], s: ['', 'a', 'aa', '\u{1f600}'], u: ['f79c3e09-677c-4bbd-a479-3f349cb785e7', '00000000-0000-0000-0000-000000000000'],
  fx: [Uint8Array.of(0, 0, 0), Uint8Array.of(1, 2, 3)], bin: [new Uint8Array(0), Uint8Array.of(0)],
}

describe('EqualitySet', () => {
  it.each(everyKey.fields.map((field) => field.name))('trap 35: of a %s key, null matches null alone, and each value itself alone', (name) => {
    const columns = everyKey.select([name])
    const all = [null, ...values[name]!].map((value) => ({ [name]: value }))
    all.forEach((key, i) => {
      expect(remaining(columns, [[key, 1n]], all), String(key[name])).toEqual([...all.keys()].filter((row) => row !== i))
    })
  })

  it('every NaN is one key, whatever its bits', () => {
    const columns = schema({ x: t.double })
    const batch = batchOf(columns, [{ x: NaN }, { x: NaN }])
    const bits = new BigUint64Array((columnsOf(batch)[0]!.values as Float64Array).buffer)
    bits[1] = 0xfff0_0000_0000_0001n
    const set = new EqualitySet([{ kind: 'double' }])
    set.add(columnsOf(sliceBatch(batch, 0, 1)), 1, 1n)
    const mask = fullMask(2)
    set.deselect(columnsOf(batch), mask, 0n)
    expect([...mask]).toEqual([0, 0])
  })

  it('trap 33: a key applies to rows of lower sequence numbers alone, and the highest of its deletes counts', () => {
    const columns = schema({ i: t.int })
    const deleted = [[{ i: 1 }, 5n], [{ i: 1 }, 3n], [{ i: 2 }, 3n]] as const
    const rows = [{ i: 1 }, { i: 2 }]
    expect([2n, 3n, 4n, 5n].map((sequence) => remaining(columns, deleted, rows, sequence))).toEqual([[], [1], [1], [0, 1]])
  })

  it('trap 38: several columns match together or not at all, however their bytes run into each other', () => {
    const columns = schema({ a: t.string, b: t.string, c: t.int })
    const rows = [{ a: 'x', b: 'yz', c: 1 }, { a: 'xy', b: 'z', c: 1 }, { a: 'x', b: null, c: 1 }, { a: null, b: 'x', c: 1 }, { a: 'x', b: 'yz', c: null }]
    rows.forEach((key, i) => expect(remaining(columns, [[key, 1n]], rows)).toEqual([...rows.keys()].filter((row) => row !== i)))
  })

  it('agrees with a set of texts for any keys and rows', () => {
    const columns = schema({ i: t.int, s: t.string })
    const row = fc.record({ i: fc.option(fc.integer({ min: -3, max: 3 })), s: fc.option(fc.constantFrom('', 'a', 'b')) })
    const anyRows = fc.array(row, { maxLength: 30 })
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.bigInt(1n, 4n)), { maxLength: 30 }), anyRows, fc.bigInt(0n, 4n), (deleted, rows, sequence) => {
        const keys = new Set(deleted.filter(([, at]) => at > sequence).map(([key]) => JSON.stringify(key)))
        expect(remaining(columns, deleted, rows, sequence)).toEqual([...rows.keys()].filter((i) => !keys.has(JSON.stringify(rows[i]))))
      }),
    )
  })

  it('trap 37: holds a hundred thousand keys, counts its memory, and leaves out no row', () => {
    const columns = schema({ l: t.long })
    const set = new EqualitySet([{ kind: 'long' }])
    const rows = Array.from({ length: 100_000 }, (_, i) => ({ l: BigInt(i) * 7_919n - 5_000_000_000n }))
    set.add(columnsOf(batchOf(columns, rows)), rows.length, 1n)
    set.add(columnsOf(batchOf(columns, rows)), rows.length, 2n)
    expect(set.size).toBe(100_000)
    expect(set.bytes).toBeGreaterThan(100_000 * 9)
    expect(set.bytes).toBeLessThan(100_000 * 80)
    const probes = rows.flatMap(({ l }) => [{ l }, { l: l + 1n }])
    const mask = fullMask(probes.length)
    set.deselect(columnsOf(batchOf(columns, probes)), mask, 1n)
    expect(mask.every((selected, row) => selected === row % 2)).toBe(true)
  })
})
