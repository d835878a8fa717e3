/** Deletes applied to rows: what tasks say, and how delete files are fetched. Planning them: `delete-file-index.test.ts`. */
import { describe, expect, it } from 'vitest'
import { DeleteLoader } from '../../src/deletes/delete-loader.js'
import type { DeleteTask } from '../../src/deletes/delete-file.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField } from '../../src/schema/type.js'
import { FileShelf } from '../support/file-shelf.js'
import { failureOf } from '../support/lake.js'
import { table } from '../support/metadata-builders.js'

const columns = schema({ id: t.long.required, kind: t.string, x: t.double, who: t.struct({ name: t.string, age: t.int }) })
const [id, kind, x, who] = columns.fields as [NestedField, NestedField, NestedField, NestedField]
const [name] = (who.type as { fields: readonly NestedField[] }).fields as [NestedField]
const metadata = table({ schema: columns, location: 'memory:///t' })
const shelf = new FileShelf()

const rows = Array.from({ length: 10 }, (_, i) => ({ id: BigInt(i), kind: i % 3 === 0 ? null : `k${i % 3}`, x: i % 4 === 0 ? NaN : i, who: i % 5 === 0 ? null : { name: `n${i}`, age: i } }))
const idsOf = (found: readonly Record<string, unknown>[]): number[] => found.map((row) => Number(row['id']))
const data = (deletes: readonly DeleteTask[], change: object = {}) => shelf.data(columns, rows, { deletes, ...change })
const only = (...fields: readonly NestedField[]): Schema => new Schema(fields)
/** The ids that remain. */
const left = async (deletes: readonly DeleteTask[], change: object = {}, options: object = {}): Promise<number[]> =>
  idsOf(await shelf.read(metadata, [await data(deletes, change)], options))

