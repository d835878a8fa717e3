import { describe, expect, it } from 'vitest'
import type { CatalogBackend, TableIdentifier } from '../../../src/catalog/catalog-backend.js'
import { openCatalog, schema, t } from '../../../src/index.js'
import { MemoryFileIO } from '../../../src/io/memory-file-io.js'
import { expireSnapshots, type ExpireSnapshotsOptions, type ExpireSnapshotsResult } from '../../../src/maintenance/expire/expire-snapshots.js'
import { appendFiles } from '../../../src/commit/append-files.js'
import { cherryPick } from '../../../src/commit/cherry-pick.js'
import { metadataOperation } from '../../../src/commit/commit-operation.js'
import { FloeError } from '../../../src/util/errors.js'
import { column, failureOf, memoryLake } from '../../support/lake.js'
import { DAY_MS, UpkeepBench, type UpkeepBenchOptions } from '../../support/upkeep-bench.js'
import { InterceptedFileIO } from '../../support/intercepted-file-io.js'

async function expire(bench: UpkeepBench, options: ExpireSnapshotsOptions = {}): Promise<ExpireSnapshotsResult> {
  return (await expireSnapshots(await bench.context(), options)).result
}

const NOW = { olderThan: Number.MAX_SAFE_INTEGER } as const

/** The bench's catalog, but for how it commits. */
function committing(bench: UpkeepBench, commitTable: CatalogBackend['commitTable']): CatalogBackend {
  return { loadTable: (identifier: TableIdentifier) => bench.backend.loadTable(identifier), commitTable } as CatalogBackend
}

/** Three appends, the first of whose files is removed again: an expiry has one data file to delete. */
async function withGarbage(options: UpkeepBenchOptions = {}): Promise<{ readonly bench: UpkeepBench; readonly garbage: string }> {
  const bench = await UpkeepBench.open({ ...options, properties: { 'commit.manifest-merge.enabled': 'false', ...options.properties } })
  const [first] = await bench.append()
  await bench.append()
  await bench.change({ removedDataFiles: [first!] })
  await bench.append()
  return { bench, garbage: first!.filePath }
}

