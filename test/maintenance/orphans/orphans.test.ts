import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { LoadedTable } from '../../../src/catalog/catalog-backend.js'
import { appendFiles } from '../../../src/commit/append-files.js'
import { openCatalog, parseOrphanPlan, schema, t } from '../../../src/index.js'
import { MemoryFileIO } from '../../../src/io/memory-file-io.js'
import { expireSnapshots } from '../../../src/maintenance/expire/expire-snapshots.js'
import type { PlanOrphansOptions } from '../../../src/maintenance/orphans/orphan-options.js'
import type { OrphanPlan } from '../../../src/maintenance/orphans/orphan-plan.js'
import { planOrphanRemoval } from '../../../src/maintenance/orphans/plan-orphan-removal.js'
import { removeOrphanFiles, type RemoveOrphansOptions, type RemoveOrphansResult } from '../../../src/maintenance/orphans/remove-orphan-files.js'
import { FloeError, isFloeError } from '../../../src/util/errors.js'
import { systemRuntime } from '../../../src/util/runtime.js'
import { column, failureOf } from '../../support/lake.js'
import { dataFile } from '../../support/commit-bench.js'
import { InterceptedFileIO } from '../../support/intercepted-file-io.js'
import { TestRuntime } from '../../support/scripted-backend.js'
import { DAY_MS, UpkeepBench, type UpkeepBenchOptions } from '../../support/upkeep-bench.js'

const ROOT = 's3://bucket/lake/shop/events'

async function plan(bench: UpkeepBench, options: PlanOrphansOptions = {}): Promise<OrphanPlan> {
  return (await planOrphanRemoval(await bench.context(), options)).plan
}

async function remove(bench: UpkeepBench, options: RemoveOrphansOptions = {}): Promise<RemoveOrphansResult> {
  return (await removeOrphanFiles(await bench.context(), options)).result
}

const put = (bench: UpkeepBench, location: string, text = 'left'): Promise<unknown> => bench.memory.write(location, new TextEncoder().encode(text))
const places = (found: Pick<OrphanPlan, 'orphans'>): string[] => found.orphans.map(({ location }) => location)

/** Two appends, an orphan beside them, and four days. */
async function withOrphan(options: UpkeepBenchOptions = {}): Promise<{ readonly bench: UpkeepBench; readonly orphan: string }> {
  const bench = await UpkeepBench.open(options)
  await bench.append({}, 2)
  await bench.append()
  const orphan = `${ROOT}/data/lost.parquet`
  await put(bench, orphan)
  bench.wait(4 * DAY_MS)
  return { bench, orphan }
}

describe.each(['memory', 'files'] as const)('orphan files of a table in a catalog in %s', (catalog) => {
  it('are those that nothing reaches: not data, vectors, manifests, lists, statistics, versions or the hint (FAULTS 42, trap 82)', async () => {
    const { bench, orphan } = await withOrphan({ catalog })
    await bench.deleteIn((await bench.liveFiles()).slice(0, 2))
    const [snapshot] = (await bench.load()).metadata.snapshots
    const file = { snapshotId: snapshot!.snapshotId, fileSizeBytes: 4 }
    const [stats, partitions] = [await bench.writeFile('a.stats'), await bench.writeFile('b.stats')]
    await bench.update(() => [
      { action: 'set-statistics', statistics: { ...file, statisticsPath: stats.filePath, fileFooterSizeBytes: 1, keyMetadata: undefined, blobMetadata: [] } },
      { action: 'set-partition-statistics', partitionStatistics: { ...file, statisticsPath: partitions.filePath } },
    ])
    bench.wait(9 * DAY_MS)
    const before = await bench.objects()
    const result = await remove(bench)
    expect(result.removed.map(({ location }) => location)).toEqual([orphan])
    expect(await bench.objects()).toEqual(before.filter((location) => location !== orphan))
    expect(places(await plan(bench))).toEqual([])
  })

  it('include what a crashed or unfinished expiry left', async () => {
    const { bench } = await withOrphan({ catalog })
    await bench.change({ removedDataFiles: await bench.liveFiles() })
    await expireSnapshots(await bench.context(), { olderThan: Number.MAX_SAFE_INTEGER, cleanExpiredFiles: 'none' })
    bench.wait(4 * DAY_MS)
    expect((await remove(bench)).removed.length).toBeGreaterThan(4)
    expect(await bench.leftovers()).toEqual([])
  })

  it('FAULTS 41: of a slow append are none at any of its steps, nor are they lost to an execution of an older plan', async () => {
    const { bench } = await withOrphan({ catalog })
    const stale = await plan(bench)
    let runs = 0
    bench.io.hook = async (call, effect) => {
      const result = await effect()
      if (call.operation !== 'write') return result
      const { hook } = bench.io
      bench.io.hook = (_, inner) => inner()
      bench.wait(DAY_MS / 4)
      runs++
      // Metadata that is written and not the table's yet is a reason to come back later.
      await remove(bench).catch((error: unknown) => expect(error).toMatchObject({ code: 'CONFLICT', retryable: true }))
      await remove(bench, { plan: stale })
      bench.io.hook = hook
      return result
    }
    const file = dataFile(`${ROOT}/data/slow.parquet`, { fileSizeBytes: 4 })
    await bench.io.write(file.filePath, new TextEncoder().encode('PAR1'))
    await bench.commit(appendFiles([file], {}, bench.runtime))
    bench.io.hook = (_, effect) => effect()
    expect(runs).toBeGreaterThanOrEqual(4)
    await bench.reachable()
    expect((await bench.liveFiles()).map(({ filePath }) => filePath)).toContain(file.filePath)
  })
})

