import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { openCatalog, schema, t, truncate, type Catalog, type OpenCatalogOptions, type Table, type TableScan } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { JsonObject, type JsonMembers } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { planEndpoints, scanTasks } from '../support/planning-server.js'
import { restStub, type RestStub, type StubRequest } from '../support/rest-stub.js'
import { codeOf } from '../support/table-commits.js'

const tablePath = 'v1/namespaces/shop/tables/events'
const columns = schema({ id: t.long.required, kind: t.string, price: t.decimal(9, 2) })

type Answer = Promise<ServiceResponse | undefined>

interface Server {
  /** Instead of what a plan's request is answered with. */
  readonly onPlan?: (tasks: readonly JsonMembers[], request: StubRequest, count: number) => Answer
  readonly config?: JsonMembers
  readonly endpoints?: readonly string[]
}

interface World extends RestStub {
  readonly catalog: Catalog
  /** The same table, planned here. */
  readonly own: Catalog
  readonly plans: () => readonly string[]
}

interface Filled {
  readonly io: MemoryFileIO
  readonly backend: MemoryCatalog
  readonly own: Catalog
}

const filled = new Map<number, Promise<Filled>>()

/** A catalog with {@link fill}'s table, which no test changes. */
function filledCatalog(formatVersion: 2 | 3): Promise<Filled> {
  const make = async (): Promise<Filled> => {
    const io = new MemoryFileIO()
    const backend = new MemoryCatalog({ io })
    const own = await openCatalog('http://127.0.0.1:2', { io, rest: { fetch: restStub(backend).fetch } })
    await fill(own, formatVersion)
    return { io, backend, own }
  }
  const known = filled.get(formatVersion) ?? make()
  filled.set(formatVersion, known)
  return known
}

/** A table with partitions of two specs, and deletes of every kind that its version has. */
async function fill(catalog: Catalog, formatVersion: 2 | 3): Promise<void> {
  const properties = { 'write.delete.mode': 'merge-on-read', 'write.update.mode': 'merge-on-read' }
  const table = await catalog.createTable('shop.events', { schema: columns, partitionBy: ['kind'], formatVersion, properties })
  const row = (id: number, kind: string): JsonMembers => ({ id: BigInt(id), kind, price: `${id}.25` })
  await table.append([row(1, 'a'), row(2, 'a'), row(3, 'b'), row(4, 'b')])
  await table.deleteByKeys([{ id: 4n, kind: 'b' }], ['id', 'kind'])
  await table.updateSpec((spec) => spec.addField(truncate('id', 10)))
  await table.append([row(11, 'a'), row(12, 'b'), row(21, 'c'), row(22, 'c')])
  await table.delete('id in (2, 12, 22)')
}

async function world(server: Server = {}, formatVersion: 2 | 3 = 2, options: OpenCatalogOptions = {}): Promise<World> {
  const { io, backend, own } = await filledCatalog(formatVersion)
  let count = 0
  let later: readonly JsonMembers[] = []
  const stub = restStub(backend, async (request, serve) => {
    const { path, method, body } = request
    if (path === 'v1/config') {
      const config = JsonObject.of((await serve()).body!)
      return { status: 200, body: { ...config.members, endpoints: [...config.requireStrings('endpoints'), ...(server.endpoints ?? planEndpoints)] } }
    }
    if (path === tablePath && method === 'GET') {
      const { body: loaded } = await serve()
      return { status: 200, body: { ...JsonObject.of(loaded!).members, config: server.config ?? { 'scan-planning-mode': 'server' } } }
    }
    if (path === `${tablePath}/tasks`) return { status: 200, body: later[Number(JsonObject.parse(body).requireString('plan-task'))]! }
    if (!path.startsWith(`${tablePath}/plan`)) return undefined
    if (method === 'POST') later = await scanTasks(own, 'shop.events', JsonObject.parse(body))
    const answer = await server.onPlan?.(later, request, ++count)
    return answer ?? { status: method === 'DELETE' ? 204 : 200, body: completed(later) }
  })
  const runtime = { ...systemRuntime, sleep: (_: number, signal?: AbortSignal) => Promise.resolve(signal?.throwIfAborted()) }
  const catalog = await openCatalog('http://127.0.0.1:1', { runtime, ...options, io, rest: { ...options.rest, fetch: stub.fetch, maxAttempts: 1 } })
  const isPlan = ({ path }: StubRequest): boolean => path.startsWith(`${tablePath}/plan`) || path === `${tablePath}/tasks`
  const plans = (): readonly string[] => stub.seen.filter(isPlan).map(({ method, path }) => `${method} ${path.slice(tablePath.length + 1)}`)
  return { ...stub, catalog, own, plans }
}

/** All in one answer, the first part of it as tasks and the others as plan tasks, each of which names the one after it. */
function completed(parts: readonly JsonMembers[]): JsonMembers {
  return { status: 'completed', 'plan-id': 'p', ...parts[0], ...(parts.length > 1 ? { 'plan-tasks': parts.slice(1).map((_, i) => String(i + 1)) } : {}) }
}

