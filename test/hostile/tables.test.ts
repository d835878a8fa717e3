/** Damage and malice seen through the whole stack: typed errors that name table and file, nothing committed, nothing read elsewhere. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identity, openTable, schema, t } from '../../src/index.js'
import type { Table, WriteInput } from '../../src/index.js'
import { decodeManifestList, encodeManifestList } from '../../src/manifest/manifest-list.js'
import { encodeAddedFiles, manifestWriterOptions } from '../../src/commit/manifest-output.js'
import { FloeError } from '../../src/util/errors.js'
import { failureOf, memoryLake } from '../support/lake.js'
import type { Lake } from '../support/lake.js'
import { mutate, seeded } from './mutate.js'

let lake: Lake
let count = 0
const newTable = async (): Promise<Table> => {
  const table = await lake.catalog.createTable(`h.t${++count}`, { schema: schema({ id: t.long.required, kind: t.string }), partitionBy: [identity('kind')] })
  await table.append([{ id: 1n, kind: 'a' }, { id: 2n, kind: 'b' }])
  return table
}
const readAll = (table: Table): Promise<unknown> => table.scan().rows().toArray()
const overwrite = async (location: string, bytes: Uint8Array): Promise<void> => void (await lake.io.write(location, bytes))

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(async () => {
  lake = await memoryLake()
  process.on('unhandledRejection', note)
})
afterAll(async () => {
  await lake.catalog.close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

describe('input that is none', () => {
  const throwing = (): never => { throw new Error('ha') }
  const inputs: Record<string, unknown> = {
    'a single row': { id: 1n }, 'a text': 'id', null: null, undefined, 'a number': 5, 'a function': () => [], 'an array of arrays': [[1n]], 'an array of null': [null],
    'an iterator that throws': { [Symbol.iterator]: throwing },
    'an iterator whose next throws': { [Symbol.iterator]: () => ({ next: throwing }) },
    'an iterator without next': { [Symbol.iterator]: () => ({}) },
    'an async iterator that rejects': { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('ha')) }) },
    'an async iterator that throws nothing sensible': { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject() }) },
    'rows whose members throw': [{ get id(): bigint { return throwing() } }],
    'a revoked proxy': (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return [proxy] })(),
    'a member that is itself': (() => { const id: unknown[] = []; id.push(id); return [{ id }] })(),
    'a symbol': [{ id: Symbol('x') }],
    'half an Arrow table': { batches: [{ numRows: 1 }], schema: { fields: [] } },
    'a row of a hostile prototype': [Object.create({ get id(): bigint { return throwing() } }) as object],
  }
  it.each(Object.entries(inputs))('%s: INVALID, naming the table, nothing committed and no file left', async (_, input) => {
    const table = await newTable()
    const before = await lake.files()
    expect(await failureOf(table.append(input as WriteInput))).toMatchObject({ code: 'INVALID', table: table.name })
    expect(await lake.files()).toEqual(before)
    await table.refresh()
    expect(table.snapshots).toHaveLength(1)
  })

  it('names of the language are names like others', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'then', 'hasOwnProperty', 'valueOf']
    const table = await lake.catalog.createTable('h.names', { schema: schema(Object.fromEntries(names.map((name) => [name, t.int]))), partitionBy: names.slice(0, 2).map((name) => identity(name)) })
    const row = Object.fromEntries(names.map((name, i) => [name, i])) as object
    await table.append([row, JSON.parse('{"__proto__": 7, "then": 8}') as object, {}])
    const rows = await table.scan().rows().toArray()
    expect(rows.map((found) => Object.entries(found)).find((entries) => entries[3]![1] === 3)).toEqual(names.map((name, i) => [name, i]))
    expect(rows.map((found) => Object.getOwnPropertyDescriptor(found, '__proto__')!.value as number).sort()).toEqual([0, 7, null])
    expect((await table.inspect.partitions()).map(({ partition }) => Object.keys(partition))).toEqual(Array(3).fill(['__proto__', 'constructor']))
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('arguments of the wrong kind', () => {
  const columns = schema({ id: t.long })
  type Loose = Record<string, (...args: unknown[]) => Promise<unknown>>
  type LooseTable = Loose & { scan(): Record<string, (...args: unknown[]) => { plan(): Promise<unknown> }> }
  const calls: Record<string, (catalog: Loose, table: LooseTable) => unknown> = {
    'a table without options': (catalog) => catalog['createTable']!('h.x'),
    'a table without a schema': (catalog) => catalog['createTable']!('h.x', {}),
    'a text for a list of partitions': (catalog) => catalog['createTable']!('h.x', { schema: columns, partitionBy: 'id' }),
    'a number for a name': (catalog) => catalog['loadTable']!(5),
    'a number for a namespace': (catalog) => catalog['listTables']!(5),
    'a number for a filter': (_, table) => table.scan()['filter']!(5).plan(),
    'null for a filter': (_, table) => table.scan()['filter']!(null).plan(),
    'an unknown filter': (_, table) => table.scan()['filter']!({ op: 'nope' }).plan(),
    'a text for a limit': (_, table) => table.scan()['limit']!('5').plan(),
    'null for options': (_, table) => table['append']!([{ id: 3n }], null),
    'a number for a branch': (_, table) => table['append']!([{ id: 3n }], { branch: 5 }),
    'a number for a token': (_, table) => table['append']!([{ id: 3n }], { idempotencyToken: 5 }),
    'a number in a summary': (_, table) => table['append']!([{ id: 3n }], { summary: { a: 5 } }),
    'a text for onInvalid': (_, table) => table['append']!([{ id: 3n }], { onInvalid: 'x' }),
    'a number for an update': (_, table) => table['updateSchema']!(5),
    'nothing for a spec update': (_, table) => table['updateSpec']!(),
    'a number for a sort order': (_, table) => table['replaceSortOrder']!(5),
    'null for properties': (_, table) => table['updateProperties']!(null),
    'a number for a property': (_, table) => table['updateProperties']!({ a: 5 }),
  }
  it.each(Object.entries(calls))('%s: INVALID, and nothing is written', async (_, call) => {
    const table = await newTable()
    const before = await lake.files()
    const run = async (): Promise<unknown> => call(lake.catalog as unknown as Loose, table as never)
    expect(await failureOf(run())).toMatchObject({ code: 'INVALID' })
    expect(await lake.files()).toEqual(before)
  })
})

describe('damaged objects', () => {
  const targets: Record<string, (table: Table) => Promise<string>> = {
    'a manifest list': (table) => Promise.resolve(table.currentSnapshot!.manifestList!),
    'a manifest': async (table) => (await table.inspect.manifests())[0]!.path,
    'a data file': async (table) => (await table.inspect.files())[0]!.file_path,
  }
  it.each(Object.entries(targets))('%s that is gone or cut is named by the error, with its table', async (_, locate) => {
    const table = await newTable()
    const location = await locate(table)
    const bytes = await lake.io.read(location)
    for (const length of [0, 3, bytes.length >> 1, bytes.length - 1]) {
      await overwrite(location, bytes.subarray(0, length))
      expect(await failureOf(readAll(table)), `cut to ${length}`).toMatchObject({ code: 'CORRUPT', table: table.name, file: location })
    }
    await lake.io.delete([location])
    expect(await failureOf(readAll(table))).toMatchObject({ code: 'NOT_FOUND', table: table.name, file: location })
    await overwrite(location, bytes)
    expect(await readAll(table)).toHaveLength(2)
  })

  it.each(Object.entries(targets))('%s with bits turned gives rows or a typed error, never anything else', async (_, locate) => {
    const table = await newTable()
    const location = await locate(table)
    const bytes = Buffer.from(await lake.io.read(location))
    for (let seed = 1; seed <= Number(process.env['FLOE_ROUNDS'] ?? 25); seed++) {
      await overwrite(location, mutate(bytes, seeded(seed)))
      const error = await readAll(table).then(() => undefined, (reason: unknown) => reason)
      if (error !== undefined) expect(error, `seed ${seed}`).toBeInstanceOf(FloeError)
      if (error instanceof FloeError) expect(error.table, `seed ${seed}: ${error.message}`).toBe(table.name)
    }
  })

  it('an append onto a damaged manifest list fails, and leaves what is there alone', async () => {
    const table = await newTable()
    const location = table.currentSnapshot!.manifestList!
    const before = await lake.files()
    await overwrite(location, new Uint8Array(10))
    expect(await failureOf(table.append([{ id: 3n }]))).toMatchObject({ code: 'CORRUPT', table: table.name, file: location })
    expect(await lake.files()).toEqual(before)
  })
})

describe('a manifest that names other places', () => {
  it.each(['/etc/passwd', 'file:///etc/passwd', 'https://evil.example/x.parquet', 's3://other/x.parquet', 'memory:///warehouse/h/../../secret.parquet', 'memory:///warehouse/h/other/x.parquet'])(
    '%s is refused without one request',
    async (evil) => {
      const table = await newTable()
      const loaded = { metadata: table.metadata, io: lake.io, identifier: table.identifier, metadataLocation: table.metadataLocation }
      const { currentSnapshot, metadata } = table
      const list = decodeManifestList(await lake.io.read(currentSnapshot!.manifestList!), currentSnapshot!.manifestList!)
      const options = manifestWriterOptions(metadata, { specId: 0, content: 'data', snapshotId: currentSnapshot!.snapshotId })
      const file = { content: 'data', filePath: evil, fileFormat: 'parquet', specId: 0, partition: ['a'], recordCount: 1, fileSizeBytes: 1000 } as const
      const [made] = encodeAddedFiles(metadata, { files: [file] }, options, () => `${table.location}/metadata/evil.avro`)
      const { bytes, manifestFile } = made!
      const location = manifestFile.manifestPath
      await overwrite(location, bytes)
      const manifest = { ...manifestFile, sequenceNumber: list[0]!.sequenceNumber, minSequenceNumber: list[0]!.sequenceNumber }
      await overwrite(
        currentSnapshot!.manifestList!,
        encodeManifestList([manifest], { formatVersion: 2, snapshotId: currentSnapshot!.snapshotId, parentSnapshotId: undefined, sequenceNumber: 1n, firstRowId: undefined, compression: { codec: 'uncompressed' } }),
      )
      for (const victim of [table, await openTable(table.metadataLocation, { io: loaded.io, parquet: { workers: 0 } })]) {
        const before = lake.io.calls.length
        expect(await failureOf(readAll(victim))).toMatchObject({ code: 'INVALID', table: victim.name })
        expect(lake.io.calls.slice(before).map((call) => call.location)).not.toContain(evil)
      }
    },
  )
})