describe('the age of files', () => {
  it('is told by the store’s clock, never by the local one', async () => {
    const { bench, orphan } = await withOrphan()
    const context = await bench.context()
    // A machine whose clock is a month ahead, or behind.
    for (const skew of [30, -30]) {
      const runtime = new TestRuntime(bench.runtime.nowMs + skew * DAY_MS)
      const young = `${ROOT}/data/young.parquet`
      await put(bench, young)
      const { plan: found } = await planOrphanRemoval({ ...context, runtime }, {})
      expect(places(found)).toEqual([orphan])
      expect(found.spared.recent).toBe(1)
      expect(found.storeTimeMs).toBe(bench.runtime.nowMs)
    }
  })

  it('is three days at least by default, and never below one without being told', async () => {
    const { bench, orphan } = await withOrphan()
    expect(places(await plan(bench, { minAgeMs: 4 * DAY_MS + 1 }))).toEqual([])
    expect(places(await plan(bench, { minAgeMs: DAY_MS }))).toEqual([orphan])
    expect(places(await plan(bench, { olderThan: new Date(bench.runtime.nowMs - 2 * DAY_MS) }))).toEqual([orphan])
    const { nowMs } = bench.runtime
    for (const options of [{ minAgeMs: DAY_MS - 1 }, { minAgeMs: 0 }, { olderThan: nowMs }, { olderThan: nowMs - DAY_MS + 1 }]) {
      expect((await failureOf(plan(bench, options))).message).toMatch(/may belong to writers under way/)
    }
    await put(bench, `${ROOT}/data/new.parquet`)
    bench.wait(1)
    expect(places(await plan(bench, { minAgeMs: 0, allowRecentFiles: true }))).toHaveLength(2)
  })

  it('leaves alone what the store does not date', async () => {
    const { bench, orphan } = await withOrphan()
    const list = bench.io.list.bind(bench.io)
    bench.io.list = async function* (prefix) {
      for await (const status of list(prefix)) yield status.location === orphan ? { ...status, lastModifiedMs: 0 } : status
    }
    const found = await plan(bench)
    expect(places(found)).toEqual([])
    expect(found.spared.ofUnknownAge).toBe(1)
  })

  it('is counted from the newest file where nothing may be written', async () => {
    const { bench, orphan } = await withOrphan()
    bench.io.hook = (call, effect) => (call.operation === 'write' ? Promise.reject(new FloeError('UNAUTHORIZED', 'read only')) : effect())
    expect(places(await plan(bench))).toEqual([])
    await put(bench, `${ROOT}/data/now.parquet`)
    expect(places(await plan(bench))).toEqual([orphan])
  })

  it('leaves no probe behind', async () => {
    const { bench } = await withOrphan()
    const before = await bench.objects()
    await plan(bench)
    expect(await bench.objects()).toEqual(before)
  })
})

