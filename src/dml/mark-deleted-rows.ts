import { referencedDataFile } from '../manifest/file-identity.js'
import type { DeleteLoader } from '../deletes/delete-loader.js'
import type { PositionBitmap } from '../deletes/position-bitmap.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile } from '../manifest/data-file.js'
import { readText, tableProperties } from '../metadata/table-properties.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import { writeDeletionVectors } from '../write/deletion-vector-writer.js'
import { writePositionDeletes } from '../write/position-delete-writer.js'
import { deleteLoader, type DmlContext } from './dml-context.js'
import { DELETES_AT_ONCE } from './live-rows.js'
import { usesVectors, type RemovedRows, type RowsOfFile } from './removed-rows.js'

export interface MarkOptions {
  /** Count, and write nothing. */
  readonly dryRun: boolean
  readonly signal?: AbortSignal | undefined
}

/** One data file's deletes, as they will be. */
interface Marked {
  readonly file: PlannedFile
  /** Newly deleted. */
  readonly fresh: PositionBitmap
  /** What the new delete file or vector holds. */
  readonly positions: PositionBitmap
  readonly replaced: readonly DataFile[]
  readonly isEmptied: boolean
}

/**
 * Merge-on-read: marks rows as deleted, by vectors or by position delete files as the format version has them, each under the
 * spec and partition of its data file. A data file without rows left goes instead.
 * Spec: Deletion Vectors: a new vector holds what the previous one and the position delete files of its data file held
 */
export async function markDeletedRows(context: DmlContext, targets: readonly RowsOfFile[], options: MarkOptions): Promise<RemovedRows> {
  const loader = deleteLoader(context, options.signal)
  const marking = new Marking(context, loader)
  const marked = await mapParallel(targets, DELETES_AT_ONCE, (target) => marking.mark(target))
  const changed = marked.filter(({ fresh }) => !fresh.isEmpty)
  const emptied = changed.filter(({ isEmptied }) => isEmptied)
  const kept = changed.filter(({ isEmptied }) => !isEmptied)
  return {
    rows: changed.reduce((sum, { fresh }) => sum + fresh.cardinality, 0),
    emptiedFiles: emptied.map(({ file }) => file),
    addedDeleteFiles: options.dryRun || kept.length === 0 ? [] : await writeDeletes(context, kept, options.signal),
    removedDeleteFiles: kept.flatMap(({ replaced }) => replaced),
    deletedPositions: new Map(kept.map(({ file, fresh }) => [file.filePath, fresh])),
  }
}

class Marking {
  readonly #loader: DeleteLoader
  readonly #merges: boolean

  constructor(context: DmlContext, loader: DeleteLoader) {
    const { metadata } = context.loaded
    this.#loader = loader
    // Source: `SparkPositionDeltaWrite.shouldRewriteDeletes`
    this.#merges = usesVectors(metadata) || readText(metadata.properties, tableProperties.deleteGranularity) === 'file'
  }

  async mark({ file, positions }: RowsOfFile): Promise<Marked> {
    const deletes = file.deletes.filter((candidate) => candidate.content === 'position-deletes')
    if (deletes.length === 0) return this.#marked(file, positions, positions, [])
    const previous = await this.#loader.loadPositions(file, deletes)
    const fresh = positions.difference(previous)
    const all = positions.union(previous)
    if (all.cardinality === file.recordCount) return { file, fresh, positions: all, replaced: [], isEmptied: true }
    if (!this.#merges) return this.#marked(file, fresh, fresh, [])
    // Files that may delete rows of other data files stay.
    return this.#marked(file, fresh, all, deletes.filter((candidate) => referencedDataFile(candidate) !== undefined))
  }

  #marked(file: PlannedFile, fresh: PositionBitmap, positions: PositionBitmap, replaced: readonly DataFile[]): Marked {
    return { file, fresh, positions, replaced, isEmptied: positions.cardinality === file.recordCount }
  }
}

function writeDeletes(context: DmlContext, marked: readonly Marked[], signal: AbortSignal | undefined): Promise<readonly DataFile[]> {
  const { loaded, engine, runtime } = context
  const targets = marked.map(({ file, positions }) => {
    const { filePath, specId, partition } = file
    return { dataFile: { filePath, specId, partition }, positions }
  })
  const target = { io: loaded.io, engine, metadata: loaded.metadata, runtime, signal }
  return usesVectors(loaded.metadata) ? writeDeletionVectors(targets, target) : writePositionDeletes(targets, target)
}
