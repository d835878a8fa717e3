/**
 * A table in memory with files that nobody reads but that are there: what upkeep deletes, and what it must not, can be told by
 * looking. What is reachable is found here without the library's own walk.
 */
import type { CatalogBackend, LoadedTable, TableIdentifier } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { appendFiles, type AppendOptions } from '../../src/commit/append-files.js'
import { changeFiles, type FileChanges } from '../../src/commit/change-files.js'
import { cherryPick } from '../../src/commit/cherry-pick.js'
import { metadataOperation, type CommitOperation } from '../../src/commit/commit-operation.js'
import { commitTable } from '../../src/commit/commit-table.js'
import { readManifest, readManifestFiles } from '../../src/commit/manifest-input.js'
import type { FileIO } from '../../src/io/file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { InterceptedFileIO } from './intercepted-file-io.js'
import { locationsBelow } from './locations-below.js'
import { SCHEMA, UNPARTITIONED, UNSORTED } from './metadata-builders.js'
import { TestRuntime } from './scripted-backend.js'
import { dataFile, vector } from './commit-bench.js'

export const DAY_MS = 86_400_000

export interface UpkeepBenchOptions {
  readonly properties?: Readonly<Record<string, string>>
  /** `files`: path-based, where every step of a commit is a request. Default `memory`. */
  readonly catalog?: 'memory' | 'files'
  readonly formatVersion?: 1 | 2 | 3
  readonly spec?: PartitionSpec
  /** Default: memory. */
  readonly store?: FileIO
  /** A catalog in front of the one that is asked for. */
  readonly front?: (backend: CatalogBackend, io: FileIO) => Promise<CatalogBackend>
}

const NO_CHANGES: FileChanges = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }

export class UpkeepBench {
  readonly runtime = new TestRuntime(1_800_000_000_000)
  /** The objects, past what is counted and broken in {@link io}. */
  readonly memory: FileIO
  readonly io: InterceptedFileIO
  readonly identifier: TableIdentifier = { namespace: ['shop'], name: 'events' }
  backend: CatalogBackend
  #files = 0

  private constructor(options: UpkeepBenchOptions) {
    const { runtime } = this
    this.memory = options.store ?? new MemoryFileIO({ runtime })
    const io = new InterceptedFileIO(this.memory)
    this.io = io
    this.backend =
      options.catalog === 'files'
        ? new ObjectStoreCatalog({ warehouse: 's3://bucket/lake', io, runtime, verifyStore: 'never', metadataCacheBytes: 0 })
        : new MemoryCatalog({ warehouse: 's3://bucket/lake', io, runtime })
  }

  static async open(options: UpkeepBenchOptions = {}): Promise<UpkeepBench> {
    const bench = new UpkeepBench(options)
    if (options.front !== undefined) bench.backend = await options.front(bench.backend, bench.io)
    await bench.backend.createNamespace(['shop'])
    const { formatVersion = 3, spec = UNPARTITIONED } = options
    const properties = new Map(Object.entries({ 'commit.manifest.min-count-to-merge': '3', ...options.properties }))
    await bench.backend.createTable(bench.identifier, { schema: SCHEMA, spec, sortOrder: UNSORTED, formatVersion, properties })
    return bench
  }

  /** The table as it is now; also the context of an operation on it. */
  load(): Promise<LoadedTable> {
    return this.backend.loadTable(this.identifier)
  }

  async context(): Promise<{ readonly backend: CatalogBackend; readonly loaded: LoadedTable; readonly runtime: TestRuntime }> {
    return { backend: this.backend, loaded: await this.load(), runtime: this.runtime }
  }

  async commit(operation: CommitOperation, base?: LoadedTable): Promise<LoadedTable> {
    const { table } = await commitTable(this.backend, base ?? (await this.load()), operation, { runtime: this.runtime })
    return table
  }

  update(make: (metadata: TableMetadata) => readonly MetadataUpdate[]): Promise<LoadedTable> {
    return this.commit(metadataOperation('update', make))
  }

  /** Time that passes between commits. */
  wait(ms: number): void {
    this.runtime.nowMs += ms
  }

