/** What every catalog backend promises; each implementation runs these cases in a few lines. */
import { describe, expect, it } from 'vitest'
import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'
import { joinLocation } from '../../src/io/location.js'
import { appendUntilCommitted, codeOf, commitUpdates, creation, emptyAppend, mustCommit, notesOf, setProperties } from '../support/table-commits.js'

export interface CatalogUnderTest {
  readonly catalog: CatalogBackend
  /** Another client of the same catalog, as another process has; absent when there can be none. */
  readonly other?: CatalogBackend
}

export interface CatalogAbilities {
  /** Default true; else renaming must throw `UNSUPPORTED`. */
  readonly rename?: boolean
  /** Whether a dropped table can be registered again from the metadata file it was last at. Default true. */
  readonly registerDropped?: boolean
  /** Whether tables may lie in the root namespace. Default true. */
  readonly rootTables?: boolean
  /** Whether what becomes of places and files is floe's own doing, not that of somebody else's server. Default true. */
  readonly ownRules?: boolean
}

type Open = () => Promise<CatalogUnderTest> | CatalogUnderTest

const id = { namespace: ['shop'], name: 'events' }

/** `it`, for what holds of floe's own catalogs; elsewhere it says why the case is left out. */
function ownRule({ ownRules = true }: CatalogAbilities): (name: string, test: () => Promise<void>) => void {
  return (name, test) => {
    it(name, async (context) => {
      if (!ownRules) context.skip('what becomes of places and files is the doing of another server')
      await test()
    })
  }
}

export function describeCatalog(name: string, open: Open, abilities: CatalogAbilities = {}): void {
  describe(`${name} keeps the promises of a catalog`, () => {
    describeTables(open, abilities)
    describeCommits(open, abilities)
    describeNamespaces(open, abilities)
    describeNames(open)
  })
}

