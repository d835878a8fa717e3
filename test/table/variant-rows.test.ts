/** Variants through the public API; and the types that have no values of their own to append. */
import { describe, expect, it } from 'vitest'
import { Decimal, eq, isNull, notNull, schema, t, Variant } from '../../src/index.js'
import type { Expression, Table } from '../../src/index.js'
import { failureOf, memoryLake } from '../support/lake.js'

async function variantTable(): Promise<Table> {
  const { catalog } = await memoryLake()
  return catalog.createTable('db.variants', { schema: schema({ id: t.long, v: t.variant, l: t.list(t.variant) }), formatVersion: 3 })
}

describe('a variant column', () => {
  it('takes plain values, JSON text and binaries, and gives them back without loss', async () => {
    const table = await variantTable()
    const document = { a: [1, 'two', null], b: { deep: true } }
    const encoded = Variant.parseJson('{"money":12345678901234567890.25}')
    await table.append([
      { id: 1n, v: document, l: [1, null, 'x'] },
      { id: 2n, v: encoded },
      { id: 3n, v: { metadata: encoded.metadata, value: encoded.value } },
      { id: 4n, v: Variant.of(null) },
      { id: 5n, v: null },
      { id: 6n, v: '{"only":"text"}' },
    ])
    const rows = await table.scan().rows().toArray()
    const values = rows.map((row) => row['v'])
    expect(values[0]).toBeInstanceOf(Variant)
    expect(values[1]).toEqual(encoded)
    expect(values[2]).toEqual(encoded)
    expect(values[4]).toBeNull()
    const plain = await table.scan().rows({ variants: 'value' }).toArray()
    const money = { money: new Decimal(1234567890123456789025n, 2) }
    expect(plain.map((row) => row['v'])).toEqual([document, money, money, null, null, '{"only":"text"}'])
    expect(plain[0]!['l']).toEqual([1, null, 'x'])
  })

  it('is filtered by null and not null, the variant null being a value; other filters are refused', async () => {
    const table = await variantTable()
    await table.append([{ id: 1n, v: 1 }, { id: 2n, v: null }, { id: 3n, v: Variant.of(null) }])
    const ids = async (filter: Expression): Promise<unknown[]> =>
      (await table.scan().filter(filter).select('id').rows().toArray()).map((row) => row['id'])
    expect(await ids(isNull('v'))).toEqual([2n])
    expect(await ids(notNull('v'))).toEqual([1n, 3n])
    expect(await failureOf(ids(eq('v', 1)))).toMatchObject({ column: 'v' })
  })

  it('refuses bytes that are no variant and values that none can hold, naming row and column', async () => {
    const table = await variantTable()
    const noArray = { metadata: Uint8Array.of(1, 0, 0), value: Uint8Array.of(3, 9) }
    const noDictionary = { metadata: new Uint8Array(0), value: Uint8Array.of(0) }
    for (const v of [noArray, noDictionary, { f: () => 1 }]) {
      const failure = await failureOf(table.append([{ id: 1n, v: 0 }, { id: 2n, v }]))
      expect(failure).toMatchObject({ code: 'INVALID', column: 'v' })
      expect(failure.message).toContain('row 1')
    }
  })
})

describe('columns that are not written', () => {
  it('of type unknown are null, and those of geometry and geography refuse rows', async () => {
    const { catalog } = await memoryLake()
    const nothing = await catalog.createTable('db.nothing', { schema: schema({ id: t.int, u: t.unknown }), formatVersion: 3 })
    await nothing.append([{ id: 1, u: null }, { id: 2 }])
    expect(await nothing.scan().rows().toArray()).toEqual([{ id: 1, u: null }, { id: 2, u: null }])
    expect(await failureOf(nothing.append([{ id: 3, u: 1 }]))).toMatchObject({ code: 'INVALID', column: 'u' })
    for (const [name, type] of Object.entries({ geometry: t.geometry(), geography: t.geography() })) {
      const table = await catalog.createTable(`db.${name}`, { schema: schema({ g: type }), formatVersion: 3 })
      expect(await failureOf(table.append([{ g: Uint8Array.of(1) }]))).toMatchObject({ code: 'UNSUPPORTED' })
    }
  })
})