describe('equality deletes', () => {
  it('trap 33: apply to data of lower sequence numbers alone', async () => {
    const deletes = [await shelf.equality(only(id), [id.id], [{ id: 1n }], { sequenceNumber: '5' })]
    expect(await left(deletes, { sequenceNumber: '4' })).not.toContain(1)
    expect(await left(deletes, { sequenceNumber: '5' })).toContain(1)
  })

  it('trap 35: null keys match null, NaN keys NaN, and nothing else', async () => {
    expect(await left([await shelf.equality(only(kind), [kind.id], [{ kind: null }])])).toEqual([1, 2, 4, 5, 7, 8])
    expect(await left([await shelf.equality(only(kind), [kind.id], [{ kind: 'k1' }])])).toEqual([0, 2, 3, 5, 6, 8, 9])
    expect(await left([await shelf.equality(only(x), [x.id], [{ x: NaN }])])).toEqual([1, 2, 3, 5, 6, 7, 9])
    const both = await shelf.equality(only(id, kind), [id.id, kind.id], [{ id: 0n, kind: null }, { id: 1n, kind: null }])
    expect(await left([both])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('trap 36: name rows by their key columns, whatever other columns the delete file has, and whether they are selected or not', async () => {
    const deletes = [await shelf.equality(only(kind, id, x), [id.id], [{ id: 3n, kind: 'stale', x: 1 }])]
    expect(await left(deletes)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9])
    const found = await shelf.read(metadata, [await data(deletes)], { projection: columns.select(['x']) })
    expect(found).toHaveLength(9)
    expect(Object.keys(found[0]!)).toEqual(['x'])
  })

  it('trap 36: a key in a struct matches, and a null struct counts as a null key', async () => {
    const nested = columns.projectIds([name.id])
    expect(await left([await shelf.equality(nested, [name.id], [{ who: { name: 'n1' } }])])).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await left([await shelf.equality(nested, [name.id], [{ who: null }])])).toEqual([1, 2, 3, 4, 6, 7, 8, 9])
    const projected = await shelf.read(metadata, [await data([await shelf.equality(nested, [name.id], [{ who: { name: 'n1' } }])])], { projection: columns.select(['who.age']) })
    expect(projected[1]).toEqual({ who: { age: 2 } })
  })

  it('trap 36: a key that was dropped still applies, one that was promoted applies by value, one added later by its default', async () => {
    const old = new Schema([{ ...id, type: { kind: 'int' } }, kind], { schemaId: 0 })
    const added: NestedField = { id: 9, name: 'grade', type: { kind: 'int' }, required: false, initialDefault: 7 }
    const now = new Schema([id, added], { schemaId: 1 })
    const evolved = { ...table({ schema: now, location: 'memory:///t', formatVersion: 3 }), schemas: [old, now], currentSchemaId: 1 }
    const oldRows = rows.map((row) => ({ id: Number(row.id), kind: row.kind }))
    const task = (deletes: readonly DeleteTask[]) => shelf.data(old, oldRows, { schemaId: 1, deletes })
    const read = async (deletes: readonly DeleteTask[]): Promise<number[]> => idsOf(await shelf.read(evolved, [await task(deletes)]))
    expect(await read([await shelf.equality(only(kind), [kind.id], [{ kind: 'k1' }])])).toEqual([0, 2, 3, 5, 6, 8, 9])
    expect(await read([await shelf.equality(only({ ...id, type: { kind: 'int' } }), [id.id], [{ id: 4 }])])).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
    expect(await read([await shelf.equality(only(added), [9], [{ grade: 6 }])])).toHaveLength(10)
    expect(await read([await shelf.equality(only(added), [9], [{ grade: 7 }])])).toEqual([])
  })

  it('trap 38: of several sets of columns all apply to one file', async () => {
    const deletes = [
      await shelf.equality(only(id), [id.id], [{ id: 1n }]),
      await shelf.equality(only(kind), [kind.id], [{ kind: null }]),
      await shelf.equality(only(id, kind), [kind.id, id.id], [{ id: 2n, kind: 'k2' }]),
      await shelf.equality(only(id, kind), [id.id, kind.id], [{ id: 4n, kind: 'k2' }, { id: 5n, kind: 'k2' }]),
    ]
    expect(await left(deletes)).toEqual([4, 7, 8])
  })

  it('trap 34: of a partitioned spec are kept apart by partition', async () => {
    const spec = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [kind.id], transform: 'identity' as const }] }
    const partitioned = table({ schema: columns, spec, location: 'memory:///t' })
    const here = await shelf.equality(only(id), [id.id], [{ id: 1n }])
    const there = await shelf.equality(only(id), [id.id], [{ id: 2n }])
    const tasks = [await data([here], { partition: '["a"]' }), await data([there], { partition: '["b"]' })]
    expect(idsOf(await shelf.read(partitioned, tasks))).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 3, 4, 5, 6, 7, 8, 9])
  })

  it('that are damaged are refused: no key columns, a column that no schema has, one that the file lacks, one in a list', async () => {
    const good = await shelf.equality(only(id), [id.id], [{ id: 1n }])
    for (const equalityIds of [[], undefined, [99], [kind.id], [who.id]]) {
      expect(await failureOf(left([{ ...good, equalityIds }]))).toMatchObject({ code: 'CORRUPT', file: good.filePath })
    }
  })
})