function describeTables(open: Open, abilities: CatalogAbilities): void {
  const itOwn = ownRule(abilities)

  it('a created table is loaded, listed and found by every client', async () => {
    const { catalog, other = catalog } = await open()
    const created = await catalog.createTable(id, creation({ owner: 'me' }))
    expect(created.metadata.properties.get('owner')).toBe('me')
    expect(created.metadata.formatVersion).toBe(2)
    const loaded = await other.loadTable(id)
    expect(loaded.metadata).toEqual(created.metadata)
    expect(loaded.metadataLocation).toBe(created.metadataLocation)
    expect(loaded.identifier).toEqual(id)
    expect(await other.tableExists(id)).toBe(true)
    expect(await other.listTables(['shop'])).toEqual([id])
    expect(await other.namespaceExists(['shop'])).toBe(true)
  })

  it('a missing table is NOT_FOUND to load and to drop', async () => {
    const { catalog } = await open()
    expect(await catalog.tableExists(id)).toBe(false)
    expect(await codeOf(catalog.loadTable(id))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.dropTable(id))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.dropTable(id, { purge: true }))).toBe('NOT_FOUND')
  })

  it('a name is used once, also by creators at once', async () => {
    const { catalog, other = catalog } = await open()
    const clients = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? catalog : other))
    const codes = await Promise.all(clients.map((client) => codeOf(client.createTable(id, creation()))))
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'ALREADY_EXISTS')).toHaveLength(5)
    expect(await codeOf(other.createTable(id, creation()))).toBe('ALREADY_EXISTS')
  })

  it('a dropped table is gone for every client, and its name is free for another table', async () => {
    const { catalog, other = catalog } = await open()
    for (const purge of [false, true, false]) {
      const { metadata } = await catalog.createTable(id, creation())
      await other.loadTable(id)
      await catalog.dropTable(id, { purge })
      for (const client of [catalog, other]) {
        expect(await client.tableExists(id)).toBe(false)
        expect(await codeOf(client.loadTable(id))).toBe('NOT_FOUND')
        expect(await client.listTables(['shop'])).toEqual([])
      }
      const again = await other.createTable(id, creation())
      expect(again.metadata.tableUuid).not.toBe(metadata.tableUuid)
      expect((await catalog.loadTable(id)).metadata.tableUuid).toBe(again.metadata.tableUuid)
      await other.dropTable(id, { purge: true })
    }
  })

  itOwn('purge deletes every file of the table; forgetting deletes none', async () => {
    const { catalog } = await open()
    const table = await catalog.createTable(id, creation())
    const file = `${table.metadata.location}/data/p=1/x.parquet`
    await table.io.write(file, new Uint8Array(3))
    await catalog.dropTable(id)
    expect(await table.io.head(file)).toBeDefined()
    const again = await catalog.createTable(id, creation())
    await again.io.write(`${again.metadata.location}/data/y.parquet`, new Uint8Array(3))
    await catalog.dropTable(id, { purge: true })
    const left: string[] = []
    for await (const status of again.io.list(again.metadata.location)) left.push(status.location)
    expect(left).toEqual([])
  })

  itOwn('gc.enabled=false forbids purging, and nothing is dropped', async () => {
    const { catalog } = await open()
    await catalog.createTable(id, creation({ 'gc.enabled': 'false' }))
    expect(await codeOf(catalog.dropTable(id, { purge: true }))).toBe('INVALID')
    expect(await catalog.tableExists(id)).toBe(true)
    await catalog.dropTable(id)
  })

  it('a forgotten table comes back by registering its metadata file', async () => {
    const { catalog } = await open()
    const table = await mustCommit(catalog, await catalog.createTable(id, creation()), setProperties({ a: '1' }))
    await catalog.dropTable(id)
    if (abilities.registerDropped === false) return
    const registered = await catalog.registerTable(id, table.metadataLocation)
    expect(registered.metadata.tableUuid).toBe(table.metadata.tableUuid)
    expect((await mustCommit(catalog, registered, setProperties({ b: '2' }))).metadata.properties.get('a')).toBe('1')
  })

  it('registering over an existing table is ALREADY_EXISTS, of a missing file NOT_FOUND', async () => {
    const { catalog } = await open()
    const table = await catalog.createTable(id, creation())
    expect(await codeOf(catalog.registerTable(id, table.metadataLocation))).toBe('ALREADY_EXISTS')
    expect(await codeOf(catalog.registerTable({ ...id, name: 'x' }, joinLocation(table.metadata.location, 'metadata/none.metadata.json')))).toBe('NOT_FOUND')
  })

  if (abilities.rename === false) {
    it('renaming is UNSUPPORTED and says what to do', async () => {
      const { catalog } = await open()
      await catalog.createTable(id, creation())
      expect(await codeOf(catalog.renameTable(id, { ...id, name: 'renamed' }))).toBe('UNSUPPORTED')
      expect(await catalog.tableExists(id)).toBe(true)
    })
  } else {
    it('a renamed table keeps its identity, and its old name is free', async () => {
      const { catalog } = await open()
      const { metadata } = await catalog.createTable(id, creation())
      const to = { namespace: ['other'], name: 'renamed' }
      await catalog.renameTable(id, to)
      expect((await catalog.loadTable(to)).metadata.tableUuid).toBe(metadata.tableUuid)
      expect(await catalog.tableExists(id)).toBe(false)
      const fresh = await catalog.createTable(id, creation())
      if (abilities.ownRules !== false) expect(fresh.metadata.location).not.toBe(metadata.location)
      expect(await codeOf(catalog.renameTable(to, id))).toBe('ALREADY_EXISTS')
      expect(await codeOf(catalog.renameTable({ ...id, name: 'none' }, { ...id, name: 'x' }))).toBe('NOT_FOUND')
    })
  }
}