describe('spellings (FAULTS 40, trap 82)', () => {
  /** A table whose one file is named as `named` in the manifest, and listed as `listed`. */
  async function spelled(named: string, listed: string): Promise<UpkeepBench> {
    const bench = await UpkeepBench.open()
    await bench.commit(appendFiles([dataFile(named, { fileSizeBytes: 4 })], {}, bench.runtime))
    await put(bench, listed)
    bench.wait(4 * DAY_MS)
    return bench
  }

  it.each(['s3a://bucket/lake/shop/events/data/x.parquet', 's3n://bucket/lake/shop/events/data/x.parquet', 'S3://bucket/lake/shop/events/data/x.parquet'])(
    '%s is the listed s3 object',
    async (named) => {
      expect(places(await plan(await spelled(named, `${ROOT}/data/x.parquet`)))).toEqual([])
    },
  )

  it.each([
    ['another bucket', 's3://alias/lake/shop/events/data/x.parquet', `${ROOT}/data/x.parquet`],
    ['another scheme', 'gs://bucket/lake/shop/events/data/x.parquet', `${ROOT}/data/x.parquet`],
    ['a host in virtual style', 'https://bucket.s3.amazonaws.com/lake/shop/events/data/x.parquet', `${ROOT}/data/x.parquet`],
    ['a host in path style', 'https://s3.eu-west-1.amazonaws.com/bucket/lake/shop/events/data/x.parquet', `${ROOT}/data/x.parquet`],
    ['another folder, as by a link', 's3://bucket/mirror/data/x.parquet', `${ROOT}/data/x.parquet`],
    ['two slashes', `${ROOT}/data//x.parquet`, `${ROOT}/data/x.parquet`],
    ['an escaped space', `${ROOT}/data/k=a%20b/x.parquet`, `${ROOT}/data/k=a b/x.parquet`],
    ['a plus', `${ROOT}/data/k=a+b/x.parquet`, `${ROOT}/data/k=a b/x.parquet`],
    ['composed letters', `${ROOT}/data/k=\u00e9/x.parquet`, `${ROOT}/data/k=e\u0301/x.parquet`],
    ['capitals', `${ROOT}/data/K=A/x.parquet`, `${ROOT}/data/k=a/x.parquet`],
  ])('%s is an error that names both, is left alone on request, and deleted only when told', async (_, named, listed) => {
    const bench = await spelled(named, listed)
    const error = await failureOf(plan(bench))
    expect(error.code).toBe('INVALID')
    expect(error.message).toContain(listed)
    expect(error.message).toContain(named)
    const ignored = await plan(bench, { prefixMismatchMode: 'ignore' })
    expect([places(ignored), ignored.spared.mismatched]).toEqual([[], 1])
    expect((await failureOf(remove(bench))).code).toBe('INVALID')
    expect(await bench.memory.head(listed)).toBeDefined()
    expect((await remove(bench, { prefixMismatchMode: 'delete' })).removed).toHaveLength(1)
  })

  it('that are said to be one are', async () => {
    const bench = await spelled('cos://alias/lake/shop/events/data/x.parquet', `${ROOT}/data/x.parquet`)
    const found = await plan(bench, { equalSchemes: { 'oss,cos': 's3' }, equalAuthorities: { alias: 'bucket' } })
    expect([places(found), found.spared.mismatched]).toEqual([[], 0])
  })

  it('do not keep files of equal names in other partitions', async () => {
    const bench = await spelled(`${ROOT}/data/k=1/part-0.parquet`, `${ROOT}/data/k=1/part-0.parquet`)
    await put(bench, `${ROOT}/data/k=2/part-0.parquet`)
    bench.wait(4 * DAY_MS)
    expect(places(await plan(bench))).toEqual([`${ROOT}/data/k=2/part-0.parquet`])
  })
})

