/** Upserts against a plain map: counts and rows, in every format version and mode, over partitions, key types and budgets. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucket, day, identity, schema, t, truncate } from '../../src/index.js'
import type { ColumnSpec, FormatVersion, PartitionTerm, Table } from '../../src/index.js'
import { failureOf, memoryLake, rowTexts } from '../support/lake.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floe-upsert-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Layout {
  readonly columns?: Readonly<Record<string, ColumnSpec>>
  readonly partitionBy?: readonly PartitionTerm[]
  readonly properties?: Readonly<Record<string, string>>
}

const columns = { id: t.long.required, name: t.string, n: t.int }

async function tableOf(formatVersion: FormatVersion, layout: Layout = {}): Promise<Table> {
  const { catalog } = await memoryLake()
  const { partitionBy = [], properties = {} } = layout
  return catalog.createTable('a.t', { schema: schema(layout.columns ?? columns), formatVersion, partitionBy, properties })
}

const rowsOf = async (table: Table): Promise<string[]> => rowTexts(await table.scan().rows().toArray())
const numbered = (ids: readonly number[], name: string): { id: bigint; name: string; n: number }[] =>
  ids.map((id) => ({ id: BigInt(id), name: `${name} ${id}`, n: id % 3 }))

const modes = [
  [1, 'copy-on-write'],
  [2, 'copy-on-write'],
  [2, 'merge-on-read'],
  [3, 'copy-on-write'],
  [3, 'merge-on-read'],
] as const

describe.each(modes)('an upsert into a table of version %i by %s', (version, mode) => {
  it('updates the rows whose key is there, inserts the others, and counts both', async () => {
    const table = await tableOf(version)
    await table.append(numbered([1, 2, 3, 4], 'old'))
    const rows = [{ id: 2n, name: 'new' }, { id: 9n, name: 'new', n: 9 }, { id: 4n, name: 'new' }]
    const result = await table.upsert(rows, ['id'], { mode })
    expect(result).toMatchObject({ updatedRows: 2, insertedRows: 1, deletedRows: 0 })
    const expected = [...numbered([1, 3], 'old'), ...rows.map((row) => ({ n: null, ...row }))]
    expect(await rowsOf(table)).toEqual(rowTexts(expected))
    expect(table.snapshots).toHaveLength(2)
  })

  it('agrees with a map, whatever the partitions, the budget and the batches', async () => {
    const step = fc.record({
      ids: fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 }),
      name: fc.constantFrom('a', 'b', 'c'),
      budget: fc.constantFrom(1, 200, undefined),
      skipUnchanged: fc.boolean(),
    })
    const layouts = fc.constantFrom<readonly PartitionTerm[]>([], [bucket('id', 3)], [truncate('id', 7), identity('n')], [identity('name')])
    await fc.assert(
      fc.asyncProperty(layouts, fc.array(step, { minLength: 1, maxLength: 4 }), async (partitionBy, steps) => {
        const table = await tableOf(version, { partitionBy })
        const model = new Map<number, string>()
        for (const { ids, name, budget, skipUnchanged } of steps) {
          const rows = numbered(ids, name)
          const result = await table.upsert(rows, ['id'], { mode, memoryBudgetBytes: budget, spillDirectory: folder, skipUnchanged })
          const updated = ids.filter((id) => model.has(id) && !(skipUnchanged && model.get(id) === name))
          const inserted = ids.filter((id) => !model.has(id))
          expect(result).toMatchObject({ updatedRows: updated.length, insertedRows: inserted.length, deletedRows: 0 })
          for (const id of ids) model.set(id, name)
        }
        expect(await rowsOf(table)).toEqual(rowTexts([...model].flatMap(([id, name]) => numbered([id], name))))
      }),
      { numRuns: 5 },
    )
    expect(await readdir(folder)).toEqual([])
  })
})

describe('the keys of an upsert', () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

  it.each<[string, ColumnSpec, unknown[], unknown[], number]>([
    ['doubles, -0.0 being 0.0 and NaN itself', t.double, [-0, NaN, 1.5], [0, NaN, 2.5], 2],
    ['floats', t.float, [0, NaN, Infinity], [-0, NaN, Infinity], 3],
    ['texts', t.string, ['', 'a', '\u{1f600}'], ['', '\u{1f600}', '\ufffd'], 2],
    ['bytes', t.binary, [bytes(), bytes(0)], [bytes(0), bytes(0, 0)], 1],
    ['dates', t.date, [0, -1], [-1, -2], 1],
    ['booleans', t.boolean, [true], [true, false], 1],
    ['UUIDs', t.uuid, ['00000000-0000-0000-0000-00000000000a'], ['00000000-0000-0000-0000-00000000000A'], 1],
  ])('may be %s', async (_, type, before, after, updated) => {
    const table = await tableOf(3, { columns: { k: type, v: t.int } })
    await table.append(before.map((k, v) => ({ k, v })))
    const result = await table.upsert(after.map((k) => ({ k, v: 99 })), ['k'])
    expect(result).toMatchObject({ updatedRows: updated, insertedRows: after.length - updated })
    expect(await table.scan().filter('v = 99').count()).toBe(after.length)
    expect(await table.scan().count()).toBe(before.length + after.length - updated)
  })

  it('may be several columns, in any order, and default to the identifier fields', async () => {
    const { catalog } = await memoryLake()
    const keyed = schema({ day: t.date.required, user: t.string.required, hits: t.int }, { identifierFields: ['user', 'day'] })
    const table = await catalog.createTable('a.t', { schema: keyed, partitionBy: [identity('day')] })
    await table.append([{ day: 1, user: 'ann', hits: 1 }, { day: 2, user: 'ann', hits: 1 }, { day: 1, user: 'bob', hits: 1 }])
    expect(await table.upsert([{ day: 2, user: 'ann', hits: 5 }, { day: 3, user: 'bob', hits: 5 }])).toMatchObject({ updatedRows: 1, insertedRows: 1 })
    expect(await table.upsert([{ day: 2, user: 'ann', hits: 6 }], ['day', 'user'])).toMatchObject({ updatedRows: 1, insertedRows: 0 })
    expect((await table.scan().rows().toArray()).map((row) => row['hits']).toSorted()).toEqual([1, 1, 5, 6])
  })

  it('may be members of structs, which are null where the struct is', async () => {
    const table = await tableOf(3, { columns: { s: t.struct({ id: t.int, x: t.string }), n: t.int } })
    await table.append([{ s: { id: 1, x: 'a' }, n: 1 }, { s: null, n: 2 }, { s: { id: 3, x: 'c' }, n: 3 }])
    const result = await table.upsert([{ s: { id: 3, x: 'C' }, n: 33 }, { s: { id: 4, x: 'D' }, n: 4 }], ['s.id'])
    expect(result).toMatchObject({ updatedRows: 1, insertedRows: 1 })
    expect((await table.scan().rows().toArray()).map((row) => row['n']).toSorted()).toEqual([1, 2, 33, 4])
    expect((await failureOf(table.upsert([{ s: null, n: 1 }], ['s.id']))).message).toContain('the key is null')
  })

  it('are found under an old name, an old type and in files from before the column', async () => {
    const table = await tableOf(2, { columns: { a: t.int, v: t.string } })
    await table.append([{ a: 1, v: 'old' }, { a: 2, v: 'old' }, { a: null, v: 'old' }])
    await table.updateSchema((s) => s.renameColumn('a', 'id').updateColumn('a', t.long))
    await table.append([{ id: 2n ** 40n, v: 'old' }])
    expect(await table.upsert([{ id: 2, v: 'new' }, { id: 2n ** 40n, v: 'new' }, { id: 3, v: 'new' }], ['id'])).toMatchObject({ updatedRows: 2, insertedRows: 1 })
    await table.updateSchema((s) => s.addColumn('k', t.int))
    expect(await table.upsert([{ id: 7n, k: 1, v: 'x' }], ['k'])).toMatchObject({ updatedRows: 0, insertedRows: 1 })
    expect(await table.scan().count()).toBe(6)
  })

  it('that the input has twice are refused by name, also far apart and beyond the budget, and nothing is left', async () => {
    const table = await tableOf(3)
    const rows = [...numbered(Array.from({ length: 500 }, (_, i) => i), 'x'), ...numbered([77], 'y')]
    for (const memoryBudgetBytes of [undefined, 1000]) {
      const error = await failureOf(table.upsert(rows, ['id'], { memoryBudgetBytes, spillDirectory: folder }))
      expect(error.code).toBe('INVALID')
      expect(error.message).toContain('key id = 77 more than once')
    }
    const mixed = await tableOf(3, { columns: { k: t.double, v: t.int } })
    expect((await failureOf(mixed.upsert([{ k: 0 }, { k: -0 }], ['k']))).message).toContain('k = ')
    expect(await table.scan().count()).toBe(0)
    expect(await readdir(folder)).toEqual([])
  })

  it('that are null are refused with row and column, and rows of the table with a null are left alone', async () => {
    const table = await tableOf(2, { columns: { a: t.int, b: t.string, v: t.int } })
    await table.append([{ a: null, b: 'x', v: 1 }, { a: 1, b: null, v: 1 }, { a: 1, b: 'x', v: 1 }])
    const error = await failureOf(table.upsert([{ a: 1, b: 'x' }, { a: 2, b: null }], ['a', 'b']))
    expect(error).toMatchObject({ code: 'INVALID', column: 'b' })
    expect(error.message).toContain('row 1: the key is null')
    expect(await table.upsert([{ a: 1, b: 'x', v: 2 }], ['a', 'b'])).toMatchObject({ updatedRows: 1, insertedRows: 0 })
    expect((await table.scan().rows().toArray()).map((row) => row['v']).toSorted()).toEqual([1, 1, 2])
  })

  it.each([
    [['nme'], /no such key column; did you mean "name"/],
    [['id', 'id'], /named twice/],
    [undefined, /no identifier fields/],
    [[], /no identifier fields/],
    ['id' as unknown as string[], /list of column names/],
  ])('%j are refused', async (keys, message) => {
    const table = await tableOf(2)
    const error = await failureOf(table.upsert([], keys))
    expect(error.code).toBe('INVALID')
    expect(error.message).toMatch(message)
  })

  it('that the table has more than once are each replaced', async () => {
    const table = await tableOf(3)
    await table.append(numbered([1, 2], 'a'))
    await table.append(numbered([1], 'b'))
    expect(await table.upsert(numbered([1], 'c'), ['id'])).toMatchObject({ updatedRows: 2, insertedRows: 0 })
    expect(await rowsOf(table)).toEqual(rowTexts([...numbered([1, 1], 'c'), ...numbered([2], 'a')]))
  })
})

describe('an upsert', () => {
  it('reads no file that its keys cannot be in: by bounds, by spans of keys, and by partitions', async () => {
    const { catalog, io } = await memoryLake()
    const read = async (table: Table, rows: readonly object[], keys: readonly string[]): Promise<number> => {
      const before = io.calls.length
      await table.upsert(rows, keys)
      const calls = io.calls.slice(before).filter(({ operation, location }) => operation !== 'write' && location.endsWith('.parquet'))
      return new Set(calls.map(({ location }) => location)).size
    }
    const properties = { 'write.merge.mode': 'merge-on-read' }
    const ranged = await catalog.createTable('a.ranged', { schema: schema(columns), formatVersion: 3, properties })
    for (let file = 0; file < 6; file++) await ranged.append(numbered([file * 1000, file * 1000 + 9], 'x'))
    expect(await read(ranged, numbered([9], 'y'), ['id'])).toBe(1)
    const many = Array.from({ length: 300 }, (_, i) => (i < 150 ? i : 3000 + i))
    expect(await read(ranged, numbered(many, 'y'), ['id'])).toBe(2)
    const bucketed = await catalog.createTable('a.bucketed', { schema: schema(columns), partitionBy: [bucket('id', 64)], formatVersion: 3 })
    await bucketed.append(numbered(Array.from({ length: 640 }, (_, i) => i), 'x'))
    expect(await read(bucketed, numbered([5], 'y'), ['id'])).toBe(1)
    const daily = { columns: { at: t.timestamptz.required, id: t.long.required } }
    const dated = await catalog.createTable('a.dated', { schema: schema(daily.columns), partitionBy: [day('at')] })
    const dayMicros = 86_400_000_000n
    await dated.append(Array.from({ length: 20 }, (_, i) => ({ at: BigInt(i) * dayMicros, id: BigInt(i) })))
    expect(await read(dated, Array.from({ length: 400 }, (_, i) => ({ at: 19n * dayMicros + BigInt(i), id: BigInt(i) })), ['at', 'id'])).toBe(1)
  })

  it('finds rows in files of every partition spec that the table has had', async () => {
    const table = await tableOf(3)
    await table.append(numbered([1, 2, 3, 4], 'plain'))
    await table.updateSpec((spec) => spec.addField(bucket('id', 4)))
    await table.append(numbered([5, 6, 7, 8], 'bucketed'))
    await table.updateSpec((spec) => spec.removeField('id_bucket_4').addField(identity('name')))
    await table.append(numbered([9, 10], 'named'))
    expect(await table.upsert(numbered([2, 6, 9, 11], 'new'), ['id'])).toMatchObject({ updatedRows: 3, insertedRows: 1 })
    const kept = [...numbered([1, 3, 4], 'plain'), ...numbered([5, 7, 8], 'bucketed'), ...numbered([10], 'named')]
    expect(await rowsOf(table)).toEqual(rowTexts([...kept, ...numbered([2, 6, 9, 11], 'new')]))
  })

  it('takes Arrow tables, iterables and async iterables, and commits nothing for none', async () => {
    const table = await tableOf(3)
    async function* later(): AsyncGenerator<object> {
      yield* numbered([1, 2], 'later')
    }
    expect(await table.upsert(later(), ['id'])).toMatchObject({ insertedRows: 2 })
    const arrow = await table.scan().toArrow()
    expect(await table.upsert(arrow, ['id'])).toMatchObject({ updatedRows: 2, insertedRows: 0 })
    expect(await table.upsert(arrow, ['id'], { skipUnchanged: true })).toMatchObject({ updatedRows: 0, insertedRows: 0, snapshot: undefined })
    expect(await table.upsert([], ['id'])).toMatchObject({ insertedRows: 0, snapshot: undefined })
    expect(table.snapshots).toHaveLength(2)
  })

  it('keeps the id of every row that it updates, and gives it the sequence number of its commit', async () => {
    for (const mode of ['merge-on-read', 'copy-on-write'] as const) {
      const table = await tableOf(3)
      await table.append(numbered([1, 2, 3], 'x'))
      await table.upsert(numbered([2, 4], 'y'), ['id'], { mode })
      const rows = await table.scan().metadataColumns('_row_id', '_last_updated_sequence_number').rows().toArray()
      const lineage = new Map(rows.map((row) => [Number(row['id']), [row['_row_id'], row['_last_updated_sequence_number']]]))
      expect([1, 2, 3].map((id) => lineage.get(id)?.[0])).toEqual([0n, 1n, 2n])
      expect([1, 2, 3, 4].map((id) => lineage.get(id)?.[1])).toEqual([1n, 2n, 1n, 2n])
      expect(new Set(rows.map((row) => row['_row_id'])).size).toBe(4)
    }
  })

  it('with a token is made once', async () => {
    const table = await tableOf(3)
    const options = { idempotencyToken: 'job 7' }
    const first = await table.upsert(numbered([1, 2], 'a'), ['id'], options)
    const again = await table.upsert(numbered([1, 2], 'b'), ['id'], options)
    expect(again).toMatchObject({ isRepeat: true, insertedRows: 2, updatedRows: 0, snapshot: { snapshotId: first.snapshot!.snapshotId } })
    expect(await rowsOf(table)).toEqual(rowTexts(numbered([1, 2], 'a')))
  })

  it('to a branch leaves main as it is', async () => {
    const table = await tableOf(3)
    await table.append(numbered([1], 'a'))
    await table.upsert(numbered([1, 2], 'b'), ['id'], { branch: 'audit' })
    await table.upsert(numbered([2, 3], 'c'), ['id'], { branch: 'audit' })
    expect(await rowsOf(table)).toEqual(rowTexts(numbered([1], 'a')))
    expect(rowTexts(await table.scan().useRef('audit').rows().toArray())).toEqual(rowTexts([...numbered([1], 'b'), ...numbered([2, 3], 'c')]))
  })
})