function describeCommits(open: Open, abilities: CatalogAbilities): void {
  const itOwn = ownRule(abilities)

  it('a commit is seen by every client, with its base in the metadata log', async () => {
    const { catalog, other = catalog } = await open()
    const base = await catalog.createTable(id, creation())
    const next = await mustCommit(catalog, base, setProperties({ color: 'blue' }))
    expect(next.metadataLocation).not.toBe(base.metadataLocation)
    const seen = await other.loadTable(id)
    expect(seen.metadata).toEqual(next.metadata)
    expect(seen.metadata.properties.get('color')).toBe('blue')
    expect(seen.metadata.metadataLog.map((entry) => entry.metadataFile)).toEqual([base.metadataLocation])
  })

  it('updates that change nothing make no version', async () => {
    const { catalog } = await open()
    const base = await catalog.createTable(id, creation())
    expect((await mustCommit(catalog, base, [])).metadataLocation).toBe(base.metadataLocation)
  })

  it('of two appends on one base the second is rejected as CONFLICT, and may be tried again', async () => {
    const { catalog, other = catalog } = await open()
    const base = await catalog.createTable(id, creation())
    const stale = await other.loadTable(id)
    await mustCommit(catalog, base, emptyAppend(base, 'first'))
    const outcome = await commitUpdates(other, stale, emptyAppend(stale, 'second'))
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: true, reason: { code: 'CONFLICT' } })
    expect(notesOf(await catalog.loadTable(id))).toEqual(['first'])
  })

  it('a change whose requirements still hold is applied to the newer version', async () => {
    const { catalog, other = catalog } = await open()
    const base = await catalog.createTable(id, creation())
    const stale = await other.loadTable(id)
    await mustCommit(catalog, base, emptyAppend(base, 'first'))
    const merged = await mustCommit(other, stale, setProperties({ a: '1' }))
    expect(notesOf(merged)).toEqual(['first'])
    expect(merged.metadata.properties.get('a')).toBe('1')
  })

  it('a commit to a dropped or replaced table is rejected for good', async () => {
    const { catalog, other = catalog } = await open()
    const base = await catalog.createTable(id, creation())
    const stale = await other.loadTable(id)
    await catalog.dropTable(id, { purge: true })
    expect(await commitUpdates(other, stale, setProperties({ a: '1' }))).toMatchObject({ outcome: 'rejected', retryable: false })
    const again = await catalog.createTable(id, creation())
    for (const gone of [stale, base]) {
      const outcome = await commitUpdates(other, gone, setProperties({ a: '1' }))
      expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'CONFLICT' } })
    }
    expect((await catalog.loadTable(id)).metadata).toEqual(again.metadata)
  })

  it('invalid updates are rejected with their reason, and may not be tried again', async () => {
    const { catalog } = await open()
    const base = await catalog.createTable(id, creation())
    const outcome = await commitUpdates(catalog, base, [{ action: 'set-current-schema', schemaId: 77 }])
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'INVALID' } })
  })

  it('an aborted commit is rejected as ABORTED', async () => {
    const { catalog } = await open()
    const base = await catalog.createTable(id, creation())
    const updates = setProperties({ a: '1' })
    const outcome = await catalog.commitTable({ identifier: id, base, requirements: [], updates, signal: AbortSignal.abort() })
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'ABORTED' } })
  })

  it('many writers at once lose nothing and double nothing', async () => {
    const { catalog, other = catalog } = await open()
    await catalog.createTable(id, creation())
    const notes = Array.from({ length: 4 }, (_, w) => [0, 1, 2].map((i) => `w${w}-${i}`))
    await Promise.all(
      notes.map(async (mine, w) => {
        for (const note of mine) await appendUntilCommitted(w % 2 === 0 ? catalog : other, id, note)
      }),
    )
    const table = await other.loadTable(id)
    expect(notesOf(table).sort()).toEqual(notes.flat().sort())
    expect(table.metadata.lastSequenceNumber).toBe(12n)
    const times = table.metadata.metadataLog.map((entry) => entry.timestampMs)
    expect([...times].sort((a, b) => a - b)).toEqual(times)
  })

  it('metadata is gzipped when the table says so, and read by every client', async () => {
    const { catalog, other = catalog } = await open()
    const created = await catalog.createTable(id, creation({ 'write.metadata.compression-codec': 'gzip' }))
    const second = await mustCommit(catalog, created, setProperties({ a: '1' }))
    expect(second.metadataLocation).toMatch(/\.gz\.metadata\.json$/)
    expect((await other.loadTable(id)).metadata.properties.get('a')).toBe('1')
    const third = await mustCommit(other, await other.loadTable(id), setProperties({ 'write.metadata.compression-codec': 'none' }))
    const fourth = await mustCommit(other, third, setProperties({ b: '2' }))
    expect(fourth.metadataLocation).not.toMatch(/\.gz\.metadata\.json$/)
    expect((await catalog.loadTable(id)).metadata.properties.get('b')).toBe('2')
  })

  itOwn('locations outside of the catalog’s places are refused on creation and on every commit', async () => {
    const { catalog } = await open()
    const outside = ['file:///etc', 's3://evil/data', 'https://evil/x', 'memory:/elsewhere']
    for (const property of ['write.data.path', 'write.object-storage.path', 'write.folder-storage.path', 'write.metadata.path']) {
      for (const location of outside) expect(await codeOf(catalog.createTable(id, creation({ [property]: location })))).toBe('INVALID')
    }
    expect(await catalog.tableExists(id)).toBe(false)
    const base = await catalog.createTable(id, creation())
    for (const property of ['write.data.path', 'write.metadata.path']) {
      for (const location of [...outside, `${base.metadata.location}/../other`]) {
        const outcome = await commitUpdates(catalog, base, setProperties({ [property]: location }))
        expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'INVALID' } })
      }
    }
    for (const location of outside) {
      expect(await commitUpdates(catalog, base, [{ action: 'set-location', location }])).toMatchObject({ outcome: 'rejected' })
    }
  })

  it('a table’s FileIO reaches its own folder and nothing else', async () => {
    const { catalog } = await open()
    const table = await catalog.createTable(id, creation())
    const neighbour = await catalog.createTable({ ...id, name: 'events2' }, creation())
    await table.io.write(`${table.metadata.location}/data/x`, new Uint8Array(1))
    for (const location of [neighbour.metadataLocation, `${table.metadata.location}/../events2/data/x`, 'file:///etc/passwd', 's3://evil/x', 'https://evil/x']) {
      expect(await codeOf(table.io.read(location))).toBe('INVALID')
      expect(await codeOf(table.io.delete([location]))).toBe('INVALID')
    }
  })
}