  /** A data file that is in the store and not in the table. */
  async writeFile(name = `f${++this.#files}.parquet`, overrides: Partial<DataFile> = {}): Promise<DataFile> {
    const file = dataFile(`${(await this.load()).metadata.location}/data/${name}`, { fileSizeBytes: 4, ...overrides })
    await this.memory.write(file.filePath, new TextEncoder().encode('PAR1'))
    return file
  }

  async append(options: AppendOptions = {}, count = 1): Promise<readonly DataFile[]> {
    const files: DataFile[] = []
    for (let i = 0; i < count; i++) files.push(await this.writeFile())
    await this.commit(appendFiles(files, options, this.runtime))
    return files
  }

  /** The same file again, after it was removed. */
  async add(file: DataFile, options: AppendOptions = {}): Promise<void> {
    await this.commit(appendFiles([file], options, this.runtime))
  }

  async change(changes: Partial<FileChanges>, branch?: string): Promise<void> {
    const operation = changeFiles({ ...NO_CHANGES, ...changes }, { name: 'change', ...(branch === undefined ? {} : { branch }) }, this.runtime)
    await this.commit(operation)
  }

  pick(snapshotId: bigint): Promise<LoadedTable> {
    return this.commit(cherryPick(snapshotId, {}, this.runtime))
  }

  /** Deletion vectors of several files in one Puffin file. */
  async deleteIn(files: readonly DataFile[], branch?: string): Promise<void> {
    const puffin = await this.writeFile(`v${++this.#files}.puffin`)
    const addedDeleteFiles = files.map((file, i) => vector(puffin.filePath, file.filePath, { contentOffset: 4 + i * 40, fileSizeBytes: 4 }))
    const removedDeleteFiles = (await this.liveFiles(branch)).filter(
      ({ content, referencedDataFile }) => content !== 'data' && files.some(({ filePath }) => filePath === referencedDataFile),
    )
    await this.change({ addedDeleteFiles, removedDeleteFiles }, branch)
  }

  /** Data and delete files of the head of a branch. */
  async liveFiles(branch = 'main'): Promise<readonly DataFile[]> {
    const table = await this.load()
    const ref = table.metadata.refs.get(branch)
    if (ref === undefined) return []
    return filesOf(table, ref.snapshotId)
  }

  /** Every object there is. */
  objects(): Promise<readonly string[]> {
    return locationsBelow(this.memory, 's3://bucket/lake')
  }

  /** Of the objects, those that the table reaches; fails when something that it reaches is gone. */
  async reachable(): Promise<ReadonlySet<string>> {
    const reachable = await reachableOf(await this.load())
    const there = new Set(await this.objects())
    const missing = [...reachable].filter((location) => !there.has(location))
    if (missing.length > 0) throw new Error(`reachable, and gone: ${missing.join(', ')}`)
    return reachable
  }

  /** Objects of the table's data, manifests, lists and statistics that it does not reach. */
  async leftovers(): Promise<readonly string[]> {
    const reachable = await this.reachable()
    const isUpkept = (location: string): boolean => /\.(?:parquet|puffin|avro|stats)$/.test(location)
    return (await this.objects()).filter((location) => isUpkept(location) && !reachable.has(location))
  }
}

async function filesOf(table: LoadedTable, snapshotId: bigint): Promise<readonly DataFile[]> {
  const snapshot = table.metadata.snapshots.find((candidate) => candidate.snapshotId === snapshotId)!
  const files: DataFile[] = []
  for (const manifest of await readManifestFiles(table, snapshot)) {
    const entries = await readManifest(table, manifest)
    for (let i = 0; i < entries.count; i++) if (entries.isLive(i)) files.push(entries.dataFile(i))
  }
  return files
}

async function reachableOf(table: LoadedTable): Promise<ReadonlySet<string>> {
  const { metadata } = table
  const reachable = new Set([table.metadataLocation])
  for (const { statisticsPath } of [...metadata.statistics, ...metadata.partitionStatistics]) reachable.add(statisticsPath)
  for (const snapshot of metadata.snapshots) {
    reachable.add(snapshot.manifestList!)
    for (const { manifestPath } of await readManifestFiles(table, snapshot)) reachable.add(manifestPath)
    for (const { filePath } of await filesOf(table, snapshot.snapshotId)) reachable.add(filePath)
  }
  return reachable
}
