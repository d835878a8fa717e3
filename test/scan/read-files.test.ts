import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { rowReader } from '../../src/arrow/row-values.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { buildPartitionSpec } from '../../src/partition/spec-builder.js'
import { identity } from '../../src/partition/spec-builder.js'
import type { FileScanTask } from '../../src/scan/file-scan-task.js'
import { readTasks } from '../../src/scan/read-files.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { failureOf } from '../support/lake.js'
import { table } from '../support/metadata-builders.js'

const columns = schema({ id: t.long.required, kind: t.string, day: t.date })
const metadata = table({ schema: columns, spec: buildPartitionSpec([identity('kind'), identity('day')], columns), location: 'memory:///t' })
const io = new MemoryFileIO()
const engine = new ParquetWasmEngine({ workers: 0 })

let files = 0
/** A task for a file that has the ids only, as files of migrated tables have. */
async function idsOnly(ids: readonly bigint[], change: Partial<FileScanTask> = {}): Promise<FileScanTask> {
  const narrow = columns.select(['id'])
  const location = `memory:///t/data/${++files}.parquet`
  const sizes = { rowGroupSizeBytes: 2 ** 20, pageSizeBytes: 2 ** 20, pageRowLimit: 1000, dictSizeBytes: 2 ** 20 }
  const writer = engine.createWriter({ io, location, schema: narrow, compression: 'zstd', ...sizes })
  const builder = new BatchBuilder(narrow)
  builder.append(ids.map((id) => ({ id })))
  await writer.write(builder.finish())
  const { fileSizeBytes } = await writer.finish()
  return {
    filePath: location, fileFormat: 'parquet', fileSizeBytes, recordCount: ids.length, specId: 0, partition: '["a","1970-01-08"]', start: 0, length: fileSizeBytes,
    sequenceNumber: '1', firstRowId: undefined, deletes: [], schemaId: columns.schemaId, residual: 'true', ...change,
  }
}

async function read(...tasks: FileScanTask[]): Promise<unknown[]> {
  const rows: unknown[] = []
  const schemas = { schema: metadata.schemas[0]!, projection: metadata.schemas[0]! }
  for await (const batch of readTasks(tasks, { io, engine, metadata, ...schemas })) rows.push(...rowReader(schemas.projection)(batch))
  return rows
}

describe('columns that files lack', () => {
  it('have the values of their identity partitions, also for the filter', async () => {
    expect(await read(await idsOnly([1n, 2n]))).toEqual([1n, 2n].map((id) => ({ id, kind: 'a', day: 7 })))
    const residual = (value: string): string => JSON.stringify({ type: 'eq', term: 'kind', value })
    expect(await read(await idsOnly([3n], { residual: residual('a') }), await idsOnly([4n], { residual: residual('b') }))).toHaveLength(1)
    expect(await read(await idsOnly([5n], { partition: '[null,null]' }))).toEqual([{ id: 5n, kind: null, day: null }])
  })
})

describe('what this version cannot read', () => {
  it.each([
    ['an ORC file', { fileFormat: 'orc' }, 'UNSUPPORTED'],
    ['a task that does not say which deletes apply', { deletes: undefined }, 'INVALID'],
    ['a sequence number that is no number', { sequenceNumber: '1e3' }, 'INVALID'],
    ['an unknown spec', { specId: 9 }, 'CORRUPT'],
    ['an unknown schema', { schemaId: 9 }, 'INVALID'],
    ['a partition that is no list', { partition: '{}' }, 'INVALID'],
    ['a residual that is no expression', { residual: '{"type":"nope"}' }, 'CORRUPT'],
  ] as const)('%s is refused, never read wrong', async (_, change, code) => {
    const error = await failureOf(idsOnly([6n]).then((task) => read({ ...task, ...change } as FileScanTask)))
    expect(error.code).toBe(code)
  })
})
