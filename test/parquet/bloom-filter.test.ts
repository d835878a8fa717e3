import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RowValue } from '../../src/arrow/row-values.js'
import { bind } from '../../src/expression/bind.js'
import type { BoundExpression } from '../../src/expression/expression.js'
import { and, eq, gt, isIn, not, or } from '../../src/expression/predicates.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { BlockSplitFilter, filterBytes } from '../../src/parquet/block-split-filter.js'
import { encodeBloomFilter } from '../../src/parquet/bloom-header.js'
import type { ColumnMetaData } from '../../src/parquet/file-metadata.js'
import type { ParquetWriteOptions, RowGroupDecision } from '../../src/parquet/parquet-engine.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { rowGroupsHolding } from '../support/row-groups-holding.js'
import { Decimal } from '../../src/schema/decimal.js'
import { schema as schemaOf, t } from '../../src/schema/schema-builder.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type, Value } from '../../src/schema/type.js'
import { isFloeError } from '../../src/util/errors.js'
import { xxhash64OfLong } from '../../src/util/xxhash64.js'
import { everyType } from '../arrow/every-type.js'
import { anyRowValue } from '../arrow/random-rows.js'
import { goldenFolder } from '../golden/golden-tables.js'
import { batchOf, readRows, writeFile } from './parquet-file.js'
import { patchFile } from './patched-footer.js'

type StoredFile = Awaited<ReturnType<typeof writeFile>>

const one = (type: Type): Schema => new Schema([{ id: 1, name: 'c', type, required: false }])
const hashable = everyType.fields
  .map((field) => field.type)
  .filter((type) => !['boolean', 'unknown', 'geometry', 'geography', 'list', 'map', 'struct', 'variant'].includes(type.kind))

function fileOf(schema: Schema, groups: readonly (readonly RowValue[])[], options: Partial<ParquetWriteOptions> = {}): Promise<StoredFile> {
  const bloomFilters = new Map([[1, { fpp: 0.01 }]])
  const batches = groups.map((values) => batchOf(schema, values.map((c) => ({ c }))))
  return writeFile(schema, batches, { bloomFilters, ...options, rowGroups: true })
}

async function decisions(file: StoredFile, projection: Schema, filter: BoundExpression): Promise<readonly RowGroupDecision[]> {
  const found: RowGroupDecision[] = []
  await readRows({ ...file, projection, filter, onRowGroup: (decision) => found.push(decision) })
  return found
}

const reads = async (file: StoredFile, schema: Schema, filter: BoundExpression): Promise<boolean[]> =>
  (await decisions(file, schema, filter)).map((decision) => decision.read)

/** Takes from the bounds what the filters are to tell. */
function withoutBounds(file: StoredFile): Promise<StoredFile> {
  return changed(file, ({ statistics: _, ...metaData }) => metaData)
}

function changed(file: StoredFile, change: (metaData: ColumnMetaData) => ColumnMetaData): Promise<StoredFile> {
  return patchFile(file, (footer) => ({
    ...footer,
    rowGroups: footer.rowGroups.map((group) => ({
      ...group,
      columns: group.columns.map((column) => ({ ...column, metaData: change(column.metaData!) })),
    })),
  }))
}

const evens = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(2 * i))
const long = one({ kind: 'long' })

