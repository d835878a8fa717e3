/** Change events of an operational database: the last one of a key wins, whatever arrives late, twice or after a restart. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucket, schema, t } from '../../src/index.js'
import type { ApplyChangesOptions, FormatVersion, Table } from '../../src/index.js'
import { failureOf, memoryLake, rowTexts } from '../support/lake.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floe-changes-'))
})
afterAll(() => rm(folder, { recursive: true }))

const columns = { id: t.long.required, name: t.string, n: t.int, lsn: t.long, gone: t.boolean }
const options = { keys: ['id'], operation: 'op', order: 'lsn' } as const

async function tableOf(formatVersion: FormatVersion = 3, properties: Record<string, string> = {}): Promise<Table> {
  const { catalog } = await memoryLake()
  return catalog.createTable('a.t', { schema: schema(columns), formatVersion, partitionBy: [bucket('id', 2)], properties })
}

interface Event {
  readonly op: string
  readonly id: bigint
  readonly lsn: bigint
  readonly name?: string | null
  readonly n?: number | null
}

const rowsOf = async (table: Table): Promise<Record<string, unknown>[]> => await table.scan().rows().toArray()
const names = async (table: Table): Promise<Record<string, unknown>> =>
  Object.fromEntries((await rowsOf(table)).map((row) => [String(row['id']), row['name']]))

describe('applying changes', () => {
  it('inserts, updates and deletes by the last event of each key, in whatever order they come', async () => {
    const table = await tableOf()
    await table.append([1n, 2n, 3n].map((id) => ({ id, name: 'old', lsn: 0n })))
    const events: Event[] = [
      { op: 'u', id: 1n, lsn: 12n, name: 'last' },
      { op: 'u', id: 1n, lsn: 11n, name: 'late' },
      { op: 'd', id: 2n, lsn: 13n },
      { op: 'c', id: 4n, lsn: 14n, name: 'new' },
      { op: 'c', id: 5n, lsn: 15n, name: 'short-lived' },
      { op: 'd', id: 5n, lsn: 16n },
      { op: 'd', id: 6n, lsn: 17n },
    ]
    const result = await table.applyChanges(events, options)
    expect(result).toMatchObject({ updatedRows: 1, deletedRows: 1, insertedRows: 1, supersededEvents: 2, skipped: false })
    expect(await names(table)).toEqual({ 1: 'last', 3: 'old', 4: 'new' })
    expect(table.snapshots).toHaveLength(2)
  })

  it.each([
    [[1, 'copy-on-write']],
    [[2, 'merge-on-read']],
    [[3, 'merge-on-read']],
    [[3, 'copy-on-write']],
  ] as const)('gives the state that the events have in order, split over calls and delivered twice (%j)', async ([version, mode]) => {
    const event = fc.record({ op: fc.constantFrom('c', 'u', 'd'), id: fc.integer({ min: 0, max: 6 }), name: fc.constantFrom('a', 'b', null) })
    const deliveries = fc.record({ shuffled: fc.infiniteStream(fc.nat()), budget: fc.constantFrom(1, undefined) })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 25 }), deliveries, async (history, { shuffled, budget }) => {
        const events = history.map((one, i): Event => ({ op: one.op, id: BigInt(one.id), lsn: BigInt(i), name: one.name }))
        // Tombstones, so that what arrives after a delete finds it
        const marked = { ...options, mode, deletes: { markColumn: 'gone' }, memoryBudgetBytes: budget, spillDirectory: folder } as const
        const table = await tableOf(version)
        const delivered = [...events, ...events.slice(0, 5)].map((one) => [shuffled.next().value, one] as const)
        const inOrder = delivered.sort(([a], [b]) => a! - b!).map(([, one]) => one)
        const third = Math.ceil(inOrder.length / 3)
        for (let at = 0; at < inOrder.length; at += third) await table.applyChanges(inOrder.slice(at, at + third), marked)
        const model = new Map<bigint, Event>()
        for (const one of events) model.set(one.id, one)
        const live = (await rowsOf(table)).filter((row) => row['gone'] !== true).map(({ id, name, lsn }) => ({ id, name, lsn }))
        const expected = [...model.values()].filter(({ op }) => op !== 'd').map(({ id, name, lsn }) => ({ id, name, lsn }))
        expect(rowTexts(live)).toEqual(rowTexts(expected as never))
      }),
      { numRuns: 4 },
    )
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves a stored row alone when the event is older, and replaces it when the order is the same', async () => {
    const table = await tableOf()
    await table.applyChanges([{ op: 'c', id: 1n, lsn: 10n, name: 'ten' }], options)
    const late = await table.applyChanges([{ op: 'u', id: 1n, lsn: 9n, name: 'late' }, { op: 'd', id: 1n, lsn: 8n }], options)
    expect(late).toMatchObject({ supersededEvents: 2, updatedRows: 0, deletedRows: 0, snapshot: undefined })
    expect(await table.applyChanges([{ op: 'u', id: 1n, lsn: 10n, name: 'again' }], options)).toMatchObject({ updatedRows: 1 })
    expect(await names(table)).toEqual({ 1: 'again' })
  })

  it('orders by columns that the table does not have within a call, and by several of them', async () => {
    const table = await tableOf()
    const by = { ...options, order: ['file', 'pos'] }
    const events = [
      { op: 'c', id: 1n, name: 'first', file: 'a', pos: 9 },
      { op: 'u', id: 1n, name: 'last', file: 'b', pos: 1 },
      { op: 'u', id: 1n, name: 'middle', file: 'a', pos: 10 },
    ]
    await table.applyChanges(events, by)
    expect(await names(table)).toEqual({ 1: 'last' })
    await table.applyChanges([{ op: 'u', id: 1n, name: 'older, but nobody knows', file: 'a', pos: 1 }], by)
    expect(await names(table)).toEqual({ 1: 'older, but nobody knows' })
  })

  it('keeps deleted rows as tombstones when asked, with their order, so that late inserts stay away and new ones revive them', async () => {
    const table = await tableOf()
    const marked = { ...options, deletes: { markColumn: 'gone' } }
    await table.applyChanges([{ op: 'c', id: 1n, lsn: 1n, name: 'one' }, { op: 'd', id: 2n, lsn: 5n }], marked)
    await table.applyChanges([{ op: 'd', id: 1n, lsn: 5n }], marked)
    const tombstones = [{ id: 1n, name: 'one', n: null, lsn: 5n, gone: true }, { id: 2n, name: null, n: null, lsn: 5n, gone: true }]
    expect(rowTexts(await rowsOf(table) as never)).toEqual(rowTexts(tombstones))
    expect(await table.applyChanges([{ op: 'c', id: 1n, lsn: 4n, name: 'late' }, { op: 'c', id: 2n, lsn: 4n }], marked)).toMatchObject({ supersededEvents: 2 })
    expect(rowTexts(await rowsOf(table) as never)).toEqual(rowTexts(tombstones))
    await table.applyChanges([{ op: 'c', id: 2n, lsn: 6n, name: 'revived' }], marked)
    expect((await table.scan().filter('gone = false').rows().toArray()).map((row) => row['name'])).toEqual(['revived'])
  })

  it('keeps what an event does not say when asked, over several events of a key and against what the table has', async () => {
    const table = await tableOf()
    const partial = { ...options, missingColumns: 'keep' } as const
    await table.applyChanges([{ op: 'c', id: 1n, lsn: 5n, name: 'one', n: 1 }], partial)
    const events: Event[] = [
      { op: 'u', id: 1n, lsn: 7n, n: 7 },
      { op: 'u', id: 1n, lsn: 6n, name: 'six', n: 6 },
      { op: 'u', id: 1n, lsn: 4n, name: 'stale' },
      { op: 'c', id: 2n, lsn: 8n, name: 'two', n: 2 },
      { op: 'u', id: 2n, lsn: 9n, n: null },
      { op: 'd', id: 3n, lsn: 10n },
      { op: 'u', id: 3n, lsn: 11n, n: 3 },
    ]
    await table.applyChanges(events, partial)
    const expected = [
      { id: 1n, name: 'six', n: 7, lsn: 7n, gone: null },
      { id: 2n, name: 'two', n: null, lsn: 9n, gone: null },
      { id: 3n, name: null, n: 3, lsn: 11n, gone: null },
    ]
    expect(rowTexts(await rowsOf(table) as never)).toEqual(rowTexts(expected))
    // A delete before the update: nothing of the old row is left
    await table.applyChanges([{ op: 'd', id: 1n, lsn: 20n }, { op: 'u', id: 1n, lsn: 21n, n: 21 }], partial)
    const [first] = (await rowsOf(table)).filter((row) => row['id'] === 1n)
    expect(first).toMatchObject({ name: null, n: 21 })
    const arrow = await table.scan().select('id', 'n').filter('id = 2').toArrow()
    const [batch] = arrow.batches
    await expect(table.applyChanges([batch!], partial)).rejects.toThrow(/op|lsn/)
  })

  it('takes the codes of common sources, those that are named, and refuses others by row', async () => {
    const table = await tableOf()
    const codes = ['insert', 'CREATE', 'r', '+I', 'Update_After', 'upsert', 'U'].map((op, i) => ({ op, id: BigInt(i), lsn: 1n }))
    expect(await table.applyChanges(codes, options)).toMatchObject({ insertedRows: 7 })
    const mixed = [{ op: '-U', id: 0n, lsn: 2n }, { op: 'DELETE', id: 1n, lsn: 2n }, { op: '-D', id: 2n, lsn: 2n }]
    expect(await table.applyChanges(mixed, options)).toMatchObject({ deletedRows: 2, updatedRows: 0 })
    const numbers = [{ op: 2, id: 3n, lsn: 3n }, { op: 4, id: 4n, lsn: 3n }]
    expect(await table.applyChanges(numbers, { ...options, operations: { 2: 'delete', 4: 'upsert' } })).toMatchObject({ deletedRows: 1, updatedRows: 1 })
    const error = await failureOf(table.applyChanges([{ op: 'd', id: 9n, lsn: 1n }, { op: 'truncate', id: 9n, lsn: 1n }], options))
    expect(error).toMatchObject({ code: 'INVALID', column: 'op' })
    expect(error.message).toContain('row 1')
    const own = await failureOf(table.applyChanges([{ op: 'toString', id: 9n, lsn: 1n }], options))
    expect(own.code).toBe('INVALID')
  })

  it.each<[string, object[], Partial<ApplyChangesOptions>, RegExp]>([
    ['no key', [{ op: 'c', id: null, lsn: 1n }], {}, /row 0: expected long, found null|row 0: the event has no key/],
    ['no order', [{ op: '-U', id: 1n }, { op: 'c', id: 1n, lsn: 1n }, { op: 'c', id: 2n, lsn: null }], {}, /row 2: the event has no order/],
    ['an order that nobody has', [{ op: 'c', id: 1n }], { order: 'nope' }, /neither in the table nor in the first events/],
    ['a mark in no boolean column', [{ op: 'd', id: 1n, lsn: 1n }], { deletes: { markColumn: 'n' } }, /boolean column/],
    ['a mark without a stored order', [{ op: 'd', id: 1n, seq: 1 }], { deletes: { markColumn: 'gone' }, order: 'seq' }, /does not store/],
    ['no order at all', [], { order: [] }, /order the events/],
    ['a meaning that there is not', [], { operations: { x: 'drop' as 'delete' } }, /one of upsert, delete, ignore/],
    ['a position that cannot be ordered', [], { sourcePosition: 'mysql-bin.7' }, /comparePositions/],
  ])('refuses %s', async (_, events, more, message) => {
    const table = await tableOf()
    const error = await failureOf(table.applyChanges(events, { ...options, ...more }))
    expect(error.code).toBe('INVALID')
    expect(error.message).toMatch(message)
    expect(table.snapshots).toHaveLength(0)
  })

  it('refuses an event that leaves a required column without a value, but lets deletes do so', async () => {
    const { catalog } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.long.required, name: t.string.required, lsn: t.long }) })
    await table.applyChanges([{ op: 'c', id: 1n, name: 'x', lsn: 1n }], options)
    const error = await failureOf(table.applyChanges([{ op: 'u', id: 1n, lsn: 2n }], options))
    expect(error).toMatchObject({ code: 'INVALID', column: 'name' })
    expect(error.message).toContain('id = 1')
    expect(await table.applyChanges([{ op: 'd', id: 1n, lsn: 3n }], options)).toMatchObject({ deletedRows: 1 })
  })
})

describe('the position of a source', () => {
  const at = (sourcePosition: string | bigint, source = 'db'): ApplyChangesOptions => ({ ...options, source, sourcePosition })
  const insert = (id: bigint): Event => ({ op: 'c', id, lsn: id })

  it('is stored with the commit, so that a batch which is delivered again changes nothing', async () => {
    const table = await tableOf()
    expect(await table.applyChanges([insert(1n)], at('16/B374D848'))).toMatchObject({ insertedRows: 1, skipped: false, sourcePosition: '16/B374D848' })
    await table.delete('id = 1')
    const again = await table.applyChanges([insert(1n)], at('16/B374D848'))
    expect(again).toMatchObject({ skipped: true, insertedRows: 0, snapshot: undefined, sourcePosition: '16/B374D848' })
    expect(await table.applyChanges([insert(1n)], at('9/FFFFFFFF'))).toMatchObject({ skipped: true })
    expect(await table.applyChanges([insert(2n)], at('100/0'))).toMatchObject({ skipped: false, insertedRows: 1 })
    expect(await names(table)).toEqual({ 2: null })
    expect(table.lastSourcePosition('db')).toBe('100/0')
    expect(table.lastSourcePosition('another')).toBeUndefined()
  })

  it('is stored for events that come to nothing, and for none at all', async () => {
    const table = await tableOf()
    await table.applyChanges([], at(5n))
    expect(table.lastSourcePosition('db')).toBe('5')
    const result = await table.applyChanges([{ op: 'd', id: 9n, lsn: 1n }], at(6n))
    expect(result.snapshot).toBeDefined()
    expect(table.lastSourcePosition('db')).toBe('6')
    expect(await table.scan().count()).toBe(0)
  })

  it('outlives commits of other kinds, goes back with a branch that never saw it, and is one for each source', async () => {
    const table = await tableOf()
    await table.append([{ id: 100n }])
    await table.applyChanges([insert(1n)], { ...at(7n), branch: 'audit' })
    expect(table.lastSourcePosition('db')).toBeUndefined()
    expect(table.lastSourcePosition('db', 'audit')).toBe('7')
    await table.applyChanges([insert(1n)], at(3n))
    await table.applyChanges([insert(2n)], at(4n, 'other'))
    await table.append([{ id: 101n }])
    await table.delete('id = 101')
    // Carried on: the snapshot that set it may expire
    const summary = table.currentSnapshot!.summary
    expect([summary.get('floe.source-position.db'), summary.get('floe.source-position.other')]).toEqual(['3', '4'])
    expect([table.lastSourcePosition('db'), table.lastSourcePosition('other')]).toEqual(['3', '4'])
  })

  it('keeps two calls that race with the same events from applying both', async () => {
    const { catalog } = await memoryLake()
    await catalog.createTable('a.t', { schema: schema(columns), formatVersion: 3 })
    const tables = await Promise.all([1, 2, 3].map(() => catalog.loadTable('a.t')))
    const results = await Promise.all(tables.map((table) => table.applyChanges([insert(1n), insert(2n)], at(9n))))
    expect(results.filter((result) => result.skipped)).toHaveLength(2)
    expect(await (await catalog.loadTable('a.t')).scan().count()).toBe(2)
  })

  it('may have an order of its own', async () => {
    const table = await tableOf()
    const order = ['mon', 'tue', 'wed']
    const comparePositions = (a: string, b: string): number => order.indexOf(a) - order.indexOf(b)
    await table.applyChanges([insert(1n)], { ...at('tue'), comparePositions })
    expect(await table.applyChanges([insert(2n)], { ...at('mon'), comparePositions })).toMatchObject({ skipped: true })
    expect(await table.applyChanges([insert(2n)], { ...at('wed'), comparePositions })).toMatchObject({ insertedRows: 1 })
  })
})
