import { describe, expect, it } from 'vitest'
import { columnParts } from '../../src/parquet/column-parts.js'
import { WriteBudget } from '../../src/parquet/write-budget.js'
import type { Buffering } from '../../src/parquet/write-budget.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { batchOf } from './parquet-file.js'

const MIB = 2 ** 20
const writer = (): Buffering => ({ bufferedBytes: 0, flush: () => Promise.resolve() })

describe('the write budget', () => {
  it('gives a lone writer half of it, and many writers 16 MiB each while all stay below the whole', () => {
    const budget = new WriteBudget(128 * MIB, 3)
    const writers = Array.from({ length: 16 }, writer)
    const shares = writers.map((one) => {
      budget.add(one)
      return budget.shareBytes / MIB
    })
    expect(shares.slice(0, 5)).toEqual([64, 32, 128 / 6, 16, 16])
    expect(shares.at(-1)).toBe(16)
    writers.slice(1).forEach((one) => budget.remove(one))
    expect(budget.shareBytes).toBe(64 * MIB)
    expect(new WriteBudget(MIB, 3).shareBytes).toBe(MIB)
  })

  it('lets row groups be encoded in the order of their coming, within slots and bytes, one of any size alone', async () => {
    const budget = new WriteBudget(100, 2)
    const begun: string[] = []
    const begin = async (name: string, bytes: number): Promise<() => void> => {
      const release = await budget.slot(bytes)
      begun.push(name)
      return release
    }
    const a = await begin('a', 60)
    const waiting = [begin('b', 60), begin('c', 10), begin('d', 10)]
    await Promise.resolve()
    expect(begun).toEqual(['a'])
    a()
    const [b, c] = await Promise.all(waiting.slice(0, 2))
    expect(begun).toEqual(['a', 'b', 'c'])
    b!()
    c!()
    const d = await waiting[2]!
    d()
    const huge = await begin('huge', 1000)
    expect(begun.at(-1)).toBe('huge')
    huge()
  })
})

describe('the columns of a row group', () => {
  it('are cut into parts of about the same bytes, one a thread, when it is large', () => {
    const columns = schema({ id: t.long.required, a: t.string, b: t.string, c: t.int })
    const batch = batchOf(columns, Array.from({ length: 2600 }, (_, i) => ({ id: BigInt(i), a: 'a'.repeat(9000), b: 'b'.repeat(9000), c: i })))
    const large = [batch]
    const parts = columnParts(large, 3)
    expect(parts.map(({ first }) => first)).toEqual([0, ...parts.slice(0, -1).map(({ end }) => end)])
    expect(parts.at(-1)!.end).toBe(4)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.length).toBeLessThanOrEqual(3)
    expect(Math.max(...parts.map(({ bytes }) => bytes))).toBeLessThan(30 * MIB)
    expect(columnParts(large, 1)).toHaveLength(1)
  })

  it('are cut where the last of them outweighs the others together', () => {
    const columns = schema({ id: t.long.required, a: t.string, b: t.string })
    const rows = Array.from({ length: 3000 }, (_, i) => ({ id: BigInt(i), a: 'a'.repeat(4000), b: 'b'.repeat(9000) }))
    expect(columnParts([batchOf(columns, rows)], 2).map(({ first, end }) => [first, end])).toEqual([[0, 2], [2, 3]])
  })

  it('stay together when they are few', () => {
    const columns = schema({ id: t.long.required, a: t.string, b: t.string, c: t.int })
    expect(columnParts([batchOf(columns, [{ id: 1n, a: 'x', b: null, c: 1 }])], 8)).toHaveLength(1)
  })
})