describe('a split-block filter', () => {
  const hashed = (value: number): Uint32Array<ArrayBuffer> => {
    const hash = new Uint32Array(2)
    xxhash64OfLong(value, 0, hash)
    return hash
  }

  it('holds what was added, also after it was folded, and little else', () => {
    const filter = new BlockSplitFilter(filterBytes(100_000, 0.01, 2 ** 20))
    for (let i = 0; i < 10_000; i++) for (let twice = 0; twice < 2; twice++) filter.add(hashed(i))
    expect(filter.distinct).toBeGreaterThan(9990)
    expect(filter.distinct).toBeLessThanOrEqual(10_000)
    filter.fold(filterBytes(filter.distinct, 0.01, 2 ** 20))
    expect(filter.sizeBytes).toBe(2 ** 14)
    for (let i = 0; i < 10_000; i++) expect(filter.mayContain(hashed(i))).toBe(true)
    let wrong = 0
    for (let i = 10_000; i < 110_000; i++) if (filter.mayContain(hashed(i))) wrong++
    expect(wrong / 100_000).toBeLessThan(0.011)
    expect(Math.abs(filter.falsePositiveRate() - wrong / 100_000)).toBeLessThan(0.002)
  })

  it('is sized as the reference sizes it', () => {
    // parquet-java: optimalNumOfBits(n, p), the next power of two, 32 bytes at least
    expect([0, 1, 26, 27, 1000, 100_000].map((n) => filterBytes(n, 0.01, 2 ** 20))).toEqual([32, 32, 32, 64, 2048, 2 ** 17])
    expect(filterBytes(100_000, 0.0001, 2 ** 20)).toBe(2 ** 19)
    expect(filterBytes(1e9, 0.01, 1_000_000)).toBe(2 ** 19)
  })
})

