import { Dictionary, Float64, Int32, Int64, Utf8 } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asc, bucket, day, identity, quarantineSchema, schema, t } from '../../src/index.js'
import type { InvalidRow, Table } from '../../src/index.js'
import { column, failureOf, memoryLake } from '../support/lake.js'
import type { Lake } from '../support/lake.js'
import { tableOf, vectorOf } from '../support/arrow-vectors.js'

const eventSchema = schema({ id: t.long.required, kind: t.string, at: t.timestamptz })
const row = (id: number, kind: string | null = 'click'): { id: bigint; kind: string | null; at: Date } => ({ id: BigInt(id), kind, at: new Date(id * 3_600_000) })
const ids = (...numbers: number[]): bigint[] => numbers.map(BigInt)

let lake: Lake
let count = 0
const newTable = (options: object = {}): Promise<Table> => lake.catalog.createTable(`test.t${++count}`, { schema: eventSchema, ...options })
const filesOf = async (table: Table): Promise<string[]> => (await lake.dataFiles()).filter((file) => file.startsWith(`${table.location}/`))

beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

describe('what can be appended', () => {
  const arrow = tableOf({ id: vectorOf([1n, 2n], new Int64()), kind: vectorOf(['a', 'b'], new Dictionary(new Utf8(), new Int32())) })
  async function* slowly<T>(items: readonly T[]): AsyncGenerator<T> {
    for (const item of items) yield await Promise.resolve(item)
  }
  const inputs: Record<string, () => Parameters<Table['append']>[0]> = {
    'an array of rows': () => [row(1), row(2)],
    'a generator of rows': () => (function* () { yield row(1); yield row(2) })(),
    'a set of rows': () => new Set([row(1), row(2)]),
    'an async generator of rows': () => slowly([row(1), row(2)]),
    'an Arrow table': () => arrow,
    'a record batch': () => arrow.batches[0]!,
    'an array of record batches': () => arrow.batches,
    'an async iterable of Arrow tables': () => slowly([arrow]),
    'rows and batches in turn': () => [row(1), arrow.slice(1, 2).batches[0]!],
    'a web stream': () => new ReadableStream({ start(controller) { controller.enqueue(row(1)); controller.enqueue(row(2)); controller.close() } }),
  }
  it.each(Object.entries(inputs))('%s', async (_, make) => {
    const table = await newTable()
    const snapshot = await table.append(make())
    expect(snapshot.summary.get('added-records')).toBe('2')
    expect(await column(table, 'id')).toEqual(ids(1, 2))
  })

  it("another table's scan, streamed", async () => {
    const [from, to] = [await newTable(), await newTable()]
    await from.append(Array.from({ length: 100 }, (_, i) => row(i)))
    await to.append(from.scan())
    expect(await to.scan().count()).toBe(100)
  })

  it('nothing, which makes an empty snapshot and no file', async () => {
    const table = await newTable()
    const snapshot = await table.append([])
    expect(table.currentSnapshot).toEqual(snapshot)
    expect(await filesOf(table)).toEqual([])
    expect(await table.scan().rows().toArray()).toEqual([])
  })

  it('rows with columns named as the members of Arrow batches are rows', async () => {
    const table = await lake.catalog.createTable('test.lookalike', {
      schema: schema({ numRows: t.int, schema: t.string, data: t.string, batches: t.list(t.int) }),
    })
    await table.append([{ numRows: 1, schema: 's', data: 'd', batches: [1] }])
    expect(await column(table, 'numRows')).toEqual([1])
  })
})

