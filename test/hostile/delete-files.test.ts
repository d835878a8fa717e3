/**
 * Delete files of golden tables with seeded damage: a scan applies what is still readable, or ends in a `FloeError`; it throws nothing
 * else and takes no memory in proportion to a declared length. `FLOE_SEED=<n>` replays one seed, `FLOE_ROUNDS=<n>` runs longer.
 */
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DeleteLoader } from '../../src/deletes/delete-loader.js'
import type { AppliedDelete } from '../../src/deletes/delete-file.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { parseTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { FloeError } from '../../src/util/errors.js'
import { goldenPath, goldenTables, readGolden } from '../golden/golden-tables.js'
import type { GoldenFile, GoldenTable } from '../golden/golden-tables.js'
import { mutate, seeded } from './mutate.js'

const seeds = process.env['FLOE_SEED'] === undefined
  ? Array.from({ length: Number(process.env['FLOE_ROUNDS'] ?? 12) }, (_, index) => index + 1)
  : [Number(process.env['FLOE_SEED'])]
const engine = new ParquetWasmEngine({ workers: 0 })

/** Equality ids by location: the list of live files lacks them. */
const equalityIds = (golden: GoldenTable): ReadonlyMap<string, readonly number[]> =>
  new Map(golden.entries.map(({ data_file: file }) => [file.file_path, file.equality_ids] as const).filter(isKeyed))

type Keyed = readonly [string, readonly number[]]
const isKeyed = (pair: readonly [string, readonly number[] | undefined]): pair is Keyed => pair[1] !== undefined

const wanted = ['eq_delete_global', 'eq_pos_mixed', 'mor_pos_deletes_file', 'mor_pos_deletes_partition', 'format_avro', 'eq_delete_partitioned']
const files = wanted.flatMap((name) => {
  const golden = goldenTables.find(({ table }) => table === name)!
  const ids = equalityIds(golden)
  const listed = Object.values(golden['live-files']).flat()
  const live = listed.filter((file) => file.content !== 0 && file.file_format !== 'PUFFIN' && existsSync(goldenPath(file.file_path)))
  const first = (content: number, format: string): GoldenFile | undefined =>
    live.find((file) => file.content === content && file.file_format.toUpperCase() === format && (content === 1 || ids.has(file.file_path)))
  const chosen = [first(1, 'PARQUET'), first(1, 'AVRO'), first(2, 'PARQUET'), first(2, 'AVRO')].filter((file) => file !== undefined)
  const data = listed.find((file) => file.content === 0)!
  return chosen.map((file) => ({ golden, file, data: data.file_path, ids: ids.get(file.file_path), title: `${name} ${file.file_format} ${file.content}` }))
})

describe('damaged delete files', () => {
  it('of every kind and format are tried', () => {
    expect(new Set(files.map(({ file }) => `${file.content} ${file.file_format.toUpperCase()}`))).toEqual(new Set(['1 PARQUET', '1 AVRO', '2 PARQUET', '2 AVRO']))
  })

  it.each(files)('$title: are applied or refused, never anything else', async ({ golden, file, data, ids }) => {
    const metadata = parseTableMetadata(readGolden(golden.metadata))
    const bytes = readGolden(file.file_path)
    const failures: string[] = []
    for (const seed of seeds) {
      const damaged = mutate(bytes, seeded(seed * 7919 + bytes.length))
      const io = new MemoryFileIO()
      await io.write('memory:///d', damaged)
      const content = file.content === 1 ? 'position-deletes' : 'equality-deletes'
      const fileFormat = file.file_format.toLowerCase() as AppliedDelete['fileFormat']
      const sizes = { fileSizeBytes: damaged.length, recordCount: file.record_count, specId: 0, sequenceNumber: 9n }
      const deletes: AppliedDelete = { content, filePath: 'memory:///d', fileFormat, ...sizes, equalityIds: ids }
      const before = process.memoryUsage().rss
      try {
        const target = { filePath: data, specId: 0, partition: [], sequenceNumber: 1n }
        await new DeleteLoader({ io, engine, metadata }).load(target, [deletes])
      } catch (error) {
        if (!(error instanceof FloeError)) failures.push(`FLOE_SEED=${seed}: ${String(error)}`)
        else if (!['CORRUPT', 'INVALID', 'UNSUPPORTED'].includes(error.code)) failures.push(`FLOE_SEED=${seed}: ${error.code} ${error.message}`)
      }
      const grown = process.memoryUsage().rss - before
      if (grown > 256 * 2 ** 20) failures.push(`FLOE_SEED=${seed}: took ${grown} bytes`)
    }
    expect(failures).toEqual([])
  })
})