describe('an expiry', () => {
  it('deletes content, manifests, lists and statistics that only expired snapshots have, in this order', async () => {
    const { bench, garbage } = await withGarbage()
    const { snapshots } = (await bench.load()).metadata
    const stats = await bench.writeFile('one.stats')
    const file = { snapshotId: snapshots[0]!.snapshotId, statisticsPath: stats.filePath, fileSizeBytes: 4 }
    await bench.update(() => [
      { action: 'set-statistics', statistics: { ...file, fileFooterSizeBytes: 1, keyMetadata: undefined, blobMetadata: [] } },
      { action: 'set-partition-statistics', partitionStatistics: file },
    ])
    bench.io.calls.length = 0
    const result = await expire(bench, NOW)
    expect(result.expiredSnapshots).toEqual(snapshots.slice(0, 3).map(({ snapshotId }) => snapshotId))
    expect(result.fileCounts).toEqual({ data: 1, manifest: 2, 'manifest-list': 3, statistics: 1 })
    expect(result.files[0]).toMatchObject({ location: garbage, type: 'data', sizeBytes: 4 })
    expect(result.files.map(({ type }) => type)).toEqual(['data', 'manifest', 'manifest', ...Array<string>(3).fill('manifest-list'), 'statistics'])
    expect(bench.io.calls.filter(({ operation }) => operation === 'delete').map(({ location }) => location)).toEqual(result.files.map(({ location }) => location))
    expect(await bench.leftovers()).toEqual([])
    expect(result.deletedBytes).toBeGreaterThan(8)
  })

  it('commits before it deletes', async () => {
    const { bench } = await withGarbage({ catalog: 'files' })
    const before = (await bench.load()).metadata.snapshots.length
    bench.io.hook = async (call, effect) => {
      if (call.operation === 'delete') expect((await bench.load()).metadata.snapshots.length).toBeLessThan(before)
      return effect()
    }
    expect((await expire(bench, NOW)).files.length).toBeGreaterThan(0)
  })

  it('as a dry run answers the same, and changes nothing', async () => {
    const { bench } = await withGarbage()
    const objects = await bench.objects()
    const dry = await expire(bench, { ...NOW, dryRun: true })
    expect(await bench.objects()).toEqual(objects)
    expect((await bench.load()).metadata.snapshots).toHaveLength(4)
    expect(await expire(bench, NOW)).toEqual({ ...dry, dryRun: false })
  })

  it('that has nothing to do makes no version', async () => {
    const { bench } = await withGarbage()
    const { metadataLocation } = await bench.load()
    expect(await expire(bench, { olderThan: 0 })).toMatchObject({ expiredSnapshots: [], files: [] })
    expect((await bench.load()).metadataLocation).toBe(metadataLocation)
    const empty = await UpkeepBench.open()
    expect(await expire(empty, NOW)).toMatchObject({ expiredSnapshots: [], files: [], warnings: [] })
  })

  it.each([
    ['metadata', { manifest: 2, 'manifest-list': 3 }, 1],
    ['none', {}, 6],
  ] as const)('with cleanExpiredFiles %s deletes %o and leaves %i files', async (cleanExpiredFiles, counts, left) => {
    const { bench } = await withGarbage()
    expect((await expire(bench, { ...NOW, cleanExpiredFiles })).fileCounts).toEqual(counts)
    expect(await bench.leftovers()).toHaveLength(left)
  })

  it('keeps a Puffin file as long as one of its vectors is in use', async () => {
    const bench = await UpkeepBench.open()
    const files = await bench.append({}, 2)
    await bench.deleteIn(files)
    await bench.deleteIn(files.slice(0, 1))
    expect((await expire(bench, NOW)).fileCounts['deletion-vector']).toBeUndefined()
    await bench.deleteIn(files.slice(1))
    expect((await expire(bench, NOW)).fileCounts['deletion-vector']).toBe(1)
    expect(await bench.leftovers()).toEqual([])
  })

  it('keeps files that the metadata spells in another way', async () => {
    const bench = await UpkeepBench.open({ properties: { 'commit.manifest-merge.enabled': 'false' } })
    const [file] = await bench.append()
    await bench.change({ removedDataFiles: [file!] })
    await bench.add({ ...file!, filePath: file!.filePath.replace('s3://', 's3a://') })
    expect((await expire(bench, NOW)).fileCounts.data).toBeUndefined()
    expect(await bench.memory.head(file!.filePath)).toBeDefined()
  })

  it('removes schemas and specs that nothing uses any more, on request', async () => {
    const spec = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }] } as const
    const bench = await UpkeepBench.open({ spec })
    await bench.commit(appendFiles([await bench.writeFile('a.parquet', { partition: ['x'] })], {}, bench.runtime))
    await bench.update(() => [{ action: 'add-spec', spec: { specId: 1, fields: [] } }, { action: 'set-default-spec', specId: -1 }])
    const [head] = (await bench.load()).metadata.snapshots
    await bench.commit(appendFiles([await bench.writeFile('b.parquet', { specId: 1 })], {}, bench.runtime))
    // The old spec is in use as long as the file is in a retained snapshot.
    const inUse = await expire(bench, { ...NOW, cleanExpiredMetadata: true })
    expect(inUse).toMatchObject({ removedSpecIds: [], expiredSnapshots: [head!.snapshotId] })
    await bench.change({ removedDataFiles: (await bench.liveFiles()).filter(({ specId }) => specId === 0) })
    await bench.commit(appendFiles([await bench.writeFile('c.parquet', { specId: 1 })], {}, bench.runtime))
    expect((await expire(bench, NOW)).removedSpecIds).toEqual([])
    expect((await expire(bench, { ...NOW, cleanExpiredMetadata: true })).removedSpecIds).toEqual([0])
    expect((await bench.load()).metadata.partitionSpecs.map(({ specId }) => specId)).toEqual([1])
    expect(await bench.leftovers()).toEqual([])
  })

  it('is refused with gc.enabled=false, and nothing is committed', async () => {
    const { bench } = await withGarbage({ properties: { 'gc.enabled': 'false' } })
    expect((await failureOf(expire(bench, NOW))).code).toBe('INVALID')
    expect((await bench.load()).metadata.snapshots).toHaveLength(4)
  })

  it('gives readers their grace between the commit and the first deletion', async () => {
    const { bench } = await withGarbage()
    let deletedAt = 0
    bench.io.hook = (call, effect) => {
      if (call.operation === 'delete') deletedAt ||= bench.runtime.nowMs
      return effect()
    }
    const start = bench.runtime.nowMs
    await expire(bench, { ...NOW, readerGraceMs: DAY_MS })
    expect(deletedAt).toBeGreaterThanOrEqual(start + DAY_MS)
  })

  it('tells its progress', async () => {
    const { bench } = await withGarbage()
    const phases: string[] = []
    const { files } = await expire(bench, { ...NOW, onProgress: ({ phase, deletedFiles }) => void phases.push(`${phase} ${deletedFiles}`) })
    expect(phases).toEqual(['commit 0', 'find 0', `delete ${files.length}`])
  })

  it('deletes in batches', async () => {
    const { bench } = await withGarbage()
    const batches: number[] = []
    const { memory } = bench
    const original = memory.delete.bind(memory)
    bench.io.delete = (locations) => {
      batches.push(locations.length)
      return original(locations)
    }
    const { files } = await expire(bench, NOW)
    expect(batches).toEqual([files.length])
  })
})

