/** Every code of a finding: the damage is planted, seen, and where repair mends it, gone afterwards with the rows in place. */
import { describe, expect, it } from 'vitest'
import { findingKinds, type FindingCode } from '../../../src/maintenance/fsck/finding.js'
import type { FsckOptions } from '../../../src/maintenance/fsck/fsck-options.js'
import type { RepairConsent } from '../../../src/maintenance/repair/repair-plan.js'
import type { TableMetadata } from '../../../src/metadata/table-metadata.js'
import { encodeValue } from '../../../src/schema/single-value.js'
import { DamageBench, existing, type BenchOptions } from '../../support/damaged-table.js'
import { lt, t } from '../../../src/index.js'

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
const LONG = t.long.type

interface Damage {
  readonly code: FindingCode
  readonly bench?: BenchOptions
  readonly plant: (bench: DamageBench) => Promise<unknown>
  /** Instead of a planted commit: metadata that no commit would make. */
  readonly metadata?: (metadata: TableMetadata) => Partial<TableMetadata>
  readonly options?: FsckOptions
  readonly consent?: RepairConsent
  /** Rows after the repair; default: all. */
  readonly rows?: readonly number[]
}

const nothing = async (): Promise<void> => undefined
const withVector = async (bench: DamageBench): Promise<void> => {
  await bench.table.delete(lt('id', 2), { mode: 'merge-on-read' })
}
const vectors: BenchOptions = { formatVersion: 3 }
const AFTER_DELETE = ALL.slice(2)

/** The metadata with its last snapshot changed. */
const lastSnapshot = (change: Partial<TableMetadata['snapshots'][number]>) => ({ snapshots }: TableMetadata): Partial<TableMetadata> => ({
  snapshots: snapshots.map((snapshot, i) => (i === snapshots.length - 1 ? { ...snapshot, ...change } : snapshot)),
})