describe('position deletes', () => {
  it('of several data files in one file apply to each its own, sorted or not', async () => {
    const tasks = [await data([]), await data([]), await data([])]
    const [a, b, c] = tasks.map((task) => task.filePath) as [string, string, string]
    const deletes = [await shelf.positions([[c, 9], [a, 0], [a, 1], [a, 2], [b, 5], [a, 4], [`${a}x`, 7], [b, 500]])]
    const found = await shelf.read(metadata, tasks.map((task) => ({ ...task, deletes })))
    expect(idsOf(found)).toEqual([3, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('trap 22: rows are counted by limits and filters after deletes are applied', async () => {
    const task = await data([])
    const deletes = [await shelf.positions([[task.filePath, 0], [task.filePath, 2]])]
    const residual = JSON.stringify({ type: 'lt', term: 'id', value: 6 })
    expect(idsOf(await shelf.read(metadata, [{ ...task, deletes, residual }], { limit: 3 }))).toEqual([1, 3, 4])
    const twice = [{ ...task, deletes }, { ...task, deletes }]
    expect(idsOf(await shelf.read(metadata, twice, { limit: 9 }))).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 1])
  })

  it('trap 39: count rows of the file, also when row groups are skipped, and when splits read parts of it', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => ({ id: BigInt(i), kind: `${i} ${'k'.repeat(20)}` }))
    const written: number[] = []
    const task = await shelf.data(columns, many, {}, { groupRows: 700 })
    const deletes = [await shelf.positions([3001, 3002, 3999, 10].map((position) => [task.filePath, position] as const))]
    const residual = JSON.stringify({ type: 'gt-eq', term: 'id', value: 2999 })
    const onRowGroup = (_: string, decision: { read: boolean }): void => void written.push(Number(decision.read))
    const found = idsOf(await shelf.read(metadata, [{ ...task, deletes, residual }], { onRowGroup, batchRows: 100 }))
    expect(found).toEqual(many.map((row) => Number(row.id)).filter((i) => i >= 2999 && ![3001, 3002, 3999].includes(i)))
    expect(written).toContain(0)
    const middle = Math.floor(task.fileSizeBytes / 2)
    const splits = [{ start: 0, length: middle }, { start: middle, length: task.fileSizeBytes - middle }]
    const parts = await shelf.read(metadata, splits.map((split) => ({ ...task, ...split, deletes })))
    expect(idsOf(parts)).toEqual(many.map((row) => Number(row.id)).filter((i) => ![10, 3001, 3002, 3999].includes(i)))
  })

  it('of one data file alone are read without looking at paths; with a negative or a null entry they are refused', async () => {
    const task = await data([])
    const named = await shelf.positions([[task.filePath, 1], [task.filePath, 3]], { referencedDataFile: task.filePath })
    expect(idsOf(await shelf.read(metadata, [{ ...task, deletes: [named] }]))).toEqual([0, 2, 4, 5, 6, 7, 8, 9])
    for (const position of [-1n, 2n ** 60n]) {
      const bad = await shelf.positions([[task.filePath, position]])
      expect(await failureOf(shelf.read(metadata, [{ ...task, deletes: [bad] }]))).toMatchObject({ code: 'CORRUPT', file: bad.filePath })
    }
    const other = await shelf.positions([['memory:///else', 1]], { referencedDataFile: 'memory:///else' })
    expect(await failureOf(shelf.read(metadata, [{ ...task, deletes: [other] }]))).toMatchObject({ code: 'CORRUPT', file: other.filePath })
  })

  it('in ORC are refused, never left out', async () => {
    const error = await failureOf(left([{ ...(await shelf.positions([['a', 1]])), fileFormat: 'orc' }]))
    expect(error.code).toBe('UNSUPPORTED')
  })
})

