/** The client against the reference's own REST server: the promises of a catalog, rows, races, and Spark beside it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'
import { RestCatalog } from '../../src/catalog/rest/rest-catalog.js'
import { day, openCatalog, schema, t, type Catalog } from '../../src/index.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { describeCatalog } from '../conformance/catalog.js'
import { withNamespaces } from '../support/with-namespaces.js'
import { startReferenceServer, type ReferenceServer } from './java-process.js'
import { oracle } from './oracle.js'
import { missingReason, requireTool } from './tools.js'

const folder = mkdtempSync(join(tmpdir(), 'floe-rest-'))
let server: ReferenceServer | undefined
const isMissing = missingReason('rest') !== undefined

beforeAll(async () => {
  if (!isMissing) server = await startReferenceServer(folder)
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Empties the catalog: the cases of the conformance suite begin with nothing. */
async function emptied(catalog: CatalogBackend, parent: readonly string[] = []): Promise<void> {
  for (const namespace of await catalog.listNamespaces(parent)) {
    await emptied(catalog, namespace)
    for (const table of await catalog.listTables(namespace)) await catalog.dropTable(table)
    await catalog.dropNamespace(namespace)
  }
}

describe.skipIf(isMissing)('against the reference', () => {
  const client = (): RestCatalog => new RestCatalog({ uri: server!.uri, openStore: () => new LocalFileIO({ sync: false }) })
  describeCatalog(
    'RestCatalog',
    async () => {
      const catalog = client()
      await emptied(catalog)
      return { catalog: withNamespaces(catalog), other: withNamespaces(client()) }
    },
    { rootTables: false, ownRules: false },
  )
})

const columns = { id: t.long.required, at: t.timestamptz, kind: t.string }

async function withCatalog(use: (catalog: Catalog) => Promise<void>): Promise<void> {
  const catalog = await openCatalog(server!.uri)
  try {
    await use(catalog)
  } finally {
    await catalog.close()
  }
}

it('rows that floe writes, changes and branches through the reference’s server are what Spark reads there, and the other way', async (context) => {
  requireTool(context, 'rest', 'python', 'spark')
  await withCatalog(async (catalog) => {
    for (const formatVersion of [2, 3] as const) {
      const name = `v${formatVersion}`
      const table = await catalog.createTable(`rows.${name}`, { schema: schema(columns), partitionBy: [day('at')], formatVersion })
      const at = new Date('2026-01-02T03:04:05Z')
      await table.append(Array.from({ length: 10 }, (_, i) => ({ id: BigInt(i), at, kind: 'a' })))
      await table.delete('id >= 8')
      await table.updateSchema((change) => change.addColumn('note', t.string))
      await table.append([{ id: 10n, at: null, kind: 'b', note: 'new' }])
      const audit = await table.createBranch('audit')
      await audit.append([{ id: 11n, at, kind: 'c', note: 'on a branch' }])
      const spark = oracle()
      const select = `SELECT id, kind, note FROM {catalog}.rows.${name}`
      const read = await spark.sql(server!.uri, [`${select} ORDER BY id`])
      expect(read).toEqual([...Array.from({ length: 8 }, (_, i) => [i, 'a', null]), [10, 'b', 'new']])
      expect(await spark.sql(server!.uri, [`${select} VERSION AS OF 'audit' WHERE id > 9 ORDER BY id`])).toEqual([[10, 'b', 'new'], [11, 'c', 'on a branch']])
      await spark.sql(server!.uri, [`DELETE FROM {catalog}.rows.${name} WHERE id < 3`, `INSERT INTO {catalog}.rows.${name} VALUES (20, null, 'spark', 'x')`])
      const rows = await (await catalog.loadTable(`rows.${name}`)).scan().select('id').rows().toArray()
      expect(rows.map((row) => Number(row['id'])).sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 10, 20])
    }
  })
}, 300_000)

it('16 writers at once lose no row and double none', async (context) => {
  requireTool(context, 'rest')
  await withCatalog(async (catalog) => {
    await catalog.createTable('race.t', { schema: schema({ id: t.long.required }) })
    await Promise.all(
      Array.from({ length: 16 }, async (_, writer) => {
        const own = await openCatalog(server!.uri)
        const table = await own.loadTable('race.t')
        for (let i = 0; i < 3; i++) await table.append([{ id: BigInt(writer * 3 + i) }])
        await own.close()
      }),
    )
    const rows = await (await catalog.loadTable('race.t')).scan().rows().toArray()
    expect(rows.map((row) => Number(row['id'])).sort((a, b) => a - b)).toEqual(Array.from({ length: 48 }, (_, i) => i))
  })
}, 300_000)

it('a transaction changes two tables through the reference’s server', async (context) => {
  requireTool(context, 'rest')
  await withCatalog(async (catalog) => {
    const ids = async (name: string): Promise<number[]> => {
      const rows = await (await catalog.loadTable(name)).scan().rows().toArray()
      return rows.map((row) => Number(row['id'])).sort((a, b) => a - b)
    }
    for (const name of ['a', 'b']) await (await catalog.createTable(`both.${name}`, { schema: schema({ id: t.long.required }) })).append([{ id: 0n }])
    await catalog.transaction(async (transaction) => {
      for (const name of ['a', 'b']) await (await transaction.loadTable(`both.${name}`)).append([{ id: 1n }])
    })
    expect(await ids('both.a')).toEqual([0, 1])
    expect(await ids('both.b')).toEqual([0, 1])
  })
}, 120_000)