describe('a row that does not fit', () => {
  it.each([
    ['a wrong type', { id: 'x' }, /row 1: expected long.*found string "x".*column id/],
    ['a missing required column', { kind: 'a' }, /row 1: expected a value of required long, found nothing/],
    ['null in a required column', { id: null }, /row 1: .*required long, found null/],
    ['a number that would be rounded', { id: 2 ** 60 }, /row 1: expected long/],
    ['a member that is no column', { id: 1n, knd: 'a' }, /row 1: .*did you mean "kind"/],
    ['no object', 7, /row 1: expected a row object, found number 7/],
  ])('%s: the error says where, and neither snapshot nor file is left', async (_, bad, message) => {
    const table = await newTable({ partitionBy: [bucket('id', 2)] })
    const error = await failureOf(table.append([row(0), bad as object, row(2)]))
    expect(error.code).toBe('INVALID')
    expect(error.message).toMatch(message)
    expect(error.table).toBe(table.name)
    expect(table.currentSnapshot).toBeUndefined()
    expect(await filesOf(table)).toEqual([])
  })

  it('late in a large append leaves nothing of the files that were finished', async () => {
    const table = await newTable({ properties: { 'write.target-file-size-bytes': '20000' } })
    const rows = (function* () {
      for (let i = 0; i < 70_000; i++) yield row(i, `kind ${i * 7919}`)
      yield { id: 'bad' }
    })()
    const error = await failureOf(table.append(rows))
    expect(error.message).toContain('row 70000')
    expect(await filesOf(table)).toEqual([])
  })

  it('in Arrow data names the row as well', async () => {
    const table = await newTable()
    const error = await failureOf(table.append(tableOf({ id: vectorOf([1n, null], new Int64()) })))
    expect(error.message).toMatch(/row 1: .*found null/)
    expect(await filesOf(table)).toEqual([])
  })

  it('unknown columns can be ignored, in rows and in Arrow data', async () => {
    const table = await newTable()
    await table.append([{ ...row(1), extra: 1 }], { unknownColumns: 'ignore' })
    await table.append(tableOf({ id: vectorOf([2n], new Int64()), extra: vectorOf([1], new Float64()) }), { unknownColumns: 'ignore' })
    expect(await column(table, 'id')).toEqual(ids(1, 2))
  })
})

describe('bad rows', () => {
  const throwing = { get id(): bigint { throw new Error('no id today') } }

  it('go to a callback, one by one, and the good ones are appended', async () => {
    const table = await newTable()
    const bad: InvalidRow[] = []
    const input = [row(0), { id: 'x' }, row(2), { id: 3n, kind: 5 }, throwing, row(5)]
    const snapshot = await table.append(input, { onInvalid: async (invalid) => void bad.push(await Promise.resolve(invalid)) })
    expect(snapshot.summary.get('added-records')).toBe('3')
    expect(await column(table, 'id')).toEqual(ids(0, 2, 5))
    expect(bad.map(({ rowIndex, path, row: found }) => [rowIndex, path, found])).toEqual([[1, 'id', input[1]], [3, 'kind', input[3]], [4, '', throwing]])
    expect(bad[1]).toMatchObject({ expected: 'string (well-formed text)', found: 'number 5' })
  })

  it('a callback that throws fails the append, and nothing is left', async () => {
    const table = await newTable()
    const append = table.append([row(0), { id: 'x' }], { onInvalid: () => { throw new Error('enough') } })
    await expect(append).rejects.toThrow('enough')
    expect(await filesOf(table)).toEqual([])
  })

  it('go to a quarantine table, committed before the good rows; a repeat files them once', async () => {
    const table = await newTable()
    const quarantine = await lake.catalog.createTable('test.quarantine', { schema: quarantineSchema })
    const cyclic: unknown[] = []
    cyclic.push(cyclic, cyclic)
    const input = [row(0), { id: 9n, kind: 5n, big: 2n ** 62n }, { id: cyclic }]
    const options = { onInvalid: quarantine, idempotencyToken: 'load-1', unknownColumns: 'ignore' } as const
    const first = await table.append(input, options)
    const again = await table.append(input, options)
    expect(again.snapshotId).toBe(first.snapshotId)
    const rows = await quarantine.scan().rows().toArray()
    expect(rows.map(({ row_index, column: path }) => [row_index, path])).toEqual([[1n, 'kind'], [2n, 'id']])
    expect(rows[0]!['row']).toBe('{"id":9,"kind":5,"big":4611686018427387904}')
  })

  it('when the quarantine refuses them, the append fails and leaves no file', async () => {
    const table = await newTable()
    const quarantine = await newTable()
    const error = await failureOf(table.append([row(0), { id: 'x' }], { onInvalid: quarantine }))
    expect(error).toMatchObject({ code: 'INVALID', table: quarantine.name })
    expect(await filesOf(table)).toEqual([])
  })
})