const rowsOf = async (scan: TableScan): Promise<string[]> =>
  (await scan.rows().toArray()).map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))).sort()

describe('a scan that a REST catalog plans', () => {
  const scans: readonly (readonly [string, (table: Table) => TableScan])[] = [
    ['everything', (table) => table.scan()],
    ['a partition', (table) => table.scan().filter("kind = 'a'")],
    ['a filter that partitions do not prove', (table) => table.scan().filter('id > 1 and price < 12')],
    ['some columns', (table) => table.scan().select('price').filter("kind <> 'c'")],
    ['an older snapshot', (table) => table.scan().useSnapshot(table.metadata.snapshots[0]!.snapshotId)],
    ['a limit', (table) => table.scan().filter('id = 3').limit(1)],
  ]

  it.each([2, 3] as const)('has the rows of one that is planned here, with every delete, in version %i', async (formatVersion) => {
    const w = await world({}, formatVersion)
    const [remote, local] = [await w.catalog.loadTable('shop.events'), await w.own.loadTable('shop.events')]
    for (const [name, scan] of scans) {
      expect(await rowsOf(scan(remote)), name).toEqual(await rowsOf(scan(local)))
      expect(await scan(remote).count(), name).toBe(await scan(local).count())
    }
    const tasks = [...(await remote.scan().plan()).tasks()]
    const read: number[] = []
    for await (const batch of remote.scan().read(JSON.parse(JSON.stringify(tasks)) as typeof tasks)) read.push(batch.numRows)
    expect(read.reduce((sum, rows) => sum + rows, 0)).toBe(await local.scan().count())
    expect(w.plans().filter((plan) => plan === 'POST plan').length).toBe(2 * scans.length + 1)
    expect(w.plans()).toContain('POST tasks')
    const [there, here] = [(await remote.scan().plan()).report, (await local.scan().plan()).report]
    expect([there.files, there.readBytes, there.filesWithDeletes, there.deletes]).toEqual([here.files, here.readBytes, 3, here.deletes])
    expect(here.deletes.equalityFiles).toBe(1)
  })

  it('takes the vector of each file where a server mixes up those that share one, as the reference’s of 1.11 does', async () => {
    const mixedUp = (tasks: JsonMembers): JsonMembers => {
      const json = JsonObject.of(tasks)
      const paths = json.requireObjects('delete-files').map((file) => file.requireString('file-path'))
      const files = json.requireObjects('file-scan-tasks').map(({ members }) => {
        const references = (JsonObject.of(members).optionalInts('delete-file-references') ?? []).map((index) => paths.lastIndexOf(paths[index]!))
        return { ...members, 'delete-file-references': references }
      })
      return { status: 'completed', ...tasks, 'file-scan-tasks': files }
    }
    const all = async (request: StubRequest): Promise<JsonMembers> => (await scanTasks(w.own, 'shop.events', JsonObject.parse(request.body), 99))[0]!
    const w: World = await world({ onPlan: async (_, request) => ({ status: 200, body: mixedUp(await all(request)) }) }, 3)
    const scans = [w.catalog, w.own].map(async (catalog) => rowsOf((await catalog.loadTable('shop.events')).scan()))
    expect(await scans[0]).toEqual(await scans[1])
  })

  it('has of each file the rows that the catalog says are left, or else those of its own filter', async () => {
    const withResidual = (residual: JsonMembers | undefined): Server => ({
      onPlan: async (_, { body }) => {
        const [tasks] = await scanTasks((await filledCatalog(2)).own, 'shop.events', JsonObject.parse(body), 99)
        const files = JsonObject.of(tasks!).requireObjects('file-scan-tasks').map(({ members }) => {
          const { 'residual-filter': _own, ...task } = members
          return residual === undefined ? task : { ...task, 'residual-filter': residual }
        })
        return { status: 200, body: { status: 'completed', ...tasks, 'file-scan-tasks': files } }
      },
    })
    const ids = async (server: Server): Promise<bigint[]> => {
      const rows = await (await (await world(server)).catalog.loadTable('shop.events')).scan().filter('id >= 3').select('id').rows().toArray()
      return rows.map((row) => row['id'] as bigint).sort((a, b) => Number(a - b))
    }
    expect(await ids(withResidual(undefined))).toEqual([3n, 11n, 21n])
    expect(await ids(withResidual({ type: 'eq', term: 'id', value: 21 }))).toEqual([21n])
  })

  it('is asked for by snapshot, schema, columns and a filter with typed literals', async () => {
    const w = await world()
    const table = await w.catalog.loadTable('shop.events')
    await table.scan().select('id').filter("price >= 1.5 and kind = 'a'").plan()
    const body = JsonObject.parse(w.seen.at(-1)!.path.endsWith('/plan') ? w.seen.at(-1)!.body : w.seen.findLast(({ path }) => path.endsWith('/plan'))!.body)
    expect(body.requireLong('snapshot-id')).toBe(table.metadata.refs.get('main')!.snapshotId)
    expect(body.members).toMatchObject({ select: ['id'], 'case-sensitive': true, 'use-snapshot-schema': false })
    expect(JSON.stringify(body.value('filter'))).toContain('"value":"1.50"')
    await table.scan().useSnapshot(table.metadata.snapshots[0]!.snapshotId).plan()
    expect(JsonObject.parse(w.seen.findLast(({ path }) => path.endsWith('/plan'))!.body).requireBoolean('use-snapshot-schema')).toBe(true)
  })

  it('is waited for while the server works on it, and fails with its reason', async () => {
    const w = await world({
      onPlan: async (tasks, _, count) => ({ status: 200, body: count < 4 ? { status: 'submitted', 'plan-id': 'a/b' } : completed(tasks) }),
    })
    expect(await (await w.catalog.loadTable('shop.events')).scan().rows().toArray()).not.toEqual([])
    expect(w.plans().filter((plan) => plan.startsWith('GET'))).toEqual(['GET plan/a%2Fb', 'GET plan/a%2Fb', 'GET plan/a%2Fb'])
    const error = { message: 'no such column', type: 'BadRequestException', code: 400 }
    const failing = await world({ onPlan: async () => ({ status: 200, body: { status: 'failed', error } }) })
    await expect((await failing.catalog.loadTable('shop.events')).scan().plan()).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('no such column') as string })
    const cancelled = await world({ onPlan: async () => ({ status: 200, body: { status: 'cancelled' } }) })
    expect(await codeOf((await cancelled.catalog.loadTable('shop.events')).scan().plan())).toBe('UNAVAILABLE')
  })

  it('is cancelled when it is aborted, takes too long or breaks the protocol', async () => {
    const submitted = { status: 200, body: { status: 'submitted', 'plan-id': 'p' } }
    const abort = new AbortController()
    const onPlan = async (_: unknown, { method }: StubRequest, count: number): Answer => {
      if (count === 3) abort.abort()
      return method === 'DELETE' ? { status: 204 } : submitted
    }
    const aborted = await world({ onPlan })
    expect(await codeOf((await aborted.catalog.loadTable('shop.events')).scan().withSignal(abort.signal).plan())).toBe('ABORTED')
    expect(aborted.plans().at(-1)).toBe('DELETE plan/p')
    let now = 0
    const runtime = { ...systemRuntime, now: () => now, sleep: (ms: number) => { now += ms; return Promise.resolve() } }
    const rest = { properties: { 'rest-scan-planning.poll-timeout-ms': '5000' } }
    const slow = await world({ onPlan: async (_, { method }) => (method === 'DELETE' ? { status: 204 } : submitted) }, 2, { runtime, rest })
    expect(await codeOf((await slow.catalog.loadTable('shop.events')).scan().plan())).toBe('UNAVAILABLE')
    expect([slow.plans().at(-1), now > 2000 && now <= 5000]).toEqual(['DELETE plan/p', true])
    const wrong = { status: 'completed', 'plan-id': 'p', 'file-scan-tasks': [{ 'data-file': { content: 'data' } }] }
    const broken = await world({ onPlan: async (_, { method }) => (method === 'DELETE' ? { status: 204 } : { status: 200, body: wrong }) })
    expect(await codeOf((await broken.catalog.loadTable('shop.events')).scan().plan())).toBe('CORRUPT')
    expect(broken.plans().at(-1)).toBe('DELETE plan/p')
  })

  it('is what the table’s configuration wants, before that of the catalog or the caller', async () => {
    const wants = async (server: Server, mode: string | undefined): Promise<boolean> => {
      const w = await world(server, 2, mode === undefined ? {} : { rest: { properties: { 'scan-planning-mode': mode } } })
      await (await w.catalog.loadTable('shop.events')).scan().plan()
      return w.plans().length > 0
    }
    expect(await wants({ config: {} }, undefined)).toBe(false)
    expect(await wants({ config: {} }, 'server')).toBe(true)
    expect(await wants({ config: { 'scan-planning-mode': 'client' } }, 'server')).toBe(false)
    expect(await wants({}, 'client')).toBe(true)
    const w = await world({ endpoints: [] })
    expect(await codeOf(w.catalog.loadTable('shop.events'))).toBe('UNSUPPORTED')
  })

  it('cannot tell when rows were last updated, and tables without snapshots need no plan', async () => {
    const w = await world({}, 3)
    const table = await w.catalog.loadTable('shop.events')
    expect(await codeOf(table.scan().metadataColumns('_last_updated_sequence_number').plan())).toBe('UNSUPPORTED')
    const ids = await table.scan().select('id').metadataColumns('_row_id').rows().toArray()
    const here = await (await w.own.loadTable('shop.events')).scan().select('id').metadataColumns('_row_id').rows().toArray()
    const text = (rows: readonly object[]): string[] => rows.map((row) => Object.values(row).join()).sort()
    expect(text(ids)).toEqual(text(here))
  })
})
