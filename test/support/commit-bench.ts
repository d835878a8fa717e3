/** A table in memory with everything that a commit needs, and what can be seen of it afterwards. */
import type { ObjectStatus, WriteOptions } from '../../src/io/file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { appendFiles, type AppendOptions } from '../../src/commit/append-files.js'
import { changeFiles, type ChangeFilesOptions, type FileChanges } from '../../src/commit/change-files.js'
import { commitTable, type CommitResult } from '../../src/commit/commit-table.js'
import { TransactionBackend } from '../../src/commit/transaction-backend.js'
import type { CommitOperation } from '../../src/commit/commit-operation.js'
import { readManifest, readManifestFiles } from '../../src/commit/manifest-input.js'
import type { DataFile, ManifestEntry, ManifestFile } from '../../src/manifest/data-file.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { snapshotById } from '../../src/snapshot/snapshot-ref.js'
import { table } from './metadata-builders.js'
import { ScriptedBackend, TestRuntime, type CommitScript } from './scripted-backend.js'

/** Memory that remembers what was written and deleted, and refuses to write over anything. */
export class RecordingFileIO extends MemoryFileIO {
  readonly writes: string[] = []
  readonly deleted: string[] = []
  failDeletes = false

  override write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectStatus> {
    if (options.ifNoneMatch !== '*') throw new Error(`${location} was written without create-if-absent`)
    this.writes.push(location)
    return super.write(location, body, options)
  }

  override delete(locations: readonly string[]): Promise<void> {
    if (this.failDeletes) return Promise.reject(new Error('the store refuses to delete'))
    this.deleted.push(...locations)
    return super.delete(locations)
  }
}

export class CommitBench {
  readonly io = new RecordingFileIO()
  readonly runtime = new TestRuntime()
  readonly backend: ScriptedBackend

  constructor(options: { readonly metadata?: TableMetadata; readonly script?: readonly CommitScript[] } = {}) {
    this.backend = new ScriptedBackend(options.metadata ?? table(), this.io, this.runtime, options.script)
  }

  append(paths: readonly string[], options: AppendOptions = {}, base = this.backend.current()): Promise<CommitResult> {
    return this.commit(appendFiles(paths.map((path) => dataFile(path)), options, this.runtime), base)
  }

  /** Commits a change of files; lists that are left out are empty. */
  change(changes: Partial<FileChanges>, options: Partial<ChangeFilesOptions> = {}, base = this.backend.current()): Promise<CommitResult> {
    return this.commit(changeFiles({ ...NO_CHANGES, ...changes }, { name: 'change', ...options }, this.runtime), base)
  }

  commit(operation: CommitOperation, base = this.backend.current()): Promise<CommitResult> {
    return commitTable(this.backend, base, operation, { runtime: this.runtime })
  }

  /** Stages the operations on `base`, then commits them as one. */
  async transaction(operations: readonly CommitOperation[], base = this.backend.current()): Promise<CommitResult> {
    const staging = new TransactionBackend(base)
    for (const operation of operations) await staging.stage(operation, { runtime: this.runtime })
    return this.commit(staging.operation(), base)
  }

  /** A commit by another writer, past the script. */
  appendAsOther(paths: readonly string[], options: AppendOptions = {}): Promise<void> {
    return this.commitAsOther(appendFiles(paths.map((path) => dataFile(path)), options, this.runtime))
  }

  /** A change by another writer, past the script. */
  changeAsOther(changes: Partial<FileChanges>, options: Partial<ChangeFilesOptions> = {}): Promise<void> {
    return this.commitAsOther(changeFiles({ ...NO_CHANGES, ...changes }, { name: 'change', ...options }, this.runtime))
  }

  async commitAsOther(operation: CommitOperation): Promise<void> {
    const other = new ScriptedBackend(this.backend.metadata, this.io, this.runtime)
    await commitTable(other, other.current(), operation, { runtime: this.runtime })
    this.backend.metadata = other.metadata
  }

  /** The manifests of a snapshot; of the current one by default. */
  async manifests(snapshotId = this.backend.metadata.currentSnapshotId): Promise<readonly ManifestFile[]> {
    if (snapshotId === undefined) return []
    const current = this.backend.current()
    return readManifestFiles(current, snapshotById(current.metadata, snapshotId))
  }

  async entries(snapshotId?: bigint): Promise<readonly ManifestEntry[]> {
    const entries: ManifestEntry[] = []
    for (const manifest of await this.manifests(snapshotId)) {
      const decoded = await readManifest(this.backend.current(), manifest)
      for (let i = 0; i < decoded.count; i++) entries.push(decoded.entry(i))
    }
    return entries
  }

  /** The live files of a snapshot, sorted; throws when one of its files is gone. */
  async paths(snapshotId?: bigint): Promise<readonly string[]> {
    const live = (await this.entries(snapshotId)).filter((entry) => entry.status !== 'deleted')
    return live.map((entry) => entry.dataFile.filePath).sort()
  }

  /** Objects in the store that no snapshot of the table needs. */
  async orphans(): Promise<readonly string[]> {
    const used = new Set<string>()
    for (const snapshot of this.backend.metadata.snapshots) {
      used.add(snapshot.manifestList!)
      for (const manifest of await this.manifests(snapshot.snapshotId)) used.add(manifest.manifestPath)
    }
    const orphans: string[] = []
    for await (const object of this.io.list('mem://lake/')) if (!used.has(object.location)) orphans.push(object.location)
    return orphans
  }
}

const NO_CHANGES: FileChanges = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }

/** A deletion vector of `dataFile` that nobody reads: `rows` rows, in a Puffin file that may be shared. */
export function vector(filePath: string, target: string, overrides: Partial<DataFile> = {}): DataFile {
  return dataFile(filePath, {
    content: 'position-deletes',
    fileFormat: 'puffin',
    recordCount: 1,
    referencedDataFile: target,
    contentOffset: 4,
    contentSizeBytes: 40,
    ...overrides,
  })
}

/** A position delete file that nobody reads; for one data file when `target` is given. */
export function positionDeletes(filePath: string, target?: string, overrides: Partial<DataFile> = {}): DataFile {
  return dataFile(filePath, { content: 'position-deletes', recordCount: 1, ...(target === undefined ? {} : { referencedDataFile: target }), ...overrides })
}

/** An equality delete file that nobody reads. */
export function equalityDeletes(filePath: string, overrides: Partial<DataFile> = {}): DataFile {
  return dataFile(filePath, { content: 'equality-deletes', recordCount: 1, equalityIds: [1], ...overrides })
}

/** A data file that nobody reads. */
export function dataFile(filePath: string, overrides: Partial<DataFile> = {}): DataFile {
  return {
    content: 'data',
    filePath,
    fileFormat: 'parquet',
    specId: 0,
    partition: [],
    recordCount: 10,
    fileSizeBytes: 100,
    ...overrides,
  }
}
