/**
 * With the prototypes of objects, arrays, maps and functions frozen, as hardened services run: whoever writes to them, or
 * shadows one of their members by assignment, throws here.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// Its modules assign to inherited names while they load, so they come before the freeze, as hardened services do with all they use
import 'apache-arrow'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bucket, day, eq, openCatalog, openTable, schema, t } from '../../src/index.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floe-frozen-'))
  Object.freeze(Object.prototype)
  Object.freeze(Array.prototype)
  Object.freeze(Map.prototype)
  Object.freeze(Function.prototype)
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

it('a table is made, filled, scanned, evolved and inspected', async () => {
  expect(Object.isFrozen(Object.prototype)).toBe(true)
  const lake = await openCatalog(folder, { parquet: { workers: 0 } })
  const events = await lake.createTable('shop.events', {
    schema: schema({
      id: t.long.required,
      ts: t.timestamptz,
      price: t.decimal(12, 2),
      tags: t.list(t.string),
      sizes: t.map(t.string, t.int),
      toString: t.string,
    }),
    partitionBy: [day('ts'), bucket('id', 4)],
    sortBy: ['id'],
    formatVersion: 3,
  })
  const rows = Array.from({ length: 100 }, (_, index) => ({
    id: BigInt(index),
    ts: new Date(index * 3_600_000),
    price: '12.50',
    tags: ['a', 'b'],
    sizes: new Map([['m', index]]),
    toString: `row ${index}`,
  }))
  await events.append(rows)
  await events.updateSchema((update) => update.addColumn('constructor', t.int))
  const found = await events.scan().filter(eq('id', 42n)).rows().toArray()
  expect(found.map((row) => [row['id'], row['toString'], row['constructor']])).toEqual([[42n, 'row 42', null]])
  expect(await events.scan().count()).toBe(100)
  expect(await events.inspect.files()).not.toHaveLength(0)
  await lake.close()
  const again = await openTable(join(folder, 'shop', 'events'), { parquet: { workers: 0 } })
  expect(await again.scan().rows().toArray()).toHaveLength(100)
  await again.close()
})
