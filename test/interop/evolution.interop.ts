/** One table through its life: columns, partitions, sort order and format version change between appends. */
import { afterAll, describe, expect, it } from 'vitest'
import { asc, bucket, day, openCatalog, schema, t, truncate } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { oracle } from './oracle.js'
import type { Engine } from './oracle.js'
import { requireTool } from './tools.js'
import { currentMetadata, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

interface State {
  readonly snapshotId: string
  /** Canonical lines at that snapshot, with that snapshot's schema. */
  readonly lines: readonly string[]
}

/** 2024-02-29T12:34:56.123456Z and the last microsecond of 1969. */
const LEAP = 1_709_210_096_123_456n

/** Appends a row after every kind of change; the table ends in v3. */
async function live(table: Table): Promise<State[]> {
  const states: State[] = []
  const append = async (rows: readonly Record<string, unknown>[], lines: readonly string[]): Promise<void> => {
    const snapshot = await table.append(rows as never)
    states.push({ snapshotId: String(snapshot.snapshotId), lines })
  }
  await append([{ id: 1, a: 'x', f: 0.5, d: '1.25', ts: LEAP, st: { u: 1 } }], [
    `{"id":1,"a":"x","f":"0.5","d":"1.25","ts":"${LEAP}","st":{"u":1}}`,
  ])

  await table.updateSchema((update) =>
    update.updateColumn('id', t.long).updateColumn('f', t.double).updateColumn('d', t.decimal(12, 2)).renameColumn('a', 'name')
      .addColumn('extra', t.list(t.int)).addColumn('v', t.string, { parent: 'st' }).moveFirst('ts'),
  )
  await append([{ id: 2n ** 40n, name: 'é', f: 1e300, d: '1234567890.50', ts: -1n, st: { u: null, v: 'w' }, extra: [1, null] }], [
    `{"ts":"${LEAP}","id":"1","name":"x","f":"0.5","d":"1.25","st":{"u":1,"v":null},"extra":null}`,
    '{"ts":"-1","id":"1099511627776","name":"é","f":"1e+300","d":"1234567890.50","st":{"u":null,"v":"w"},"extra":[1,null]}',
  ])

  await table.updateSpec((update) => update.addField(bucket('id', 4)).addField(day('ts')))
  await append([{ id: 3n, name: null, ts: 0n }], [...states.at(-1)!.lines, nulls('"0"', '"3"')])

  await table.updateSpec((update) => update.removeField('ts_day').addField(truncate('name', 2)))
  await table.replaceSortOrder([asc('name')])
  await append([{ id: 4n, name: '😀é漢', ts: 0n }], [...states.at(-1)!.lines, nulls('"0"', '"4"', '"😀é漢"')])

  await table.upgrade(2)
  await append([{ id: 5n, name: 'ab', ts: null }], [...states.at(-1)!.lines, nulls('null', '"5"', '"ab"')])

  await table.updateSchema((update) => update.deleteColumn('f').deleteColumn('extra'))
  await table.updateSchema((update) => update.addColumn('f', t.int))
  const without = states.at(-1)!.lines.map((line) => line.replace(/"f":[^,]*,/, '').replace(/,"extra":[^}]*\}$/, ',"f":null}'))
  await append([{ id: 6n, name: 'ac', f: 7 }], [...without, '{"ts":null,"id":"6","name":"ac","d":null,"st":null,"f":7}'])

  await table.upgrade(3)
  await table.updateSchema((update) => update.addColumn('def', t.string.default('later')))
  const defaulted = states.at(-1)!.lines.map((line) => line.replace(/\}$/, ',"def":"later"}'))
  await append([{ id: 7n, name: 'ad', def: null }, { id: 8n, name: 'ae' }], [
    ...defaulted,
    '{"ts":null,"id":"7","name":"ad","d":null,"st":null,"f":null,"def":null}',
    '{"ts":null,"id":"8","name":"ae","d":null,"st":null,"f":null,"def":"later"}',
  ])
  return states
}

const nulls = (ts: string, id: string, name = 'null'): string => `{"ts":${ts},"id":${id},"name":${name},"f":null,"d":null,"st":null,"extra":null}`

describe('a table that changed in every way', () => {
  let states: readonly State[] = []

  it('is read at each of its snapshots by the Java readers and from the specification', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    const table = await lake.createTable('life.t', {
      schema: schema({ id: t.int.required, a: t.string, f: t.float, d: t.decimal(9, 2), ts: t.timestamp, st: t.struct({ u: t.int }) }),
      formatVersion: 1,
    })
    states = await live(table)
    const metadata = currentMetadata(warehouse, 'life', 't')
    const engines: readonly Engine[] = ['spark', 'java', 'pyarrow']
    for (const [index, { snapshotId, lines }] of states.entries()) {
      const answers = await oracle().check({ metadata, snapshot: snapshotId }, lines, engines)
      expect(answers.map(({ engine, message }) => `${index} ${engine}: ${message}`)).toEqual(
        engines.map((engine) => `${index} ${engine}: ok ${lines.length} rows`),
      )
    }
  })

  it('has metadata, manifests and files that the reference finds no fault with', async (context) => {
    requireTool(context, 'python', 'spark')
    const report = await oracle().describe({ metadata: currentMetadata(warehouse, 'life', 't') })
    expect({ errors: report.errors, warnings: report.warnings }).toEqual({ errors: [], warnings: [] })
  })

  it('gives each row the row id that Spark sees, once it is v3', async (context) => {
    requireTool(context, 'python', 'spark')
    const rows = states.at(-1)!.lines
    // Files from before the upgrade get ids when the first v3 snapshot assigns them, after those of the new rows.
    const target = { metadata: currentMetadata(warehouse, 'life', 't'), lineage: true }
    const seen = await oracle().dump(target, 'spark')
    expect(await oracle().dump(target, 'pyarrow')).toEqual(seen)
    const ids = seen.map((row) => Number((row as { _row_id: string })._row_id)).sort((a, b) => a - b)
    expect(ids).toEqual(rows.map((_, index) => index))
  })
})
