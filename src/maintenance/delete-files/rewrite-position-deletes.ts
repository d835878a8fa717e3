/**
 * Position delete files and vectors in few files of a good size: reading a data file then opens few of them, and what applies to
 * nothing is gone. Which rows are deleted stays as it was. Equality deletes are not touched: `convertEqualityDeletes` does those.
 */
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { fileKey } from '../../manifest/file-identity.js'
import { commitChanges, deleteLoader, type DmlContext } from '../../dml/dml-context.js'
import { VectorMerging } from '../../dml/merge-vectors.js'
import { alwaysTrue } from '../../expression/predicates.js'
import { throwIfAborted } from '../../io/aborted.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import type { DataFile } from '../../manifest/data-file.js'
import type { PlannedFile } from '../../scan/scan-plan.js'
import { branchHead, MAIN_BRANCH, refByName } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { isFloeError } from '../../util/errors.js'
import { writeDeletionVectors, type PositionDeleteTarget } from '../../write/deletion-vector-writer.js'
import { writePositionDeletes } from '../../write/position-delete-writer.js'
import { livePositionDeletes, type LiveDelete } from './live-deletes.js'
import { selectDeleteFiles, type DeleteFileSelection, type SelectedDeletes } from './select-delete-files.js'

const LOADS_AT_ONCE = 8
/** Vectors that are held in memory together, in bytes as they are stored. */
const BATCH_BYTES = 64 * 2 ** 20
const MAX_PLANS = 3

/** How far a rewrite of delete files has come. */
export interface RewriteDeletesProgress {
  readonly files: number
  readonly totalFiles: number
}

export interface RewritePositionDeletesOptions extends DeleteFileSelection {
  /** Default `main`. */
  readonly branch?: string | undefined
  readonly dryRun?: boolean | undefined
  /** Kept in the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  readonly onProgress?: ((progress: RewriteDeletesProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface RewritePositionDeletesResult {
  /** `undefined`: nothing was to be rewritten, or it was a dry run. */
  readonly snapshot: Snapshot | undefined
  /** Delete files and vectors that are gone; of a dry run, that would be. */
  readonly rewrittenDeletes: number
  /** Of them, those that applied to nothing. */
  readonly danglingDeletes: number
  /** Delete files and vectors instead; of a dry run, 0. */
  readonly addedDeletes: number
  /** Files that those are in: vectors share Puffin files. */
  readonly addedFiles: number
  readonly rewrittenBytes: number
  readonly addedBytes: number
  readonly reasons: readonly string[]
}

/**
 * Compacts the position deletes of a branch: small position delete files of a partition become one, and vectors on format version 3;
 * vectors leave small Puffin files, and such of which little applies any more. Deletes of data files that are gone are dropped.
 * New files carry the highest data sequence number of those they stand for. Source: `RewritePositionDeletesCommitManager`
 *
 * @throws FloeError `CONFLICT` when others changed the same delete files again and again
 */
export async function rewritePositionDeletes(
  context: DmlContext,
  options: RewritePositionDeletesOptions,
): Promise<{ readonly result: RewritePositionDeletesResult; readonly table: LoadedTable | undefined }> {
  for (let plan = 1, current = context; ; plan++) {
    try {
      return await rewriteOnce(current, options)
    } catch (error) {
      if (plan === MAX_PLANS || !isFloeError(error, 'CONFLICT')) throw error
      current = { ...context, loaded: await context.backend.loadTable(context.loaded.identifier) }
    }
  }
}

async function rewriteOnce(
  context: DmlContext,
  options: RewritePositionDeletesOptions,
): Promise<{ readonly result: RewritePositionDeletesResult; readonly table: LoadedTable | undefined }> {
  const { metadata } = context.loaded
  const { branch = MAIN_BRANCH, dryRun = false, signal } = options
  // A commit would create the branch.
  if (branch !== MAIN_BRANCH) refByName(metadata, branch)
  const snapshot = branchHead(metadata, branch)
  const deletes = snapshot === undefined || metadata.formatVersion === 1 ? [] : await livePositionDeletes(context, snapshot, signal)
  const selected = selectDeleteFiles(deletes, metadata, options)
  const removed = [...selected.dangling, ...selected.groups.flat(), ...selected.vectors]
  const planned = resultOf(selected, removed, [])
  if (snapshot === undefined || removed.length === 0 || dryRun) return { result: planned, table: undefined }
  const work = new DeleteRewrite(context, options, removed.length)
  let added: readonly DataFile[] = []
  try {
    added = await work.write(selected)
  } catch (error) {
    await work.abort()
    throw error
  }
  const name = 'rewrite of position deletes'
  const changes = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: added, removedDeleteFiles: removed.map(({ file }) => file) }
  const merging = new VectorMerging(context, new Map(), { name, toleratesDeletes: true })
  const { result } = await commitChanges(context, changes, {
    name,
    branch,
    operation: 'replace',
    ownsFiles: true,
    deleteSequenceNumber: (file) => work.sequenceNumberOf(file),
    validation: { startingSnapshotId: snapshot.snapshotId, isolation: 'snapshot', conflictFilter: alwaysTrue(), allowConcurrentDeletes: true },
    mergeVectors: (conflicts, hook) => merging.merge(conflicts, hook),
    ...(options.summary === undefined ? {} : { properties: new Map(Object.entries(options.summary)) }),
    signal,
  })
  return { result: { ...resultOf(selected, removed, added), snapshot: result.snapshot }, table: result.table }
}

/** Writes what selected deletes become. */
class DeleteRewrite {
  readonly #written: DataFile[] = []
  /** By the key of a new file. */
  readonly #sequenceNumbers = new Map<string, bigint>()
  #done = 0

