import { describe, expect, it } from 'vitest'
import { identity, schema, t } from '../../src/index.js'
import type { NestedField } from '../../src/schema/type.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../../src/schema/reserved-fields.js'
import { Schema } from '../../src/schema/schema.js'
import { FileShelf } from '../support/file-shelf.js'
import { failureOf, memoryLake } from '../support/lake.js'
import { table } from '../support/metadata-builders.js'

const columns = schema({ id: t.long.required, kind: t.string })
const metadata = table({ schema: columns, location: 'memory:///t', formatVersion: 3 })
const shelf = new FileShelf()
const rows = [0, 1, 2, 3, 4].map((i) => ({ id: BigInt(i), kind: i % 2 === 0 ? 'even' : 'odd' }))
const lineage = ['_row_id', '_last_updated_sequence_number']
const stored = new Schema([...columns.fields, ROW_ID_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD])

describe('metadata columns', () => {
  it('come after the projection, in the order in which they were asked for', async () => {
    const task = await shelf.data(columns, rows, { firstRowId: '100', sequenceNumber: '7' })
    const metadataColumns = ['_pos', '_last_updated_sequence_number', '_file', '_spec_id', '_row_id', '_deleted', '_partition']
    const found = await shelf.read(metadata, [task], { metadataColumns, projection: columns.select(['kind']) })
    const expected = { kind: 'odd', _pos: 1n, _last_updated_sequence_number: 7n, _file: task.filePath, _spec_id: 0, _row_id: 101n, _deleted: false, _partition: {} }
    expect(found[1]).toEqual(expected)
    expect(Object.keys(found[1]!)).toEqual(Object.keys(expected))
  })

  it('trap 54: row ids and positions are those of the file, under filters and deletes too', async () => {
    const task = await shelf.data(columns, rows, { firstRowId: '100' })
    const deletes = [await shelf.positions([[task.filePath, 1]])]
    const residual = JSON.stringify({ type: 'eq', term: 'kind', value: 'odd' })
    const found = await shelf.read(metadata, [{ ...task, deletes, residual }], { metadataColumns: ['_pos', '_row_id'] })
    expect(found).toEqual([{ id: 3n, kind: 'odd', _pos: 3n, _row_id: 103n }])
  })

  it('row ids beyond 2^53 are exact', async () => {
    const task = await shelf.data(columns, rows, { firstRowId: String(2n ** 60n + 1n) })
    expect((await shelf.read(metadata, [task], { metadataColumns: ['_row_id'] })).map((row) => row['_row_id'])).toEqual(rows.map(({ id }) => 2n ** 60n + 1n + id))
  })

  it('trap 53: what a file stores wins over what its rows inherit, which is the data sequence number', async () => {
    const values = rows.map((row, i) => ({ ...row, _row_id: i === 1 ? 7n : null, _last_updated_sequence_number: i === 2 ? 3n : null }))
    const task = await shelf.data(stored, values, { firstRowId: '100', sequenceNumber: '9' })
    const residual = JSON.stringify({ type: 'gt', term: 'id', value: 0 })
    const found = await shelf.read(metadata, [{ ...task, residual }], { metadataColumns: lineage, projection: columns.select(['id']) })
    expect(found.map((row) => [row['_row_id'], row['_last_updated_sequence_number']])).toEqual([[7n, 9n], [102n, 3n], [103n, 9n], [104n, 9n]])
  })

  it('a file without a first row id has none but those it stores', async () => {
    const plain = await shelf.data(columns, rows.slice(0, 1))
    const read = (task: Awaited<typeof plain>) => shelf.read(metadata, [task], { metadataColumns: lineage })
    expect(await read(plain)).toEqual([{ ...rows[0], _row_id: null, _last_updated_sequence_number: null }])
    const kept = await shelf.data(stored, [{ ...rows[0], _row_id: 5n, _last_updated_sequence_number: 2n }])
    expect(await read(kept)).toEqual([{ ...rows[0], _row_id: 5n, _last_updated_sequence_number: 2n }])
  })

  it('_deleted keeps the rows that any kind of delete took, marks them, and limits count them', async () => {
    const task = await shelf.data(columns, rows)
    const deletes = [await shelf.positions([[task.filePath, 0]]), await shelf.equality(columns.select(['id']), [1], [{ id: 3n }])]
    const residual = JSON.stringify({ type: 'lt', term: 'id', value: 4 })
    const read = (options: object) => shelf.read(metadata, [{ ...task, deletes, residual }], { metadataColumns: ['_deleted', '_pos'], ...options })
    expect((await read({})).map((row) => [row['_pos'], row['_deleted']])).toEqual([[0n, true], [1n, false], [2n, false], [3n, true]])
    expect(await read({ limit: 2 })).toHaveLength(2)
  })

  it('_partition has the fields of every spec, null where a file has none', async () => {
    const kind = columns.fields[1] as NestedField
    const spec = (specId: number, fieldId: number, sourceId: number, name: string) => ({ specId, fields: [{ fieldId, name, sourceIds: [sourceId], transform: 'identity' as const }] })
    const evolved = { ...metadata, partitionSpecs: [spec(0, 1000, kind.id, 'kind'), spec(1, 1001, 1, 'id')], lastPartitionId: 1001 }
    const tasks = [await shelf.data(columns, rows.slice(0, 1), { partition: '["even"]' }), await shelf.data(columns, rows.slice(1, 2), { specId: 1, partition: '[1]' })]
    const found = await shelf.read(evolved, tasks, { metadataColumns: ['_partition', '_spec_id'] })
    expect(found.map((row) => [row['_partition'], row['_spec_id']])).toEqual([[{ kind: 'even', id: null }, 0], [{ kind: null, id: 1n }, 1]])
  })
})

