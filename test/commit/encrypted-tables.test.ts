/** Tables that are encrypted: floe holds no keys and writes nothing into them, and of what they say of their keys it loses nothing. */
import { expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog } from '../../src/catalog/rest/rest-catalog.js'
import { asc, openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, Table } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { encryptionKeyId } from '../../src/metadata/encryption-key.js'
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { failureOf } from '../support/lake.js'
import { locationsBelow } from '../support/locations-below.js'
import { restStub } from '../support/rest-stub.js'
import { commitUpdates, creation } from '../support/table-commits.js'

/** As the reference writes them: one key is wrapped by another. */
const KEYS = [
  { 'key-id': 'kek', 'encrypted-key-metadata': 'AAECAwQ=', 'encrypted-by-id': 'master', properties: { KEY_TIMESTAMP: '1700000000000' } },
  { 'key-id': 'list-1', 'encrypted-key-metadata': 'BQYHCA==', 'encrypted-by-id': 'kek' },
]

interface Encrypted {
  readonly memory: MemoryFileIO
  readonly catalog: Catalog
  readonly table: Table
  /** What the metadata says of keys, as its text has it. */
  keys(): Promise<unknown>
}

/** A table that another engine encrypted: its list of manifests cannot be read without a key. */
async function encryptedTable(): Promise<Encrypted> {
  const memory = new MemoryFileIO()
  const catalog = await openCatalog('memory:', { io: memory, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 } })
  const plain = await catalog.createTable('a.plain', { schema: schema({ id: t.long.required }), formatVersion: 3 })
  await plain.append([{ id: 1n }])
  // 64-bit ids would not survive a plain JSON.parse.
  const text = Buffer.from(await memory.read(plain.metadataLocation)).toString()
  const json = JSON.parse(text.replace(/("snapshot-id" ?: ?|"current-snapshot-id" ?: ?)\d+/g, '$17')) as {
    properties: Record<string, string>
    snapshots: Record<string, unknown>[]
  }
  json.properties['encryption.key-id'] = 'master'
  json.snapshots[0]!['key-id'] = 'list-1'
  const list = json.snapshots[0]!['manifest-list'] as string
  await memory.write(list.replace('.avro', '-x.avro'), Buffer.concat([Buffer.from('AGS1'), Buffer.alloc(64, 7)]))
  json.snapshots[0]!['manifest-list'] = list.replace('.avro', '-x.avro')
  const location = `${plain.location}/metadata/00009-encrypted.metadata.json`
  await memory.write(location, Buffer.from(JSON.stringify({ ...json, 'encryption-keys': KEYS })))
  const table = await catalog.registerTable('a.t', location)
  const keys = async (): Promise<unknown> => {
    const { metadataLocation } = await catalog.loadTable('a.t')
    const now = JSON.parse(Buffer.from(await memory.read(metadataLocation)).toString()) as typeof json & { 'encryption-keys': unknown }
    return [now['encryption-keys'], now.snapshots.map((snapshot) => snapshot['key-id']), now.properties['encryption.key-id']]
  }
  return { memory, catalog, table, keys }
}

const WRITES: Readonly<Record<string, (table: Table) => Promise<unknown>>> = {
  append: (table) => table.append([{ id: 2n }]),
  delete: (table) => table.delete('id = 1'),
  update: (table) => table.update('id = 1', { id: 2n }),
  overwrite: (table) => table.overwrite([{ id: 2n }]),
  compact: (table) => table.compact({ rewriteAll: true }),
  rewriteManifests: (table) => table.rewriteManifests({ rewriteAll: true }),
  transaction: (table) =>
    table.transaction(async (work) => {
      await work.updateSchema((update) => update.addColumn('more', t.int))
      await work.append([{ id: 2n, more: 1 }])
    }),
}

it('an encrypted table is neither read nor written, and no attempt leaves a file or changes it (fault 45)', async () => {
  const { memory, table, keys } = await encryptedTable()
  const [files, version] = [await locationsBelow(memory, 'memory:///'), table.metadataLocation]
  expect((await failureOf(table.scan().rows().toArray())).code).toBe('UNSUPPORTED')
  for (const [name, write] of Object.entries(WRITES)) {
    const error = await failureOf(write(table))
    expect(error.code, `${name}: ${error.message}`).toBe('UNSUPPORTED')
    await table.refresh()
    expect([await locationsBelow(memory, 'memory:///'), table.metadataLocation], name).toEqual([files, version])
  }
  expect(await keys()).toEqual([KEYS, ['list-1'], 'master'])
})

it('changes of metadata alone keep the keys of an encrypted table, and which snapshot needs which (fault 45)', async () => {
  const { catalog, table, keys } = await encryptedTable()
  const other = await catalog.loadTable('a.t')
  await table.updateProperties({ owner: 'us' })
  await table.createBranch('audit')
  // On an older version, so that it is made again on a newer one.
  await other.updateSchema((update) => update.addColumn('more', t.int))
  await table.refresh()
  await table.transaction(async (work) => {
    await work.updateProperties({ owner: 'them' })
    await work.replaceSortOrder([asc('more')])
  })
  await catalog.renameTable('a.t', 'a.u')
  await catalog.renameTable('a.u', 'a.t')
  expect(await keys()).toEqual([KEYS, ['list-1'], 'master'])
  const now = await catalog.loadTable('a.t')
  expect([now.properties.get('owner'), now.refs.has('audit'), now.schema.fields.length]).toEqual(['them', true, 2])
})

it('keys that are turned while others commit are all there, through a REST catalog too (fault 45)', async () => {
  const backend = new MemoryCatalog({ io: new MemoryFileIO() })
  const catalog = new RestCatalog({ uri: 'https://catalog.example', fetch: restStub(backend).fetch, openStore: () => new MemoryFileIO(), runtime: hastyRuntime })
  await catalog.createNamespace(['shop'])
  const base = await catalog.createTable({ namespace: ['shop'], name: 'events' }, creation({}, 3))
  const keyed = (key: (typeof KEYS)[number]): MetadataUpdate => ({ action: 'add-encryption-key', encryptionKey: key })
  // Both are made on the same version, as by two transactions that turn keys at once.
  for (const key of KEYS) expect(await commitUpdates(catalog, base, [keyed(key)])).toMatchObject({ outcome: 'committed' })
  const keyIds = async (): Promise<unknown> => (await catalog.loadTable(base.identifier)).metadata.encryptionKeys.map(encryptionKeyId)
  expect(await keyIds()).toEqual(['kek', 'list-1'])
  expect(await commitUpdates(catalog, base, [{ action: 'remove-encryption-key', keyId: 'kek' }])).toMatchObject({ outcome: 'committed' })
  expect(await keyIds()).toEqual(['list-1'])
})