describe('while others commit', () => {
  it('a reference that is made before the commit keeps its snapshot (trap 67)', async () => {
    const { bench } = await withGarbage()
    const context = await bench.context()
    const [first] = context.loaded.metadata.snapshots
    await bench.update(() => [{ action: 'set-snapshot-ref', name: 'v1', ref: { type: 'tag', snapshotId: first!.snapshotId } }])
    const { result } = await expireSnapshots(context, NOW)
    expect(result.expiredSnapshots).not.toContain(first!.snapshotId)
    expect((await bench.load()).metadata.refs.has('v1')).toBe(true)
    await bench.reachable()
  })

  it.each(['memory', 'files'] as const)('a tag or rollback between planning and commit is not lost (%s)', async (catalog) => {
    for (const kind of ['tag', 'rollback'] as const) {
      const { bench } = await withGarbage({ catalog })
      const context = await bench.context()
      const [first] = context.loaded.metadata.snapshots
      const name = kind === 'tag' ? 'v1' : 'main'
      let isDone = false
      const backend = committing(bench, async (request) => {
        if (!isDone) {
          isDone = true
          const type = kind === 'tag' ? 'tag' : 'branch'
          await bench.update(() => [{ action: 'set-snapshot-ref', name, ref: { type, snapshotId: first!.snapshotId } }])
        }
        return bench.backend.commitTable(request)
    })
      const { result } = await expireSnapshots({ ...context, backend }, NOW)
      expect((await bench.load()).metadata.refs.get(name)?.snapshotId).toBe(first!.snapshotId)
      expect(result.expiredSnapshots).not.toContain(first!.snapshotId)
      await bench.reachable()
    }
  })

  it('a snapshot that was cherry-picked before its own expiry keeps its files', async () => {
    const bench = await UpkeepBench.open()
    await bench.append()
    await bench.append({ stageOnly: true })
    await bench.append()
    const context = await bench.context()
    const staged = context.loaded.metadata.snapshots[1]!.snapshotId
    await bench.pick(staged)
    const { result } = await expireSnapshots(context, NOW)
    expect(result.expiredSnapshots).toContain(staged)
    expect(result.fileCounts.data).toBeUndefined()
    await bench.reachable()
  })

  it('what comes back between the commit and the deletion is kept', async () => {
    const bench = await UpkeepBench.open({ properties: { 'commit.manifest-merge.enabled': 'false' } })
    const [file] = await bench.append()
    await bench.change({ removedDataFiles: [file!] })
    await bench.append()
    let isBack = false
    bench.io.hook = async (call, effect) => {
      // The walk after the commit reads manifests: another writer is quick.
      if (!isBack && call.operation === 'read' && call.location.endsWith('.avro')) {
        isBack = true
        await bench.add(file!)
      }
      return effect()
    }
    expect((await expire(bench, NOW)).fileCounts.data).toBeUndefined()
    expect(isBack).toBe(true)
    await bench.reachable()
  })

  it('a cherry-pick that was prepared before the snapshot expired is refused', async () => {
    const bench = await UpkeepBench.open()
    await bench.append()
    await bench.append({ stageOnly: true })
    await bench.append()
    const base = await bench.load()
    const operation = cherryPick(base.metadata.snapshots[1]!.snapshotId, {}, bench.runtime)
    await operation.prepare?.(base, { runtime: bench.runtime, signal: undefined, attempt: 1 })
    await expire(bench, NOW)
    expect((await failureOf(bench.commit(operation, base))).code).toBe('NOT_FOUND')
    await bench.reachable()
  })

  it('keeps going when appends are always faster', async () => {
    const { bench } = await withGarbage({ catalog: 'files' })
    let races = 0
    bench.io.hook = async (call, effect) => {
      if (call.operation === 'write' && call.location.endsWith('.metadata.json') && races < 6) {
        races++
        const hook = bench.io.hook
        bench.io.hook = (_, inner) => inner()
        await bench.append()
        bench.io.hook = hook
      }
      return effect()
    }
    expect((await expire(bench, NOW)).expiredSnapshots.length).toBeGreaterThanOrEqual(3)
    expect(races).toBe(6)
    expect(await bench.leftovers()).toEqual([])
  })
})

