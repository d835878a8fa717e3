import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eq, schema, t } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { memoryLake } from '../support/lake.js'
import type { Lake } from '../support/lake.js'

let lake: Lake
let table: Table

beforeAll(async () => {
  lake = await memoryLake()
  table = await lake.catalog.createTable('a.b', { schema: schema({ id: t.long.required, at: t.timestamptz, on: t.date }) })
  await table.append([{ id: 1n, at: -1n, on: -1 }, { id: 2n, at: null, on: null }])
})
afterAll(() => lake.catalog.close())

describe('rows', () => {
  it('are exact, and have dates only where the caller asks for them, rounded down', async () => {
    const one = table.scan().filter(eq('id', 1n))
    expect(await one.rows().toArray()).toEqual([{ id: 1n, at: -1n, on: -1 }])
    const dates = [{ id: 1n, at: new Date(-1), on: new Date(-86_400_000) }]
    expect(await one.rows({ timestamps: 'date' }).toArray()).toEqual(dates)
    const streamed: unknown[] = []
    for await (const row of one.rows({ timestamps: 'date' })) streamed.push(row)
    expect(streamed).toEqual(dates)
  })
})

describe('a filter as text', () => {
  it('means what the expression means, and combines with others', async () => {
    expect(await table.scan().filter('id = 2 and at is null').rows().toArray()).toEqual(await table.scan().filter(eq('id', 2n)).rows().toArray())
    expect(await table.scan().filter('id > 1').filter(eq('id', 1n)).count()).toBe(0)
  })

  it('that is none is refused where it is given', () => {
    expect(() => table.scan().filter('id =')).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})

describe('properties', () => {
  it('that are no texts are refused by name, and nothing is committed', async () => {
    const properties = { 'write.target-file-size-bytes': 1000 } as unknown as Record<string, string>
    const refusal = { code: 'INVALID', message: expect.stringContaining('"write.target-file-size-bytes"') as string }
    await expect(lake.catalog.createTable('a.c', { schema: table.schema, properties })).rejects.toMatchObject(refusal)
    await expect(table.updateProperties(properties)).rejects.toMatchObject(refusal)
    expect(await lake.catalog.tableExists('a.c')).toBe(false)
    expect(table.properties.has('write.target-file-size-bytes')).toBe(false)
  })
})
