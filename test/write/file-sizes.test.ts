import { describe, expect, it } from 'vitest'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { asc, bucket, identity } from '../../src/index.js'
import { buildPartitionSpec, buildSortOrder } from '../../src/partition/spec-builder.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { writeRows, type WriteRowsRequest } from '../../src/write/write-rows.js'
import { table } from '../support/metadata-builders.js'

const columns = schema({ id: t.long.required, text: t.string, part: t.int })
const engine = new ParquetWasmEngine({ workers: 0 })
const io = new MemoryFileIO()

interface Options extends Partial<WriteRowsRequest> {
  readonly properties?: Readonly<Record<string, string>>
  readonly partitionBy?: Parameters<typeof buildPartitionSpec>[0]
  readonly sortBy?: Parameters<typeof buildSortOrder>[0]
}

async function write(rows: Iterable<object>, options: Options = {}): Promise<readonly DataFile[]> {
  const { properties = {}, partitionBy = [], sortBy = [], ...rest } = options
  const metadata = table({ schema: columns, spec: buildPartitionSpec(partitionBy, columns), sortOrder: buildSortOrder(sortBy, columns), properties, location: 'memory:///t' })
  return (await writeRows(rows, { io, engine, metadata, runtime: systemRuntime, ...rest })).files
}

function* rowsOf(count: number, text: (i: number) => string, part: (i: number) => number = () => 0): Generator<object> {
  for (let i = 0; i < count; i++) yield { id: BigInt((i * 7919) % count), text: text(i), part: part(i) }
}
const noise = (i: number): string => `${Math.imul(i, 2654435761) >>> 0}-${Math.imul(i + 77, 40503) >>> 0}`

/** The ids of a file, in its order. */
async function idsOf(file: DataFile): Promise<bigint[]> {
  const ids: bigint[] = []
  for await (const { batch } of engine.read({ io, location: file.filePath, fileSizeBytes: file.fileSizeBytes, projection: columns.select(['id']) })) {
    ids.push(...(batch.getChildAt(0)!.toArray() as BigInt64Array))
  }
  return ids
}

