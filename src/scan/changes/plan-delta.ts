import { PartitionSet } from '../../commit/partition-set.js'
import { LoadCache } from '../../deletes/load-cache.js'
import type { BoundExpression } from '../../expression/expression.js'
import { throwIfAborted } from '../../io/aborted.js'
import type { FileIO } from '../../io/file-io.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { ManifestEntry, ManifestFile } from '../../manifest/data-file.js'
import { STATUS_ADDED, STATUS_DELETED, type ManifestEntries } from '../../manifest/manifest-entries.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { Schema } from '../../schema/schema.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { DeleteFileIndex, type DeletableFile } from '../delete-file-index.js'
import type { PositionBitmap } from '../../deletes/position-bitmap.js'
import { loadManifest, loadManifestList } from '../load-manifests.js'
import { PlannedFile } from '../scan-plan.js'
import { SpecFilters } from '../spec-filter.js'
import { excludedBy } from './entry-filter.js'

/** A file of which one snapshot made rows appear or disappear. */
export interface ChangedFile {
  /** The file with the deletes of the state in which the rows are there. */
  readonly file: PlannedFile
  /** The same file with the deletes of the other state, in which they are not; `undefined` when that state does not have the file. */
  readonly other: PlannedFile | undefined
  /** Where the rows lie that may have changed; all others are on both sides. Absent: any may. */
  readonly wanted?: PositionBitmap | undefined
}

/** What one snapshot did to the rows of its parent, file by file. */
export interface SnapshotDelta {
  readonly snapshot: Snapshot
  /** Where rows of the parent may be gone: files that were removed, and files with new deletes. */
  readonly removals: readonly ChangedFile[]
  /** Where rows may be new: files that were added, and files of which deletes were taken back. */
  readonly additions: readonly ChangedFile[]
}

export interface DeltaRequest {
  readonly io: FileIO
  readonly metadata: TableMetadata
  /** What the filter is bound to, and every file is read with. */
  readonly schema: Schema
  readonly filter: BoundExpression
  readonly signal?: AbortSignal | undefined
}

const AHEAD = 6
/** Decoded manifests that are kept for the next snapshot, which mostly has the same ones. */
const MANIFEST_CACHE_BYTES = 64 * 2 ** 20
/** Decoded bytes of a manifest by compressed ones, about. */
const INFLATION = 6

/**
 * Plans what snapshots did, one after another, from manifests alone: those that the snapshot itself wrote say which files came
 * and went. When deletes came or went, the data files that they may apply to are looked for in the others, pruned by partition and
 * sequence number; and where rows disappeared, the deletes that had taken some of them before.
 *
 * The parent may have expired: its manifests are looked at only where a writer left doubts.
 */
export class DeltaPlanner {
  readonly #request: DeltaRequest
  readonly #filters: SpecFilters
  readonly #manifests = new LoadCache(MANIFEST_CACHE_BYTES)

  constructor(request: DeltaRequest) {
    this.#request = request
    this.#filters = new SpecFilters(request.metadata, request.schema, request.filter)
  }

