/** A small table in memory whose manifests can be replaced by any others: what a check must find is planted with our own writers. */
import { Table, schema, t, identity, asc } from '../../src/index.js'
import type { LoadedTable, TableCreation } from '../../src/catalog/catalog-backend.js'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { commitTable } from '../../src/commit/commit-table.js'
import { readManifest } from '../../src/commit/manifest-input.js'
import { manifestWriterOptions } from '../../src/commit/manifest-output.js'
import { snapshotOperation, type SnapshotAttempt, type SnapshotContents } from '../../src/commit/snapshot-operation.js'
import type { DmlContext } from '../../src/dml/dml-context.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { DataFile, ManifestContent, ManifestEntry, ManifestFile } from '../../src/manifest/data-file.js'
import { ManifestWriter, type ManifestEntryInput } from '../../src/manifest/manifest-writer.js'
import { fsck } from '../../src/maintenance/fsck/fsck.js'
import type { FsckOptions } from '../../src/maintenance/fsck/fsck-options.js'
import type { FsckReport } from '../../src/maintenance/fsck/fsck-report.js'
import { repair, type RepairOptions, type RepairResult } from '../../src/maintenance/repair/repair.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import { buildPartitionSpec, buildSortOrder } from '../../src/partition/spec-builder.js'
import { SnapshotSummary } from '../../src/snapshot/snapshot-summary.js'
import { systemRuntime } from '../../src/util/runtime.js'

const engine = new ParquetWasmEngine({ workers: 0 })
const columns = schema({ id: t.long.required, kind: t.string, score: t.double })

/** The manifests of the attempt, and the tools to make others of them. */
export interface DamageTools {
  readonly attempt: SnapshotAttempt
  readonly manifests: readonly ManifestFile[]
  entries(manifest: ManifestFile): Promise<ManifestEntry[]>
  write(content: ManifestContent, entries: readonly ManifestEntryInput[], specId?: number): Promise<ManifestFile>
}

export interface BenchOptions {
  readonly formatVersion?: 2 | 3
  readonly partitioned?: boolean
  readonly sorted?: boolean
  readonly properties?: Readonly<Record<string, string>>
}

/** A table of ten rows in two files, or in two for each of two partitions. */
export class DamageBench {
  private constructor(
    readonly io: MemoryFileIO,
    readonly backend: ObjectStoreCatalog,
    readonly table: Table,
  ) {}

  static async make({ formatVersion = 2, partitioned = false, sorted = false, properties = {} }: BenchOptions = {}): Promise<DamageBench> {
    const io = new MemoryFileIO()
    const backend = new ObjectStoreCatalog({ warehouse: 'memory:///warehouse', io })
    const creation: TableCreation = {
      schema: columns,
      spec: partitioned ? buildPartitionSpec([identity('kind')], columns) : { specId: 0, fields: [] },
      sortOrder: sorted ? buildSortOrder([asc('id')], columns) : { orderId: 0, fields: [] },
      formatVersion,
      properties: new Map(Object.entries({ 'commit.manifest-merge.enabled': 'false', ...properties })),
    }
    const loaded = await backend.createTable({ namespace: [], name: 'shop' }, creation)
    const table = new Table(loaded, { backend, engine, runtime: systemRuntime })
    await table.append(rowsFrom(0, 6))
    await table.append(rowsFrom(6, 10))
    return new DamageBench(io, backend, table)
  }

  async loaded(): Promise<LoadedTable> {
    return this.backend.loadTable(this.table.identifier)
  }

  async context(change: (metadata: TableMetadata) => Partial<TableMetadata> = () => ({})): Promise<DmlContext> {
    const loaded = await this.loaded()
    const metadata = { ...loaded.metadata, ...change(loaded.metadata) }
    return { backend: this.backend, loaded: { ...loaded, metadata }, engine, runtime: systemRuntime }
  }

  /** Checks the table, or what its metadata would be. */
  async fsck(options: FsckOptions = {}, change?: (metadata: TableMetadata) => Partial<TableMetadata>): Promise<FsckReport> {
    return fsck(await this.context(change), { data: 'all', ...options })
  }

  async repair(options: RepairOptions = {}): Promise<RepairResult> {
    const { result } = await repair(await this.context(), { data: 'all', ...options })
    await this.table.refresh()
    return result
  }

