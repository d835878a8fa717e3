/** Adds and removes data files, delete files and vectors in one snapshot. Source: `MergingSnapshotProducer` and its subclasses */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { DataFile, ManifestFile } from '../manifest/data-file.js'
import { UNASSIGNED_SEQUENCE_NUMBER } from '../manifest/manifest-list.js'
import { SnapshotSummary } from '../snapshot/snapshot-summary.js'
import type { SnapshotOperation } from '../snapshot/snapshot.js'
import type { Runtime } from '../util/runtime.js'
import { AddedManifests, checkSpecsExist, PartitionPaths } from './added-manifests.js'
import { checkChanges, checkFormat, deriveOperation } from './check-changes.js'
import type { CommitContext, CommitOperation } from './commit-operation.js'
import { ConflictCheck } from './conflict-check.js'
import { fileKey } from '../manifest/file-identity.js'
import type { ChangeFilesOptions, FileChanges } from './file-changes.js'
import { ManifestFilter, type FilteredManifests } from './manifest-filter.js'
import { ManifestMerger } from './manifest-merge.js'
import type { NewManifest } from './manifest-output.js'
import { checkNothingMissing, checkRowIdsKnown } from './missing-files.js'
import { PartitionSet } from './partition-set.js'
import { snapshotOperation, type SnapshotAttempt, type SnapshotContents, type SnapshotMaker } from './snapshot-operation.js'
import { VectorReconciler, type ReconciledDeletes } from './vector-reconciler.js'

export type {
  ChangeFilesOptions,
  ConflictValidation,
  DeleteCarrier,
  FileChanges,
  HookContext,
  NewDeletes,
  VectorConflict,
  VectorMerger,
} from './file-changes.js'

/**
 * The operation that makes `changes`, anew on each version that another commit made current, after what that commit did was
 * found to go together with them.
 *
 * Throws `INVALID` for changes that contradict themselves or the format; committing throws `CONFLICT`, naming the file, when
 * others were in the way.
 */
export function changeFiles(changes: FileChanges, options: ChangeFilesOptions, runtime: Runtime): CommitOperation {
  checkChanges(changes, options)
  return snapshotOperation(new FileChangeMaker(changes, options), options, runtime)
}

class FileChangeMaker implements SnapshotMaker {
  readonly name: string
  readonly #changes: FileChanges
  readonly #options: ChangeFilesOptions
  readonly #check: ConflictCheck
  readonly #vectors: VectorReconciler
  readonly #dataFilter = new ManifestFilter('data')
  readonly #deleteFilter = new ManifestFilter('deletes')
  readonly #dataMerger = new ManifestMerger()
  readonly #deleteMerger = new ManifestMerger()
  readonly #addedData = new AddedManifests()
  readonly #addedDeletes = new AddedManifests()
  /** Made by hooks, which know nothing of the given sequence number. */
  readonly #madeDeletes = new AddedManifests()
  readonly #dropped: PartitionSet | 'all' | undefined
  readonly #removedKeys: ReadonlySet<string>
  readonly #removedPartitions: PartitionSet

  constructor(changes: FileChanges, options: ChangeFilesOptions) {
    this.name = options.name
    // Spec: Row Lineage: rows of added files get their ids with the commit. Source: `Delegates.suppressFirstRowId`
    const addedDataFiles = changes.addedDataFiles.map((file) => (file.firstRowId === undefined ? file : { ...file, firstRowId: undefined }))
    this.#changes = { ...changes, addedDataFiles }
    this.#options = options
    this.#check = new ConflictCheck(this.#changes, options)
    this.#vectors = new VectorReconciler(this.#changes, options)
    this.#dropped = options.replacePartitions === true ? PartitionSet.of(addedDataFiles) : undefined
    this.#removedKeys = new Set(changes.removedDataFiles.map(fileKey))
    this.#removedPartitions = PartitionSet.of(changes.removedDataFiles)
  }

  operation(): SnapshotOperation {
    return this.#options.operation ?? deriveOperation(this.#changes, this.#options)
  }