const damages: readonly Damage[] = [
  { code: 'metadata-invalid', plant: nothing, metadata: () => ({ currentSchemaId: 7 }) },
  { code: 'snapshot-schema', plant: nothing, metadata: lastSnapshot({ schemaId: 9 }) },
  { code: 'snapshot-sequence', plant: nothing, metadata: lastSnapshot({ sequenceNumber: 1n }) },
  { code: 'snapshot-log', plant: nothing, metadata: () => ({ snapshotLog: [{ snapshotId: 5n, timestampMs: 1 }] }) },
  { code: 'column-ids', plant: nothing, metadata: () => ({ lastColumnId: 2 }) },
  { code: 'partition-ids', plant: nothing, bench: { partitioned: true }, metadata: () => ({ lastPartitionId: 999 }) },
  { code: 'snapshot-row-ids', plant: nothing, bench: vectors, metadata: lastSnapshot({ firstRowId: 3n }) },
  { code: 'next-row-id', plant: nothing, bench: vectors, metadata: () => ({ nextRowId: 7n }) },
  { code: 'statistics-snapshot', plant: nothing, metadata: () => ({ partitionStatistics: [{ snapshotId: 5n, statisticsPath: 'memory:///warehouse/shop/p', fileSizeBytes: 1 }] }) },
  { code: 'statistics-missing', plant: (bench) => addStatistics(bench, undefined) },
  { code: 'statistics-damaged', plant: (bench) => addStatistics(bench, new Uint8Array(40)) },
  { code: 'hint-stale', plant: (bench) => bench.io.write(`${bench.table.location}/metadata/version-hint.text`, new TextEncoder().encode('1')) },
  { code: 'metadata-log-missing', plant: nothing, metadata: () => ({ metadataLog: [{ timestampMs: 1, metadataFile: 'memory:///warehouse/shop/metadata/v0.metadata.json' }] }) },
  { code: 'metadata-log-damaged', plant: (bench) => bench.io.write(`${bench.table.location}/metadata/v1.metadata.json`, new TextEncoder().encode('{'.repeat(400))) },
  { code: 'manifest-list-missing', plant: (bench) => bench.io.delete([bench.table.currentSnapshot!.manifestList!]) },
  { code: 'manifest-list-damaged', plant: (bench) => bench.io.write(bench.table.currentSnapshot!.manifestList!, new Uint8Array(99)) },
  { code: 'manifest-missing', plant: async (bench) => bench.inspect(async ({ manifests }) => bench.io.delete([manifests[0]!.manifestPath])) },
  { code: 'manifest-damaged', plant: async (bench) => bench.inspect(async ({ manifests }) => void (await bench.io.write(manifests[0]!.manifestPath, new Uint8Array(99)))) },
  { code: 'manifest-twice', plant: (bench) => bench.damage(async ({ manifests }) => [...manifests, manifests[0]!]), consent: { dropDuplicates: true } },
  { code: 'manifest-spec', plant: (bench) => bench.damageRecord(() => ({ partitionSpecId: 3 })) },
  { code: 'manifest-size', plant: (bench) => bench.damageRecord(({ manifestLengthBytes }) => ({ manifestLengthBytes: manifestLengthBytes + 1 })) },
  { code: 'manifest-counts', plant: (bench) => bench.damageRecord(() => ({ addedRowsCount: 77n })) },
  {
    code: 'manifest-partitions',
    bench: { partitioned: true },
    plant: (bench) =>
      bench.damageRecord(({ partitions }) => ({ partitions: partitions!.map((field) => ({ ...field, upperBound: field.lowerBound })) })),
  },
  { code: 'manifest-sequence', plant: (bench) => bench.damageRecord(({ sequenceNumber }) => ({ minSequenceNumber: sequenceNumber + 1n })) },
  { code: 'manifest-content', plant: (bench) => bench.damageRecord(() => ({ content: 'deletes' })) },
  { code: 'manifest-row-ids', bench: vectors, plant: forgetRowIds },
  { code: 'entry-sequence', plant: (bench) => bench.damageEntry('data', () => ({ sequenceNumber: 99n })) },
  { code: 'entry-snapshot', plant: (bench) => bench.damageEntry('data', ({ snapshotId }) => ({ status: 'added', snapshotId: snapshotId + 1n })) },
  { code: 'entry-record-count', plant: (bench) => bench.damageFile('data', ({ recordCount }) => ({ recordCount: recordCount + 1 })) },
  {
    code: 'file-twice',
    plant: (bench) =>
      bench.damage(async ({ manifests, entries, write }) => [...manifests, await write('data', (await entries(manifests[0]!)).map(existing))]),
    consent: { dropDuplicates: true },
  },
  { code: 'row-ids-overlap', bench: vectors, plant: (bench) => bench.damageFile('data', () => ({ firstRowId: 1n })) },
  {
    code: 'vector-fields',
    bench: vectors,
    plant: async (bench) => {
      await withVector(bench)
      await bench.damageFile('deletes', () => ({ contentOffset: undefined }))
    },
  },
  { code: 'vector-twice', bench: vectors, plant: plantTwoVectors, rows: ALL.slice(3) },
  {
    code: 'vector-damaged',
    bench: vectors,
    plant: async (bench) => {
      await withVector(bench)
      await flipVector(bench)
    },
  },
  {
    code: 'vector-range',
    bench: vectors,
    rows: AFTER_DELETE,
    plant: (bench) => addVector(bench, [0, 1, 99]),
  },
  {
    code: 'delete-dangling',
    bench: vectors,
    rows: AFTER_DELETE,
    plant: async (bench) => {
      await withVector(bench)
      await bench.damageFile('deletes', ({ filePath }) => ({ referencedDataFile: `${filePath}.gone` }))
      await bench.table.delete(lt('id', 2), { mode: 'copy-on-write' })
    },
  },
  {
    code: 'delete-partition',
    bench: { ...vectors, partitioned: true },
    rows: AFTER_DELETE,
    plant: async (bench) => {
      await withVector(bench)
      await bench.damageFile('deletes', ({ partition }) => ({ partition: [partition[0] === 'click' ? 'view' : 'click'] }))
    },
  },
  {
    code: 'file-missing',
    plant: async (bench) => bench.io.delete([(await bench.dataFiles()).find(({ recordCount }) => recordCount === 4)!.filePath]),
    consent: { dropMissingFiles: true },
    rows: ALL.slice(0, 6),
  },
  {
    code: 'delete-file-missing',
    plant: async (bench) => {
      await withVector(bench)
      await bench.inspect(async ({ manifests, entries }) => bench.io.delete([(await entries(manifests.find(({ content }) => content === 'deletes')!))[0]!.dataFile.filePath]))
    },
    consent: { dropMissingDeletes: true },
  },
  { code: 'file-size', plant: (bench) => bench.damageFile('data', ({ fileSizeBytes }) => ({ fileSizeBytes: fileSizeBytes - 1 })) },
  { code: 'file-damaged', plant: async (bench) => overwrite(bench, (bytes) => bytes.fill(0, bytes.length - 8)) },
  { code: 'file-split-offsets', plant: (bench) => bench.damageFile('data', () => ({ splitOffsets: [4, 70] })) },
  { code: 'file-unchecked', plant: (bench) => bench.damageFile('data', () => ({ fileFormat: 'orc' })) },
  { code: 'data-unreadable', plant: async (bench) => overwrite(bench, (bytes) => bytes.fill(0x55, 4, 60)) },
  { code: 'data-counts', plant: (bench) => bench.damageFile('data', () => ({ nullValueCounts: new Map([[2, 1]]) })) },
  { code: 'data-bounds', plant: (bench) => bench.damageFile('data', () => ({ upperBounds: new Map([[1, encodeValue(LONG, 1n)]]) })) },
  {
    code: 'data-partition',
    bench: { partitioned: true },
    plant: (bench) => bench.damageFile('data', () => ({ partition: ['other'] })),
  },
  {
    code: 'data-order',
    plant: async (bench) => {
      await bench.table.replaceSortOrder(['kind'])
      await bench.damageFile('data', () => ({ sortOrderId: bench.table.sortOrder.orderId }))
    },
  },
  { code: 'summary-totals', plant: (bench) => bench.damage(async ({ manifests }) => manifests.slice(1)), rows: ALL.slice(0, 6) },
]