  /** Ids of all rows, sorted. */
  async ids(): Promise<number[]> {
    await this.table.refresh()
    return (await this.table.scan().select('id').rows().toArray()).map((row) => Number(row['id'])).sort((a, b) => a - b)
  }

  async dataFiles(): Promise<DataFile[]> {
    const files: DataFile[] = []
    await this.inspect(async ({ manifests, entries }) => {
      for (const manifest of manifests) for (const entry of await entries(manifest)) if (entry.dataFile.content === 'data') files.push(entry.dataFile)
    })
    return files
  }

  /** Commits a snapshot with other manifests than it should have. */
  async damage(change: (tools: DamageTools) => Promise<readonly ManifestFile[]>, branch = 'main'): Promise<void> {
    const context = await this.context()
    const makeContents = async (attempt: SnapshotAttempt): Promise<SnapshotContents> => ({
      manifests: await change(tools(attempt)),
      summary: new SnapshotSummary(),
      replaced: 0,
    })
    const operation = snapshotOperation({ name: 'damage', operation: () => 'append', makeContents }, { branch }, systemRuntime)
    await commitTable(this.backend, context.loaded, operation, { runtime: systemRuntime })
    await this.table.refresh()
  }

  /** Changes the first live entry of a content; the rest of its manifest stays. */
  async damageEntry(content: ManifestContent, change: (entry: ManifestEntry) => Partial<ManifestEntryInput>): Promise<void> {
    await this.damage(async ({ manifests, entries, write }) => {
      const at = manifests.findIndex((manifest) => manifest.content === content)
      const [first, ...rest] = await entries(manifests[at]!)
      const written = await write(content, [{ ...first!, status: 'existing', ...change(first!) }, ...rest.map(existing)], manifests[at]!.partitionSpecId)
      return manifests.map((manifest, i) => (i === at ? written : manifest))
    })
  }

  /** The same for its file. */
  damageFile(content: ManifestContent, change: (file: DataFile) => Partial<DataFile>): Promise<void> {
    return this.damageEntry(content, ({ dataFile }) => ({ dataFile: { ...dataFile, ...change(dataFile) } }))
  }

  /** Changes what the list says of the first manifest of a content. */
  damageRecord(change: (manifest: ManifestFile) => Partial<ManifestFile>, content: ManifestContent = 'data'): Promise<void> {
    return this.damage(async ({ manifests }) => {
      const at = manifests.findIndex((manifest) => manifest.content === content)
      return manifests.map((manifest, i) => (i === at ? { ...manifest, ...change(manifest) } : manifest))
    })
  }

  async inspect(look: (tools: Omit<DamageTools, 'attempt' | 'write'>) => Promise<void>): Promise<void> {
    const loaded = await this.loaded()
    const { readManifestFiles } = await import('../../src/commit/manifest-input.js')
    const snapshot = loaded.metadata.snapshots.find(({ snapshotId }) => snapshotId === loaded.metadata.currentSnapshotId)
    const manifests = await readManifestFiles(loaded, snapshot)
    await look({ manifests, entries: (manifest) => liveEntries(loaded, manifest) })
  }
}

export function rowsFrom(from: number, to: number): Record<string, unknown>[] {
  return Array.from({ length: to - from }, (_, i) => ({ id: from + i, kind: i % 2 === 0 ? 'click' : 'view', score: (from + i) / 2 }))
}

/** An entry as one of an earlier snapshot. */
export function existing(entry: ManifestEntry): ManifestEntryInput {
  return { ...entry, status: 'existing' }
}

async function liveEntries(table: LoadedTable, manifest: ManifestFile): Promise<ManifestEntry[]> {
  const entries = await readManifest(table, manifest)
  return Array.from({ length: entries.count }, (_, i) => i).filter((i) => entries.isLive(i)).map((i) => entries.entry(i))
}

function tools(attempt: SnapshotAttempt): DamageTools {
  const { current, parentManifests, snapshotId, output } = attempt
  return {
    attempt,
    manifests: parentManifests,
    entries: (manifest) => liveEntries(current, manifest),
    write: async (content, entries, specId = current.metadata.defaultSpecId) => {
      const writer = new ManifestWriter(manifestWriterOptions(current.metadata, { specId, content, snapshotId }))
      for (const entry of entries) writer.add(entry)
      return output.writeManifest(current, writer.finish(output.nextManifestLocation(current.metadata)), undefined)
    },
  }
}