  async plan(snapshot: Snapshot): Promise<SnapshotDelta> {
    // Spec: Snapshots › `replace`: files are replaced without changing the table's rows
    if (snapshot.operation === 'replace') return { snapshot, removals: [], additions: [] }
    const { io, signal } = this.#request
    const manifests = await loadManifestList(io, snapshot, { signal })
    const own = await this.#ownEntries(snapshot, manifests)
    const touched = await this.#touchedEntries(own, manifests)
    const deletes = await this.#deleteStates(own, touched, manifests)
    return { snapshot, ...changedFiles(own, touched, deletes, this.#filters) }
  }

  /** What the manifests that the snapshot wrote say of it. */
  async #ownEntries(snapshot: Snapshot, manifests: readonly ManifestFile[]): Promise<OwnEntries> {
    const own = new OwnEntries(snapshot)
    const written = manifests.filter((manifest) => manifest.addedSnapshotId === snapshot.snapshotId)
    for await (const entries of mapOrdered(written, AHEAD, (manifest) => this.#load(manifest))) {
      throwIfAborted(this.#request.signal)
      own.add(entries)
    }
    await this.#settleDoubts(own, manifests)
    return own
  }

  /**
   * Some writers leave the id of the snapshot that added a file in the entry that says that it is deleted. Whether this snapshot deleted
   * it is told by the parent: it had the file. Where the parent has expired the writer is taken at its word: nobody lists what others
   * deleted in a manifest of its own.
   */
  async #settleDoubts(own: OwnEntries, manifests: readonly ManifestFile[]): Promise<void> {
    const { io, metadata, signal } = this.#request
    if (own.doubtful.length === 0) return
    const parent = findSnapshot(metadata, own.snapshot.parentSnapshotId)
    if (parent === undefined) return own.settle(() => true)
    const kept = new Set(manifests.map((manifest) => manifest.manifestPath))
    const dropped = (await loadManifestList(io, parent, { signal })).filter((manifest) => !kept.has(manifest.manifestPath))
    const live = new Set<string>()
    for await (const entries of mapOrdered(dropped, AHEAD, (manifest) => this.#load(manifest))) {
      for (let i = 0; i < entries.count; i++) if (entries.isLive(i)) live.add(entries.filePath(i))
    }
    own.settle((path) => live.has(path))
  }

  /** Data files of both states to which deletes that came or went may apply. */
  async #touchedEntries(own: OwnEntries, manifests: readonly ManifestFile[]): Promise<readonly FileEntry[]> {
    if (own.addedDeletes.length + own.removedDeletes.length === 0) return []
    const { signal } = this.#request
    const scope = new DeleteScope(own, this.#filters)
    const touched: FileEntry[] = []
    const candidates = manifests.filter((manifest) => manifest.content === 'data' && mayHaveLiveFiles(manifest) && scope.mayTouch(manifest))
    for await (const entries of mapOrdered(candidates, AHEAD, (manifest) => this.#load(manifest))) {
      throwIfAborted(signal)
      for (let i = 0; i < entries.count; i++) {
        if (!entries.isLive(i) || own.isOwn(entries, i) || !scope.touches(entries, i)) continue
        if (excludedBy(entries, i, this.#filters) === undefined) touched.push({ entries, i })
      }
      if (scope.isExhausted) break
    }
    return touched
  }

  /** The deletes before and after the snapshot, as far as they concern its files. */
  async #deleteStates(own: OwnEntries, touched: readonly FileEntry[], manifests: readonly ManifestFile[]): Promise<DeleteStates> {
    const { snapshot } = own
    // Older deletes apply to files that are older than the snapshot
    const older = own.addedFiles.filter(({ entries, i }) => entries.sequenceNumber[i]! < snapshot.sequenceNumber)
    const concerned = [...own.removedFiles, ...touched, ...older]
    const kept = concerned.length === 0 ? [] : await this.#keptDeletes(own, concerned, manifests)
    return {
      before: deleteIndex([...kept, ...own.removedDeletes], this.#filters),
      after: deleteIndex([...kept, ...own.addedDeletes], this.#filters),
    }
  }

  async #keptDeletes(own: OwnEntries, files: readonly FileEntry[], manifests: readonly ManifestFile[]): Promise<readonly ManifestEntry[]> {
    const { metadata } = this.#request
    const partitions = PartitionSet.of(files.map(({ entries, i }) => ({ specId: entries.specId, partition: entries.partition(i) })))
    const isGlobal = globalSpecs(metadata)
    const concerned = manifests.filter(
      (manifest) =>
        manifest.content === 'deletes' &&
        mayHaveLiveFiles(manifest) &&
        (isGlobal.has(manifest.partitionSpecId) || partitions.mayBeIn(manifest, metadata)),
    )
    const kept: ManifestEntry[] = []
    for await (const entries of mapOrdered(concerned, AHEAD, (manifest) => this.#load(manifest))) {
      for (let i = 0; i < entries.count; i++) {
        if (entries.isLive(i) && !own.isOwn(entries, i)) kept.push(entries.entry(i))
      }
    }
    return kept
  }

  #load(manifest: ManifestFile): Promise<ManifestEntries> {
    const { io, signal } = this.#request
    const { partitionType } = this.#filters.of(manifest.partitionSpecId, manifest.manifestPath)
    // Files without ids inherit them from the list's record of the manifest, which may differ from list to list
    const key = `${manifest.manifestPath} ${manifest.firstRowId ?? ''}`
    const load = (): Promise<ManifestEntries> => loadManifest(io, manifest, { partitionType, signal })
    return this.#manifests.get(key, load, () => manifest.manifestLengthBytes * INFLATION)
  }
}

/** An entry of a manifest. */
interface FileEntry {
  readonly entries: ManifestEntries
  readonly i: number
}

interface DeleteStates {
  readonly before: DeleteFileIndex
  readonly after: DeleteFileIndex
}

/** The files that a snapshot added and removed. */
class OwnEntries {
  readonly snapshot: Snapshot
  readonly addedFiles: FileEntry[] = []
  readonly removedFiles: FileEntry[] = []
  readonly addedDeletes: ManifestEntry[] = []
  readonly removedDeletes: ManifestEntry[] = []
  /** Deleted, it is said, by another snapshot. */
  readonly doubtful: FileEntry[] = []

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot
  }

  /** Takes in a manifest that the snapshot wrote, in which files of earlier snapshots may stand as well. */
  add(entries: ManifestEntries): void {
    for (let i = 0; i < entries.count; i++) {
      const isOwn = entries.snapshotId[i] === this.snapshot.snapshotId
      if (entries.status[i] === STATUS_ADDED && isOwn) this.#added({ entries, i })
      else if (entries.status[i] === STATUS_DELETED) {
        if (isOwn) this.#removed({ entries, i })
        else this.doubtful.push({ entries, i })
      }
    }
  }

  /** Decides on the doubtful entries by the locations of their files. */
  settle(isRemoved: (path: string) => boolean): void {
    for (const entry of this.doubtful) if (isRemoved(entry.entries.filePath(entry.i))) this.#removed(entry)
    this.doubtful.length = 0
  }

  #added({ entries, i }: FileEntry): void {
    if (entries.manifest.content === 'data') this.addedFiles.push({ entries, i })
    else this.addedDeletes.push(entries.entry(i))
  }

  #removed({ entries, i }: FileEntry): void {
    if (entries.manifest.content === 'data') this.removedFiles.push({ entries, i })
    else this.removedDeletes.push(entries.entry(i))
  }

  /** Whether the snapshot itself added the file. */
  isOwn(entries: ManifestEntries, i: number): boolean {
    return entries.status[i] === STATUS_ADDED && entries.snapshotId[i] === this.snapshot.snapshotId
  }
}

/** Where deletes that came or went may apply. */
class DeleteScope {
  readonly #metadata: TableMetadata
  readonly #added: DeleteFileIndex
  readonly #removed: DeleteFileIndex
  readonly #partitions: PartitionSet
  /** The highest sequence number of a delete that applies to every partition. */
  readonly #globalSequence: bigint
  /** The files that are still to be found, when every delete names its file. */
  readonly #paths: Set<string> | undefined

  constructor({ addedDeletes, removedDeletes, addedFiles, removedFiles }: OwnEntries, filters: SpecFilters) {
    const { metadata } = filters
    const deletes = [...addedDeletes, ...removedDeletes]
    const isGlobal = globalSpecs(metadata)
    this.#metadata = metadata
    this.#added = deleteIndex(addedDeletes, filters)
    this.#removed = deleteIndex(removedDeletes, filters)
    this.#partitions = PartitionSet.of(deletes.map(({ dataFile }) => dataFile))
    this.#globalSequence = deletes
      .filter(({ dataFile }) => dataFile.content === 'equality-deletes' && isGlobal.has(dataFile.specId))
      .reduce((highest, { sequenceNumber }) => (sequenceNumber > highest ? sequenceNumber : highest), -1n)
    const files = [...this.#added.files, ...this.#removed.files]
    const named = files.map((file) => (file.content === 'equality-deletes' ? undefined : file.referencedDataFile))
    if (named.every((path) => path !== undefined)) {
      const known = new Set([...addedFiles, ...removedFiles].map(({ entries, i }) => entries.filePath(i)))
      this.#paths = new Set(named.filter((path) => !known.has(path)))
    }
  }

  /** Whether every file that deletes name has been found. */
  get isExhausted(): boolean {
    return this.#paths?.size === 0
  }

  mayTouch(manifest: ManifestFile): boolean {
    if (this.isExhausted) return false
    return manifest.minSequenceNumber < this.#globalSequence || this.#partitions.mayBeIn(manifest, this.#metadata)
  }

  touches(entries: ManifestEntries, i: number): boolean {
    const filePath = entries.filePath(i)
    if (this.#paths?.delete(filePath) === false) return false
    const file = deletable({ entries, i })
    return this.#added.deletesFor(file).length > 0 || this.#removed.deletesFor(file).length > 0
  }
}

function changedFiles(
  own: OwnEntries,
  touched: readonly FileEntry[],
  { before, after }: DeleteStates,
  filters: SpecFilters,
): Pick<SnapshotDelta, 'removals' | 'additions'> {
  const planned = (entry: FileEntry, deletes: DeleteFileIndex): PlannedFile => plannedFile(entry, deletes, filters)
  const matching = (files: readonly FileEntry[]): readonly FileEntry[] =>
    files.filter(({ entries, i }) => excludedBy(entries, i, filters) === undefined)
  const removals = matching(own.removedFiles).map((entry): ChangedFile => ({ file: planned(entry, before), other: undefined }))
  const additions = matching(own.addedFiles).map((entry): ChangedFile => ({ file: planned(entry, after), other: undefined }))
  for (const entry of touched) {
    const [old, current] = [planned(entry, before), planned(entry, after)]
    if (!isSubset(current, old)) removals.push({ file: old, other: current })
    if (!isSubset(old, current)) additions.push({ file: current, other: old })
  }
  return { removals, additions }
}

/** Whether every delete of `a` is one of `b` as well. */
function isSubset(a: PlannedFile, b: PlannedFile): boolean {
  const keys = new Set(b.deletes.map((file) => `${file.filePath} ${file.contentOffset ?? ''}`))
  return a.deletes.every((file) => keys.has(`${file.filePath} ${file.contentOffset ?? ''}`))
}

function plannedFile(entry: FileEntry, index: DeleteFileIndex, filters: SpecFilters): PlannedFile {
  const { entries, i } = entry
  const filter = filters.of(entries.specId, entries.manifest.manifestPath)
  const deletes = index.deletesFor(deletable(entry))
  return new PlannedFile({ entries, filter, selected: Uint32Array.of(i), deletes: new Map([[i, deletes]]), keepsStats: true }, i)
}

function deletable({ entries, i }: FileEntry): DeletableFile {
  const sequenceNumber = entries.sequenceNumber[i]!
  return { filePath: entries.filePath(i), specId: entries.specId, partition: entries.partition(i), sequenceNumber, stats: entries.stats(i) }
}

function deleteIndex(entries: readonly ManifestEntry[], { metadata, schema }: SpecFilters): DeleteFileIndex {
  return new DeleteFileIndex(entries, metadata.partitionSpecs, [schema, ...metadata.schemas.toReversed()])
}

/** Specs whose equality deletes apply to every partition. Spec: Scan Planning */
function globalSpecs(metadata: TableMetadata): ReadonlySet<number> {
  const specs = metadata.partitionSpecs.filter((spec) => spec.fields.every((field) => field.transform === 'void'))
  return new Set(specs.map((spec) => spec.specId))
}

/** Counts that were not recorded must be taken as non-zero. */
function mayHaveLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0
}
