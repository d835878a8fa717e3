/** Spark finds by our bloom filters what is there: its reader skips row groups that they exclude. */
import { afterAll, expect, it } from 'vitest'
import { openCatalog, schema, t } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const literals = {
  id: '4', i: '4', f: '4', d: '4.5', dec9: '4.00', dec18: '4.00', dec38: '4.00', s: "'s4'", bin: "X'6234'", dt: "date'1970-01-05'",
  ts: "timestamp_ntz'1970-01-01 00:00:04'",
}

it('every value that floe wrote is found, by every type of column', async (context) => {
  requireTool(context, 'python', 'spark')
  const lake = await openCatalog(warehouse.location)
  const decimalColumns = { dec9: t.decimal(9, 2), dec18: t.decimal(18, 2), dec38: t.decimal(38, 2) }
  const numbers = { id: t.long.required, i: t.int, f: t.float, d: t.double, ...decimalColumns }
  const enabled = Object.keys(literals).map((name) => [`write.parquet.bloom-filter-enabled.column.${name}`, 'true'])
  const table = await lake.createTable('bloom.t', {
    schema: schema({ ...numbers, s: t.string, bin: t.binary, dt: t.date, ts: t.timestamp }),
    properties: Object.fromEntries(enabled) as Record<string, string>,
  })
  await table.append(
    Array.from({ length: 2000 }, (_, k) => {
      const even = 2 * k
      const decimals = { dec9: `${even}.00`, dec18: `${even}.00`, dec38: `${even}.00` }
      const rest = { s: `s${even}`, bin: new TextEncoder().encode(`b${even}`), dt: even, ts: BigInt(even) * 1_000_000n }
      return { id: BigInt(even), i: even, f: even, d: even + 0.5, ...decimals, ...rest }
    }),
  )
  const queries = Object.entries(literals).map(([name, literal]) => `(select count(*) from {catalog}.bloom.t where ${name} = ${literal}) as ${name}`)
  const found = await oracle().sql(warehouse.location, [`select ${queries.join(', ')}`])
  expect(found).toEqual([Object.keys(literals).map(() => 1)])
})
