import { describe, expect, it } from 'vitest'
import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { createTableBody } from '../../src/catalog/rest/create-table-body.js'
import { commitBody } from '../../src/catalog/rest/rest-commit.js'
import { RestService } from '../../src/catalog/rest-server/rest-service.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { newTableUpdates } from '../../src/metadata/new-table.js'
import { JsonObject, printJson, type JsonMembers } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { creation, emptyAppend, mustCommit, setProperties } from '../support/table-commits.js'

const warehouse = 'memory:///lake'
const id = { namespace: ['ns'], name: 'tbl' }
const UUID = '9c12d441-03fe-4693-9a96-a0705ddf69c1'

type Ask = (method: string, path: string, body?: JsonMembers, query?: string) => Promise<ServiceResponse>

interface Served {
  readonly catalog: CatalogBackend
  readonly ask: Ask
}

async function served(catalog: CatalogBackend = new ObjectStoreCatalog({ io: new MemoryFileIO(), warehouse })): Promise<Served> {
  const service = new RestService({ catalog, runtime: systemRuntime })
  const ask: Ask = (method, path, body, query = '') =>
    service.handle({ method, path: `v1/${path}`, query: new URLSearchParams(query), headers: {}, body: body === undefined ? '' : printJson(body) })
  await catalog.createNamespace(['ns'])
  return { catalog, ask }
}

const errorOf = ({ status, body }: ServiceResponse): string => {
  const error = JsonObject.of(body!, '').requireObject('error')
  return `${status} ${error.requireString('type')} ${error.requireString('message')}`
}
/** As a client reads it. */
const metadataOf = ({ body }: ServiceResponse): JsonObject => JsonObject.parse(printJson(body!)).requireObject('metadata')
const createBody = (location?: string, stage = false): JsonMembers => createTableBody(id.name, { ...creation(), location }, { stage })

describe('errors of a served catalog, in the words that clients of the reference look at', () => {
  it('say which table or namespace is missing, or exists already', async () => {
    const { ask } = await served()
    expect(errorOf(await ask('GET', 'namespaces/ns/tables/tbl'))).toBe('404 NoSuchTableException Table does not exist: ns.tbl')
    expect(errorOf(await ask('GET', 'namespaces/none/tables/tbl'))).toBe('404 NoSuchTableException Table does not exist: none.tbl')
    expect(errorOf(await ask('DELETE', 'namespaces/ns/tables/tbl'))).toBe('404 NoSuchTableException Table does not exist: ns.tbl')
    expect(errorOf(await ask('GET', 'namespaces/a%1Fb'))).toBe('404 NoSuchNamespaceException Namespace does not exist: a.b')
    expect(errorOf(await ask('GET', 'namespaces', undefined, 'parent=none'))).toBe('404 NoSuchNamespaceException Namespace does not exist: none')
    expect(errorOf(await ask('GET', 'namespaces/none/tables'))).toBe('404 NoSuchNamespaceException Namespace does not exist: none')
    expect(errorOf(await ask('POST', 'namespaces/none/tables', createBody()))).toBe('404 NoSuchNamespaceException Namespace does not exist: none')
    expect(errorOf(await ask('POST', 'namespaces/none/properties', { updates: { a: 'b' } }))).toMatch(/^404 NoSuchNamespaceException/)
    expect(errorOf(await ask('POST', 'namespaces', { namespace: ['ns'] }))).toBe('409 AlreadyExistsException Namespace already exists: ns')
    await ask('POST', 'namespaces/ns/tables', createBody())
    for (const stage of [false, true]) {
      const again = await ask('POST', 'namespaces/ns/tables', createBody(undefined, stage))
      expect(errorOf(again)).toBe('409 AlreadyExistsException Table already exists: ns.tbl')
    }
    expect(errorOf(await ask('DELETE', 'namespaces/ns'))).toMatch(/^409 NamespaceNotEmptyException .* is not empty/)
  })

  it('name the requirement that failed, and answer no failed commit with success (FAULTS 14)', async () => {
    const { catalog, ask } = await served()
    const table = await catalog.createTable(id, creation())
    const commit = async (requirement: JsonMembers): Promise<string> =>
      errorOf(await ask('POST', 'namespaces/ns/tables/tbl', { requirements: [requirement], updates: [] }))
    const uuid = table.metadata.tableUuid!
    const failed = '409 CommitFailedException Requirement failed:'
    expect(await commit({ type: 'assert-create' })).toMatch(`${failed} table already exists`)
    expect(await commit({ type: 'assert-table-uuid', uuid: UUID })).toMatch(`${failed} UUID does not match: expected ${uuid} != ${UUID}`)
    expect(await commit({ type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 7 })).toMatch(`${failed} last assigned field id changed`)
    expect(await commit({ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 1 })).toMatch(`${failed} branch or tag main is missing`)
  })

  it('refuse renames where names are places, once the names are known to be right', async () => {
    const { catalog, ask } = await served()
    const rename = async (source: object, destination: object): Promise<string> => errorOf(await ask('POST', 'tables/rename', { source, destination } as JsonMembers))
    expect(await rename(id, { ...id, name: 'b' })).toBe('404 NoSuchTableException Table does not exist: ns.tbl')
    await catalog.createTable(id, creation())
    expect(await rename(id, { namespace: ['none'], name: 'b' })).toBe('404 NoSuchNamespaceException Namespace does not exist: none')
    expect(await rename(id, id)).toBe('409 AlreadyExistsException Table already exists: ns.tbl')
    expect(await rename(id, { ...id, name: 'b' })).toMatch(/^406 UnsupportedOperationException/)
  })
})

