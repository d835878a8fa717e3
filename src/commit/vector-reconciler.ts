/** Keeps to one live vector per data file while others commit vectors too. */
import type { DataFile } from '../manifest/data-file.js'
import { FloeError } from '../util/errors.js'
import { checkChanges, checkFormat } from './check-changes.js'
import type { ConflictFindings } from './conflict-check.js'
import { fileKey, isVector, referencedDataFile } from '../manifest/file-identity.js'
import type { ChangeFilesOptions, FileChanges, NewDeletes, VectorConflict } from './file-changes.js'
import type { FilteredManifests, FilterTargets, LiveFile, ManifestFilter } from './manifest-filter.js'
import { checkNothingMissing } from './missing-files.js'
import { PartitionSet } from './partition-set.js'
import type { SnapshotAttempt } from './snapshot-operation.js'
import { tableName } from './table-name.js'

/** What an attempt does to delete files. */
export interface ReconciledDeletes {
  readonly filtered: FilteredManifests
  /** Of the change itself; the same array as long as nothing changes. */
  readonly added: readonly DataFile[]
  /** Made by hooks. */
  readonly made: readonly DataFile[]
}

export interface DeleteTargets {
  readonly dropped: FilterTargets['dropped']
  readonly removedDataFiles: readonly DataFile[]
  readonly olderThan: bigint
}

/** Finds what others deleted in the data files of this change, has hooks reconcile it, and removes what that replaces. */
export class VectorReconciler {
  readonly #changes: FileChanges
  readonly #options: ChangeFilesOptions
  readonly #vectors: ReadonlyMap<string, DataFile>
  readonly #removedKeys: ReadonlySet<string>
  readonly #merged = new Map<string, DataFile>()
  readonly #made = new Set<string>()
  readonly #replaced = new Set<string>()
  #findings: ConflictFindings = { gone: new Set(), positionDeletes: new Map(), newDeletes: [] }
  #carried: { readonly key: string; readonly files: readonly DataFile[] } = { key: '', files: [] }
  #superseded: readonly string[] = []
  #last: Pick<ReconciledDeletes, 'added' | 'made'>

  constructor(changes: FileChanges, options: ChangeFilesOptions) {
    this.#changes = changes
    this.#options = options
    this.#vectors = new Map(changes.addedDeleteFiles.filter(isVector).map((file) => [file.referencedDataFile!, file]))
    this.#removedKeys = new Set(changes.removedDeleteFiles.map(fileKey))
    this.#last = { added: changes.addedDeleteFiles, made: [] }
  }