describe('an idempotency token', () => {
  it('answers a repeated append with the first snapshot, also after other commits and through another handle', async () => {
    const table = await newTable()
    const first = await table.append([row(1)], { idempotencyToken: 'job' })
    await table.append([row(2)])
    const other = await lake.catalog.loadTable(table.identifier)
    expect((await other.append([row(1)], { idempotencyToken: 'job' })).snapshotId).toBe(first.snapshotId)
    expect(await column(other, 'id')).toEqual(ids(1, 2))
    expect(await filesOf(table)).toHaveLength(2)
  })

  it('lets one of several concurrent appends through; the files of the others are removed', async () => {
    const table = await newTable()
    const handles = await Promise.all([1, 2, 3, 4].map(() => lake.catalog.loadTable(table.identifier)))
    const snapshots = await Promise.all(handles.map((handle) => handle.append([row(1)], { idempotencyToken: 'job' })))
    expect(new Set(snapshots.map((snapshot) => snapshot.snapshotId)).size).toBe(1)
    await table.refresh()
    expect(await column(table, 'id')).toEqual(ids(1))
    expect(await filesOf(table)).toHaveLength(1)
  })
})

describe('options that are refused', () => {
  it.each([
    ['a branch name', { branch: '' }],
    ['an empty token', { idempotencyToken: '' }],
    ['a summary name that is computed', { summary: { 'total-records': '7' } }],
  ])('%s: before a file is written', async (_, options) => {
    const table = await newTable()
    const writes = lake.io.calls.length
    expect(await failureOf(table.append([row(1)], options))).toMatchObject({ code: 'INVALID', table: table.name })
    expect(lake.io.calls.slice(writes).filter(({ operation }) => operation === 'write')).toEqual([])
  })

  it("trap 69: the caller's summary is kept beside the computed totals", async () => {
    const table = await newTable()
    await table.append([row(1)])
    const { summary } = await table.append([row(2), row(3)], { summary: { job: 'nightly' } })
    expect(Object.fromEntries(summary)).toMatchObject({ job: 'nightly', 'added-data-files': '1', 'added-records': '2', 'total-records': '3', 'total-data-files': '2' })
    expect(summary.get('total-delete-files')).toBe('0')
    expect(summary.get('changed-partition-count')).toBe('1')
  })
})