describe('bloom filters', () => {
  for (const type of hashable) {
    it(`exclude row groups without a value, and never one with it, for ${type.kind}`, async () => {
      const values = fc.array(anyRowValue(type, false), { minLength: 1, maxLength: 8 })
      let excluded = 0
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 2, maxLength: 3 }), async (groups) => {
          const file = await withoutBounds(await fileOf(one(type), groups))
          for (const value of groups[0]!.filter((candidate) => candidate !== null && !Number.isNaN(candidate))) {
            const stored = (value instanceof Decimal ? value.unscaled : value) as Value
            const filter = { op: 'eq', term: { field: one(type).fields[0]!, path: 'c' }, literal: stored } as const
            const read = await reads(file, one(type), filter)
            expect(read[0]).toBe(true)
            excluded += read.filter((isRead) => !isRead).length
          }
        }),
        { numRuns: 10 },
      )
      expect(excluded).toBeGreaterThan(0)
    })
  }

  it('say why a row group is skipped, and leave those to be read that bounds and filters leave', async () => {
    const file = await fileOf(long, [evens(1000), evens(1000).map((value) => value + 1n), evens(10)])
    const found = await decisions(file, long, bind(eq('c', 777n), long))
    expect(found.map(({ read, reason }) => [read, reason])).toEqual([
      [false, 'c = 777: the bloom filter has no such value'],
      [true, 'its statistics do not exclude a match'],
      [false, 'c = 777: upper bound 18'],
    ])
    expect(await readRows({ ...file, projection: long, filter: bind(eq('c', 777n), long) })).toHaveLength(1000)
  })

  it('answer for lists and combinations, and not for negations, ranges and null', async () => {
    const file = await fileOf(long, [evens(1000)])
    const readsIt = async (filter: Parameters<typeof bind>[0]): Promise<boolean> => (await reads(file, long, bind(filter, long)))[0]!
    expect(await readsIt(isIn('c', [1n, 3n, 5n]))).toBe(false)
    expect(await readsIt(isIn('c', [1n, 3n, 6n]))).toBe(true)
    expect(await readsIt(and(gt('c', 0n), eq('c', 3n)))).toBe(false)
    expect(await readsIt(or(eq('c', 5n), eq('c', 3n)))).toBe(false)
    expect(await readsIt(or(gt('c', 5n), eq('c', 3n)))).toBe(true)
    expect(await readsIt(not(eq('c', 3n)))).toBe(true)
  })

  it('hold through promotions, and find a zero of either sign', async () => {
    const ints = await fileOf(one({ kind: 'int' }), [[1, 3, 500]])
    expect(await reads(ints, long, bind(eq('c', 3n), long))).toEqual([true])
    expect(await reads(ints, long, bind(eq('c', 2n), long))).toEqual([false])
    const floats = await withoutBounds(await fileOf(one({ kind: 'float' }), [[-0, 0.5, 9]]))
    const double = one({ kind: 'double' })
    expect(await reads(floats, double, bind(eq('c', 0), double))).toEqual([true])
    expect(await reads(floats, double, bind(eq('c', 0.5), double))).toEqual([true])
    expect(await reads(floats, double, bind(eq('c', 0.1), double))).toEqual([false])
    const decimals = await fileOf(one({ kind: 'decimal', precision: 9, scale: 2 }), [[new Decimal(100n, 2), new Decimal(-900n, 2)]])
    const wider = one({ kind: 'decimal', precision: 38, scale: 2 })
    expect(await reads(decimals, wider, bind(eq('c', '1.00'), wider))).toEqual([true])
    expect(await reads(decimals, wider, bind(eq('c', '0.50'), wider))).toEqual([false])
  })

  it('cover the leaves of structs, lists and maps', async () => {
    const nested = schemaOf({ st: t.struct({ x: t.string }), l: t.list(t.long), m: t.map(t.string, t.int) })
    const ids = [...nested.fieldIds()]
    const structOf = (i: number): object | null => (i % 5 === 0 ? null : { x: `x${2 * i}` })
    const rows = Array.from({ length: 300 }, (_, i) => ({ st: structOf(i), l: [i, i + 1], m: new Map([[`k${i}`, i]]) }))
    const file = await writeFile(nested, [batchOf(nested, rows as never)], { bloomFilters: new Map(ids.map((id) => [id, { fpp: 0.001 }])) })
    const footer = await readFooter(file)
    expect(footer.rowGroups[0]!.columns.map((column) => column.metaData!.bloomFilterLength! > 32)).toEqual([true, true, true, true])
    expect(await reads(file, nested, bind(eq('st.x', 'x2'), nested))).toEqual([true])
    expect(await reads(file, nested, bind(eq('st.x', 'x3'), nested))).toEqual([false])
  })

  it('are as large as the distinct values, the rate and the bound want them, and left out where they would tell nothing', async () => {
    const sizeWith = async (values: readonly RowValue[], options: Partial<ParquetWriteOptions>): Promise<number | undefined> => {
      const footer = await readFooter(await fileOf(long, [values], options))
      return footer.rowGroups[0]!.columns[0]!.metaData!.bloomFilterLength
    }
    const stored = (bytes: number): number => encodeBloomFilter(new Uint8Array(bytes)).length
    expect(await sizeWith(evens(10_000), {})).toBe(stored(2 ** 14))
    expect(await sizeWith(evens(10_000).map((value) => value % 20n), {})).toBe(stored(32))
    expect(await sizeWith(evens(100), { bloomFilters: new Map([[1, { fpp: 0.01, ndv: 10_000 }]]) })).toBe(stored(2 ** 14))
    expect(await sizeWith(evens(10_000), { bloomFilterMaxBytes: 8192 })).toBe(stored(8192))
    expect(await sizeWith(evens(10_000), { bloomFilterMaxBytes: 1024 })).toBeUndefined()
    expect(await sizeWith([null, null], {})).toBe(stored(32))
    expect(await sizeWith(evens(10), { bloomFilters: new Map() })).toBeUndefined()
  })

  it('that are large are asked for their blocks, not fetched', async () => {
    const file = await fileOf(long, [evens(100_000)], { compression: 'uncompressed' })
    const { bloomFilterOffset, bloomFilterLength } = (await readFooter(file)).rowGroups[0]!.columns[0]!.metaData!
    expect(bloomFilterLength).toBeGreaterThan(2 ** 17)
    let fetched = 0
    const io = new Proxy(file.io, {
      get(target, member) {
        if (member === 'readMany') {
          return (location: string, ranges: readonly { offset: number; length: number }[]): unknown => {
            fetched += ranges.reduce((sum, range) => sum + range.length, 0)
            return target.readMany(location, ranges)
          }
        }
        const found = Reflect.get(target, member) as unknown
        return typeof found === 'function' ? (found as () => unknown).bind(target) : found
      },
    })
    expect(await reads({ ...file, io }, long, bind(isIn('c', [1n, 99_999n]), long))).toEqual([false])
    expect(fetched).toBe(64)
    expect(await reads({ ...file, io }, long, bind(eq('c', 99_998n), long))).toEqual([true])
    expect(bloomFilterOffset).toBeGreaterThan(4)
  })

  it('that are damaged or of another kind exclude nothing', async () => {
    const file = await fileOf(long, [evens(1000)])
    const { bloomFilterOffset: offset, bloomFilterLength: length } = (await readFooter(file)).rowGroups[0]!.columns[0]!.metaData!
    const bytes = await file.io.read(file.location)
    const filter = bind(eq('c', 777n), long)
    expect(await reads(file, long, filter)).toEqual([false])
    for (const place of [
      { bloomFilterOffset: -1 }, { bloomFilterOffset: 0 }, { bloomFilterOffset: 2 ** 40 }, { bloomFilterOffset: file.fileSizeBytes - 20 },
      { bloomFilterLength: -1 }, { bloomFilterLength: 0 }, { bloomFilterLength: 40 }, { bloomFilterLength: 2 ** 30 },
      { bloomFilterOffset: offset! + 1 },
    ]) {
      await file.io.write(file.location, bytes)
      const misplaced = await changed(file, (metaData) => ({ ...metaData, ...place }))
      expect(await reads(misplaced, long, filter), JSON.stringify(place)).toEqual([true])
    }
    await file.io.write(file.location, bytes)
    const unsized = await changed(file, ({ bloomFilterLength: _, ...metaData }) => metaData)
    expect(await reads(unsized, long, filter)).toEqual([false])
    await fc.assert(
      fc.asyncProperty(fc.nat(length! - 2049), fc.nat(255), async (at, byte) => {
        const damaged = bytes.slice()
        damaged[offset! + at] = byte
        await file.io.write(file.location, damaged)
        expect(await reads(file, long, filter)).toHaveLength(1)
      }),
      { numRuns: 100 },
    )
    const unknownHash = bytes.slice()
    unknownHash[offset! + header(bytes, offset!)] = 0x2c
    await file.io.write(file.location, unknownHash)
    expect(await reads(file, long, filter)).toEqual([true])
  })

  it('of Spark prune, and tell which row groups may hold a value', async () => {
    const folder = join(goldenFolder, 'tables/parquet_layout/data')
    const io = new LocalFileIO()
    const location = join(folder, '00000-532-5d664170-cb7d-4713-8ec8-c3e93165c23c-0-00001.parquet')
    const file = { io, location, fileSizeBytes: (await io.head(location))!.sizeBytes }
    const column = { id: 2, name: 's', type: { kind: 'string' }, required: false } as const
    const groups = (await readFooter(file)).rowGroups.length
    expect(groups).toBeGreaterThan(3)
    // Values are the squares, in order
    for (const k of [1, 2, 30, 100, 150, 250]) {
      const [place, ...others] = await rowGroupsHolding(column, [`value-${k * k}`], file)
      expect(others.length).toBeLessThan(groups - 1)
      expect([place, ...others].some((group) => group!.firstPosition <= k && k < group!.firstPosition + group!.rows + 1)).toBe(true)
    }
    const absent = await Promise.all(Array.from({ length: 50 }, (_, i) => rowGroupsHolding(column, [`value-${i * i + 1}`], file)))
    expect(absent.filter((found) => found.length === 0).length).toBeGreaterThan(35)
    expect(await rowGroupsHolding(column, [], file)).toEqual([])
    await expect(rowGroupsHolding(column, ['x'], { ...file, fileSizeBytes: 20 })).rejects.toSatisfy((error) => isFloeError(error))
  })
})

/** Where the header's hash is: the field header and the union's member are the two bytes before its empty struct. */
function header(bytes: Uint8Array, offset: number): number {
  for (let at = 0; at < 20; at++) {
    // numBytes, then field 2 { 1 {} }, then field 3 { 1 {} }: 1c 1c 00 00 1c 1c
    if (bytes[offset + at] === 0x1c && bytes[offset + at + 1] === 0x1c && bytes[offset + at + 4] === 0x1c) return at + 5
  }
  throw new Error('no header')
}
