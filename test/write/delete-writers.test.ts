import { describe, expect, it } from 'vitest'
import { loadDeletionVector } from '../../src/deletes/deletion-vector.js'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { asc, bucket, identity } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { decodePuffinFile } from '../../src/puffin/puffin-file.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { buildPartitionSpec, buildSortOrder } from '../../src/partition/spec-builder.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD } from '../../src/schema/reserved-fields.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { Schema } from '../../src/schema/schema.js'
import { encodeValue } from '../../src/schema/single-value.js'
import type { Value } from '../../src/schema/type.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { writeDeletionVectors, type PositionDeleteTarget } from '../../src/write/deletion-vector-writer.js'
import { type EqualityKey, writeEqualityDeletes } from '../../src/write/equality-delete-writer.js'
import { writePositionDeletes } from '../../src/write/position-delete-writer.js'
import { locationsBelow } from '../support/locations-below.js'
import { table, type TableOptions } from '../support/metadata-builders.js'

const columns = schema({
  id: t.long.required, grp: t.int, name: t.string, addr: t.struct({ zip: t.string, lines: t.list(t.string) }), score: t.double,
})
const engine = new ParquetWasmEngine({ workers: 0 })
const UUID = '00000000-0000-4000-8000-000000000001'
const runtime = { ...systemRuntime, uuid: () => UUID }

function tableOf(options: TableOptions & { partitionBy?: Parameters<typeof buildPartitionSpec>[0] } = {}) {
  const { partitionBy = [], ...rest } = options
  return table({ schema: columns, spec: buildPartitionSpec(partitionBy, columns), location: 'mem://lake/t', ...rest })
}

function contextOf(options: Parameters<typeof tableOf>[0] = {}) {
  return { io: new MemoryFileIO(), engine, metadata: tableOf(options), runtime }
}

function target(name: string, positions: Iterable<number>, partition: readonly Value[] = []): PositionDeleteTarget {
  return { dataFile: { filePath: `mem://lake/t/data/${name}.parquet`, specId: 0, partition }, positions: PositionBitmap.of(positions) }
}

