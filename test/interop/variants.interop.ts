/** Variants: what floe writes Spark reads, and the shredded columns that Spark writes floe puts together again. */
import { afterAll, describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { isNull, openCatalog, schema, t, Variant } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { currentMetadata, dataFiles, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

async function linesOf(table: Table): Promise<string[]> {
  const scan = table.scan()
  const write = canonicalRowWriter(scan.schema)
  const lines: string[] = []
  for await (const batch of scan) lines.push(...write(batch))
  return lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

const values: readonly unknown[] = [
  { a: 1, b: [1, 2.5, 'x', null, true], 'é': { deep: [{}] } },
  Variant.parseJson('{"money":123456789012345678901.25,"small":-0.01}'),
  'text',
  'x'.repeat(100),
  [],
  2n ** 40n,
  1e300,
  new Date(1_700_000_000_123),
  Uint8Array.of(0, 255),
  Variant.of(null),
  null,
]

describe('a v3 table with variants', () => {
  it('that floe appends to is read by Spark, which finds the values inside', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    const table = await lake.createTable('variants.floe', { schema: schema({ id: t.long, v: t.variant }), formatVersion: 3 })
    await table.append(values.map((v, id) => ({ id: BigInt(id), v })))
    const lines = await linesOf(await lake.loadTable('variants.floe'))
    const answers = await oracle().check({ metadata: currentMetadata(warehouse, 'variants', 'floe') }, lines, ['spark'])
    expect(answers.map(({ message }) => message)).toEqual([`ok ${values.length} rows`])
    const inside = `select variant_get(v, '$.b[1]', 'double'), variant_get(v, '$.money', 'string') from {catalog}.variants.floe where id < 2 order by id`
    expect(await oracle().sql(warehouse.location, [inside])).toEqual([[2.5, null], [null, '123456789012345678901.25']])
  })

  it('that Spark wrote shredded is read by floe as Spark reads it (trap 12)', async (context) => {
    requireTool(context, 'python', 'spark')
    const documents = [
      '{"name":"n","n":1,"price":123456789012.25,"tags":["a","b"],"nested":{"x":1.5,"y":true}}',
      '{"name":"m","n":2,"price":-0.01,"tags":[],"nested":{"x":2.5,"extra":[1]},"residual":{"deep":"é"}}',
      '{"name":null,"n":"not a number","price":7,"tags":["c",null],"nested":{}}',
      '{"other":1}',
      '"no object"',
      '[1,2]',
      'null',
      '{}',
    ]
    const rows = documents.map((text, id) => `(${id}, parse_json('${text}'))`).join(', ')
    await oracle().sql(warehouse.location, [
      `create table {catalog}.variants.spark (id bigint, v variant) using iceberg tblproperties ('format-version' = '3', 'write.parquet.shred-variants' = 'true')`,
      `insert into {catalog}.variants.spark select /*+ coalesce(1) */ * from values ${rows}, (100, cast(null as variant)) as rows(id, v)`,
    ])
    const stored = await oracle().parquetSchema(dataFiles(warehouse, 'variants', 'spark')[0]!)
    expect(stored.filter((line) => line.includes('typed_value')).length).toBeGreaterThan(5)
    const lake = await openCatalog(warehouse.location)
    const table = await lake.loadTable('variants.spark')
    const lines = await linesOf(table)
    expect(lines).toHaveLength(documents.length + 1)
    const answers = await oracle().check({ metadata: currentMetadata(warehouse, 'variants', 'spark') }, lines, ['spark'])
    expect(answers.map(({ message }) => message)).toEqual([`ok ${lines.length} rows`])
    const missing = await table.scan().filter(isNull('v')).rows().toArray()
    expect(missing.map((row) => row['id'])).toEqual([100n])
  })

  it('keeps them through changes of both, and their row ids', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    const table = await lake.createTable('variants.changed', { schema: schema({ id: t.long, v: t.variant }), formatVersion: 3 })
    await table.append(values.map((v, id) => ({ id: BigInt(id), v })))
    await table.update('id = 2', { v: { now: ['an', { object: 1 }] } }, { mode: 'merge-on-read' })
    await oracle().sql(warehouse.location, [
      `alter table {catalog}.variants.changed set tblproperties ('write.update.mode' = 'merge-on-read')`,
      `update {catalog}.variants.changed set v = parse_json('{"from":"Spark"}') where id = 4`,
    ])
    await table.refresh()
    await table.delete('id IN (5, 6)', { mode: 'copy-on-write' })
    await table.upsert([{ id: 2n, v: [3] }, { id: 50n, v: 'new' }], ['id'], { mode: 'merge-on-read' })
    const scan = table.scan().metadataColumns('_row_id', '_last_updated_sequence_number')
    const write = canonicalRowWriter(scan.schema)
    const lines: string[] = []
    for await (const batch of scan) lines.push(...write(batch))
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual(['0', '1', '10', '2', '3', '4', '50', '7', '8', '9'])
    expect(lines).toContainEqual(expect.stringContaining('"v":"{\\"from\\":\\"Spark\\"}","_row_id":"4"'))
    const answers = await oracle().check({ metadata: currentMetadata(warehouse, 'variants', 'changed'), lineage: true }, lines, ['spark'])
    expect(answers.map(({ message }) => message)).toEqual(['ok 10 rows'])
  })
})
