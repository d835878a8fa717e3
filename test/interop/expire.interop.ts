/** What expires and what is an orphan: floe and Spark agree on it, and Spark reads what floe's expiry keeps. */
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, FormatVersion, Table } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { currentMetadata, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const FORMATS: readonly FormatVersion[] = [2, 3]
const SETTINGS = { 'write.delete.mode': 'merge-on-read', 'commit.manifest.min-count-to-merge': '3' }
const future = { olderThan: Number.MAX_SAFE_INTEGER }
const DAY_MS = 86_400_000

const rows = (from: number, to: number): { id: bigint; n: number }[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), n: i }))

/** Appends, deletes of both kinds, a branch, a tag, a staged past: much that may go, and much that must not. */
async function history(catalog: Catalog, name: string, formatVersion: FormatVersion): Promise<Table> {
  const table = await catalog.createTable(`db.${name}`, { schema: schema({ id: t.long.required, n: t.int }), formatVersion, properties: SETTINGS })
  for (let from = 0; from < 30; from += 10) await table.append(rows(from, from + 10))
  await table.createTag('v1')
  await table.delete('id < 5')
  const audit = await table.createBranch('audit')
  await audit.append(rows(100, 110))
  await audit.delete('id >= 10 and id < 20', { mode: 'copy-on-write' })
  await table.refresh()
  await table.append(rows(30, 40))
  await table.delete('id >= 20 and id < 30')
  const { snapshotId } = table.currentSnapshot!
  await table.append(rows(40, 50))
  await table.rollback({ snapshotId })
  await table.delete('id = 31')
  return table
}

/** Files of the table but for versions of its metadata and what a file system keeps for itself. */
function filesOf(name: string): readonly string[] {
  const folder = join(warehouse.folder, 'db', name)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => /\.(?:parquet|puffin|avro)$/.test(file)).sort()
}

const local = (name: string, location: string): string => relative(join(warehouse.folder, 'db', name), location.replace(/^file:\/*/, '/'))

async function spark(statement: string): Promise<readonly (readonly unknown[])[]> {
  return oracle().sql(warehouse.location, [statement])
}

async function expectSparkReads(table: Table, name: string): Promise<void> {
  const metadata = currentMetadata(warehouse, 'db', name)
  for (const { snapshotId } of table.snapshots) {
    const scan = table.scan().useSnapshot(snapshotId)
    const write = canonicalRowWriter(scan.schema)
    const lines: string[] = []
    for await (const batch of scan) lines.push(...write(batch))
    const answers = await oracle().check({ metadata, snapshot: String(snapshotId) }, lines.sort(), ['spark'])
    expect(answers.map(({ message }) => message)).toEqual([`ok ${lines.length} rows`])
  }
}

describe('beside Spark', () => {
  it.for(FORMATS)('an expiry of a v%i table deletes what Spark’s deletes', async (formatVersion, context) => {
    requireTool(context, 'python', 'spark')
    const name = `theirs${formatVersion}`
    const catalog = await openCatalog(warehouse.location, { parquet: { workers: 0 } })
    const table = await history(catalog, name, formatVersion)
    const forecast = await table.expireSnapshots({ ...future, dryRun: true })
    const before = filesOf(name)
    await spark(`call {catalog}.system.expire_snapshots(table => 'db.${name}', older_than => timestamp'2999-01-01 00:00:00', retain_last => 1)`)
    const after = new Set(filesOf(name))
    expect(forecast.files.map(({ location }) => local(name, location)).sort()).toEqual(before.filter((file) => !after.has(file)))
    await table.refresh()
    expect(table.snapshots).toHaveLength(3)
    await expectSparkReads(table, name)
    await catalog.close()
  })

  it.for(FORMATS)('what floe’s expiry of a v%i table keeps is read by Spark, and its orphans are Spark’s', async (formatVersion, context) => {
    requireTool(context, 'python', 'spark')
    const name = `ours${formatVersion}`
    const catalog = await openCatalog(warehouse.location, { parquet: { workers: 0 } })
    const table = await history(catalog, name, formatVersion)
    await table.setRetention('audit', { minSnapshotsToKeep: 2 })
    const { expiredSnapshots } = await table.expireSnapshots({ ...future, cleanExpiredFiles: 'metadata' })
    expect(expiredSnapshots.length).toBeGreaterThan(3)
    expect(table.snapshots).toHaveLength(4)
    await expectSparkReads(table, name)
    const folder = join(warehouse.folder, 'db', name)
    for (const place of ['data/lost.parquet', 'data/_lost.parquet', 'metadata/lost-m0.avro']) writeFileSync(join(folder, place), 'lost')
    const old = new Date(Date.now() - 9 * DAY_MS)
    for (const file of filesOf(name)) utimesSync(join(folder, file), old, old)
    const plan = await table.planOrphanRemoval()
    const found = await spark(`call {catalog}.system.remove_orphan_files(table => 'db.${name}', dry_run => true)`)
    const theirs = found.map(([location]) => local(name, String(location))).sort()
    expect(theirs.length).toBeGreaterThan(2)
    expect(plan.orphans.map(({ location }) => local(name, location)).sort()).toEqual(theirs)
    await table.removeOrphanFiles({ plan })
    expect(await spark(`call {catalog}.system.remove_orphan_files(table => 'db.${name}', dry_run => true)`)).toEqual([])
    await expectSparkReads(table, name)
    await catalog.close()
  })
})