describe('deletion vectors', () => {
  const v3 = { formatVersion: 3 } as const

  it('share one file, whose footer says what each belongs to (trap 40)', async () => {
    const context = contextOf({ ...v3, partitionBy: [identity('grp')] })
    const targets = [target('b', [5, 1, 9], [1]), target('a', [2 ** 33], [null])]
    const files = await writeDeletionVectors(targets, context)
    const path = `mem://lake/t/data/00000-0-${UUID}-00001-deletes.puffin`
    expect(await locationsBelow(context.io, 'mem://lake/')).toEqual([path])
    const bytes = await context.io.read(path)
    const footer = decodePuffinFile(bytes)
    expect(footer.properties.get('created-by')).toMatch(/^floe \d+\.\d+\.\d+/)
    expect(footer.blobs.map((blob) => [...blob.properties])).toEqual([
      [['referenced-data-file', 'mem://lake/t/data/b.parquet'], ['cardinality', '3']],
      [['referenced-data-file', 'mem://lake/t/data/a.parquet'], ['cardinality', '1']],
    ])
    expect(files).toEqual(footer.blobs.map((blob, i) => ({
      content: 'position-deletes', filePath: path, fileFormat: 'puffin', specId: 0,
      partition: [[1], [null]][i], recordCount: [3, 1][i],
      fileSizeBytes: bytes.length, referencedDataFile: targets[i]!.dataFile.filePath,
      contentOffset: blob.offset, contentSizeBytes: blob.length,
    })))
    for (const [i, file] of files.entries()) expect([...await loadDeletionVector(context.io, file)]).toEqual([...targets[i]!.positions])
  })

  it('of many files fill several files of the target size', async () => {
    const context = contextOf({ ...v3, properties: { 'write.delete.target-file-size-bytes': '100' } })
    const files = await writeDeletionVectors(['a', 'b', 'c', 'd', 'e'].map((name) => target(name, [1, 5])), context)
    expect(files.map((file) => file.filePath.slice(-21))).toEqual([1, 1, 1, 2, 2].map((n) => `-0000${n}-deletes.puffin`))
    for (const file of files) expect([...await loadDeletionVector(context.io, file)]).toEqual([1, 5])
  })

  it('are spread over an object store, without a partition in their names', async () => {
    const context = contextOf({ ...v3, partitionBy: [identity('grp')], properties: { 'write.object-storage.enabled': 'true' } })
    const [file] = await writeDeletionVectors([target('a', [1], [4])], context)
    expect(file!.filePath).toMatch(/^mem:\/\/lake\/t\/data\/[01]{4}\/[01]{4}\/[01]{4}\/[01]{8}\/00000-0-[-0-9a-f]+-00001-deletes\.puffin$/)
  })

  it('without positions are not written', async () => {
    const context = contextOf(v3)
    expect(await writeDeletionVectors([target('a', [])], context)).toEqual([])
    expect(await locationsBelow(context.io, 'mem://lake/')).toEqual([])
  })

  it('are refused before version 3, and twice for one file', async () => {
    await expect(writeDeletionVectors([target('a', [1])], contextOf())).rejects.toMatchObject({ code: 'INVALID' })
    await expect(writeDeletionVectors([target('a', [1]), target('a', [2])], contextOf(v3))).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('leave nothing behind when a later file fails', async () => {
    const context = contextOf({ ...v3, properties: { 'write.delete.target-file-size-bytes': '1' } })
    const write = context.io.write.bind(context.io)
    let writes = 0
    context.io.write = (...args) => (++writes === 3 ? Promise.reject(new Error('disk full')) : write(...args))
    await expect(writeDeletionVectors(['a', 'b', 'c'].map((name) => target(name, [1])), context)).rejects.toThrow('disk full')
    expect(writes).toBe(3)
    expect(await locationsBelow(context.io, 'mem://lake/')).toEqual([])
  })
})

describe('position delete files', () => {
  it('of one data file tell by their bounds which it is, and have no counts', async () => {
    const context = contextOf({ partitionBy: [identity('grp')], properties: { 'write.delete.granularity': 'file' } })
    const files = await writePositionDeletes([target('z', [7, 3], [1]), target('b', [0], [1])], context)
    expect(files.map((file) => file.filePath)).toEqual([1, 2].map((n) => `mem://lake/t/data/grp=1/00000-0-${UUID}-0000${n}-deletes.parquet`))
    const path = 'mem://lake/t/data/z.parquet'
    const [file] = files
    expect(file).toMatchObject({ content: 'position-deletes', fileFormat: 'parquet', specId: 0, partition: [1], recordCount: 2, referencedDataFile: path, splitOffsets: [4] })
    expect(file!.lowerBounds).toEqual(boundsOf(path, 3n))
    expect(file!.upperBounds).toEqual(boundsOf(path, 7n))
    expect([...file!.columnSizes!.keys()].sort()).toEqual([DELETE_FILE_POS_FIELD.id, DELETE_FILE_PATH_FIELD.id])
    for (const absent of ['valueCounts', 'nullValueCounts', 'nanValueCounts', 'equalityIds', 'sortOrderId', 'contentOffset']) {
      expect(file).not.toHaveProperty(absent)
    }
    expect(await rowsIn(context.io, file!)).toEqual([[path, 3n], [path, 7n]])
  })

  it('of a partition hold all its data files, sorted by path in code points and by position', async () => {
    const context = contextOf({ partitionBy: [identity('grp')] })
    // UTF-16 would have the emoji before U+FFFD
    const targets = [target('😀', [9, 4], [1]), target('other', [1], [2]), target('\uFFFD', [2 ** 33, 6], [1])]
    const files = await writePositionDeletes(targets, context)
    expect(files).toHaveLength(2)
    expect(files[0]).toMatchObject({ partition: [1], recordCount: 4 })
    for (const absent of ['lowerBounds', 'upperBounds', 'referencedDataFile', 'valueCounts']) expect(files[0]).not.toHaveProperty(absent)
    expect(await rowsIn(context.io, files[0]!)).toEqual([
      ['mem://lake/t/data/\uFFFD.parquet', 6n], ['mem://lake/t/data/\uFFFD.parquet', 2n ** 33n],
      ['mem://lake/t/data/😀.parquet', 4n], ['mem://lake/t/data/😀.parquet', 9n],
    ])
    expect(files[1]).toMatchObject({ partition: [2], referencedDataFile: 'mem://lake/t/data/other.parquet' })
  })

  it('of many positions span batches', async () => {
    const context = contextOf()
    const positions = Array.from({ length: 150_000 }, (_, i) => 3 * i)
    const [file] = await writePositionDeletes([target('a', [1]), target('b', positions)], context)
    const rows = await rowsIn(context.io, file!)
    expect(rows).toHaveLength(150_001)
    expect(rows.slice(1).every(([path, position], i) => path === 'mem://lake/t/data/b.parquet' && position === BigInt(3 * i))).toBe(true)
  })

  it('say in their footer what they are, under the reserved field ids', async () => {
    const context = contextOf({ properties: { 'write.delete.parquet.compression-codec': 'snappy' } })
    const [file] = await writePositionDeletes([target('a', [1])], context)
    const footer = await readFooter({ io: context.io, location: file!.filePath, fileSizeBytes: file!.fileSizeBytes })
    expect(keyValuesOf(footer).get('delete-type')).toBe('position')
    expect(footer.schema.slice(1).map(({ name, fieldId }) => [name, fieldId])).toEqual([['file_path', 2147483546], ['pos', 2147483545]])
  })

  it('are refused in version 1, and in version 3, which has vectors', async () => {
    for (const formatVersion of [1, 3] as const) {
      await expect(writePositionDeletes([target('a', [1])], contextOf({ formatVersion }))).rejects.toMatchObject({ code: 'INVALID' })
    }
  })

  it('leave nothing behind when a later file fails', async () => {
    const context = contextOf({ properties: { 'write.delete.granularity': 'file' } })
    const write = context.io.write.bind(context.io)
    let writes = 0
    context.io.write = (...args) => (++writes === 2 ? Promise.reject(new Error('disk full')) : write(...args))
    await expect(writePositionDeletes([target('a', [1]), target('b', [1])], context)).rejects.toThrow()
    expect(await locationsBelow(context.io, 'mem://lake/')).toEqual([])
  })
})

describe('equality delete files', () => {
  const write = (rows: Iterable<object>, key: EqualityKey, options: Parameters<typeof contextOf>[0] & { scope?: 'global'; sortOrderId?: number } = {}) => {
    const { scope, sortOrderId, ...rest } = options
    const context = contextOf(rest)
    return { context, files: writeEqualityDeletes(rows, { ...context, ...key, scope, sortOrderId }) }
  }

  it('hold the key columns, with metrics like data files and the key by field id', async () => {
    const { context, files } = write([{ id: 7n, name: null }, { id: 1n, name: 'x' }], { columns: ['name', 'id'] })
    const [file, ...others] = await files
    expect(others).toEqual([])
    expect(file).toMatchObject({
      content: 'equality-deletes', fileFormat: 'parquet', recordCount: 2, equalityIds: [3, 1], sortOrderId: 0,
      specId: 0, partition: [], splitOffsets: [4],
      filePath: `mem://lake/t/data/00000-0-${UUID}-00001-deletes.parquet`,
    })
    expect(file!.valueCounts).toEqual(new Map([[1, 2], [3, 2]]))
    expect(file!.nullValueCounts).toEqual(new Map([[1, 0], [3, 1]]))
    expect(file!.lowerBounds).toEqual(new Map([[1, encodeValue({ kind: 'long' }, 1n)], [3, encodeValue({ kind: 'string' }, 'x')]]))
    const footer = await readFooter({ io: context.io, location: file!.filePath, fileSizeBytes: file!.fileSizeBytes })
    const keyValues = keyValuesOf(footer)
    expect(keyValues.get('delete-type')).toBe('equality')
    expect(keyValues.get('delete-field-ids')).toBe('3, 1')
  })

  it('go by the partition of the rows, whose columns they hold too', async () => {
    const rows = [{ id: 1n, grp: 4 }, { id: 2n, grp: 5 }, { id: 3n, grp: 4 }]
    const { files } = write(rows, { equalityIds: [1] }, { partitionBy: [identity('grp'), bucket('id', 4)] })
    const found = await files
    expect(found.map((file) => file.partition[0])).toEqual(expect.arrayContaining([4, 5]))
    expect(found.reduce((sum, file) => sum + file.recordCount, 0)).toBe(3)
    for (const file of found) expect(file.filePath).toContain(`/data/grp=${String(file.partition[0])}/id_bucket=`)
  })

  it('apply to all partitions under an unpartitioned spec only', async () => {
    const partitioned = write([{ id: 1n }], { columns: ['id'] }, { partitionBy: [identity('grp')], scope: 'global' })
    await expect(partitioned.files).rejects.toMatchObject({ code: 'INVALID' })
    const [file] = await write([{ id: 1n }], { columns: ['id'] }, { scope: 'global' }).files
    expect(file).toMatchObject({ specId: 0, partition: [] })
  })

  it('are sorted by an order of the table, and say so', async () => {
    const sortOrder = buildSortOrder([asc('id')], columns)
    const { context, files } = write([{ id: 7n }, { id: 3n }, { id: 5n }], { columns: ['id'] }, { sortOrder, sortOrderId: 1 })
    const [file] = await files
    expect(file!.sortOrderId).toBe(1)
    const ids: bigint[] = []
    const projection = columns.select(['id'])
    const { filePath: location, fileSizeBytes } = file!
    for await (const { batch } of engine.read({ io: context.io, location, fileSizeBytes, projection })) {
      ids.push(...(batch.getChildAt(0)!.toArray() as BigInt64Array))
    }
    expect(ids).toEqual([3n, 5n, 7n])
    await expect(write([{ name: 'a' }], { columns: ['name'] }, { sortOrder, sortOrderId: 1 }).files).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('take nested keys, and null for a member that is left out', async () => {
    const [file] = await write([{ addr: { zip: '1' } }, {}], { columns: ['addr.zip'] }).files
    expect(file).toMatchObject({ equalityIds: [columns.requireField('addr.zip').id], recordCount: 2 })
  })

  it.each([
    ['no column', { columns: [] }],
    ['a column twice', { columns: ['id', 'id'] }],
    ['a column inside of a list', { columns: ['addr.lines.element'] }],
    ['a struct', { columns: ['addr'] }],
    ['an id that the schema lacks', { equalityIds: [99] }],
  ])('refuse %s as key', async (_, key) => {
    await expect(write([], key).files).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('are refused in version 1', async () => {
    await expect(write([{ id: 1n }], { columns: ['id'] }, { formatVersion: 1 }).files).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('leave nothing behind when a row is bad', async () => {
    const { context, files } = write([{ id: 1n, grp: 1 }, { id: 'no', grp: 2 }], { columns: ['id'] }, { partitionBy: [identity('grp')] })
    await expect(files).rejects.toMatchObject({ code: 'INVALID' })
    expect(await locationsBelow(context.io, 'mem://lake/')).toEqual([])
  })
})

function keyValuesOf(footer: Awaited<ReturnType<typeof readFooter>>): Map<string, string | undefined> {
  return new Map(footer.keyValueMetadata?.map(({ key, value }) => [key, value]))
}

function boundsOf(path: string, position: bigint): ReadonlyMap<number, Uint8Array> {
  return new Map([
    [DELETE_FILE_PATH_FIELD.id, encodeValue({ kind: 'string' }, path)],
    [DELETE_FILE_POS_FIELD.id, encodeValue({ kind: 'long' }, position)],
  ])
}

async function rowsIn(io: MemoryFileIO, file: DataFile): Promise<[string, bigint][]> {
  const rows: [string, bigint][] = []
  const projection = new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD])
  for await (const { batch } of engine.read({ io, location: file.filePath, fileSizeBytes: file.fileSizeBytes, projection })) {
    const [paths, positions] = [batch.getChildAt(0)!, batch.getChildAt(1)!]
    for (let row = 0; row < batch.numRows; row++) rows.push([paths.get(row) as string, positions.get(row) as bigint])
  }
  return rows
}