describe('scans with metadata columns', () => {
  it('have them in their schema, rows and Arrow tables; without names they have none', async () => {
    const { catalog } = await memoryLake()
    const lake = await catalog.createTable('meta.t', { schema: columns, partitionBy: [identity('kind')], formatVersion: 3 })
    await lake.append(rows)
    const scan = lake.scan().select('id').metadataColumns('_partition', '_row_id')
    expect(scan.schema.fields.map((field) => field.name)).toEqual(['id', '_partition', '_row_id'])
    expect((await scan.toArrow()).schema.fields.map((field) => field.name)).toEqual(['id', '_partition', '_row_id'])
    const found = await scan.filter("kind = 'odd'").rows().toArray()
    expect(found.map((row) => row['_partition'])).toEqual([{ kind: 'odd' }, { kind: 'odd' }])
    expect(scan.metadataColumns().schema.fields).toHaveLength(1)
    expect(await scan.metadataColumns('_deleted').count()).toBe(5)
  })

  it('trap 45: columns named pos and file_path are ordinary; one named like a metadata column is read, and refuses that one', async () => {
    const { catalog } = await memoryLake()
    const named = schema({ pos: t.long, file_path: t.string, _pos: t.string, _row_id: t.string })
    const lake = await catalog.createTable('meta.named', { schema: named, formatVersion: 3 })
    const row = { pos: 7n, file_path: 'f', _pos: 'mine', _row_id: 'too' }
    await lake.append([row])
    expect(await lake.scan().rows().toArray()).toEqual([row])
    expect(() => lake.scan().metadataColumns('_pos')).toThrow(expect.objectContaining({ code: 'INVALID', column: '_pos', table: lake.name }))
    expect(await lake.scan().select('pos', 'file_path').metadataColumns('_pos', '_row_id').rows().toArray()).toEqual([{ pos: 7n, file_path: 'f', _pos: 0n, _row_id: 0n }])
    expect(await lake.scan().filter("_pos = 'mine'").count()).toBe(1)
  })

  it('refuse names that are none, that come twice, and filters on them', async () => {
    const { catalog } = await memoryLake()
    const lake = await catalog.createTable('meta.refused', { schema: columns })
    for (const names of [['id'], ['_position'], ['_pos', '_file', '_pos'], ['__proto__']]) {
      expect(() => lake.scan().metadataColumns(...names)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    }
    for (const filter of ["_file = 'a'", '_pos < 3', "_partition.kind = 'a'"]) {
      expect(await failureOf(lake.scan().metadataColumns('_file').filter(filter).count())).toMatchObject({ code: 'UNSUPPORTED', table: lake.name })
    }
  })
})