it('views that floe makes are queries that Spark runs, and the other way', async (context) => {
  requireTool(context, 'rest', 'python', 'spark')
  await withCatalog(async (catalog) => {
    const table = await catalog.createTable('views.t', { schema: schema({ id: t.long.required, kind: t.string }) })
    await table.append([{ id: 1n, kind: 'a' }, { id: 2n, kind: 'b' }])
    const view = await catalog.createView('views.big', { schema: schema({ id: t.long }), sql: { spark: 'SELECT id FROM t WHERE id > 1' } })
    const spark = oracle()
    expect(await spark.sql(server!.uri, ['SELECT * FROM {catalog}.views.big'])).toEqual([[2]])
    await view.replace({ schema: schema({ id: t.long, kind: t.string }), sql: { spark: 'SELECT id, kind FROM t' } })
    expect(await spark.sql(server!.uri, ['SELECT * FROM {catalog}.views.big ORDER BY id'])).toEqual([[1, 'a'], [2, 'b']])
    await view.updateProperties({ comment: 'both' })
    await view.setCurrentVersion(1)
    expect(await spark.sql(server!.uri, ['SELECT * FROM {catalog}.views.big'])).toEqual([[2]])
    await spark.sql(server!.uri, ['CREATE VIEW {catalog}.views.own (n) AS SELECT count(*) FROM {catalog}.views.t'])
    const own = await catalog.loadView('views.own')
    expect([own.schema.fields[0]!.name, own.sqlFor('spark')]).toEqual(['n', expect.stringMatching(/count\(\*\)/)])
    expect(await catalog.listViews('views')).toEqual(['views.big', 'views.own'])
    await catalog.renameView('views.own', 'views.count')
    await catalog.dropView('views.count')
    expect(await catalog.viewExists('views.own')).toBe(false)
  })
}, 300_000)

it('reports of scans and commits are what the reference’s server reads', async (context) => {
  requireTool(context, 'rest')
  const answers: number[] = []
  const watching: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (String(input).endsWith('/metrics')) answers.push(answer.status)
    return answer
  }
  const catalog = await openCatalog(server!.uri, { rest: { fetch: watching } })
  const table = await catalog.createTable('reports.t', { schema: schema(columns), partitionBy: [day('at')] })
  await table.append([{ id: 1n, at: new Date('2026-01-02T03:04:05Z'), kind: 'a' }])
  await table.delete('id = 7')
  await table.scan().filter("id in (1, 2) and kind = 'a' and at > '2026-01-01T00:00:00Z'").rows().toArray()
  await catalog.close()
  expect(answers.length).toBeGreaterThanOrEqual(2)
  expect([...new Set(answers)]).toEqual([answers[0]! < 300 ? answers[0] : 204])
}, 120_000)

it('scans that the reference’s server plans have the rows of those that floe plans, with every kind of delete', async (context) => {
  requireTool(context, 'rest', 'python', 'spark')
  const remote = await openCatalog(server!.uri, { rest: { properties: { 'scan-planning-mode': 'server' } } })
  await withCatalog(async (catalog) => {
    for (const formatVersion of [2, 3] as const) {
      const name = `planned.v${formatVersion}`
      const properties = { 'write.delete.mode': 'merge-on-read' }
      const table = await catalog.createTable(name, { schema: schema(columns), partitionBy: ['kind', day('at')], formatVersion, properties })
      const at = (i: number): Date => new Date(Date.UTC(2026, 0, 1 + (i % 3)))
      await table.append(Array.from({ length: 300 }, (_, i) => ({ id: BigInt(i), at: at(i), kind: 'abc'[i % 3]! })))
      await table.deleteByKeys([{ id: 9n, at: at(9), kind: 'a' }], ['id', 'at', 'kind'])
      await table.delete('id in (1, 2, 3)')
      await table.updateSpec((spec) => spec.removeField('at_day'))
      await table.append([{ id: 1000n, at: at(0), kind: null }])
      const filters = ['id >= 0', "kind = 'a' and id < 100", "at >= '2026-01-02T00:00:00Z' and id > 50", 'kind is null', 'id = -1']
      for (const filter of filters) {
        const rows = async (from: Catalog): Promise<string[]> => {
          const found = await (await from.loadTable(name)).scan().filter(filter).select('id', 'kind').rows().toArray()
          return found.map(({ id, kind }) => `${String(id)} ${String(kind)}`).sort()
        }
        expect(await rows(remote), filter).toEqual(await rows(catalog))
      }
      const count = await (await remote.loadTable(name)).scan().count()
      expect(count).toBe(297)
      const spark = await oracle().sql(server!.uri, [`SELECT count(*) FROM {catalog}.${name}`])
      expect(spark).toEqual([[count]])
    }
  })
  await remote.close()
}, 300_000)