  constructor(
    private readonly context: DmlContext,
    private readonly options: RewritePositionDeletesOptions,
    private readonly totalFiles: number,
  ) {}

  /** @throws FloeError `CORRUPT` when a delete file is not what its manifest says */
  async write({ groups, vectors }: SelectedDeletes): Promise<readonly DataFile[]> {
    const isV3 = this.context.loaded.metadata.formatVersion >= 3
    for (const group of groups) {
      if (isV3) await this.#writeVectors(withoutVectors(group))
      else await this.#writeFile(group)
      this.#progress(group.length)
    }
    await this.#writeVectors(vectors.map((vector) => ({ target: vector.targets[0]!, deletes: [vector] })))
    this.#progress(vectors.length)
    return this.#written
  }

  sequenceNumberOf(file: DataFile): bigint {
    return this.#sequenceNumbers.get(fileKey(file)) ?? this.context.loaded.metadata.lastSequenceNumber
  }

  async abort(): Promise<void> {
    const locations = [...new Set(this.#written.map((file) => file.filePath))]
    if (locations.length > 0) await this.context.loaded.io.delete(locations).catch(() => undefined)
  }

  async #writeFile(group: readonly LiveDelete[]): Promise<void> {
    const targets = await this.#load(byTarget(group))
    const files = await writePositionDeletes(targets, this.#writeContext())
    this.#add(files, highest(group))
  }

  /** Batch by batch, since bitmaps of all vectors may not fit into memory. */
  async #writeVectors(all: readonly TargetDeletes[]): Promise<void> {
    let batch: TargetDeletes[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      const ready = batch
      batch = []
      bytes = 0
      const files = await writeDeletionVectors(await this.#load(ready), this.#writeContext())
      const numbers = new Map(ready.map(({ target, deletes }) => [target.filePath, highest(deletes)]))
      for (const file of files) this.#add([file], numbers.get(file.referencedDataFile!)!)
    }
    for (const item of all) {
      batch.push(item)
      bytes += item.deletes.reduce((sum, { file }) => sum + (file.contentSizeBytes ?? file.fileSizeBytes), 0)
      if (bytes >= BATCH_BYTES) await flush()
    }
    if (batch.length > 0) await flush()
  }

  #load(items: readonly TargetDeletes[]): Promise<PositionDeleteTarget[]> {
    const loader = deleteLoader(this.context, this.options.signal)
    return mapParallel(items, LOADS_AT_ONCE, async ({ target, deletes }) => {
      throwIfAborted(this.options.signal)
      const { filePath, specId, partition } = target
      const dataFile = { filePath, specId, partition }
      return { dataFile, positions: await loader.loadPositions(dataFile, deletes.map(({ file }) => withReference(file, target))) }
    })
  }

  #writeContext(): Parameters<typeof writePositionDeletes>[1] {
    const { loaded, engine, runtime } = this.context
    const { io, metadata } = loaded
    const { targetFileSizeBytes: target, signal } = this.options
    const name = 'write.delete.target-file-size-bytes'
    const properties = target === undefined ? metadata.properties : new Map([...metadata.properties, [name, String(target)]])
    return { io, engine, metadata: { ...metadata, properties }, runtime, signal }
  }

  #add(files: readonly DataFile[], sequenceNumber: bigint): void {
    for (const file of files) {
      this.#written.push(file)
      this.#sequenceNumbers.set(fileKey(file), sequenceNumber)
    }
  }

  #progress(files: number): void {
    this.#done += files
    this.options.onProgress?.({ files: this.#done, totalFiles: this.totalFiles })
  }
}

/** A data file, and deletes that are written anew for it. */
interface TargetDeletes {
  readonly target: PlannedFile
  readonly deletes: readonly LiveDelete[]
}

function byTarget(group: readonly LiveDelete[]): TargetDeletes[] {
  const found = new Map<string, { readonly target: PlannedFile; readonly deletes: LiveDelete[] }>()
  for (const deletes of group) {
    for (const target of deletes.targets) {
      const known = found.get(target.filePath)
      if (known === undefined) found.set(target.filePath, { target, deletes: [deletes] })
      else known.deletes.push(deletes)
    }
  }
  return [...found.values()]
}

/** Spec: Deletion Vectors: a vector holds the deletes of every position delete file before it, which then do not apply to its data file. */
function withoutVectors(group: readonly LiveDelete[]): TargetDeletes[] {
  return byTarget(group).filter(({ target }) => !target.deletes.some((deletes) => deletes.fileFormat === 'puffin'))
}

/** Bounds may say that a file is for one data file where no field does. */
function withReference(file: DataFile, target: PlannedFile): DataFile {
  const applied = target.deletes.find((deletes) => fileKey(deletes) === fileKey(file))
  return applied === undefined ? file : { ...file, referencedDataFile: applied.referencedDataFile }
}

function highest(deletes: readonly LiveDelete[]): bigint {
  return deletes.reduce((most, { sequenceNumber }) => (sequenceNumber > most ? sequenceNumber : most), 0n)
}

function resultOf(selected: SelectedDeletes, removed: readonly LiveDelete[], added: readonly DataFile[]): RewritePositionDeletesResult {
  const bytes = (files: readonly DataFile[]): number => files.reduce((sum, file) => sum + (file.contentSizeBytes ?? file.fileSizeBytes), 0)
  return {
    snapshot: undefined,
    rewrittenDeletes: removed.length,
    danglingDeletes: selected.dangling.length,
    addedDeletes: added.length,
    addedFiles: new Set(added.map((file) => file.filePath)).size,
    rewrittenBytes: bytes(removed.map(({ file }) => file)),
    addedBytes: bytes(added),
    reasons: selected.reasons,
  }
}