describe('a stale view (FAULTS 43)', () => {
  it.each(['memory', 'files'] as const)('is refused when the catalog answers with an old version throughout (%s)', async (catalog) => {
    const { bench } = await withOrphan({ catalog })
    const old = await bench.load()
    bench.wait(1)
    await bench.append()
    bench.wait(9 * DAY_MS)
    const backend = { ...bench.backend, loadTable: () => Promise.resolve(old) }
    const error = await failureOf(planOrphanRemoval({ backend, loaded: old, runtime: bench.runtime }))
    expect(error).toMatchObject({ code: 'CONFLICT', retryable: true })
    expect(error.message).toMatch(/the view is stale/)
  })

  it.each(['memory', 'files'] as const)('is refused when the catalog falls back after the listing, and before a deletion (%s)', async (catalog) => {
    const { bench } = await withOrphan({ catalog })
    const old = await bench.load()
    bench.wait(1)
    await bench.append()
    bench.wait(9 * DAY_MS)
    const context = await bench.context()
    const backend = { ...bench.backend, loadTable: () => Promise.resolve(old) }
    expect((await failureOf(planOrphanRemoval({ ...context, backend }))).message).toMatch(/older version/)
    const found = await plan(bench)
    const before = await bench.objects()
    expect((await failureOf(removeOrphanFiles({ ...context, backend }, { plan: found }))).message).toMatch(/older version/)
    expect(await bench.objects()).toEqual(before)
  })

  it('is none when others commit between the first look and the second', async () => {
    const { bench, orphan } = await withOrphan({ catalog: 'files' })
    const returning = await bench.writeFile('returning.parquet')
    bench.wait(9 * DAY_MS)
    const list = bench.io.list.bind(bench.io)
    let isAdded = false
    bench.io.list = async function* (prefix) {
      yield* list(prefix)
      if (!isAdded) await bench.add(returning)
      isAdded = true
    }
    expect(places(await plan(bench))).toEqual([orphan])
    expect(isAdded).toBe(true)
  })

  it('is refused for another table of the name', async () => {
    const { bench } = await withOrphan()
    const context = await bench.context()
    const replaced = { ...context.loaded, metadata: { ...context.loaded.metadata, tableUuid: 'another' } }
    const backend = { ...bench.backend, loadTable: () => Promise.resolve(replaced as LoadedTable) }
    expect((await failureOf(planOrphanRemoval({ ...context, backend }))).message).toMatch(/replaced by another/)
  })
})

