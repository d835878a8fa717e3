import { describe, expect, it } from 'vitest'
import {
  and, eq, isIn, isNull, not, openCatalog, openTable, or, parseWhere, readFiles, readParquetFiles, schema, schemaOfFile, t,
} from '../../src/index.js'
import { checkSignal } from '../../src/table/checked-arguments.js'
import { isFloeError } from '../../src/util/errors.js'

const untyped: readonly unknown[] = [5, true, 7n, null, Symbol('s'), () => 1]
const odd = untyped.map((value) => [typeof value === 'object' ? String(value) : typeof value, value as never] as const)

async function refused(run: () => unknown): Promise<void> {
  let error: unknown
  try {
    await run()
  } catch (thrown) {
    error = thrown
  }
  expect(isFloeError(error, 'INVALID'), `${error as Error}`).toBe(true)
}

async function all(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows) return
}

describe.each(odd)('%s where something else belongs is refused with INVALID', (kind, value) => {
  it('by what opens catalogs, tables and files', async () => {
    await refused(() => openCatalog(value))
    await refused(() => openTable(value))
    await refused(() => all(readFiles(value)))
    await refused(() => all(readFiles([value])))
    await refused(() => all(readParquetFiles(value)))
    await refused(() => schemaOfFile(value))
    if (kind !== 'function') await refused(() => openCatalog('memory:', value))
  })

  it('by schemas, filters and scans', async () => {
    if (kind !== 'function') await refused(() => schema(value))
    await refused(() => parseWhere(value))
    for (const make of [and, or, not]) await refused(() => make(value))
    await refused(() => eq(value, 1))
    await refused(() => isNull(value))
    await refused(() => isIn('id', value))
    const lake = await openCatalog('memory:')
    const table = await lake.createTable('a.b', { schema: schema({ id: t.long }) })
    await table.append([{ id: 1n }])
    await refused(() => table.scan().withSignal(value))
    if (kind !== 'function') await refused(() => table.scan().onRowGroup(value))
    if (kind !== 'function') await refused(() => table.scan().plan(value))
    if (kind !== 'function') await refused(() => table.scan().rows(value))
    await refused(() => table.append([{ id: 2n }], { signal: value }))
    expect(await table.scan().filter(eq('id', 1n)).count()).toBe(1)
    expect(await table.scan().count()).toBe(1)
  })
})

describe.each(odd)('%s for what history and branches are to name is refused with INVALID', (_, value) => {
  it('by a table and its catalog', async () => {
    const lake = await openCatalog('memory:')
    const table = await lake.createTable('a.b', { schema: schema({ id: t.long }) })
    await table.append([{ id: 1n }])
    await refused(() => all(table.scan().read(value)))
    await refused(() => table.rollback(value))
    await refused(() => table.cherryPick(value))
    await refused(() => table.replaceBranch('main', value))
    await refused(() => table.replaceTag('t', value))
    await refused(() => lake.registerTable('a.c', value))
  })
})

it('a signal of another implementation is one', () => {
  const { signal } = new AbortController()
  expect(() => { checkSignal({ aborted: false, throwIfAborted: () => undefined, addEventListener: () => undefined }) }).not.toThrow()
  expect(() => { checkSignal(signal) }).not.toThrow()
})