describe('where tables of a served warehouse lie', () => {
  it('is what their names say, whatever a client asks for, be they created at once or staged', async () => {
    const { ask } = await served()
    for (const stage of [true, false]) {
      const answer = await ask('POST', 'namespaces/ns/tables', createBody('s3://elsewhere/tbl', stage))
      expect(metadataOf(answer).requireString('location')).toBe(`${warehouse}/ns/tbl`)
    }
  })

  it('holds for commits that create or replace a table; to move it is refused', async () => {
    const { ask } = await served()
    const updates = newTableUpdates({ ...creation(), location: 's3://elsewhere/tbl' }, UUID)
    const path = 'namespaces/ns/tables/tbl'
    const created = await ask('POST', path, commitBody({ requirements: [{ type: 'assert-create' }], updates }))
    expect(metadataOf(created).requireString('location')).toBe(`${warehouse}/ns/tbl`)
    expect(metadataOf(created).requireString('table-uuid')).toBe(UUID)
    const move = { action: 'set-location', location: 's3://elsewhere/tbl' } as const
    const replace = [move, ...setProperties({ owner: 'me' })]
    const replaced = await ask('POST', path, commitBody({ requirements: [{ type: 'assert-table-uuid', uuid: UUID }], updates: replace }))
    expect(metadataOf(replaced).requireString('location')).toBe(`${warehouse}/ns/tbl`)
    expect(metadataOf(replaced).requireStringMap('properties').get('owner')).toBe('me')
    expect(errorOf(await ask('POST', path, commitBody({ requirements: [], updates: [move] })))).toMatch(/^400 BadRequestException .*relocated/)
  })

  it('does not depend on the order of the updates: DuckDB makes the schema current last', async () => {
    const { ask } = await served()
    const updates = newTableUpdates({ ...creation(), spec: { specId: 0, fields: [{ fieldId: 1000, name: 'id', sourceIds: [1], transform: 'identity' }] } as never, location: `${warehouse}/ns/tbl` }, UUID)
    const isCurrent = ({ action }: { readonly action: string }): boolean => action === 'set-current-schema'
    const reordered = [...updates.filter((update) => !isCurrent(update)), ...updates.filter(isCurrent)]
    const created = await ask('POST', 'namespaces/ns/tables/tbl', commitBody({ requirements: [{ type: 'assert-create' }], updates: reordered }))
    expect([created.status, metadataOf(created).requireInt('current-schema-id')]).toEqual([200, 0])
  })

  it('is as asked for where the catalog lets tables lie anywhere', async () => {
    const { ask } = await served(new MemoryCatalog())
    const answer = await ask('POST', 'namespaces/ns/tables', createBody('memory:///warehouse/other'))
    expect(metadataOf(answer).requireString('location')).toBe('memory:///warehouse/other')
  })
})

describe('answers of a served catalog', () => {
  it('hold the snapshots of branches and tags only, if that is asked for', async () => {
    const { catalog, ask } = await served()
    let table = await catalog.createTable(id, creation())
    for (const note of ['a', 'b', 'c']) table = await mustCommit(catalog, table, emptyAppend(table, note))
    const [first] = table.metadata.snapshots
    table = await mustCommit(catalog, table, [{ action: 'set-snapshot-ref', name: 'old', ref: { type: 'tag', snapshotId: first!.snapshotId } }])
    const path = 'namespaces/ns/tables/tbl'
    expect(metadataOf(await ask('GET', path)).requireObjects('snapshots')).toHaveLength(3)
    expect(metadataOf(await ask('GET', path, undefined, 'snapshots=refs')).requireObjects('snapshots')).toHaveLength(2)
  })

  it('come in pages to clients that ask for pages', async () => {
    const { catalog, ask } = await served()
    for (let i = 0; i < 5; i++) await catalog.createTable({ ...id, name: `t${i}` }, creation())
    const names: string[] = []
    for (let token: string | undefined = ''; token !== undefined; ) {
      const body: JsonObject = JsonObject.of((await ask('GET', 'namespaces/ns/tables', undefined, `pageSize=2&pageToken=${token}`)).body!, '')
      names.push(...body.requireObjects('identifiers').map((item) => item.requireString('name')))
      token = body.optionalString('next-page-token')
    }
    expect(names).toEqual(['t0', 't1', 't2', 't3', 't4'])
    expect(errorOf(await ask('GET', 'namespaces/ns/tables', undefined, 'pageSize=-1&pageToken='))).toMatch(/^400 /)
  })

  it('offer neither views nor transactions over several tables: no store commits two names in one step', async () => {
    const { ask } = await served()
    const offered = JsonObject.of((await ask('GET', 'config')).body!, '').requireStrings('endpoints')
    expect(offered.filter((endpoint) => /views|transactions/.test(endpoint))).toEqual([])
    expect((await ask('POST', 'transactions/commit', {})).status).toBe(404)
  })
})
