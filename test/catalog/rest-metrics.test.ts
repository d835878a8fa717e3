import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import type { MetricsReport } from '../../src/catalog/metrics-report.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { and, day, eq, isIn, openCatalog, schema, t, type Catalog, type OpenCatalogOptions } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { JsonObject, parseJson } from '../../src/util/json.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { restStub, type RestStub, type StubRequest } from '../support/rest-stub.js'

const columns = schema({ id: t.long.required, at: t.timestamptz, who: t.string })
const metricsPath = 'v1/namespaces/shop/tables/events/metrics'
type Change = (request: StubRequest, serve: () => Promise<ServiceResponse>) => Promise<ServiceResponse | undefined>

interface World extends RestStub {
  readonly catalog: Catalog
  readonly reports: () => readonly JsonObject[]
}

/** A REST catalog whose tables lie in memory that client and server share. */
async function world(change?: Change, options: OpenCatalogOptions = {}): Promise<World> {
  const io = new MemoryFileIO()
  const stub = restStub(new MemoryCatalog({ io }), change)
  const catalog = await openCatalog('http://127.0.0.1:1', { ...options, io, rest: { ...options.rest, fetch: stub.fetch } })
  const isReport = ({ path }: StubRequest): boolean => path === metricsPath
  const reports = (): readonly JsonObject[] => stub.seen.filter(isReport).map(({ body }) => JsonObject.of(parseJson(body)))
  return { ...stub, catalog, reports }
}

async function scanned({ catalog }: Pick<World, 'catalog'>): Promise<void> {
  const table = await catalog.createTable('shop.events', { schema: columns, partitionBy: [day('at')] })
  for (const at of ['2026-01-01', '2026-01-02']) await table.append([{ id: 12345n, at: new Date(at), who: 'secret name' }])
  const filter = and(eq('id', 12345n), isIn('who', ['secret name', 'other name']), eq('at', new Date('2026-01-02')))
  expect(await table.scan().filter(filter).select('id').rows().toArray()).toHaveLength(1)
}

/** What `promise` comes to before `ms` are over. */
const within = <T>(promise: Promise<T>, ms: number): Promise<T | 'late'> =>
  Promise.race([promise, new Promise<'late'>((resolve) => setTimeout(() => { resolve('late') }, ms).unref())])

describe('a REST catalog is told', () => {
  it('of commits and scans, in the words of the protocol, and not what was looked for', async () => {
    const w = await world()
    await scanned(w)
    const [first, second, scan] = w.reports()
    expect(w.reports()).toHaveLength(3)
    expect(first!.members).toMatchObject({ 'report-type': 'commit-report', 'table-name': 'shop.events', operation: 'append', 'sequence-number': 1 })
    expect(second!.requireObject('metrics').members).toMatchObject({
      attempts: { unit: 'count', value: 1 },
      'added-records': { unit: 'count', value: 1 },
      'total-records': { unit: 'count', value: 2 },
      'total-duration': { count: 1, 'time-unit': 'nanoseconds' },
    })
    expect(second!.requireObject('metrics').requireObject('added-files-size-bytes').requireString('unit')).toBe('bytes')
    expect(scan!.members).toMatchObject({ 'report-type': 'scan-report', 'schema-id': 0, 'projected-field-ids': [1], 'projected-field-names': ['id'] })
    expect(scan!.requireLong('snapshot-id')).toBe(second!.requireLong('snapshot-id'))
    expect(scan!.requireObject('metrics').members).toMatchObject({
      'result-data-files': { unit: 'count', value: 1 },
      'total-data-manifests': { value: 2 },
      'skipped-data-manifests': { value: 1 },
    })
    const sent = JSON.stringify(scan!.value('filter'))
    expect(sent).toContain('(5-digit-int)')
    expect(sent).not.toMatch(/secret|12345|2026/)
  })

  it('without a scan or commit that fails or waits for it', async () => {
    const endings: readonly Change[] = [
      (request) => Promise.resolve(request.path === metricsPath ? { status: 500 } : undefined),
      (request) => (request.path === metricsPath ? Promise.reject(new Error('cut')) : Promise.resolve(undefined)),
      (request) => (request.path === metricsPath ? new Promise(() => undefined) : Promise.resolve(undefined)),
    ]
    for (const change of endings) {
      const w = await world(change, { onMetrics: () => { throw new Error('of the caller') } })
      expect(await within(scanned(w), 10_000)).not.toBe('late')
      expect(w.reports()).toHaveLength(3)
    }
  })

  it('for a moment longer when the catalog is closed, and no longer', async () => {
    let isDone = false
    const slow = await world(async ({ path }, serve) => {
      if (path !== metricsPath) return undefined
      await new Promise((resolve) => setTimeout(resolve, 20))
      isDone = true
      return serve()
    })
    await scanned(slow)
    await slow.catalog.close()
    expect(isDone).toBe(true)
    const never = new Promise<undefined>(() => undefined)
    const stuck = await world(({ path }) => (path === metricsPath ? never : Promise.resolve(undefined)), { runtime: hastyRuntime })
    await scanned(stuck)
    expect(await within(stuck.catalog.close(), 5000)).not.toBe('late')
  })

  it('nothing when it does not listen, or the caller or the server does not want it', async () => {
    const deaf: Change = async ({ path }, serve) => {
      if (path !== 'v1/config') return undefined
      const body = JsonObject.of((await serve()).body!)
      return { status: 200, body: { ...body.members, endpoints: body.requireStrings('endpoints').filter((endpoint) => !endpoint.endsWith('/metrics')) } }
    }
    const off = { 'rest-metrics-reporting-enabled': 'false' }
    const overruled: Change = async ({ path }, serve) =>
      path === 'v1/config' ? { status: 200, body: { ...JsonObject.of((await serve()).body!).members, overrides: off } } : undefined
    for (const w of [await world(deaf), await world(undefined, { rest: { properties: off } }), await world(overruled)]) {
      await scanned(w)
      expect(w.reports()).toEqual([])
    }
  })
})

it('a function of the caller’s is told of every catalog’s scans and commits', async () => {
  const seen: MetricsReport[] = []
  const onMetrics = (report: MetricsReport): void => { seen.push(report) }
  const w = await world(undefined, { onMetrics, rest: { properties: { 'rest-metrics-reporting-enabled': 'false' } } })
  await scanned(w)
  await scanned({ catalog: await openCatalog('memory:', { onMetrics }) })
  await scanned({ catalog: await openCatalog('memory:///lake', { io: new MemoryFileIO(), onMetrics }) })
  const kinds = ['commit-report', 'commit-report', 'scan-report']
  expect(seen.map(({ type }) => type)).toEqual([...kinds, ...kinds, ...kinds])
  expect(seen[2]!.counters.get('result-data-files')).toBe(1)
})