describe('places that are shared', () => {
  it('with a table inside this one’s folder leave that alone', async () => {
    const { bench, orphan } = await withOrphan()
    await bench.backend.createTable({ namespace: ['shop'], name: 'inner' }, { ...creationOf(await bench.load()), location: `${ROOT}/inner` })
    await put(bench, `${ROOT}/inner/data/theirs.parquet`)
    bench.wait(9 * DAY_MS)
    const found = await plan(bench)
    expect(places(found)).toEqual([orphan])
    expect(found.otherTables).toEqual([`${ROOT}/inner`])
    expect(found.spared.ofOtherTables).toBe(2)
  })

  it('with a table at the very same place are refused, unless it is known to be gone', async () => {
    const { bench, orphan } = await withOrphan()
    const other = await bench.backend.createTable({ namespace: ['shop'], name: 'twin' }, { ...creationOf(await bench.load()), location: ROOT })
    bench.wait(9 * DAY_MS)
    const error = await failureOf(plan(bench))
    expect(error).toMatchObject({ code: 'CONFLICT', retryable: false })
    expect(error.message).toContain(other.metadata.tableUuid)
    const found = await plan(bench, { goneTables: [other.metadata.tableUuid!] })
    expect(places(found).sort()).toEqual([orphan, other.metadataLocation].sort())
  })

  it('with named tables spare what those reach', async () => {
    const { bench, orphan } = await withOrphan()
    const other = { namespace: ['shop'], name: 'other' }
    await bench.backend.createTable(other, { ...creationOf(await bench.load()), location: 's3://bucket/lake/shop/other' })
    const file = await bench.writeFile('theirs.parquet')
    await bench.commit(appendFiles([file], {}, bench.runtime), await bench.backend.loadTable(other))
    bench.wait(9 * DAY_MS)
    expect(places(await plan(bench)).sort()).toEqual([orphan, file.filePath].sort())
    const shared = { sharedWith: [await bench.backend.loadTable(other)] }
    expect(places(await plan(bench, shared))).toEqual([orphan])
    const stale = await plan(bench)
    expect((await remove(bench, { ...shared, plan: stale })).skipped).toEqual([{ location: file.filePath, reason: 'reachable' }])
  })

  it('outside of the table’s location are listed only when the other tables are named', async () => {
    const { bench } = await withOrphan({ properties: { 'write.data.path': 's3://bucket/lake/shared' } })
    await put(bench, 's3://bucket/lake/shared/x.parquet')
    bench.wait(9 * DAY_MS)
    expect((await plan(bench)).notListed).toEqual(['s3://bucket/lake/shared'])
    const locations = [ROOT, `${ROOT}/data`, 's3://bucket/lake/shared']
    expect((await failureOf(plan(bench, { locations }))).message).toMatch(/sharedWith/)
    const found = await plan(bench, { locations, sharedWith: [] })
    expect(places(found)).toContain('s3://bucket/lake/shared/x.parquet')
    expect(found.locations).toEqual([ROOT, 's3://bucket/lake/shared'])
    expect((await failureOf(remove(bench, { plan: found }))).message).toMatch(/give sharedWith/)
    expect((await remove(bench, { plan: found, sharedWith: [] })).removed.length).toBeGreaterThan(0)
  })

  it('keep hidden names of others, but no temporary files of this library', async () => {
    const spec = { specId: 0, fields: [{ fieldId: 1000, name: '_kind', sourceIds: [3], transform: 'identity' }] } as const
    const bench = await UpkeepBench.open({ spec })
    const hidden = ['_SUCCESS', '.trash/a.parquet', 'data/_temporary/0/a.parquet', 'data/.a.crc', '_delta_log/0.json']
    const orphans = ['data/_kind=x/a.parquet', 'data/.floe-1b2c.tmp']
    for (const name of [...hidden, ...orphans]) await put(bench, `${ROOT}/${name}`)
    bench.wait(9 * DAY_MS)
    const found = await plan(bench)
    expect(places(found).sort()).toEqual(orphans.map((name) => `${ROOT}/${name}`).sort())
    expect(found.spared.hidden).toBe(hidden.length)
  })
})

describe('versions of the metadata', () => {
  it('that the log has forgotten are orphans; of a path-based table they leave their marker', async () => {
    for (const catalog of ['memory', 'files'] as const) {
      const { bench, orphan } = await withOrphan({ catalog, properties: { 'write.metadata.previous-versions-max': '1' } })
      const metadata = (await bench.objects()).filter((location) => location.endsWith('.metadata.json'))
      expect(metadata).toHaveLength(3)
      expect((await remove(bench)).removed.map(({ location }) => location).sort()).toEqual([orphan, metadata[0]].sort())
      const left = (await bench.objects()).filter((location) => location.endsWith('.metadata.json'))
      expect(left).toEqual(catalog === 'files' ? metadata : metadata.slice(1))
      bench.wait(9 * DAY_MS)
      expect(places(await plan(bench))).toEqual([])
      expect((await bench.append()).length).toBe(1)
    }
  })

  it('that were written for a commit that was given up go once the table has moved on', async () => {
    const { bench, orphan } = await withOrphan()
    const { metadataLocation } = await bench.load()
    const text = Buffer.from(await bench.memory.read(metadataLocation)).toString()
    const given = `${ROOT}/metadata/00003-00000000-0000-4000-8000-00000000dead.metadata.json`
    await put(bench, given, text.replace(/"last-updated-ms":\d+/, `"last-updated-ms":${bench.runtime.nowMs}`))
    bench.wait(4 * DAY_MS)
    expect((await failureOf(plan(bench))).message).toMatch(/a commit is under way/)
    await bench.append()
    bench.wait(4 * DAY_MS)
    expect(places(await plan(bench)).sort()).toEqual([orphan, given].sort())
  })
})