function describeNamespaces(open: Open, abilities: CatalogAbilities): void {
  const itOwn = ownRule(abilities)

  it('namespaces are created, listed level by level, and dropped when empty', async () => {
    const { catalog, other = catalog } = await open()
    await catalog.createNamespace(['a'], new Map([['owner', 'me']]))
    await catalog.createNamespace(['a', 'b'])
    expect(await codeOf(other.createNamespace(['a']))).toBe('ALREADY_EXISTS')
    expect(await other.listNamespaces()).toEqual([['a']])
    expect(await other.listNamespaces(['a'])).toEqual([['a', 'b']])
    expect(await other.listTables(['a', 'b'])).toEqual([])
    expect(await codeOf(catalog.dropNamespace(['a']))).toBe('INVALID')
    await catalog.createTable({ namespace: ['a', 'b'], name: 't' }, creation())
    expect(await codeOf(catalog.dropNamespace(['a', 'b']))).toBe('INVALID')
    await catalog.dropTable({ namespace: ['a', 'b'], name: 't' }, { purge: true })
    expect(await other.namespaceExists(['a', 'b'])).toBe(true)
    await catalog.dropNamespace(['a', 'b'])
    await other.dropNamespace(['a'])
    expect(await catalog.namespaceExists(['a'])).toBe(false)
    expect(await catalog.listNamespaces()).toEqual([])
  })

  it('a namespace is empty when its tables are dropped, though their files are kept', async () => {
    const { catalog, other = catalog } = await open()
    await catalog.createNamespace(['shop'])
    await catalog.createTable(id, creation())
    await catalog.dropTable(id)
    expect(await other.namespaceExists(['shop'])).toBe(true)
    await other.dropNamespace(['shop'])
    expect(await catalog.namespaceExists(['shop'])).toBe(false)
    expect(await catalog.listNamespaces()).toEqual([])
    expect(await codeOf(catalog.listTables(['shop']))).toBe('NOT_FOUND')
    await catalog.createNamespace(['shop'], new Map([['owner', 'me']]))
    expect((await other.loadNamespace(['shop'])).get('owner')).toBe('me')
    await catalog.createTable(id, creation())
    expect(await other.listTables(['shop'])).toEqual([id])
  })

  it('a missing namespace is NOT_FOUND; the root always exists', async () => {
    const { catalog } = await open()
    expect(await catalog.namespaceExists([])).toBe(true)
    expect(await catalog.namespaceExists(['none'])).toBe(false)
    expect(await catalog.listNamespaces()).toEqual([])
    if (abilities.rootTables !== false) expect(await catalog.listTables([])).toEqual([])
    expect(await codeOf(catalog.listTables(['none']))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.listNamespaces(['none']))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.dropNamespace(['none']))).toBe('NOT_FOUND')
  })

  itOwn('a table is no namespace, and neither encloses the other', async () => {
    const { catalog } = await open()
    await catalog.createTable(id, creation())
    expect(await catalog.namespaceExists(['shop', 'events'])).toBe(false)
    expect(await catalog.listNamespaces(['shop'])).toEqual([])
    const inner = await codeOf(catalog.createTable({ namespace: ['shop', 'events'], name: 'inner' }, creation()))
    expect(['INVALID', 'NOT_FOUND']).toContain(inner)
    expect(await codeOf(catalog.createNamespace(['shop', 'events']))).toBe('ALREADY_EXISTS')
    if (abilities.rootTables === false) return
    expect(await codeOf(catalog.createTable({ namespace: [], name: 'shop' }, creation()))).toBe('ALREADY_EXISTS')
  })

  it('tables lie in the root too, where there can be any', async () => {
    const { catalog } = await open()
    const root = { namespace: [], name: 'root' }
    if (abilities.rootTables === false) {
      expect(await codeOf(catalog.createTable(root, creation()))).toBe('UNSUPPORTED')
      expect(await codeOf(catalog.listTables([]))).toBe('UNSUPPORTED')
      return
    }
    await catalog.createTable(root, creation())
    expect(await catalog.listTables([])).toEqual([root])
    expect(await catalog.listNamespaces()).toEqual([])
  })
}

