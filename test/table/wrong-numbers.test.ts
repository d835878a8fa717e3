/** Numbers that are none, or too small, are refused by name: they would make loops without an end, or be taken for something else. */
import { describe, expect, it } from 'vitest'
import { openCatalog, readFiles, schema, t } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { memoryLake } from '../support/lake.js'

const columns = schema({ id: t.long.required, name: t.string }, { identifierFields: ['id'] })
const row = { id: 1n, name: 'b' }

type Call = (table: Table, value: never) => unknown

/** Whole numbers from one on. */
const COUNTS: Readonly<Record<string, Call>> = {
  'maxOpenFiles of append': (table, maxOpenFiles) => table.append([row], { maxOpenFiles }),
  'maxOpenFiles of upsert': (table, maxOpenFiles) => table.upsert([row], ['id'], { maxOpenFiles }),
  'minInputFiles of compact': (table, minInputFiles) => table.compact({ minInputFiles }),
  'maxCommits of compact': (table, maxCommits) => table.compact({ partialProgress: true, maxCommits }),
  'retainLast of expireSnapshots': (table, retainLast) => table.expireSnapshots({ retainLast }),
  'targetFileSizeBytes of rewritePositionDeletes': (table, targetFileSizeBytes) => table.rewritePositionDeletes({ targetFileSizeBytes }),
  'minInputFiles of rewritePositionDeletes': (table, minInputFiles) => table.rewritePositionDeletes({ minInputFiles }),
  'targetSizeBytes of rewriteManifests': (table, targetSizeBytes) => table.rewriteManifests({ targetSizeBytes }),
  'maxFindings of fsck': (table, maxFindings) => table.fsck({ maxFindings }),
  'concurrency of fsck': (table, concurrency) => table.fsck({ concurrency }),
  'minFiles of a policy': (table, minFiles) => table.maintain({ policy: { equalityDeletes: { minFiles } } }),
  minSnapshotsToKeep: (table, minSnapshotsToKeep) => table.setRetention('main', { minSnapshotsToKeep }),
  'batchRows of a scan': (table, rows) => table.scan().batchRows(rows),
  'memoryBudgetBytes of scanChanges': (table, memoryBudgetBytes) => table.scanChanges({ memoryBudgetBytes }),
  'batchRows of scanChanges': (table, batchRows) => table.scanChanges({ batchRows }),
  's3.partSizeBytes': (_, partSizeBytes) => new S3FileIO({ partSizeBytes }),
  's3.parallelParts': (_, parallelParts) => new S3FileIO({ parallelParts }),
  's3.parallelRanges': (_, parallelRanges) => new S3FileIO({ parallelRanges }),
  's3.maxAttempts': (_, maxAttempts) => openCatalog('s3://b/w', { s3: { maxAttempts } }),
  's3.maxAttempts of readFiles': (_, maxAttempts) => readFiles('s3://b/x.csv', { s3: { maxAttempts } }).next(),
  'rest.maxAttempts': (_, maxAttempts) => openCatalog('http://127.0.0.1:9', { rest: { maxAttempts } }),
  'rest.pageSize': (_, pageSize) => openCatalog('http://127.0.0.1:9', { rest: { pageSize } }),
}

/** Sizes of memory, from one byte to no bound. */
const BYTES: Readonly<Record<string, Call>> = {
  'memoryBudgetBytes of append': (table, memoryBudgetBytes) => table.append([row], { memoryBudgetBytes }),
  'memoryBudgetBytes of delete': (table, memoryBudgetBytes) => table.delete('id = 1', { memoryBudgetBytes }),
  'memoryBudgetBytes of upsert': (table, memoryBudgetBytes) => table.upsert([row], ['id'], { memoryBudgetBytes }),
  'memoryBudgetBytes of overwrite': (table, memoryBudgetBytes) => table.overwrite([row], 'id = 1', { memoryBudgetBytes }),
  'memoryBudgetBytes of deleteByKeys': (table, memoryBudgetBytes) => table.deleteByKeys([{ id: 1n }], ['id'], { memoryBudgetBytes }),
  'memoryBudgetBytes of purge': (table, memoryBudgetBytes) => table.purge('id = 1', { memoryBudgetBytes }),
  'memoryBudgetBytes of rewriteManifests': (table, memoryBudgetBytes) => table.rewriteManifests({ memoryBudgetBytes }),
  'parquet.writeBufferBytes': (_, writeBufferBytes) => openCatalog('memory:', { parquet: { writeBufferBytes } }),
}

