import { describe, expect, it } from 'vitest'
import type { RecordBatch } from 'apache-arrow'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { codecId } from '../../src/parquet/file-metadata.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { FloeError, isFloeError } from '../../src/util/errors.js'
import { batchOf, engine, readRows, writeDefaults, writeFile } from './parquet-file.js'

const columns = schema({ id: t.long.required, note: t.string })
const location = 'memory:/file.parquet'
const batch = (start: number, count: number, note = 'x'): RecordBatch =>
  batchOf(columns, Array.from({ length: count }, (_, i) => ({ id: BigInt(start + i), note: `${note}${start + i}` })))

describe('a Parquet writer', () => {
  it('ends a row group at the encoded size that is asked for, and reports where each starts', async () => {
    const batches = Array.from({ length: 10 }, (_, i) => batch(i * 1000, 1000))
    const file = await writeFile(columns, batches, { rowGroupSizeBytes: 20_000, compression: 'uncompressed' })
    const footer = await readFooter(file)
    expect(footer.rowGroups.length).toBeGreaterThan(2)
    expect(file.result.splitOffsets.length).toBe(footer.rowGroups.length)
    expect(footer.rowGroups.map((group) => group.fileOffset)).toEqual(file.result.splitOffsets)
    const sizes = footer.rowGroups.map((group) => group.columns.map((column) => column.metaData!.totalCompressedSize))
    expect([...file.result.columnSizes]).toEqual([
      [1, sizes.reduce((sum, [id]) => sum + id!, 0)],
      [2, sizes.reduce((sum, [, note]) => sum + note!, 0)],
    ])
    const rows = await readRows({ ...file, projection: columns })
    expect(rows.map((row) => row['id'])).toEqual(Array.from({ length: 10_000 }, (_, i) => BigInt(i)))
  })

  it('reports a file size that is that of the object, and key-value metadata that is in the footer', async () => {
    const keyValueMetadata = new Map([['iceberg.schema', '{}'], ['__proto__', 'é']])
    const file = await writeFile(columns, [batch(0, 10)], { keyValueMetadata })
    expect((await file.io.head(location))!.sizeBytes).toBe(file.fileSizeBytes)
    const footer = await readFooter(file)
    expect(footer.keyValueMetadata).toEqual([{ key: 'iceberg.schema', value: '{}' }, { key: '__proto__', value: 'é' }])
  })

  it('honours codec, level, page size and dictionary size', async () => {
    const rows = [batch(0, 30_000, 'the same long text again and again ')]
    const size = async (options: Parameters<typeof writeFile>[2]): Promise<number> => {
      return (await writeFile(columns, rows, options)).fileSizeBytes
    }
    expect(await size({ compressionLevel: 15 })).toBeLessThan(await size({ compressionLevel: 1 }))
    const small = await readFooter(await writeFile(columns, rows, { pageSizeBytes: 10_000, dictSizeBytes: 0, compression: 'gzip' }))
    const { metaData } = small.rowGroups[0]!.columns[1]!
    expect(metaData!.codec).toBe(codecId.gzip)
    expect(metaData!.dictionaryPageOffset).toBeUndefined()
    const pages = metaData!.encodingStats!.reduce((sum, stats) => sum + stats.count, 0)
    expect(pages).toBeGreaterThan(10)
  })

  it('gives up the dictionary of a column whose values hardly repeat after its first row group, and keeps the others', async () => {
    const own = schema({ id: t.long.required, note: t.string })
    const rowsFrom = (start: number): RecordBatch =>
      batchOf(own, Array.from({ length: 10_000 }, (_, i) => ({ id: BigInt(start + i), note: `kind ${i % 7}` })))
    const io = new MemoryFileIO()
    const writer = engine.createWriter({ io, location, schema: own, ...writeDefaults })
    for (const start of [0, 10_000, 20_000]) {
      await writer.write(rowsFrom(start))
      await writer.flush()
    }
    const { fileSizeBytes } = await writer.finish()
    const footer = await readFooter({ io, location, fileSizeBytes })
    const dictionaries = footer.rowGroups.map((group) => group.columns.map((column) => column.metaData!.dictionaryPageOffset !== undefined))
    expect(dictionaries[0]).toEqual([true, true])
    expect(dictionaries.at(-1)).toEqual([false, true])
    const rows = await readRows({ io, location, fileSizeBytes, projection: own })
    expect(rows.map((row) => row['id'])).toEqual(Array.from({ length: 30_000 }, (_, i) => BigInt(i)))
  })

  it('bounds what all open files buffer together', async () => {
    const bounded = new ParquetWasmEngine({ workers: 0, writeBufferBytes: 100_000 })
    const io = new MemoryFileIO()
    const options = { io, schema: columns, ...writeDefaults }
    const writers = [0, 1, 2, 3].map((i) => bounded.createWriter({ ...options, location: `memory:/${i}` }))
    for (let i = 0; i < 40; i++) {
      await writers[i % 4]!.write(batch(i * 500, 500))
      expect(writers.reduce((sum, writer) => sum + writer.bufferedBytes, 0)).toBeLessThanOrEqual(100_000)
    }
    const results = await Promise.all(writers.map((writer) => writer.finish()))
    expect(results.map((result) => result.recordCount)).toEqual([5000, 5000, 5000, 5000])
    expect(results[0]!.splitOffsets.length).toBeGreaterThan(1)
  })

  it('fails with the store, and leaves nothing behind', async () => {
    const io = new MemoryFileIO()
    io.write = async (_location, body) => {
      for await (const _chunk of body as AsyncIterable<Uint8Array>) throw new FloeError('UNAVAILABLE', 'no space')
      throw new Error('unreachable')
    }
    const writer = engine.createWriter({ io, location, schema: columns, ...writeDefaults })
    await writer.write(batch(0, 1000))
    await expect(writer.finish()).rejects.toSatisfy((error) => isFloeError(error, 'UNAVAILABLE') && error.file === location)
    await expect(writer.write(batch(0, 1))).rejects.toSatisfy((error) => isFloeError(error))
    expect(await io.head(location)).toBeUndefined()
  })

  it('removes what it wrote when it is aborted, but never a file that was there before', async () => {
    const io = new MemoryFileIO()
    const writer = engine.createWriter({ io, location, schema: columns, ...writeDefaults })
    await writer.write(batch(0, 1000))
    await writer.flush()
    await writer.abort()
    expect(await io.head(location)).toBeUndefined()

    await io.write(location, Uint8Array.of(1))
    const second = engine.createWriter({ io, location, schema: columns, ...writeDefaults })
    await second.write(batch(0, 10))
    await expect(second.finish()).rejects.toSatisfy((error) => isFloeError(error, 'ALREADY_EXISTS'))
    await second.abort()
    expect((await io.head(location))!.sizeBytes).toBe(1)
  })

  it('refuses nulls in required columns and batches of another shape', async () => {
    const optional = schema({ id: t.long, note: t.string })
    const writer = engine.createWriter({ io: new MemoryFileIO(), location, schema: columns, ...writeDefaults })
    await expect(writer.write(batchOf(optional, [{ id: null, note: 'a' }]))).rejects.toSatisfy((error) => isFloeError(error, 'INVALID'))
    await expect(writer.write(batchOf(schema({ id: t.long }), [{ id: 1n }]))).rejects.toSatisfy((error) => isFloeError(error, 'INVALID'))
  })

  it('stops when its signal is aborted', async () => {
    const controller = new AbortController()
    const io = new MemoryFileIO()
    const writer = engine.createWriter({ io, location, schema: columns, ...writeDefaults, signal: controller.signal })
    await writer.write(batch(0, 10))
    controller.abort()
    await expect(writer.write(batch(10, 10))).rejects.toThrow()
    await writer.abort()
    expect(await io.head(location)).toBeUndefined()
  })
})
