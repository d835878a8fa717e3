/** Merges against a plain map, and what their clauses may say. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucket, eq, gt, schema, t } from '../../src/index.js'
import type { FormatVersion, Table } from '../../src/index.js'
import { failureOf, memoryLake, rowTexts } from '../support/lake.js'

const columns = { id: t.long, name: t.string, n: t.int }

async function tableOf(formatVersion: FormatVersion = 3, required = false): Promise<Table> {
  const { catalog } = await memoryLake()
  const own = required ? { ...columns, name: t.string.required } : columns
  return catalog.createTable('a.t', { schema: schema(own), formatVersion, partitionBy: [bucket('id', 2)] })
}

interface Item {
  readonly id: bigint | null
  readonly name: string | null
  readonly n: number | null
}

const item = (id: number | null, name: string | null, n: number | null = null): Item => ({ id: id === null ? null : BigInt(id), name, n })
const rowsOf = async (table: Table): Promise<string[]> => rowTexts(await table.scan().rows().toArray())
const texts = (rows: readonly Item[]): string[] => rowTexts(rows as never)

describe('a merge', () => {
  it('updates what matches, inserts what does not, and deletes what the source lacks', async () => {
    const table = await tableOf()
    await table.append([item(1, 'a'), item(2, 'b'), item(3, 'c'), item(null, 'nobody')])
    const result = await table.merge([item(2, 'B'), item(4, 'D'), item(null, 'new nobody')], {
      on: ['id'],
      whenMatched: 'update',
      whenNotMatched: 'insert',
      whenNotMatchedBySource: 'delete',
    })
    expect(result).toMatchObject({ updatedRows: 1, insertedRows: 2, deletedRows: 3 })
    expect(await rowsOf(table)).toEqual(texts([item(2, 'B'), item(4, 'D'), item(null, 'new nobody')]))
    expect(table.snapshots).toHaveLength(2)
  })

  it.each([
    [1, 'copy-on-write'],
    [2, 'merge-on-read'],
    [3, 'merge-on-read'],
    [3, 'copy-on-write'],
  ] as const)('of version %i by %s agrees with a map, whatever the clauses and the budget', async (version, mode) => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 12 })
    const clauses = fc.record({
      matched: fc.constantFrom('update', 'delete', 'sum', 'even', 'none'),
      other: fc.constantFrom('insert', 'odd', 'none'),
      bySource: fc.constantFrom('delete', 'mark', 'none'),
      budget: fc.constantFrom(1, undefined),
    })
    await fc.assert(
      fc.asyncProperty(ids, ids, clauses, async (before, source, { matched, other, bySource, budget }) => {
        if (matched === 'none' && other === 'none' && bySource === 'none') return
        const table = await tableOf(version)
        const model = new Map(before.map((id) => [id, item(id, 'old', id)]))
        await table.append([...model.values()])
        const whenMatched = {
          update: 'update' as const,
          delete: 'delete' as const,
          sum: { then: { n: (target: { n: number }, from: { n: number }) => target.n + from.n } },
          even: [{ when: { source: 'n < 10', target: eq('name', 'old') }, then: 'delete' as const }, { then: 'keep' as const }],
          none: undefined,
        }[matched]
        const made = { when: gt('n', 10), then: (row: object) => ({ ...row, name: 'made' }) }
        const whenNotMatched = { insert: 'insert' as const, odd: made, none: undefined }[other]
        const whenNotMatchedBySource = { delete: 'delete' as const, mark: { when: 'n > 5', then: { name: 'lost' } }, none: undefined }[bySource]
        const result = await table.merge(source.map((id) => item(id, 'new', id)), {
          on: ['id'],
          whenMatched: whenMatched as never,
          whenNotMatched: whenNotMatched as never,
          whenNotMatchedBySource: whenNotMatchedBySource as never,
          mode,
          memoryBudgetBytes: budget,
        })
        const counts = { updatedRows: 0, insertedRows: 0, deletedRows: 0 }
        const set = (id: number, row: Item | undefined): void => {
          counts[row === undefined ? 'deletedRows' : model.has(id) ? 'updatedRows' : 'insertedRows']++
          if (row === undefined) model.delete(id)
          else model.set(id, row)
        }
        for (const id of before.filter((one) => !source.includes(one))) {
          if (bySource === 'delete') set(id, undefined)
          if (bySource === 'mark' && id > 5) set(id, item(id, 'lost', id))
        }
        for (const id of source) {
          if (before.includes(id)) {
            if (matched === 'update') set(id, item(id, 'new', id))
            if (matched === 'delete' || (matched === 'even' && id < 10)) set(id, undefined)
            if (matched === 'sum') set(id, item(id, 'old', 2 * id))
          } else if (other === 'insert') set(id, item(id, 'new', id))
          else if (other === 'odd' && id > 10) set(id, item(id, 'made', id))
        }
        expect(result).toMatchObject(counts)
        expect(await rowsOf(table)).toEqual(texts([...model.values()]))
      }),
      { numRuns: 6 },
    )
  })

  it('takes the first clause whose condition holds, and leaves a row that none takes', async () => {
    const table = await tableOf()
    await table.append([item(1, 'a', 1), item(2, 'b', 2), item(3, 'c', 3), item(4, 'd', 4)])
    const source = [1, 2, 3].map((id) => item(id, 'x', id * 10))
    const result = await table.merge(source, {
      on: ['id'],
      whenMatched: [
        { when: (target) => target['n'] === 1, then: 'delete' },
        { when: (target, from) => (target['n'] as number) * 10 === from['n'] && from['n'] === 20, then: { name: 'twenty', n: null } },
      ],
    })
    expect(result).toMatchObject({ deletedRows: 1, updatedRows: 1, insertedRows: 0 })
    expect(await rowsOf(table)).toEqual(texts([item(2, 'twenty'), item(3, 'c', 3), item(4, 'd', 4)]))
  })

  it('may have a source with columns of its own, which conditions and functions see and rows do not get', async () => {
    const table = await tableOf()
    await table.append([item(1, 'a', 1), item(2, 'b', 2)])
    const source = [[1, 5, false], [2, 0, true], [3, 3, false], [4, 3, true]].map(([id, delta, drop]) => ({ id, delta, drop }))
    await table.merge(source, {
      on: ['id'],
      sourceSchema: schema({ id: t.long, delta: t.int, drop: t.boolean }),
      whenMatched: [
        { when: { source: 'drop = true' }, then: 'delete' },
        { then: { n: (target, from) => (target['n'] as number) + (from['delta'] as number) } },
      ],
      whenNotMatched: { when: 'drop = false', then: 'insert' },
    })
    expect(await rowsOf(table)).toEqual(texts([item(1, 'a', 6), item(3, null)]))
    // `update` sets the columns that the source has, and no others
    await table.merge([{ id: 1, name: 'new' }], { on: ['id'], sourceSchema: schema({ id: t.long, name: t.string }), whenMatched: 'update' })
    expect(await rowsOf(table)).toEqual(texts([item(1, 'new', 6), item(3, null)]))
  })

  it('refuses a row of the table that matches twice, by its key, and allows doubles that match nothing', async () => {
    const table = await tableOf()
    await table.append([item(1, 'a')])
    const error = await failureOf(table.merge([item(7, 'x'), item(1, 'x'), item(1, 'y')], { on: ['id'], whenMatched: 'update' }))
    expect(error).toMatchObject({ code: 'INVALID', column: 'id' })
    expect(error.message).toContain('id = 1')
    const result = await table.merge([item(7, 'x'), item(7, 'y'), item(1, 'y'), item(1, 'z')], { on: ['id'], whenNotMatched: 'insert' })
    expect(result).toMatchObject({ insertedRows: 2 })
    expect(await table.scan().count()).toBe(3)
  })

  it('keeps the ids of rows that it changes', async () => {
    const table = await tableOf()
    await table.append([item(1, 'a'), item(2, 'b'), item(3, 'c')])
    const rowIds = async (): Promise<Map<unknown, unknown>> =>
      new Map((await table.scan().metadataColumns('_row_id').rows().toArray()).map((row) => [row['id'], row['_row_id']]))
    const before = await rowIds()
    await table.merge([item(2, 'B')], { on: ['id'], whenMatched: 'update', whenNotMatchedBySource: { then: { name: 'gone' } } })
    expect(await rowIds()).toEqual(before)
  })

  it.each<[string, object, RegExp]>([
    ['no clause', {}, /without clauses/],
    ['a word that there is not', { whenMatched: 'replace' }, /one of update, delete, keep/],
    ['a clause without then', { whenMatched: [{}] }, /one of update, delete, keep/],
    ['a clause that is a number', { whenNotMatched: [7] }, /must be an object/],
    ['a filter on pairs that names no side', { whenMatched: { when: eq('n', 1), then: 'delete' } }, /function of both rows/],
    ['a column that there is not', { whenMatched: { then: { nme: 1 } } }, /did you mean/],
    ['a condition that fails', { whenMatched: { when: () => { throw new Error('boom') }, then: 'delete' } }, /boom/],
    ['a condition that answers a number', { whenNotMatchedBySource: { when: () => 1, then: 'delete' } }, /true or false/],
    ['a function that makes no row', { whenNotMatched: { then: () => ({ id: 'x', name: 'y' }) } }, /expected long/],
    ['nothing for a required column', { whenMatched: { then: { name: () => null } } }, /required|found null/],
    ['a source without the key', { whenMatched: 'delete', sourceSchema: schema({ n: t.int }) }, /lacks a key column/],
  ])('refuses %s, and leaves no file', async (_, clauses, message) => {
    const { catalog, dataFiles } = await memoryLake()
    const own = { ...columns, name: t.string.required }
    const table = await catalog.createTable('a.t', { schema: schema(own), formatVersion: 3 })
    await table.append([item(1, 'a'), item(2, 'b')])
    const before = await dataFiles()
    const source = 'sourceSchema' in clauses ? [{ n: 1 }] : [item(1, 'x'), item(3, 'z')]
    const error = await failureOf(table.merge(source, { on: ['id'], ...clauses }))
    expect(error.code).toBe('INVALID')
    expect(error.message).toMatch(message)
    expect(await dataFiles()).toEqual(before)
  })
})
