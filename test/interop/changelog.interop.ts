/** Changes that floe reads are those of Spark's `create_changelog_view`, which knows appends and copy-on-write. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { identity, openCatalog, schema } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { item, itemColumns, items, itemOfSpark } from './changed-table.js'
import type { Item } from './changed-table.js'
import { oracle } from './oracle.js'
import { missingReason, requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

/** Which changes to ask for. */
interface Question {
  readonly range: string
  /** How many snapshots the range leaves out at its start and at its end. */
  readonly skipFirst: number
  readonly skipLast: number
  readonly kind: 'inserts and deletes' | 'updates by key' | 'net changes'
}

const cases = [{ name: 'v2', formatVersion: 2, partitionBy: [identity('part')] }, { name: 'v3', formatVersion: 3, partitionBy: [] }] as const

describe.each(cases)('the history of a table of $name', (given) => {
  const { name, formatVersion, partitionBy } = given
  const sql = (...statements: readonly string[]): Promise<readonly (readonly unknown[])[]> =>
    oracle().sql(warehouse.location, statements.map((text) => text.replaceAll('{table}', `{catalog}.log.${name}`)))
  const insert = (rows: readonly Item[]): string => `insert into {table} ${rows.map(itemOfSpark).join(' union all ')}`
  let table: Table

  beforeAll(async () => {
    if (missingReason('spark') !== undefined) return
    const lake = await openCatalog(warehouse.location)
    table = await lake.createTable(`log.${name}`, { schema: schema(itemColumns), formatVersion, partitionBy })
    await table.append(items(0, 40))
    await table.append(items(40, 50))
    await sql(
      insert(items(50, 60)),
      'delete from {table} where id in (1, 2, 41, 55)',
      "update {table} set n = n + 1, part = case when id = 4 then 'new' else part end where id between 3 and 9",
      `merge into {table} t using (${[...items(8, 12, { name: 'merged' }), ...items(70, 73)].map(itemOfSpark).join(' union all ')}) s on t.id = s.id
        when matched and s.id = 9 then delete when matched then update set * when not matched then insert *`,
      // Back to what it was, which nets to nothing.
      'update {table} set n = n - 1 where id between 5 and 7',
      "call {catalog}.system.rewrite_data_files(table => 'log.{name}', options => map('rewrite-all', 'true'))".replace('{name}', name),
      'delete from {table} where id in (70, 71)',
    )
    await table.refresh()
    await table.update('id >= 30 AND id < 34', { name: 'floe', tags: null }, { mode: 'copy-on-write' })
    await table.delete('id = 72')
    await sql('alter table {table} add column extra string', `insert into {table} ${items(80, 82).map((row) => `${itemOfSpark(row)}, 'x' as extra`).join(' union all ')}`)
    // Rows that are equal in every value: from here on there is no key.
    const twins = [item(90), item(90), item(90), item(91)].map((row) => `${itemOfSpark(row)}, 'twin' as extra`)
    await sql(`insert into {table} ${twins.join(' union all ')}`, 'delete from {table} where id = 91', 'delete from {table} where id = 40')
    await table.refresh()
  }, 180_000)

  const questions: readonly Question[] = [
    { range: 'from its beginning to its end', skipFirst: 0, skipLast: 0, kind: 'inserts and deletes' },
    { range: 'without its first three and last five snapshots', skipFirst: 3, skipLast: 5, kind: 'inserts and deletes' },
    { range: 'up to its last three snapshots', skipFirst: 0, skipLast: 3, kind: 'updates by key' },
    { range: 'without its first two and last six snapshots', skipFirst: 2, skipLast: 6, kind: 'updates by key' },
    { range: 'from its beginning to its end', skipFirst: 0, skipLast: 0, kind: 'net changes' },
    { range: 'without its first and last four snapshots', skipFirst: 1, skipLast: 4, kind: 'net changes' },
  ]

  it.for(questions)('has the same $kind, $range', async (question, context) => {
    requireTool(context, 'python', 'spark')
    const { snapshots } = table
    const from = question.skipFirst === 0 ? undefined : snapshots[question.skipFirst - 1]!.snapshotId
    const to = snapshots.at(-1 - question.skipLast)!.snapshotId
    const theirs = await changesOfSpark(question, from, to)
    expect(theirs.length).toBeGreaterThan(3)
    const ours: string[] = []
    const options = { from, to, keys: question.kind === 'updates by key' ? ['id'] : [], net: question.kind === 'net changes' }
    const scan = table.scanChanges(options)
    const write = canonicalRowWriter(scan.schema)
    for await (const batch of scan) ours.push(...write(batch).map((line) => lineOf(question, JSON.parse(line) as Record<string, unknown>)))
    expect(ours.sort()).toEqual(theirs.sort())
  })

  async function changesOfSpark(question: Question, from: bigint | undefined, to: bigint): Promise<string[]> {
    const start = from === undefined ? '' : `'start-snapshot-id', '${from}', `
    const more = { 'inserts and deletes': '', 'updates by key': ", identifier_columns => array('id')", 'net changes': ', net_changes => true' }[question.kind]
    const rows = await sql(
      `call {catalog}.system.create_changelog_view(table => 'log.${name}', changelog_view => 'changes_${name}', options => map(${start}'end-snapshot-id', '${to}')${more})`,
      `select to_json(struct(cast(id as string) as id, part, name, n, cast(amount as string) as amount, cast(unix_micros(cast(at as timestamp)) as string) as at, tags, extra,
        _change_type, _change_ordinal, cast(_commit_snapshot_id as string) as _commit_snapshot_id), map('ignoreNullFields', 'false')) from changes_${name}`,
    )
    return rows.map(([text]) => lineOf(question, JSON.parse(text as string) as Record<string, unknown>))
  }
})

/** Type, row and, but for net changes, place. Both sides have the members in the same order; a schema from before a column lacks it. */
function lineOf({ kind }: Question, change: Record<string, unknown>): string {
  const { _change_type, _change_ordinal, _commit_snapshot_id, extra = null, ...row } = change
  return JSON.stringify(kind === 'net changes' ? [_change_type, row, extra] : [_change_ordinal, _commit_snapshot_id, _change_type, row, extra])
}