describe('delete files', () => {
  const opened = (from: number, { filePath }: DeleteTask): number =>
    shelf.io.calls.slice(from).filter((call) => call.location === filePath).length

  it('are read once for all data files, also when files are opened ahead', async () => {
    const equality = await shelf.equality(only(id), [id.id], [{ id: 1n }])
    const first = await data([])
    const positions = await shelf.positions([[first.filePath, 2]])
    const others = await Promise.all([1, 2, 3, 4, 5].map(() => data([])))
    const tasks = [first, ...others].map((task) => ({ ...task, deletes: [equality, positions] }))
    const single = shelf.io.calls.length
    await shelf.read(metadata, tasks.slice(0, 1))
    const [once, oncePositions] = [opened(single, equality), opened(single, positions)]
    const before = shelf.io.calls.length
    expect(await shelf.read(metadata, tasks, { filesAhead: 3 })).toHaveLength(53)
    expect([opened(before, equality), opened(before, positions)]).toEqual([once, oncePositions])
  })

  it('trap 37: by the hundred apply all, without loss of rows and without a deep stack', async () => {
    const file = await shelf.equality(only(id), [id.id], [{ id: 1n }])
    const bytes = await shelf.io.read(file.filePath)
    const copies = Array.from({ length: 300 }, (_, i) => ({ ...file, filePath: `memory:///t/data/copy-${i}.parquet`, sequenceNumber: String(i + 2) }))
    for (const { filePath } of copies) await shelf.io.write(filePath, bytes)
    const deletes = new DeleteLoader({ io: shelf.io, engine: shelf.engine, metadata })
    expect(await left(copies, {}, { deletes })).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await left(copies, { sequenceNumber: '300' }, { deletes })).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await left(copies, { sequenceNumber: '301' }, { deletes })).toHaveLength(10)
    const rowsToo = await shelf.equality(only(id), [id.id], Array.from({ length: 50_000 }, (_, i) => ({ id: BigInt(i * 2) })))
    expect(await left([rowsToo])).toEqual([1, 3, 5, 7, 9])
  })

  it('that exceed the memory are looked up in parts, and kept no longer than there is room', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({ id: BigInt(i * 3), kind: `k${i}` }))
    const byId = await shelf.equality(only(id), [id.id], many)
    const byKind = await shelf.equality(only(kind), [kind.id], [...many, { kind: null }])
    const deletes = new DeleteLoader({ io: shelf.io, engine: shelf.engine, metadata, memoryBytes: 100_000 })
    const kinds = new Set<string | null>([null, ...many.map((key) => key.kind)])
    const expected = rows.filter((row) => row.id % 3n !== 0n && !kinds.has(row.kind)).map((row) => Number(row.id))
    expect(await left([byId, byKind], {}, { deletes })).toEqual(expected)
    expect(deletes.keptBytes).toBeLessThanOrEqual(100_000)
    const half = new DeleteLoader({ io: shelf.io, engine: shelf.engine, metadata, memoryBytes: 100_000 })
    const small = await shelf.equality(only(id), [id.id], many.slice(0, 1000))
    const other = await shelf.equality(only(id), [id.id], many.slice(2, 1002).map((row) => ({ id: row.id + 1n })))
    const tasks = [await data([small]), await data([other]), await data([small])]
    const found = idsOf(await shelf.read(metadata, tasks, { deletes: half }))
    expect(found).toEqual([1, 2, 4, 5, 7, 8, 0, 1, 2, 3, 4, 5, 6, 8, 9, 1, 2, 4, 5, 7, 8])
    expect(half.keptBytes).toBeLessThanOrEqual(100_000)
  })

  it('that a snapshot does not apply to a file stay out of it, even if others of the read have them', async () => {
    const [a, b] = [await shelf.equality(only(id), [id.id], [{ id: 1n }]), await shelf.equality(only(id), [id.id], [{ id: 2n }])]
    const tasks = [await data([a]), await data([a, b]), await data([b])]
    expect(idsOf(await shelf.read(metadata, tasks)).filter((found) => found < 3)).toEqual([0, 2, 0, 0, 1])
  })

  it('that cannot be fetched fail the scan, and are fetched again by the next one', async () => {
    const equality = await shelf.equality(only(id), [id.id], [{ id: 1n }])
    const task = await data([equality])
    const deletes = new DeleteLoader({ io: shelf.io, engine: shelf.engine, metadata })
    expect((await failureOf(shelf.read(metadata, [{ ...task, deletes: [{ ...equality, filePath: 'memory:///t/data/gone.parquet' }] }], { deletes }))).code).toBe('NOT_FOUND')
    expect(await shelf.read(metadata, [task], { deletes })).toHaveLength(9)
  })
})