  prepare(base: LoadedTable): Promise<void> {
    return Promise.resolve(base).then(({ metadata }) => {
      checkFormat(metadata, this.#changes, undefined)
      const paths = new PartitionPaths(metadata)
      for (const file of [...this.#changes.addedDataFiles, ...this.#changes.addedDeleteFiles]) paths.of(file)
    })
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    const { addedDataFiles, addedDeleteFiles } = this.#changes
    checkSpecsExist(current.metadata, [...addedDataFiles, ...addedDeleteFiles])
    checkFormat(current.metadata, this.#changes, base.metadata)
    this.#vectors.found(await this.#check.run(base, current, context))
  }

  async makeContents(attempt: SnapshotAttempt): Promise<SnapshotContents> {
    const data = await this.#dataFilter.filter(
      attempt.parentManifests,
      { keys: this.#removedKeys, partitions: this.#removedPartitions, dropped: this.#droppedIn(attempt) },
      attempt,
    )
    if (this.#options.missingFiles !== 'ignore') {
      const expected = this.#changes.removedDataFiles.filter((file) => !this.#vectors.isGone(file.filePath))
      checkNothingMissing(expected, data.removed, this.name, attempt)
      checkRowIdsKnown(this.#options.withoutRowIds, data.removed, this.name, attempt)
    }
    const deletes = await this.#vectors.filterDeletes(this.#deleteFilter, this.#deleteTargets(data, attempt), attempt)
    return this.#assemble(data, deletes, attempt)
  }

  filesOfFailure(): readonly string[] {
    const { addedDataFiles, addedDeleteFiles } = this.#changes
    const owned = this.#options.ownsFiles === true ? [...addedDataFiles, ...addedDeleteFiles].map((file) => file.filePath) : []
    return [...new Set([...owned, ...this.#vectors.made])]
  }

  filesMade(): readonly string[] {
    return this.#vectors.made
  }

  replacedFiles(): readonly string[] {
    return this.#vectors.replaced
  }

  /** Spec: Partitioning: a spec without partition fields has one partition, which is the table. */
  #droppedIn({ current }: SnapshotAttempt): PartitionSet | 'all' | undefined {
    if (this.#dropped === undefined) return undefined
    const specs = new Map(current.metadata.partitionSpecs.map((spec) => [spec.specId, spec]))
    const isWhole = this.#changes.addedDataFiles.some(
      (file) => specs.get(file.specId)?.fields.every((field) => field.transform === 'void') === true,
    )
    return isWhole ? 'all' : this.#dropped
  }

  #deleteTargets(data: FilteredManifests, attempt: SnapshotAttempt): Parameters<VectorReconciler['filterDeletes']>[1] {
    const addedUnder = this.#changes.addedDataFiles.length > 0 ? this.#options.dataSequenceNumber : undefined
    return {
      dropped: this.#droppedIn(attempt),
      removedDataFiles: data.removed,
      olderThan: lowestSequenceNumber(data.manifests, attempt, addedUnder),
    }
  }

  async #assemble(data: FilteredManifests, deletes: ReconciledDeletes, attempt: SnapshotAttempt): Promise<SnapshotContents> {
    const { addedDataFiles } = this.#changes
    const { dataSequenceNumber, deleteSequenceNumber } = this.#options
    const freshData = this.#addedData.encode({ content: 'data', files: addedDataFiles, sequenceNumber: dataSequenceNumber }, attempt)
    const freshDeletes = [
      ...this.#addedDeletes.encode({ content: 'deletes', files: deletes.added, sequenceNumber: deleteSequenceNumber }, attempt),
      ...this.#madeDeletes.encode({ content: 'deletes', files: deletes.made }, attempt),
    ]
    const mergedData = await this.#merge(this.#dataMerger, freshData, data, attempt)
    const mergedDeletes = await this.#merge(this.#deleteMerger, freshDeletes, deletes.filtered, attempt)
    const added = [...addedDataFiles, ...deletes.added, ...deletes.made]
    return {
      manifests: [...mergedData.manifests, ...mergedDeletes.manifests],
      summary: this.#summary(added, [data, deletes.filtered], attempt),
      replaced: mergedData.replaced + mergedDeletes.replaced + data.replaced + deletes.filtered.replaced,
      contentFiles: new Set(added.map((file) => file.filePath)),
    }
  }

  async #merge(
    merger: ManifestMerger,
    fresh: readonly NewManifest[],
    filtered: FilteredManifests,
    attempt: SnapshotAttempt,
  ): Promise<{ readonly manifests: readonly ManifestFile[]; readonly replaced: number }> {
    const { current, snapshotId, output } = attempt
    const isMerging = this.#options.mode !== 'fast'
    return merger.merge(fresh, filtered.manifests, { table: current, snapshotId, output, signal: attempt.context.signal, isMerging })
  }

  #summary(added: readonly DataFile[], filtered: readonly FilteredManifests[], attempt: SnapshotAttempt): SnapshotSummary {
    const summary = new SnapshotSummary()
    const paths = new PartitionPaths(attempt.current.metadata)
    for (const file of added) summary.addedFile(paths.of(file), file)
    for (const part of filtered) {
      for (const file of part.removed) summary.removedFile(paths.of(file), file)
      summary.duplicateDeletes(part.duplicates)
    }
    if (this.#options.replacePartitions === true) summary.set('replace-partitions', 'true')
    return summary
  }
}

/**
 * The lowest data sequence number that a data file of the new snapshot may have. Unlike in the reference, files that this
 * commit adds under an older number count: later deletes still apply to them.
 */
function lowestSequenceNumber(
  manifests: FilteredManifests['manifests'],
  { current }: SnapshotAttempt,
  addedUnder: bigint | undefined,
): bigint {
  let lowest = current.metadata.lastSequenceNumber
  if (addedUnder !== undefined && addedUnder < lowest) lowest = addedUnder
  for (const manifest of manifests) {
    const { minSequenceNumber } = 'bytes' in manifest ? manifest.manifestFile : manifest
    if (minSequenceNumber !== UNASSIGNED_SEQUENCE_NUMBER && minSequenceNumber < lowest) lowest = minSequenceNumber
  }
  return lowest
}