async function addStatistics(bench: DamageBench, content: Uint8Array | undefined): Promise<void> {
  const statisticsPath = `${bench.table.location}/metadata/some.stats`
  if (content !== undefined) await bench.io.write(statisticsPath, content)
  const { commitTable } = await import('../../../src/commit/commit-table.js')
  const { metadataOperation } = await import('../../../src/commit/commit-operation.js')
  const { loaded, runtime } = await bench.context()
  const snapshotId = loaded.metadata.currentSnapshotId!
  const statistics = { snapshotId, statisticsPath, fileSizeBytes: 40, fileFooterSizeBytes: 20, keyMetadata: undefined, blobMetadata: [] }
  await commitTable(bench.backend, loaded, metadataOperation('statistics', () => [{ action: 'set-statistics', statistics }]), { runtime })
}

/** A manifest list as version 2 has it. */
async function forgetRowIds(bench: DamageBench): Promise<void> {
  const { encodeManifestList } = await import('../../../src/manifest/manifest-list.js')
  const { snapshotId, sequenceNumber, manifestList } = bench.table.currentSnapshot!
  await bench.inspect(async ({ manifests }) => {
    const list = { formatVersion: 2, snapshotId, parentSnapshotId: undefined, sequenceNumber } as const
    await bench.io.write(manifestList!, encodeManifestList(manifests, list))
  })
}

/** A vector of rows 0 and 1, and one of row 2 of the same file. */
async function plantTwoVectors(bench: DamageBench): Promise<void> {
  await withVector(bench)
  await addVector(bench, [2])
}

