/** Whatever is handed to any public method by callers without a compiler, it works or throws an error of the library's own. */
import { expect, it } from 'vitest'
import { openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, Table } from '../../src/index.js'
import { isFloeError } from '../../src/util/errors.js'

const ODD: readonly unknown[] = [5, true, 7n, null, Symbol('s'), {}, [], '', 'no such', Number.NaN, () => 1]
/** What is not public, and what would end the rest. */
const LEFT_OUT = new Set(['constructor', 'close', 'commit', 'commitMetadata', 'moveTo', 'bound', 'requireBackend', 'work', 'newestOf'])

function methodsOf(value: object): string[] {
  const names = new Set<string>()
  const above = (one: object): object => Object.getPrototypeOf(one) as object
  for (let proto = above(value); proto !== Object.prototype; proto = above(proto)) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (typeof property.value === 'function' && !LEFT_OUT.has(name)) names.add(name)
    }
  }
  return [...names]
}

/** Arguments with one odd value in each of the first three places, the others being left out or of a kind that fits. */
function* argumentLists(name: string): Generator<readonly unknown[]> {
  const usual = USUAL[name] ?? []
  for (const odd of ODD) {
    for (let at = 0; at < 3; at++) {
      const list = [...usual.slice(0, at), ...Array<undefined>(Math.max(0, at - usual.length)), odd, ...usual.slice(at + 1)]
      yield list
    }
  }
}

const USUAL: Readonly<Record<string, readonly unknown[]>> = {
  append: [[{ id: 1n }]],
  update: ['id = 1', { id: 1n }],
  overwrite: [[{ id: 1n }], 'id = 1'],
  overwritePartitions: [[{ id: 1n }]],
  upsert: [[{ id: 1n }], ['id']],
  merge: [[{ id: 1n }], { on: ['id'] }],
  deleteByKeys: [[{ id: 1n }], ['id']],
  applyChanges: [[{ id: 1n }], { keys: ['id'] }],
  createBranch: ['b'],
  createTag: ['b'],
  createTable: ['a.c', { schema: schema({ id: t.long }) }],
  loadTable: ['a.b'],
}

async function drain(value: unknown): Promise<void> {
  if (typeof value !== 'object' || value === null) return
  if (Symbol.asyncIterator in value) for await (const _ of value as AsyncIterable<unknown>) return
  if (Symbol.iterator in value) for (const _ of value as Iterable<unknown>) return
}

async function wrongErrors(make: () => Promise<object>): Promise<string[]> {
  const wrong: string[] = []
  for (const name of methodsOf(await make())) {
    const target = (await make()) as Record<string, (...list: readonly unknown[]) => unknown>
    for (const list of argumentLists(name)) {
      try {
        await drain(await target[name]!(...list))
      } catch (error) {
        if (isFloeError(error)) continue
        wrong.push(`${name}(${list.map(shown).join(', ')}): ${String(error)}`)
      }
    }
  }
  return wrong
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? `${member}n` : member)) : String(value)
}

async function lakeWithTable(): Promise<{ readonly lake: Catalog; readonly table: Table }> {
  const lake = await openCatalog('memory:', { parquet: { workers: 0 } })
  const table = await lake.createTable('a.b', { schema: schema({ id: t.long }), formatVersion: 3 })
  await table.append([{ id: 1n }])
  return { lake, table }
}

const made = await lakeWithTable()

it.each([
  ['catalogs', async () => (await lakeWithTable()).lake],
  ['tables', async () => (await lakeWithTable()).table],
  ['scans', () => Promise.resolve(made.table.scan())],
  ['inspections', () => Promise.resolve(made.table.inspect)],
] as const)('%s', async (_, make) => {
  expect(await wrongErrors(make)).toEqual([])
}, 120_000)
