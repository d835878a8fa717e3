/**
 * Names that mean something to JavaScript are data like any other: as columns, members of structs, partition and sort fields,
 * properties, references, namespaces and tables. Everything goes through a store and back, and no prototype is touched.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucket, eq, openCatalog, parseWhere, Schema, t } from '../../src/index.js'
import type { Catalog, NestedField, Row, Table } from '../../src/index.js'

const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'then', 'toJSON', 'length', '__defineGetter__'] as const

/** Every property that an ordinary object inherits, and who put it there. */
function inherited(): string {
  return JSON.stringify(Reflect.ownKeys(Object.prototype).map((key) => [String(key), typeof Reflect.get(Object.prototype, key)]))
}

const before = inherited()

/** An object whose own members are `entries`, `__proto__` included. */
function members(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries(entries)
}

const strings: NestedField[] = NAMES.map((name, index) => ({ id: 100 + index, name, type: { kind: 'string' }, required: false }))
const columns = new Schema([
  ...NAMES.map((name, index): NestedField => ({ id: 1 + index, name, type: { kind: 'long' }, required: false })),
  { id: 50, name: 'nested', type: { kind: 'struct', fields: strings }, required: false },
])

function hostileRow(seed: number): Record<string, unknown> {
  return members([
    ...NAMES.map((name, index) => [name, BigInt(seed * 100 + index)] as const),
    ['nested', members(NAMES.map((name) => [name, `${name} ${seed}`]))],
  ])
}

/** The own members of a row, in order; a member that landed in a prototype is missing. */
function ownMembers(row: Row): readonly (readonly [string, unknown])[] {
  return Object.entries(row).map(([name, value]) => [name, name === 'nested' ? Object.entries(value as object) : value])
}

describe('names that mean something to JavaScript', () => {
  let folder: string
  let catalog: Catalog
  let table: Table

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'floe-names-'))
    catalog = await openCatalog(folder, { parquet: { workers: 0 } })
    table = await catalog.createTable('constructor.__proto__.toString', {
      schema: columns,
      partitionBy: ['__proto__', bucket('constructor', 2), bucket('then', 2)],
      sortBy: ['valueOf', '__proto__'],
      properties: members(NAMES.map((name) => [name, `value of ${name}`])) as Record<string, string>,
    })
    await table.append([hostileRow(1), hostileRow(2)])
    await table.append([members([['__proto__', null], ['then', 7n]])])
  })

  afterAll(async () => {
    await catalog.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('name columns and members of structs: rows come back with all of their own members', async () => {
    const rows = await (await catalog.loadTable('constructor.__proto__.toString')).scan().rows().toArray()
    const full = rows.filter((row) => row['nested'] !== null).sort((a, b) => Number(a['then']) - Number(b['then']))
    expect(full.map(ownMembers)).toEqual([hostileRow(1), hostileRow(2)].map((row) => ownMembers(row as Row)))
    expect(rows).toHaveLength(3)
    for (const row of rows) expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  })

  it('are columns to a filter, to a selection and to SQL', async () => {
    for (const [index, name] of NAMES.entries()) {
      const scan = table.scan().select(name).filter(eq(name, BigInt(200 + index)))
      expect((await scan.rows().toArray()).map(ownMembers)).toEqual([[[name, BigInt(200 + index)]]])
      expect(await table.scan().filter(parseWhere(`"${name}" = ${200 + index}`)).count()).toBe(1)
      expect((await table.scan().select(`nested.${name}`).rows().toArray()).filter((row) => row['nested'] !== null)).toHaveLength(2)
    }
  })

  it('name partition fields and sort fields, which prune', async () => {
    expect(table.spec.fields.map((field) => field.name)).toEqual(['__proto__', 'constructor_bucket', 'then_bucket'])
    const plan = await table.scan().filter(eq('__proto__', 100n)).plan()
    expect([...plan.files()]).toHaveLength(1)
    const partitions = await table.inspect.partitions()
    expect(partitions.map((row) => Object.keys(row.partition as object))).toContainEqual(table.spec.fields.map((field) => field.name))
  })

  it('name properties, which survive a change and a removal', async () => {
    for (const name of NAMES) expect((await catalog.loadTable(table.identifier)).properties.get(name)).toBe(`value of ${name}`)
    await table.updateProperties(members([['__proto__', 'again'], ['then', null]]) as Record<string, string | null>)
    const { properties } = await catalog.loadTable(table.identifier)
    expect([properties.get('__proto__'), properties.has('then'), properties.get('toString')]).toEqual(['again', false, 'value of toString'])
  })

  it('name namespaces and tables', async () => {
    for (const name of NAMES) await catalog.createTable(['names', name, name].map((part) => `\`${part}\``).join('.'), { schema: columns })
    expect((await catalog.listNamespaces('names')).map((parts) => parts.at(-1)).sort()).toEqual([...NAMES].sort())
    for (const name of NAMES) {
      expect(await catalog.listTables(['names', name])).toEqual([`names.${name}.${name}`])
      expect((await catalog.loadTable({ namespace: ['names', name], name })).name).toBe(`names.${name}.${name}`)
    }
    expect(await catalog.tableExists('names.isPrototypeOf.isPrototypeOf')).toBe(false)
  })

  it('are added, renamed and dropped by schema evolution', async () => {
    const evolved = await catalog.createTable('evolved.valueOf', { schema: columns })
    await evolved.updateSchema((update) => update.addColumn('isPrototypeOf', t.string).renameColumn('__proto__', '__lookupGetter__').deleteColumn('toString'))
    await evolved.updateSchema((update) => update.renameColumn('__lookupGetter__', '__proto__'))
    const names = evolved.schema.fields.map((field) => field.name)
    expect([names[0], names.includes('toString'), names.at(-1)]).toEqual(['__proto__', false, 'isPrototypeOf'])
  })

  it('that a table does not have are not found in a prototype instead', async () => {
    const plain = await catalog.createTable('plain.t', { schema: new Schema([{ id: 1, name: 'a', type: { kind: 'long' }, required: false }]) })
    await plain.append([{ a: 1n }])
    for (const name of NAMES) {
      expect(() => plain.scan().select(name).schema).toThrow(/no column|not found|does not have/i)
      expect(() => plain.scan().useRef(name)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
      expect(plain.properties.get(name)).toBeUndefined()
    }
    await expect(plain.append([members([['__proto__', 1n]])])).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('leave the prototype of all objects as it was', () => {
    expect(inherited()).toBe(before)
  })
})