describe('files', () => {
  it.each([
    ['hardly', noise],
    ['very well', () => 'the same text over and over, which becomes next to nothing in a file'],
  ])('of rows that compress %s meet the target by their encoded size', async (_, text) => {
    const target = 40_000
    const files = await write(rowsOf(60_000, text), { properties: { 'write.target-file-size-bytes': String(target), 'write.parquet.row-group-size-bytes': '20000' } })
    expect(files.length).toBeGreaterThan(2)
    for (const file of files.slice(0, -1)) {
      expect(file.fileSizeBytes).toBeGreaterThan(target * 0.6)
      expect(file.fileSizeBytes).toBeLessThan(target * 1.5)
      expect((await io.head(file.filePath))!.sizeBytes).toBe(file.fileSizeBytes)
    }
    expect(files.reduce((sum, file) => sum + file.recordCount, 0)).toBe(60_000)
  })

  it('hold row groups of about the size asked for, at the offsets that the entry names', async () => {
    const [file] = await write(rowsOf(20_000, noise), { properties: { 'write.parquet.row-group-size-bytes': '30000' } })
    const footer = await readFooter({ io, location: file!.filePath, fileSizeBytes: file!.fileSizeBytes })
    const groups = footer.rowGroups
    expect(groups.length).toBeGreaterThan(4)
    expect(file!.splitOffsets).toHaveLength(groups.length)
    expect(file!.splitOffsets![0]).toBe(4)
    const sizes = file!.splitOffsets!.map((offset, i) => (file!.splitOffsets![i + 1] ?? file!.fileSizeBytes) - offset)
    for (const size of sizes.slice(1, -1)) expect(size / 30_000).toBeGreaterThan(0.6)
    for (const size of sizes.slice(0, -1)) expect(size / 30_000).toBeLessThan(1.5)
  })

  it('are compressed with zstd unless the table says otherwise', async () => {
    const codecOf = async (properties: Record<string, string>): Promise<unknown> => {
      const [file] = await write(rowsOf(100, noise), { properties })
      const footer = await readFooter({ io, location: file!.filePath, fileSizeBytes: file!.fileSizeBytes })
      return footer.rowGroups[0]!.columns[0]!.metaData!.codec
    }
    const [byDefault, zstd, snappy, gzip] = await Promise.all([{}, ...['zstd', 'snappy', 'GZIP'].map((codec) => ({ 'write.parquet.compression-codec': codec }))].map(codecOf))
    expect([byDefault, snappy, gzip]).toEqual([zstd, 1, 2])
    await expect(write(rowsOf(1, noise), { properties: { 'write.parquet.compression-codec': 'lzo' } })).rejects.toMatchObject({ code: 'INVALID' })
    await expect(write(rowsOf(1, noise), { properties: { 'write.format.default': 'orc' } })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('fan-out', () => {
  it('keeps its memory budget by ending row groups, and its bound on open files by ending files', async () => {
    let rows = 0
    const options: Options = { partitionBy: [bucket('id', 40)], memoryBudgetBytes: 20_000, maxOpenFiles: 8, onProgress: (progress) => { rows = progress.rows } }
    const files = await write(rowsOf(3000, noise), options)
    expect(rows).toBe(3000)
    expect(files.reduce((sum, file) => sum + file.recordCount, 0)).toBe(3000)
    const ids = (await Promise.all(files.map(idsOf))).flat()
    expect(new Set(ids).size).toBe(3000)
    expect(new Set(files.map((file) => file.partition[0])).size).toBe(40)
  })

  it('files of one partition have its folder and tuple, null included', async () => {
    const rows = [1, null, 2, 1].map((part, i) => ({ id: BigInt(i), part }))
    const files = await write(rows, { partitionBy: [identity('part')] })
    expect(files.map(({ partition, recordCount }) => [partition[0], recordCount])).toEqual([[1, 2], [null, 1], [2, 1]])
    expect(files.map(({ filePath }) => filePath.split('/').at(-2))).toEqual(['part=1', 'part=null', 'part=2'])
  })

  it('spreads files over hashed folders with the object-store layout', async () => {
    const files = await write(rowsOf(40, noise, (i) => i % 4), { partitionBy: [identity('part')], properties: { 'write.object-storage.enabled': 'true' } })
    for (const { filePath } of files) expect(filePath).toMatch(/^memory:\/\/\/t\/data\/[01]{4}\/[01]{4}\/[01]{4}\/[01]{8}\/part=\d\//)
    const flat = await write(rowsOf(4, noise), { properties: { 'write.object-storage.enabled': 'true', 'write.object-storage.partitioned-paths': 'false' } })
    expect(flat[0]!.filePath).not.toContain('part=')
  })
})

describe('a sort order', () => {
  it('trap 72: is claimed only by files that are sorted throughout, also when the budget cuts the rows into runs', async () => {
    for (const memoryBudgetBytes of [undefined, 30_000]) {
      const properties = { 'write.target-file-size-bytes': '15000' }
      const files = await write(rowsOf(8000, noise, (i) => i % 3), { sortBy: [asc('id')], partitionBy: [identity('part')], properties, memoryBudgetBytes })
      expect(files.length).toBeGreaterThan(3)
      for (const file of files) {
        expect(file.sortOrderId).toBe(1)
        const ids = await idsOf(file)
        expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)))
      }
    }
  })

  it('trap 72: unsorted tables write order 0, as the reference does', async () => {
    expect((await write(rowsOf(3, noise)))[0]!.sortOrderId).toBe(0)
  })
})

describe('metrics', () => {
  it('follow the modes of the table: none, counts, cut and full bounds, NaN counted apart', async () => {
    const wide = schema({ none: t.string, counts: t.string, cut: t.string, full: t.string, x: t.double })
    const long = 'abcdefghijklmnopqrstuvwxyz'
    const modes = { none: 'none', counts: 'counts', cut: 'truncate(4)', full: 'full' }
    const properties = Object.fromEntries(Object.entries(modes).map(([name, mode]) => [`write.metadata.metrics.column.${name}`, mode]))
    const metadata = table({ schema: wide, properties, location: 'memory:///t' })
    const rows = [NaN, 1, null].map((x) => ({ none: long, counts: long, cut: long, full: long, x }))
    const { files: [file] } = await writeRows(rows, { io, engine, metadata, runtime: systemRuntime })
    const idOf = (name: string): number => wide.findField(name)!.id
    const text = (bounds: ReadonlyMap<number, Uint8Array> | undefined, name: string): string | undefined => {
      const bytes = bounds!.get(idOf(name))
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
    }
    expect(['none', 'counts', 'cut', 'full'].map((name) => file!.valueCounts!.get(idOf(name)))).toEqual([undefined, 3, 3, 3])
    expect(['none', 'counts', 'cut', 'full'].map((name) => text(file!.lowerBounds, name))).toEqual([undefined, undefined, 'abcd', long])
    expect(['none', 'counts', 'cut', 'full'].map((name) => text(file!.upperBounds, name))).toEqual([undefined, undefined, 'abce', long])
    expect([file!.nanValueCounts!.get(idOf('x')), file!.nullValueCounts!.get(idOf('x'))]).toEqual([1, 1])
    expect(Buffer.from(file!.upperBounds!.get(idOf('x'))!).readDoubleLE()).toBe(1)
  })
})
