import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'tsup'
import { beforeAll, describe, expect, it } from 'vitest'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { EnginePool } from '../../src/parquet/engine-pool.js'
import type { EncodeJob } from '../../src/parquet/engine-job.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { rowGroupsHolding } from '../support/row-groups-holding.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { isFloeError } from '../../src/util/errors.js'
import { batchOf, readRows, writeDefaults } from './parquet-file.js'

const repository = join(import.meta.dirname, '../..')
/** Inside of the repository, so that the worker finds its packages. */
const folder = join(repository, 'node_modules/.cache/floe-parquet-worker')
const workerUrl = pathToFileURL(join(folder, 'parquet-worker.js'))
const location = 'memory:/file.parquet'
const columns = schema({ id: t.long.required, note: t.string })

beforeAll(async () => {
  const entry = { 'parquet-worker': join(repository, 'src/parquet/parquet-worker.ts') }
  await build({ config: false, entry, format: 'esm', outDir: folder, silent: true, skipNodeModulesBundle: true, dts: false, target: 'node20' })
})

describe('worker threads', () => {
  it('write and read the same rows as the calling thread, in order', async () => {
    const engine = new ParquetWasmEngine({ workers: 2, workerUrl })
    const io = new MemoryFileIO()
    const bloomFilters = new Map([[1, { fpp: 0.01 }]])
    const writer = engine.createWriter({ io, location, schema: columns, ...writeDefaults, bloomFilters })
    const count = 60_000
    for (let start = 0; start < count; start += 20_000) {
      const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: BigInt(start + i), note: `row ${start + i} ${'x'.repeat(40)}` }))
      await writer.write(batchOf(columns, rows))
      await writer.flush()
    }
    const { fileSizeBytes, splitOffsets } = await writer.finish()
    expect(splitOffsets.length).toBe(3)
    let next = 0n
    for await (const { batch, firstPosition } of engine.read({ io, location, fileSizeBytes, projection: columns, batchRows: 4096 })) {
      expect(BigInt(firstPosition)).toBe(next)
      for (const id of batch.data.children[0]!.values as unknown as BigInt64Array) if (id !== next++) throw new Error(`${id} after ${next - 2n}`)
    }
    expect(next).toBe(BigInt(count))
    const places = await rowGroupsHolding(columns.fields[0]!, [25_000n], { io, location, fileSizeBytes })
    expect(places.map((place) => place.rowGroup)).toEqual([1])
    const footer = await readFooter({ io, location, fileSizeBytes })
    const sizes = footer.rowGroups.map((group) => group.columns.map((column) => column.metaData!.bloomFilterLength ?? 0))
    expect(sizes.map(([id, note]) => id! > 2 ** 14 && note === 0)).toEqual([true, true, true])
    await engine.close()
  }, 30_000)

  it('encode the columns of a large row group side by side', async () => {
    const engine = new ParquetWasmEngine({ workers: 2, workerUrl })
    const wide = schema({ a: t.string, n: t.struct({ x: t.long, y: t.string }), b: t.string })
    const rows = Array.from({ length: 13_000 }, (_, i) => {
      return { a: `${i}`.repeat(200), n: i % 3 === 0 ? null : { x: BigInt(i), y: `y${i}` }, b: 'b'.repeat(1200) }
    })
    const io = new MemoryFileIO()
    const bloomFilters = new Map([[wide.findField('n.y')!.id, { fpp: 0.01 }]])
    const writer = engine.createWriter({ io, location, schema: wide, ...writeDefaults, compression: 'snappy', bloomFilters })
    await writer.write(batchOf(wide, rows))
    const { fileSizeBytes, splitOffsets } = await writer.finish()
    expect(splitOffsets).toHaveLength(1)
    const file = { io, location, fileSizeBytes, projection: wide }
    expect(await readRows(file)).toEqual(rows)
    const footer = await readFooter(file)
    const hasFilter = footer.rowGroups[0]!.columns.map((column) => column.metaData!.bloomFilterLength !== undefined)
    expect(hasFilter).toEqual([false, false, true, false])
    await engine.close()
  }, 30_000)

  it('hand their typed errors over, and go on', async () => {
    const pool = new EnginePool({ workers: 1, workerUrl })
    const sizes = { pages: { stepRows: 1000, pageSizeBytes: 1000, isStepAPage: false }, dictSizeBytes: 1000 }
    const options = { codec: 6, compressionLevel: undefined, ...sizes, plainColumns: [], bloomFilters: [] }
    const job = (): EncodeJob => ({ kind: 'encode', ipc: new Uint8Array(100).fill(7), ...options })
    for (let i = 0; i < 3; i++) {
      const error = await pool.run(job(), 2 ** 24).then(() => undefined, (cause: unknown) => cause)
      expect(isFloeError(error, 'CORRUPT')).toBe(true)
    }
    await pool.close()
  }, 30_000)

  it('are not used where their file is missing', () => {
    expect(new EnginePool({ workers: 4, workerUrl: new URL('./no-such-file.js', import.meta.url) }).parallelism).toBe(1)
    expect(new EnginePool({ workers: 0, workerUrl }).parallelism).toBe(1)
  })
})

describe('the worker entry', () => {
  it('does not load apache-arrow unless it makes bloom filters', () => {
    const texts = new Map<string, string>()
    const load = (name: string): void => {
      if (texts.has(name)) return
      texts.set(name, readFileSync(join(folder, name), 'utf8'))
      for (const [, imported] of texts.get(name)!.matchAll(/(?:from|^import) ?"\.\/([^"]+)"/gm)) load(imported!)
    }
    load('parquet-worker.js')
    expect([...texts.values()].some((text) => text.includes('apache-arrow'))).toBe(false)
    expect(readdirSync(folder).some((name) => name.endsWith('.js') && readFileSync(join(folder, name), 'utf8').includes('apache-arrow'))).toBe(true)
  })
})
