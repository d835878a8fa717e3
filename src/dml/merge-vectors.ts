import type { HookContext, VectorConflict } from '../commit/change-files.js'
import type { PositionBitmap } from '../deletes/position-bitmap.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile } from '../manifest/data-file.js'
import { FloeError } from '../util/errors.js'
import { writeDeletionVectors } from '../write/deletion-vector-writer.js'
import { deleteLoader, type DmlContext } from './dml-context.js'
import { DELETES_AT_ONCE } from './live-rows.js'

export interface VectorMergingOptions {
  /** What is being committed, for messages. */
  readonly name: string
  /** Whether rows that others deleted meanwhile may be deleted once more: then only the counts change. */
  readonly toleratesDeletes: boolean
}

/**
 * Makes one vector of two where another commit deleted rows of the same data files, and finds out what that means: a row that
 * both deleted counts for the other, and is a conflict where ours has written it anew.
 */
export class VectorMerging {
  readonly #context: DmlContext
  readonly #deletedPositions: ReadonlyMap<string, PositionBitmap>
  readonly #options: VectorMergingOptions
  /** Rows that both sides deleted, by data file. */
  readonly #overlaps = new Map<string, number>()

  /** `deletedPositions`: the rows that this change newly deletes, by location of the data file. */
  constructor(context: DmlContext, deletedPositions: ReadonlyMap<string, PositionBitmap>, options: VectorMergingOptions) {
    this.#context = context
    this.#deletedPositions = deletedPositions
    this.#options = options
  }

  /** Rows of this change that another commit deleted first. */
  get deletedByOthers(): number {
    let rows = 0
    for (const overlap of this.#overlaps.values()) rows += overlap
    return rows
  }

  /** @throws FloeError `CONFLICT` when both sides deleted a row, and that is not tolerated */
  async merge(conflicts: readonly VectorConflict[], { table, signal }: HookContext): Promise<readonly DataFile[]> {
    const { runtime } = this.#context
    const loader = deleteLoader({ ...this.#context, loaded: table }, signal)
    const targets = await mapParallel(conflicts, DELETES_AT_ONCE, async (conflict) => {
      const { dataFile: filePath, ours, theirs } = conflict
      const { specId, partition } = ours
      const dataFile = { filePath, specId, partition }
      const others = await loader.loadPositions(dataFile, theirs.map(({ file }) => file))
      const own = await loader.loadPositions(dataFile, [ours])
      this.#note(filePath, others)
      return { dataFile, positions: own.union(others) }
    })
    return writeDeletionVectors(targets, { io: table.io, metadata: table.metadata, runtime, signal })
  }

  #note(dataFile: string, others: PositionBitmap): void {
    const overlap = this.#deletedPositions.get(dataFile)?.intersection(others).cardinality ?? 0
    if (overlap > 0 && !this.#options.toleratesDeletes) {
      throw new FloeError('CONFLICT', `another commit deleted ${overlap} of the rows that the ${this.#options.name} changes: plan it again on the current snapshot`, {
        file: dataFile,
        retryable: true,
      })
    }
    this.#overlaps.set(dataFile, overlap)
  }
}