  /** Files that hooks made, whether they are used or not. */
  get made(): readonly string[] {
    return [...this.#made]
  }

  /** Files of the change that a merged vector stood in for, or that came to be for a data file that is gone, at least once. */
  get replaced(): readonly string[] {
    return [...this.#replaced]
  }

  /** What the next attempt has to reckon with. */
  found(findings: ConflictFindings): void {
    this.#findings = findings
  }

  /** Whether others removed a data file with all of its rows, and that is fine. */
  isGone(dataFile: string): boolean {
    return this.#findings.gone.has(dataFile)
  }

  async filterDeletes(filter: ManifestFilter, targets: DeleteTargets, attempt: SnapshotAttempt): Promise<ReconciledDeletes> {
    const carried = await this.#carry(attempt)
    let filtered = await filter.filter(attempt.parentManifests, this.#targets(targets), attempt)
    const conflicts = this.#conflicts(filtered.vectors)
    const merged = await this.#merge(conflicts, attempt)
    const superseded = conflicts.flatMap(({ theirs, dataFile }) =>
      theirs.filter(({ file }) => referencedDataFile(file) === dataFile).map(({ file }) => fileKey(file)),
    )
    if (superseded.length !== this.#superseded.length || superseded.some((key, i) => key !== this.#superseded[i])) {
      this.#superseded = superseded
      filtered = await filter.filter(attempt.parentManifests, this.#targets(targets), attempt)
    }
    this.#checkMissing(filtered, targets, conflicts, attempt)
    const pointless = this.#pointless()
    for (const vector of pointless) this.#replaced.add(vector.filePath)
    const skipped = new Set([...conflicts.map(({ ours }) => ours), ...pointless])
    return { filtered, ...this.#remember(skipped, [...merged, ...carried]) }
  }

  #targets({ dropped, removedDataFiles, olderThan }: DeleteTargets): FilterTargets {
    const partitions = PartitionSet.of([...this.#changes.removedDeleteFiles, ...removedDataFiles, ...this.#vectors.values()])
    return {
      keys: this.#superseded.length === 0 ? this.#removedKeys : new Set([...this.#removedKeys, ...this.#superseded]),
      partitions,
      dropped,
      danglingFor: new Set(removedDataFiles.map((file) => file.filePath)),
      watched: new Set(this.#vectors.keys()),
      olderThan,
    }
  }

  /** Vectors of this change for data files that have other deletes than the change was made for. */
  #conflicts(live: readonly LiveFile[]): readonly VectorConflict[] {
    const theirs = new Map<string, LiveFile[]>()
    for (const vector of live) {
      if (this.#removedKeys.has(fileKey(vector.file))) continue
      const dataFile = vector.file.referencedDataFile!
      theirs.set(dataFile, [...(theirs.get(dataFile) ?? []), vector])
    }
    for (const [dataFile, files] of this.#findings.positionDeletes) {
      // A vector holds all position deletes from before it.
      if (!theirs.has(dataFile)) theirs.set(dataFile, [...files])
    }
    return [...theirs]
      .filter(([dataFile]) => !this.#findings.gone.has(dataFile))
      .map(([dataFile, files]) => ({ dataFile, ours: this.#vectors.get(dataFile)!, theirs: files }))
  }

  async #merge(conflicts: readonly VectorConflict[], attempt: SnapshotAttempt): Promise<readonly DataFile[]> {
    const fresh = conflicts.filter((conflict) => !this.#merged.has(conflictKey(conflict)))
    const first = fresh[0]
    if (first !== undefined) {
      const { mergeVectors, name } = this.#options
      const table = tableName(attempt.current)
      if (mergeVectors === undefined) {
        throw new FloeError(
          'CONFLICT',
          `the ${name} deletes rows of a data file that has deletes by another commit in ${first.theirs[0]!.file.filePath}: ` +
            `plan the ${name} again on the current snapshot`,
          { table, file: first.dataFile, retryable: false },
        )
      }
      const vectors = await mergeVectors(fresh, { table: attempt.current, signal: attempt.context.signal })
      for (const vector of vectors) this.#made.add(vector.filePath)
      for (const [i, conflict] of fresh.entries()) {
        this.#merged.set(conflictKey(conflict), checkedMerge(conflict, vectors[i], table))
        this.#replaced.add(conflict.ours.filePath)
      }
    }
    return conflicts.map((conflict) => this.#merged.get(conflictKey(conflict))!)
  }

  async #carry(attempt: SnapshotAttempt): Promise<readonly DataFile[]> {
    const { newDeletes } = this.#findings
    const { carryDeletes } = this.#options
    if (newDeletes.length === 0 || carryDeletes === undefined) return []
    const key = carryKey(newDeletes)
    if (this.#carried.key !== key) {
      const files = await carryDeletes(newDeletes, { table: attempt.current, signal: attempt.context.signal })
      for (const file of files) this.#made.add(file.filePath)
      this.#checkCarried(files, attempt)
      this.#carried = { key, files }
    }
    return this.#carried.files
  }

  /** Throws `INVALID` unless the files are delete files of data files that this change adds. */
  #checkCarried(files: readonly DataFile[], { current }: SnapshotAttempt): void {
    const none = { addedDataFiles: [], removedDataFiles: [], removedDeleteFiles: [] }
    checkChanges({ ...none, addedDeleteFiles: files }, { name: this.#options.name })
    checkFormat(current.metadata, { ...none, addedDeleteFiles: files }, undefined)
    const outputs = new Set(this.#changes.addedDataFiles.map((file) => file.filePath))
    const stray = files.find((file) => isVector(file) && !outputs.has(file.referencedDataFile!))
    if (stray === undefined) return
    const message = `carrying new deletes over returned a vector of ${stray.referencedDataFile!}, which the ${this.#options.name} does not add`
    throw new FloeError('INVALID', message, { table: tableName(current), file: stray.filePath })
  }

  /** A delete file that is gone because a merged vector stands for its successor, or because its data file is gone, is not missed. */
  #checkMissing(filtered: FilteredManifests, targets: DeleteTargets, conflicts: readonly VectorConflict[], attempt: SnapshotAttempt): void {
    if (this.#options.missingFiles === 'ignore') return
    const settled = new Set([
      ...conflicts.map(({ dataFile }) => dataFile),
      ...this.#findings.gone,
      ...targets.removedDataFiles.map((file) => file.filePath),
    ])
    const expected = this.#changes.removedDeleteFiles.filter((file) => !settled.has(referencedDataFile(file) ?? ''))
    checkNothingMissing(expected, filtered.removed, this.#options.name, attempt)
  }

  #pointless(): readonly DataFile[] {
    return [...this.#findings.gone].flatMap((dataFile) => this.#vectors.get(dataFile) ?? [])
  }

  /** The same arrays as long as they hold the same files, so that manifests of them are not encoded again. */
  #remember(skipped: ReadonlySet<DataFile>, made: readonly DataFile[]): Pick<ReconciledDeletes, 'added' | 'made'> {
    const { addedDeleteFiles } = this.#changes
    const added = skipped.size === 0 ? addedDeleteFiles : addedDeleteFiles.filter((file) => !skipped.has(file))
    this.#last = { added: sameFiles(this.#last.added, added), made: sameFiles(this.#last.made, made) }
    return this.#last
  }
}

function checkedMerge({ dataFile, ours }: VectorConflict, merged: DataFile | undefined, table: string): DataFile {
  const problem =
    merged === undefined ? 'returned no vector'
      : !isVector(merged) || merged.referencedDataFile !== dataFile ? 'returned another file than a vector of it'
      : merged.specId !== ours.specId ? 'returned a vector of another partition spec'
      : merged.recordCount < ours.recordCount ? 'returned a vector with fewer rows than one side deleted'
      : undefined
  if (problem === undefined) return merged!
  throw new FloeError('INVALID', `merging the vectors of a data file ${problem}`, { table, file: dataFile })
}

function conflictKey({ ours, theirs }: VectorConflict): string {
  return [ours, ...theirs.map(({ file }) => file)].map(fileKey).join('\0\0')
}

function carryKey(newDeletes: readonly NewDeletes[]): string {
  return newDeletes.map(({ replaced, deletes }) => [replaced, ...deletes.map(({ file }) => file)].map(fileKey).join('\0\0')).join('\0\0\0')
}

function sameFiles(before: readonly DataFile[], now: readonly DataFile[]): readonly DataFile[] {
  return before.length === now.length && before.every((file, i) => file === now[i]) ? before : now
}
