/** Spark and floe take turns in writing one table. */
import { afterAll, describe, expect, it } from 'vitest'
import { bucket, openCatalog, schema, t } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { currentMetadata, dataFiles, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const columns = { id: t.long.required, s: t.string, l: t.list(t.int), st: t.struct({ a: t.double }) }
const rowsOfBatch = (from: number): { id: bigint; s: string | null; l: number[]; st: { a: number } }[] =>
  Array.from({ length: 20 }, (_, index) => ({ id: BigInt(from + index), s: index % 5 === 0 ? null : `s${index}`, l: [index, -index], st: { a: index / 8 } }))

async function idsOf(name: string): Promise<bigint[]> {
  const lake = await openCatalog(warehouse.location)
  const table = await lake.loadTable(`turns.${name}`)
  const rows = await table.scan().select('id').rows().toArray()
  return rows.map((row) => row['id'] as bigint).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

const ids = (...froms: readonly number[]): bigint[] => froms.flatMap((from) => rowsOfBatch(from).map((row) => row.id))

describe.each([1, 2, 3] as const)('a v%i table', (formatVersion) => {
  const name = `turns_v${formatVersion}`
  const sparkRows = (from: number): string =>
    rowsOfBatch(from).map(({ id, s, l, st }) => `(${id}, ${s === null ? 'null' : `'${s}'`}, array(${l.join(', ')}), named_struct('a', double(${st.a})))`).join(', ')

  it('is appended to by Spark, rewritten by Spark and appended to again by floe', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    const table = await lake.createTable(`turns.${name}`, { schema: schema(columns), partitionBy: [bucket('id', 2)], formatVersion })
    await table.append(rowsOfBatch(0))
    await table.append(rowsOfBatch(20))

    await oracle().sql(warehouse.location, [`insert into {catalog}.turns.${name} values ${sparkRows(40)}`])
    expect(await idsOf(name)).toEqual(ids(0, 20, 40))

    await oracle().sql(warehouse.location, [`call {catalog}.system.rewrite_data_files(table => 'turns.${name}', options => map('rewrite-all', 'true'))`])
    expect(await idsOf(name)).toEqual(ids(0, 20, 40))

    // The handle is three commits behind: floe finds the current version and appends to it.
    await table.append(rowsOfBatch(60))
    expect(await idsOf(name)).toEqual(ids(0, 20, 40, 60))
    const counted = await oracle().sql(warehouse.location, [`select count(*), count(distinct id), sum(id) from {catalog}.turns.${name}`])
    expect(counted).toEqual([[80, 80, 3160]])

    await oracle().sql(warehouse.location, [`alter table {catalog}.turns.${name} add column extra int`, `insert into {catalog}.turns.${name} values (1000, null, null, null, 7)`])
    const evolved = await (await lake.loadTable(`turns.${name}`)).scan().select('id', 'extra').rows().toArray()
    expect(evolved.filter((row) => row['extra'] !== null)).toEqual([{ id: 1000n, extra: 7 }])
    expect(evolved).toHaveLength(81)
  })

  it('has a valid history afterwards', async (context) => {
    requireTool(context, 'python', 'spark')
    const report = await oracle().describe({ metadata: currentMetadata(warehouse, 'turns', name) })
    expect(report.errors).toEqual([])
  })
})

describe('Parquet files', () => {
  it('have the field ids, repetition and annotations of a file that Spark writes for the same schema', async (context) => {
    requireTool(context, 'python', 'spark')
    const definition = `id bigint not null, bo boolean, i int, f float, d double, d9 decimal(9,2), d18 decimal(18,4), d38 decimal(38,10), da date,
      ts timestamp_ntz, tz timestamp, s string, bin binary, l array<int>, m map<string, bigint>, st struct<a: double, b: array<string>>,
      ls array<struct<k: string>>`
    await oracle().sql(warehouse.location, [
      `create table {catalog}.twins.spark (${definition}) using iceberg`,
      `insert into {catalog}.twins.spark values (1${', null'.repeat(16)})`,
    ])
    const lake = await openCatalog(warehouse.location)
    const table = await lake.createTable('twins.floe', { schema: schema({
      id: t.long.required, bo: t.boolean, i: t.int, f: t.float, d: t.double, d9: t.decimal(9, 2), d18: t.decimal(18, 4),
      d38: t.decimal(38, 10), da: t.date, ts: t.timestamp, tz: t.timestamptz, s: t.string, bin: t.binary, l: t.list(t.int),
      m: t.map(t.string, t.long), st: t.struct({ a: t.double, b: t.list(t.string) }), ls: t.list(t.struct({ k: t.string })),
    }) })
    await table.append([{ id: 1n }])
    expect(await parquetNodes('floe')).toEqual(await parquetNodes('spark'))
  })

  it('annotate uuid and time as the Java writer does', async (context) => {
    requireTool(context, 'python')
    const lake = await openCatalog(warehouse.location)
    const table = await lake.createTable('twins.uuid_time', { schema: schema({ id: t.long.required, tm: t.time, u: t.uuid, fx: t.fixed(16) }) })
    await table.append([{ id: 1n, tm: 1n, u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7', fx: new Uint8Array(16) }])
    expect(await parquetNodes('uuid_time')).toEqual([
      'required int64 field_id=1 id',
      'optional int64 field_id=2 tm (Time(isAdjustedToUTC=false, timeUnit=microseconds))',
      'optional fixed_len_byte_array(16) field_id=3 u (UUID)',
      'optional fixed_len_byte_array(16) field_id=4 fx',
    ])
  })
})

/** Nodes below the root, trimmed: the root's own name is the writer's choice. */
async function parquetNodes(name: string): Promise<string[]> {
  const [file] = dataFiles(warehouse, 'twins', name)
  const lines = await oracle().parquetSchema(file!)
  return lines.slice(1).map((line) => line.trim().replace(/;$/, '')).filter((line) => line !== '}')
}