function describeNames(open: Open): void {
  it('hostile names are INVALID before anything is asked of the store', async () => {
    const { catalog } = await open()
    for (const name of ['', '.', '..', 'a/b', '../x', 'a\\b', 'a\0b', 'a\nb', '*', 'a?', '{x}', '${x}', '$x', '%2e%2e', '.hidden', ' x', 'x '.padEnd(300, 'x')]) {
      for (const bad of [{ namespace: ['ok'], name }, { namespace: [name], name: 'ok' }]) {
        expect(await codeOf(catalog.createTable(bad, creation()))).toBe('INVALID')
        expect(await codeOf(catalog.loadTable(bad))).toBe('INVALID')
        expect(await codeOf(catalog.tableExists(bad))).toBe('INVALID')
        expect(await codeOf(catalog.dropTable(bad, { purge: true }))).toBe('INVALID')
      }
      expect(await codeOf(catalog.createNamespace([name]))).toBe('INVALID')
      expect(await codeOf(catalog.dropNamespace([name]))).toBe('INVALID')
    }
  })

  it('names with dots, spaces, Unicode, and of Object’s members are names', async () => {
    const { catalog, other = catalog } = await open()
    for (const name of ['a.b', 'two words', 'ünï😀', '__proto__', 'constructor', 'metadata', 'data', 'v1.metadata.json', "it's", 'a=b', 'x,y', 'a:b@c']) {
      const identifier = { namespace: ['ns', 'toString'], name }
      const { metadata } = await catalog.createTable(identifier, creation())
      expect((await other.loadTable(identifier)).metadata.tableUuid).toBe(metadata.tableUuid)
    }
    expect(await other.listTables(['ns', 'toString'])).toHaveLength(12)
  })
}