/** A vector of the file with six rows, whatever vectors it has. */
async function addVector(bench: DamageBench, positions: readonly number[]): Promise<void> {
  const { writeDeletionVectors } = await import('../../../src/write/deletion-vector-writer.js')
  const { PositionBitmap } = await import('../../../src/deletes/position-bitmap.js')
  const { loaded, runtime } = await bench.context()
  const dataFile = (await bench.dataFiles()).find(({ recordCount }) => recordCount === 6)!
  const writing = { io: bench.io, metadata: loaded.metadata, runtime }
  const [vector] = await writeDeletionVectors([{ dataFile, positions: PositionBitmap.of(positions) }], writing)
  await bench.damage(async ({ manifests, attempt, write }) => [
    ...manifests,
    await write('deletes', [{ status: 'added', snapshotId: attempt.snapshotId, sequenceNumber: undefined, fileSequenceNumber: undefined, dataFile: vector! }]),
  ])
}

async function flipVector(bench: DamageBench): Promise<void> {
  await bench.inspect(async ({ manifests, entries }) => {
    const { dataFile } = (await entries(manifests.find(({ content }) => content === 'deletes')!))[0]!
    const bytes = (await bench.io.read(dataFile.filePath)).slice()
    bytes[dataFile.contentOffset! + 12]! ^= 1
    await bench.io.write(dataFile.filePath, bytes)
  })
}

async function overwrite(bench: DamageBench, change: (bytes: Uint8Array) => unknown): Promise<void> {
  const [file] = await bench.dataFiles()
  const bytes = (await bench.io.read(file!.filePath)).slice()
  change(bytes)
  await bench.io.write(file!.filePath, bytes)
}

describe('a check', () => {
  it('finds nothing in a table that is sound', async () => {
    for (const formatVersion of [2, 3] as const) {
      const bench = await DamageBench.make({ formatVersion, partitioned: true })
      await withVector(bench)
      const report = await bench.fsck({ snapshots: 'all' })
      expect(report.findings).toEqual([])
      expect(report).toMatchObject({ isSound: true, table: 'shop', formatVersion, counts: { error: 0, warning: 0, info: 0 } })
      expect(report.checked).toMatchObject({ snapshots: 3, filesRead: formatVersion === 3 ? 4 : 6 })
      expect(report.checked.rowsRead).toBeGreaterThanOrEqual(10)
      expect(JSON.parse(JSON.stringify(report))).toEqual(report)
    }
  })

  it('reports a manifest whose members cannot be decoded, wherever that shows, and goes on', async () => {
    const bench = await DamageBench.make({ partitioned: true })
    // What a partition of another spec looks like, whose first field is a number of four bytes.
    const lowerBound = new Uint8Array([0xff])
    await bench.damageRecord(({ partitions }) => ({ partitions: partitions!.map((field) => ({ ...field, lowerBound })) }))
    const { findings, isSound } = await bench.fsck({ snapshots: 'all' })
    expect([isSound, findings.map(({ code }) => code)]).toEqual([false, expect.arrayContaining(['manifest-damaged'])])
    expect(findings.find(({ code }) => code === 'manifest-damaged')?.manifest).toContain('.avro')
  })

  it('has a test for every code', () => {
    expect(damages.map(({ code }) => code).sort()).toEqual(Object.keys(findingKinds).sort())
  })

  it.each(damages)('sees $code, and repair does about it what it can', async ({ code, bench: options, plant, metadata, options: asked, consent, rows }) => {
    const bench = await DamageBench.make(options)
    await plant(bench)
    const report = await bench.fsck(asked, metadata)
    const found = report.findings.filter((finding) => finding.code === code)
    expect(found.length, JSON.stringify(report.codes)).toBeGreaterThan(0)
    expect(found[0]).toMatchObject({ severity: findingKinds[code].severity, remedy: findingKinds[code].remedy })
    if (metadata !== undefined) return
    const { remedy } = findingKinds[code]
    const before = await bench.repair({ dryRun: true })
    expect(before.plan.steps.some(({ finding }) => finding.code === code)).toBe(remedy === 'repair')
    if (findingKinds[code].severity !== 'info') {
      expect(before.plan.unrepaired.some(({ finding, advice }) => finding.code === code && advice !== '')).toBe(remedy !== 'repair')
    }
    if (remedy === 'manual') return
    await bench.repair(consent)
    expect((await bench.fsck()).findings).toEqual([])
    expect(await bench.ids()).toEqual(rows ?? ALL)
  })
})