/** Times, and what there may be none of. */
const AMOUNTS: Readonly<Record<string, Call>> = {
  'leftoverMinAgeMs of purge': (table, leftoverMinAgeMs) => table.purge('id = 1', { leftoverMinAgeMs }),
  'readerGraceMs of expireSnapshots': (table, readerGraceMs) => table.expireSnapshots({ readerGraceMs }),
  'minAgeMs of removeOrphanFiles': (table, minAgeMs) => table.removeOrphanFiles({ minAgeMs, allowRecentFiles: true }),
  'intervalMs of a policy': (table, intervalMs) => table.maintain({ policy: { orphans: { intervalMs } } }),
  's3.maxGapBytes': (_, maxGapBytes) => new S3FileIO({ maxGapBytes }),
  's3.connectTimeoutMs': (_, connectTimeoutMs) => new S3FileIO({ connectTimeoutMs }),
  's3.requestTimeoutMs': (_, requestTimeoutMs) => new S3FileIO({ requestTimeoutMs }),
  'rest.requestTimeoutMs': (_, requestTimeoutMs) => openCatalog('http://127.0.0.1:9', { rest: { requestTimeoutMs } }),
  cacheBytes: (_, cacheBytes) => openCatalog('memory:', { cacheBytes }),
}

const SHARES: Readonly<Record<string, Call>> = {
  'liveRatioThreshold of rewritePositionDeletes': (table, liveRatioThreshold) => table.rewritePositionDeletes({ liveRatioThreshold }),
  'minChangedShare of statistics': (table, minChangedShare) => table.maintain({ policy: { statistics: { minChangedShare } } }),
  'minChangedShare of partition statistics': (table, minChangedShare) => table.maintain({ policy: { partitionStatistics: { minChangedShare } } }),
  'sampleRate of fsck': (table, sampleRate) => table.fsck({ data: 'sample', sampleRate }),
}

const TIMES: Readonly<Record<string, Call>> = {
  'olderThan of expireSnapshots': (table, olderThan) => table.expireSnapshots({ olderThan }),
  'olderThan of removeOrphanFiles': (table, olderThan) => table.removeOrphanFiles({ olderThan }),
}

const IDS: Readonly<Record<string, Call>> = {
  'snapshotId of computeStatistics': (table, snapshotId) => table.computeStatistics({ snapshotId }),
  'snapshotId of computePartitionStatistics': (table, snapshotId) => table.computePartitionStatistics({ snapshotId }),
  'snapshotId of partitionStatistics': (table, snapshotId) => table.partitionStatistics({ snapshotId }),
  'snapshotId of layout': (table, snapshotId) => table.layout({ snapshotId }),
  'snapshotId of an inspection': (table, snapshotId) => table.inspect.files({ snapshotId }),
  'snapshotIds of expireSnapshots': (table, snapshotId) => table.expireSnapshots({ snapshotIds: [snapshotId] }),
}

const FOREIGN: readonly unknown[] = [NaN, -1, -Infinity, '5', 5n, true, {}]

const groups = Object.entries({
  count: [COUNTS, [...FOREIGN, 0, 1.5, Infinity]],
  size: [BYTES, [...FOREIGN, 0]],
  amount: [AMOUNTS, FOREIGN],
  share: [SHARES, [...FOREIGN, 1.1, Infinity]],
  time: [TIMES, [NaN, '2026-01-01', 5n, true, new Date(NaN)]],
  id: [IDS, [NaN, -1, 0, '5', 5, true]],
} as const)

async function prepared(): Promise<{ table: Table; files: () => Promise<string[]> }> {
  const { catalog, files } = await memoryLake()
  const table = await catalog.createTable('a.b', { schema: columns })
  await table.append([{ id: 1n, name: 'a' }, { id: 2n, name: 'a' }])
  return { table, files }
}

for (const [kind, [calls, values]] of groups) {
  describe.each(Object.entries(calls))(`${kind}: %s`, (_, call) => {
    it('is refused by name when it is none, and nothing is done', async () => {
      const { table, files } = await prepared()
      const before = await files()
      for (const value of values) {
        const attempt = (async (): Promise<unknown> => call(table, value as never))()
        await expect(attempt, String(value)).rejects.toMatchObject({ code: 'INVALID' })
      }
      expect(await files()).toEqual(before)
    })
  })
}

it('there may be no bound to memory, and fractions of it', async () => {
  const { table } = await prepared()
  for (const memoryBudgetBytes of [1, 2.5, Infinity]) await table.upsert([row], ['id'], { memoryBudgetBytes })
  const whole = await openCatalog('memory:', { cacheBytes: 0, parquet: { workers: 0, writeBufferBytes: 0.1 * 2 ** 30 } })
  await whole.close()
  expect(await table.scan().count()).toBe(2)
})