describe('a failure', () => {
  it.each(['before', 'after'] as const)('%s the effect of any request leaves the table whole, and what is left an orphan (§3.6)', async (when) => {
    let calls = Infinity
    const outcomes = new Set<string>()
    for (let k = 0; k < calls; k++) {
      const { bench } = await withGarbage({ catalog: 'files' })
      const context = await bench.context()
      const first = bench.io.calls.length
      let failed = ''
      bench.io.hook = async (call, effect) => {
        if (bench.io.calls.length - first - 1 !== k) return effect()
        failed = `${call.operation} ${call.location}`
        if (when === 'after') await effect()
        throw new FloeError('UNAVAILABLE', 'the line went dead')
      }
      const outcome = await expireSnapshots(context, NOW).then(({ result }) => result, (error: unknown) => error as FloeError)
      bench.io.hook = (_, effect) => effect()
      if (failed === '') calls = k
      const place = `request ${k}: ${failed}`
      await bench.reachable()
      const { snapshots } = (await bench.load()).metadata
      if (outcome instanceof Error) {
        outcomes.add((outcome as FloeError).code)
        // Nothing was deleted without a commit that is known.
        const isLanded = snapshots.length === 1
        expect((await bench.leftovers()).length, place).toBe(isLanded ? 6 : 0)
      } else {
        expect(snapshots, place).toHaveLength(1)
        const left = await bench.leftovers()
        if (left.length > 0) expect(outcome.warnings.length, place).toBeGreaterThan(0)
      }
    }
    expect(calls).toBeGreaterThan(15)
  })

  it('to hear the answer to the commit deletes nothing, or finds out that it is in (FAULTS 1)', async () => {
    for (const landed of [true, false]) {
      const { bench } = await withGarbage({ catalog: 'files' })
      const context = await bench.context()
      const backend = committing(bench, async (request) => {
        if (landed) await bench.backend.commitTable(request)
        return { outcome: 'unknown', reason: new Error('no answer') }
    })
      const outcome = await expireSnapshots({ ...context, backend }, NOW).then(({ result }) => result, (error: unknown) => error)
      if (landed) expect(outcome).toMatchObject({ expiredSnapshots: { length: 3 }, fileCounts: { data: 1 } })
      else expect(outcome).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' })
      if (!landed) expect(await bench.leftovers()).toEqual([])
      await bench.reachable()
    }
  })

  it('that the answer says was a rejection, and was none, still cleans up', async () => {
    const { bench } = await withGarbage()
    const context = await bench.context()
    let asked = 0
    const backend = committing(bench, async (request) => {
          const outcome = await bench.backend.commitTable(request)
          return ++asked === 1 ? { outcome: 'rejected', reason: new FloeError('CONFLICT', '412'), retryable: true } : outcome
    })
    const { result } = await expireSnapshots({ ...context, backend }, NOW)
    expect(result.expiredSnapshots).toHaveLength(3)
    expect(await bench.leftovers()).toEqual([])
  })

  it('to read what an expired snapshot names leaves that, and deletes the rest', async () => {
    const { bench } = await withGarbage()
    const [first] = (await bench.load()).metadata.snapshots
    await bench.memory.delete([first!.manifestList!])
    const result = await expire(bench, NOW)
    expect(result.warnings.map(({ file }) => file)).toEqual([first!.manifestList])
    expect(result.fileCounts['manifest-list']).toBe(3)
  })

  it('to read what is kept deletes nothing', async () => {
    const { bench } = await withGarbage()
    const context = await bench.context()
    const head = context.loaded.metadata.snapshots.at(-1)!
    bench.io.hook = (call, effect) => (call.location === head.manifestList ? Promise.reject(new FloeError('UNAVAILABLE', 'gone for lunch')) : effect())
    const { result } = await expireSnapshots(context, NOW)
    expect(result).toMatchObject({ files: [], expiredSnapshots: { length: 3 } })
    expect(result.warnings[0]!.message).toMatch(/no file was deleted.*gone for lunch/)
    expect(bench.io.calls.filter(({ operation }) => operation === 'delete')).toEqual([])
  })

  it.each([
    ['a locked object', new FloeError('UNAUTHORIZED', 'Access Denied: the object is locked'), 'denied'],
    ['a place outside', new FloeError('INVALID', 'Refused to touch it'), 'outside'],
    ['a dead store', new FloeError('UNAVAILABLE', 'no answer'), 'failed'],
  ] as const)('to delete %s is told, and holds up nothing else (§5)', async (_, error, reason) => {
    const { bench, garbage } = await withGarbage()
    bench.io.hook = (call, effect) => (call.operation === 'delete' && call.location === garbage ? Promise.reject(error) : effect())
    const result = await expire(bench, NOW)
    expect(result.heldFiles).toEqual([{ location: garbage, reason, message: expect.stringContaining(error.message) as string }])
    expect(result.fileCounts).toEqual({ manifest: 2, 'manifest-list': 3 })
    expect(result.warnings).toHaveLength(1)
    expect(await bench.leftovers()).toEqual([garbage])
    expect((await bench.load()).metadata.snapshots).toHaveLength(1)
  })

  it('by an abort after the commit leaves files, and says so', async () => {
    const { bench } = await withGarbage()
    const controller = new AbortController()
    const aborting = { ...NOW, signal: controller.signal, onProgress: ({ phase }: { phase: string }) => void (phase === 'find' && controller.abort()) }
    const result = await expire(bench, aborting)
    expect(result.files).toEqual([])
    expect(result.warnings[0]!.code).toBe('ABORTED')
    expect((await bench.load()).metadata.snapshots).toHaveLength(1)
    await bench.reachable()
  })

  it('by an abort before the commit changes nothing', async () => {
    const { bench } = await withGarbage()
    expect((await failureOf(expire(bench, { ...NOW, signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    expect((await bench.load()).metadata.snapshots).toHaveLength(4)
  })
})

describe('readers and retired metadata', () => {
  it('FAULTS 44: a reader that holds the version from before goes on with what is kept, and is told what is gone', async () => {
    const lake = await memoryLake()
    const table = await lake.catalog.createTable('a.t', { schema: schema({ id: t.long }) })
    await table.append([{ id: 1n }])
    await table.append([{ id: 2n }])
    const reader = await lake.catalog.loadTable('a.t')
    const [first, second] = reader.snapshots
    await table.delete('id = 1')
    await table.expireSnapshots(NOW)
    expect(table.snapshots).toHaveLength(1)
    expect(await column(table, 'id')).toEqual([2n])
    const gone = await failureOf(column(reader.scan().useSnapshot(first!.snapshotId), 'id'))
    expect(gone.code).toBe('NOT_FOUND')
    expect((await failureOf(column(reader.scan().useSnapshot(second!.snapshotId), 'id'))).code).toBe('NOT_FOUND')
    expect(await column(await reader.refresh(), 'id')).toEqual([2n])
  })

  it('versions that the log forgets are retired, and their numbers stay taken', async () => {
    const io = new MemoryFileIO()
    const catalog = await openCatalog('s3://bucket/lake', { io: new InterceptedFileIO(io), verifyStore: 'never', parquet: { workers: 0 } })
    const properties = { 'write.metadata.delete-after-commit.enabled': 'true', 'write.metadata.previous-versions-max': '2' }
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.long }), properties })
    for (let id = 0n; id < 5n; id++) await table.append([{ id }])
    await table.expireSnapshots(NOW)
    expect(table.metadata.metadataLog).toHaveLength(2)
    const sizes: number[] = []
    for (let version = 1; version <= 7; version++) sizes.push((await io.head(`${table.location}/metadata/v${version}.metadata.json`))!.sizeBytes)
    expect(sizes.map((size) => size < 300)).toEqual([true, true, true, true, false, false, false])
    expect(await column(table, 'id')).toEqual([0n, 1n, 2n, 3n, 4n])
  })

  it('a stalled writer on a retired version cannot commit', async () => {
    const bench = await UpkeepBench.open({ catalog: 'files', properties: { 'write.metadata.delete-after-commit.enabled': 'true', 'write.metadata.previous-versions-max': '1' } })
    const stale = await bench.load()
    for (let i = 0; i < 3; i++) await bench.append()
    await expire(bench, NOW)
    const before = (await bench.load()).metadata
    await bench.commit(metadataOperation('late', () => [{ action: 'set-properties', updates: new Map([['late', 'yes']]) }]), stale)
    const after = (await bench.load()).metadata
    expect(after.properties.get('late')).toBe('yes')
    expect(after.snapshots).toEqual(before.snapshots)
  })
})