describe('the execution of a plan', () => {
  it('goes by a plan that was kept as JSON', async () => {
    const { bench, orphan } = await withOrphan()
    const kept = parseOrphanPlan(JSON.stringify(await plan(bench)))
    expect((await remove(bench, { plan: kept })).removed.map(({ location }) => location)).toEqual([orphan])
    expect((await remove(bench, { plan: kept })).skipped).toEqual([{ location: orphan, reason: 'gone' }])
  })

  it('keeps what the table has come to reach, also when the plan lies', async () => {
    const { bench, orphan } = await withOrphan()
    const made = await plan(bench)
    const [live] = await bench.liveFiles()
    const status = (await bench.memory.head(live!.filePath))!
    const forged = { ...made, orphans: [...made.orphans, status] }
    await bench.add(dataFile(orphan, { fileSizeBytes: 4 }))
    const result = await remove(bench, { plan: forged })
    expect(result.removed).toEqual([])
    expect(result.skipped.map(({ reason }) => reason)).toEqual(['reachable', 'reachable'])
    await bench.reachable()
  })

  it('keeps what was written again since', async () => {
    const { bench, orphan } = await withOrphan()
    const made = await plan(bench)
    await put(bench, orphan, 'LEFT')
    expect((await remove(bench, { plan: made })).skipped).toEqual([{ location: orphan, reason: 'changed' }])
  })

  it.each([
    ['no plan', () => ({}) as OrphanPlan],
    ['a plan of another table', (made: OrphanPlan) => ({ ...made, tableUuid: 'x' })],
    ['a place that was not listed', (made: OrphanPlan) => ({ ...made, orphans: [{ ...made.orphans[0]!, location: 's3://bucket/lake/other/x' }] })],
    ['a file younger than the cutoff', (made: OrphanPlan) => ({ ...made, orphans: [{ ...made.orphans[0]!, lastModifiedMs: made.cutoffMs }] })],
    ['a folder outside of the table', (made: OrphanPlan) => ({ ...made, locations: ['s3://bucket'] })],
  ])('is refused for %s', async (_, forge) => {
    const { bench } = await withOrphan()
    const made = await plan(bench)
    const before = await bench.objects()
    expect((await failureOf(remove(bench, { plan: forge(made) }))).code).toBe('INVALID')
    expect(await bench.objects()).toEqual(before)
  })

  it('as a dry run answers the plan, and removes nothing', async () => {
    const { bench, orphan } = await withOrphan()
    const result = await remove(bench, { dryRun: true })
    expect([places(result.plan), result.removed]).toEqual([[orphan], []])
    expect(await bench.memory.head(orphan)).toBeDefined()
  })

  it('moves files to the trash, where the next listing does not look', async () => {
    const { bench, orphan } = await withOrphan()
    const result = await remove(bench, { trash: '.trash/today' })
    expect(result.trash).toBe(`${ROOT}/.trash/today`)
    expect(await bench.memory.head(orphan)).toBeUndefined()
    expect(Buffer.from(await bench.memory.read(`${ROOT}/.trash/today/data/lost.parquet`)).toString()).toBe('left')
    bench.wait(9 * DAY_MS)
    expect(places(await plan(bench))).toEqual([])
    expect((await failureOf(remove(bench, { trash: 'data/trash' }))).message).toMatch(/begin its name with a dot/)
    expect((await failureOf(remove(bench, { trash: `${ROOT}/trash` }))).message).toMatch(/begin its name with a dot/)
  })

  it('does not delete what it could not copy to the trash', async () => {
    const { bench, orphan } = await withOrphan()
    await put(bench, `${ROOT}/.trash/data/lost.parquet`, 'something longer')
    const result = await remove(bench, { trash: '.trash' })
    expect([result.removed, result.heldFiles.map(({ location, reason }) => [location, reason])]).toEqual([[], [[orphan, 'failed']]])
    expect(await bench.memory.head(orphan)).toBeDefined()
  })

  it('tells what is locked, and removes the rest (§5)', async () => {
    const { bench, orphan } = await withOrphan()
    await put(bench, `${ROOT}/data/other.parquet`)
    bench.wait(4 * DAY_MS)
    bench.io.hook = (call, effect) => {
      return call.operation === 'delete' && call.location === orphan ? Promise.reject(new FloeError('UNAUTHORIZED', 'locked')) : effect()
    }
    const result = await remove(bench)
    expect(result.heldFiles).toEqual([{ location: orphan, reason: 'denied', message: 'locked' }])
    expect(result.removed.map(({ location }) => location)).toEqual([`${ROOT}/data/other.parquet`])
  })

  it('is refused with gc.enabled=false', async () => {
    const { bench } = await withOrphan({ properties: { 'gc.enabled': 'false' } })
    expect((await failureOf(remove(bench))).message).toMatch(/gc\.enabled=false/)
  })

  it.each(['before', 'after'] as const)('that fails %s the effect of any request loses nothing, and can be run again (§3.6)', async (when) => {
    let calls = Infinity
    for (let k = 0; k < calls; k++) {
      const { bench, orphan } = await withOrphan({ catalog: 'files' })
      const context = await bench.context()
      const first = bench.io.calls.length
      let failed = false
      bench.io.hook = async (_, effect) => {
        if (bench.io.calls.length - first - 1 !== k) return effect()
        failed = true
        if (when === 'after') await effect()
        throw new FloeError('UNAVAILABLE', 'the line went dead')
      }
      await removeOrphanFiles(context).catch((error: unknown) => {
        if (!isFloeError(error)) throw error
      })
      bench.io.hook = (_, effect) => effect()
      if (!failed) calls = k
      await bench.reachable()
      await remove(bench)
      expect(await bench.memory.head(orphan)).toBeUndefined()
      await bench.reachable()
    }
    expect(calls).toBeGreaterThan(15)
  })

  it('ends when it is aborted', async () => {
    const { bench, orphan } = await withOrphan()
    expect((await failureOf(remove(bench, { signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    expect(await bench.memory.head(orphan)).toBeDefined()
  })
})

describe('on a local disk', () => {
  it('links are not followed out of the table’s folder, and files of either spelling stay', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floe-orphans-'))
    try {
      const catalog = await openCatalog(pathToFileURL(join(folder, 'lake')).href, { parquet: { workers: 0 } })
      const table = await catalog.createTable('a.t', { schema: schema({ id: t.long }) })
      await table.append([{ id: 1n }])
      const place = join(folder, 'lake', 'a', 't', 'data')
      await mkdir(join(folder, 'outside'))
      const old = new Date(systemRuntime.now() - 9 * DAY_MS)
      const files = [join(folder, 'outside', 'theirs.parquet'), join(place, 'lost.parquet')]
      for (const file of files) {
        await writeFile(file, 'x')
        await utimes(file, old, old)
      }
      await symlink(join(folder, 'outside'), join(place, 'link'))
      const found = await table.planOrphanRemoval()
      expect(places(found)).toEqual([expect.stringMatching(/data\/lost\.parquet$/)])
      const result = await table.removeOrphanFiles({ plan: found })
      expect(result.removed).toHaveLength(1)
      expect(await column(table, 'id')).toEqual([1n])
      await catalog.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('from a table’s handle', () => {
  it('shared tables are given as tables', async () => {
    const io = new InterceptedFileIO(new MemoryFileIO({ runtime: { now: () => 1_000 * DAY_MS } }))
    const catalog = await openCatalog('memory:', { io, parquet: { workers: 0 } })
    const other = await catalog.createTable('a.u', { schema: schema({ id: t.long }) })
    await other.append([{ id: 1n }])
    const properties = { 'write.data.path': `${other.location}/data` }
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.long }), properties })
    const asked = { allowRecentFiles: true, olderThan: 2_000 * DAY_MS, locations: [table.location, `${other.location}/data`] }
    expect((await table.planOrphanRemoval({ ...asked, sharedWith: [] })).orphans).toHaveLength(1)
    const { orphans } = await table.planOrphanRemoval({ ...asked, sharedWith: [other] })
    expect(orphans).toEqual([])
  })
})

function creationOf({ metadata }: LoadedTable): Parameters<UpkeepBench['backend']['createTable']>[1] {
  const { schemas, partitionSpecs, sortOrders } = metadata
  return { schema: schemas[0]!, spec: partitionSpecs[0]!, sortOrder: sortOrders[0]!, formatVersion: 3, properties: new Map() }
}