describe('an abort', () => {
  it('stops an append whose source never answers, and leaves nothing', async () => {
    const table = await newTable()
    const controller = new AbortController()
    const silent = (async function* () {
      yield row(1)
      setTimeout(() => { controller.abort(new Error('enough')) }, 5)
      await new Promise(() => undefined)
    })()
    const error = await failureOf(table.append(silent, { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'ABORTED', table: table.name })
    expect(await filesOf(table)).toEqual([])
  })

  it('before the start: nothing is asked of the source', async () => {
    const table = await newTable()
    const source = { *[Symbol.iterator]() { throw new Error('was asked') } }
    const error = await failureOf(table.append(source as Iterable<object>, { signal: AbortSignal.abort() }))
    expect(error.code).toBe('ABORTED')
  })
})

describe('branches', () => {
  it('trap 66: an append to a branch builds on its head and leaves main alone', async () => {
    const table = await newTable()
    const main = await table.append([row(1)])
    const branched = await table.append([row(2)], { branch: 'audit' })
    const next = await table.append([row(3)], { branch: 'audit' })
    expect([branched.parentSnapshotId, next.parentSnapshotId]).toEqual([main.snapshotId, branched.snapshotId])
    expect(await column(table, 'id')).toEqual(ids(1))
    expect(await column(table.scan().useRef('audit'), 'id')).toEqual(ids(1, 2, 3))
    expect(table.history.map((entry) => entry.snapshotId)).toEqual([main.snapshotId])
  })
})

describe('concurrent changes', () => {
  it('eight handles append at once: every row is there once, row ids and sequence numbers are disjoint', async () => {
    const table = await newTable({ formatVersion: 3, properties: { 'commit.retry.num-retries': '50', 'commit.retry.min-wait-ms': '1', 'commit.retry.max-wait-ms': '5' } })
    const handles = await Promise.all(Array.from({ length: 8 }, () => lake.catalog.loadTable(table.identifier)))
    await Promise.all(handles.flatMap((handle, i) => [0, 1].map((k) => handle.append([row(i * 10 + k), row(i * 10 + k + 5)]))))
    await table.refresh()
    expect(await column(table, 'id')).toEqual(handles.flatMap((_, i) => ids(i * 10, i * 10 + 1, i * 10 + 5, i * 10 + 6)))
    const files = await table.inspect.dataFiles()
    expect(files.map((file) => Number(file.first_row_id)).sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i * 2))
    expect(table.metadata.nextRowId).toBe(32n)
    // Handles of one process share commits: fewer snapshots than appends, each with a number of its own.
    expect(table.snapshots.length).toBeLessThan(16)
    expect(new Set(table.snapshots.map((snapshot) => snapshot.sequenceNumber)).size).toBe(table.snapshots.length)
  })

  it('appends side by side on one handle never move it back', async () => {
    const table = await newTable({ properties: { 'commit.retry.min-wait-ms': '1', 'commit.retry.max-wait-ms': '5' } })
    await Promise.all(Array.from({ length: 4 }, (_, i) => table.append([row(i)])))
    expect(await column(table, 'id')).toEqual(ids(0, 1, 2, 3))
  })

  it('an append whose table got another spec, schema and order meanwhile is still right', async () => {
    const table = await newTable({ partitionBy: [identity('kind')] })
    const stale = await lake.catalog.loadTable(table.identifier)
    await table.updateSpec((spec) => spec.removeField('kind').addField(day('at')))
    await table.updateSchema((update) => update.renameColumn('kind', 'sort').addColumn('extra', t.int))
    await table.replaceSortOrder([asc('id')])
    await stale.append([row(1, 'a'), row(30, 'b')])
    await stale.append([{ id: 40n, sort: 'b', extra: 7 }])
    await table.refresh()
    expect(await column(table, 'id')).toEqual(ids(1, 30, 40))
    expect((await table.inspect.dataFiles()).map((file) => [file.spec_id, file.sort_order_id]).sort()).toEqual([[0, 0], [0, 0], [1, 1]])
    const { eq } = await import('../../src/index.js')
    expect(await column(table.scan().filter(eq('sort', 'b')), 'id')).toEqual(ids(30, 40))
  })

  it('schema updates that race: each is in, or its caller is told', async () => {
    const table = await newTable()
    const handles = await Promise.all(Array.from({ length: 4 }, () => lake.catalog.loadTable(table.identifier)))
    const outcomes = await Promise.allSettled(handles.map((handle, i) => handle.updateSchema((update) => update.addColumn(`c${i}`, t.int))))
    await table.refresh()
    for (const [i, outcome] of outcomes.entries()) expect(table.schema.findField(`c${i}`) !== undefined).toBe(outcome.status === 'fulfilled')
    expect(new Set(table.schema.fieldIds()).size).toBe(table.schema.fields.length)
  })

  it('the same column added twice at once: one is told that it exists', async () => {
    const table = await newTable()
    const handles = await Promise.all([1, 2].map(() => lake.catalog.loadTable(table.identifier)))
    const outcomes = await Promise.allSettled(handles.map((handle) => handle.updateSchema((update) => update.addColumn('c', t.int))))
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})
