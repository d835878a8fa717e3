import { describe, expect, it } from 'vitest'
import { alwaysTrue, eq, gtEq, identity, lt, schema, t } from '../../src/index.js'
import type { Row, RowAssignments } from '../../src/index.js'
import { changeBench, countsOf, expectRows, people, WAYS } from '../support/changed-rows.js'
import { failureOf } from '../support/lake.js'

type Person = Record<string, unknown>
const id = (row: Person): number => Number(row['id'])

describe.each(WAYS)('an update on version $version, $mode', ({ version, mode }) => {
  it('sets values and what functions answer, in the rows that match and in no others', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 25))
    await table.append(people(25, 40))
    const result = await table.update(
      gtEq('id', 10n),
      { name: 'same', score: (row) => (row['score'] === null ? -1 : (row['score'] as number) * 2), tags: ['a', null] },
      { mode },
    )
    expect(countsOf(result)).toEqual({ deletedRows: 0, updatedRows: 30, insertedRows: 0 })
    const model = people(0, 40).map((row) =>
      id(row) < 10 ? row : { ...row, name: 'same', score: row['score'] === null ? -1 : (row['score'] as number) * 2, tags: ['a', null] },
    )
    await expectRows(table, model)
  })

  it('writes rows whose partition changes into their new partition', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 20))
    await table.update('part = 1', { part: 9 }, { mode })
    await table.update('part is null', { part: (row) => Number((row['id'] as bigint) % 2n) }, { mode })
    const moved = (row: Person): unknown => (row['part'] === 1 ? 9 : row['part'] === null ? id(row) % 2 : row['part'])
    await expectRows(table, people(0, 20).map((row) => ({ ...row, part: moved(row) })))
    const parts = (await table.inspect.dataFiles()).map((file) => [file.partition['part'], file.readable_metrics['part']!.lower_bound])
    for (const [partition, bound] of parts) expect(bound).toBe(partition)
    expect(await table.scan().filter('part = 1').count()).toBe(people(0, 20).filter((row) => row['part'] === null && id(row) % 2 === 1).length)
  })

  it('of the same rows again and again neither doubles nor loses any', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 30))
    let model: Person[] = people(0, 30)
    for (const [first, score] of [[0, 1], [10, 2], [5, 3], [0, 4]] as const) {
      const result = await table.update(gtEq('id', BigInt(first)), { score }, { mode })
      model = model.map((row) => (id(row) >= first ? { ...row, score } : row))
      expect(result.updatedRows).toBe(30 - first)
      await expectRows(table, model)
    }
    expect(await table.update('id = 1000', { score: 0 }, { mode })).toMatchObject({ snapshot: undefined, updatedRows: 0 })
  })

  it('in a dry run counts, and checks values, but changes nothing', async () => {
    const { lake, table } = await changeBench(version)
    await table.append(people(0, 12))
    const files = await lake.files()
    expect(await table.update(lt('id', 5n), { score: 1 }, { mode, dryRun: true })).toMatchObject({ snapshot: undefined, updatedRows: 5, deletedRows: 0 })
    expect((await failureOf(table.update(lt('id', 5n), { score: () => 'x' }, { mode, dryRun: true }))).code).toBe('INVALID')
    expect(await lake.files()).toEqual(files)
    await expectRows(table, people(0, 12))
  })
})

describe('what an update sets', () => {
  it('members of structs: the others stay, and a struct that was null is there then', async () => {
    const { table } = await changeBench(3)
    await table.append(people(0, 12))
    await table.update(alwaysTrue(), { 'home.zip': (row) => id(row) + 1000, 'home.city': 'x' }, { mode: 'merge-on-read' })
    await expectRows(table, people(0, 12).map((row) => ({ ...row, home: { city: 'x', zip: id(row) + 1000 } })))
    await table.update('id < 3', { home: null })
    await table.update('id < 2', { 'home.city': 'y' })
    const home = (row: Person): unknown => (id(row) < 2 ? { city: 'y', zip: null } : id(row) < 3 ? null : { city: 'x', zip: id(row) + 1000 })
    await expectRows(table, people(0, 12).map((row) => ({ ...row, home: home(row) })))
  })

  it('functions see rows as rows() gives them, as they were before the update', async () => {
    const columns = schema([['a', t.long.required], ['b', t.decimal(9, 2)], ['c', t.map(t.string, t.int)], ['__proto__', t.int], ['d', t.date]])
    const { table } = await changeBench(3, { schema: columns })
    await table.append([{ a: 2n ** 60n, b: '1.50', c: new Map([['k', 1]]), d: '2024-01-02' }])
    const [before] = await table.scan().rows().toArray()
    const seen: Row[] = []
    await table.update(alwaysTrue(), { a: (row) => (seen.push(row), 1n), b: (row) => (seen.push(row), row['b']), d: (row) => row['d'] })
    expect(seen).toEqual([before, before])
    const [after] = await table.scan().rows().toArray()
    expect(after).toEqual({ ...before, a: 1n })
  })

  it('is checked like rows that are appended: the column, the type and the value are named', async () => {
    const [s, l] = [t.struct({ x: t.int.required, y: t.int }), t.list(t.struct({ z: t.int }))]
    const columns = schema({ id: t.long.required, n: t.int, at: t.timestamptz, s, l })
    const { table } = await changeBench(3, { schema: columns })
    await table.append([{ id: 1n, n: 1, s: null }])
    const cases: readonly (readonly [RowAssignments, RegExp])[] = [
      [{}, /at least one column/],
      [{ m: 1 }, /no such column; did you mean "n"\? .*column m/],
      [{ n: 'x' }, /expected int.*found string "x".*column n/],
      [{ n: 2 ** 40 }, /column n/],
      [{ n: undefined as never }, /found undefined: to clear a column, set null.*column n/],
      [{ n: () => undefined }, /found undefined/],
      [{ n: () => 1.5 }, /expected int.*column n/],
      [{ id: null }, /expected a value of required long, found null.*column id/],
      [{ id: () => null }, /expected a value of required long, found null.*column id/],
      [{ at: 5 }, /column at/],
      [{ 's.y': 1 }, /null: the column is required.*column s\.x/],
      [{ s: { x: 1 }, 's.y': 2 }, /set twice.*column s\.y/],
      [{ 's.y': 2, s: { x: 1 } }, /set twice.*column s/],
      [{ 'l.element.z': 1 }, /part of a list.*set the whole of l/],
      [{ n: () => { throw new Error('bad luck') } }, /bad luck.*column n/],
      [{ n: async () => Promise.resolve(1) }, /promise.*column n/],
    ]
    for (const [assignments, message] of cases) {
      const error = await failureOf(table.update(eq('id', 1n), assignments))
      expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(message)])
    }
    expect((await failureOf(table.update('id = 1', null as never))).code).toBe('INVALID')
    await expectRows(table, [{ id: 1n, n: 1, at: null, s: null, l: null }])
  })

  it('works over more rows than one batch holds', async () => {
    const { table } = await changeBench(2, { schema: schema({ id: t.long.required, n: t.int }) })
    await table.append(Array.from({ length: 5000 }, (_, i) => ({ id: BigInt(i), n: 0 })))
    const result = await table.update(gtEq('id', 100n), { n: (row) => Number(row['id']) * 2 }, { mode: 'merge-on-read' })
    expect(result.updatedRows).toBe(4900)
    const rows = await table.scan().rows().toArray()
    expect(rows.length).toBe(5000)
    expect(rows.every((row) => row['n'] === (Number(row['id']) < 100 ? 0 : Number(row['id']) * 2))).toBe(true)
  })
})
