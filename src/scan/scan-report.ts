import type { DeleteFile } from '../deletes/delete-file.js'
import { isDeletionVector } from '../deletes/delete-file.js'

/** What planning read and skipped. Sizes in bytes. */
export interface ScanReport {
  readonly manifests: PruneCounts
  readonly deleteManifests: PruneCounts
  readonly files: PruneCounts
  /** Bytes of data files, not of manifests. */
  readonly readBytes: number
  readonly skippedBytes: number
  /** Files that the partition filter skipped; the others that were skipped fell to their metrics. */
  readonly filesSkippedByPartition: number
  readonly filesSkippedByMetrics: number
  /** Data files with deletes to apply. */
  readonly filesWithDeletes: number
  /** Delete files and vectors that are to be applied, each once. */
  readonly deletes: DeleteCounts
  /** Every manifest and file with its reason; kept only when the plan was asked to explain itself. */
  readonly decisions: readonly PlanDecision[] | undefined
}

export interface PruneCounts {
  readonly total: number
  readonly skipped: number
}

/** Bytes are those of the files; of a vector, its own in the file that it shares. */
export interface DeleteCounts {
  readonly vectors: number
  readonly positionFiles: number
  readonly equalityFiles: number
  readonly bytes: number
}

/** Why one manifest or file is read or skipped. */
export interface PlanDecision {
  readonly kind: 'manifest' | 'delete-manifest' | 'file' | 'delete'
  readonly location: string
  readonly read: boolean
  /** In words: the predicate and what the statistics say of it. */
  readonly reason: string
  readonly sizeBytes: number
  /** Files of a manifest; rows of a file; rows or keys that a delete names. */
  readonly count: number
}

/** Collects a {@link ScanReport} while a plan is made. */
export class ReportBuilder {
  readonly #decisions: PlanDecision[] | undefined
  readonly #counts = { manifests: [0, 0], deleteManifests: [0, 0], files: [0, 0] }
  #readBytes = 0
  #skippedBytes = 0
  #byPartition = 0
  #byMetrics = 0
  #withDeletes = 0
  /** How many planned files each delete applies to. */
  readonly #deletes = new Map<DeleteFile, number>()

  constructor(explain: boolean) {
    this.#decisions = explain ? [] : undefined
  }

  /** Whether reasons are wanted: they cost a second look at the statistics. */
  get explains(): boolean {
    return this.#decisions !== undefined
  }

  decide(decision: PlanDecision): void {
    this.#decisions?.push(decision)
  }

  countManifest(content: 'data' | 'deletes', read: boolean): void {
    const counts = content === 'data' ? this.#counts.manifests : this.#counts.deleteManifests
    counts[0]! += 1
    if (!read) counts[1]! += 1
  }

  /** `withDeletes`: of the files that {@link countDeletes} is not told of. */
  countRead(files: number, sizeBytes: number, withDeletes = 0): void {
    this.#counts.files[0]! += files
    this.#readBytes += sizeBytes
    this.#withDeletes += withDeletes
  }

  /** `lists`: the deletes of each planned file that has any. */
  countDeletes(lists: Iterable<readonly DeleteFile[]>): void {
    for (const list of lists) {
      this.#withDeletes += 1
      for (const deletes of list) this.#deletes.set(deletes, (this.#deletes.get(deletes) ?? 0) + 1)
    }
  }

  /** Notes of each delete whether it is read, and for how many files. */
  explainDeletes(all: readonly DeleteFile[]): void {
    for (const deletes of all) {
      const files = this.#deletes.get(deletes) ?? 0
      const read = files > 0
      const reason = read ? `it applies to ${files === 1 ? 'one planned file' : `${files} planned files`}` : 'it applies to none of the planned files'
      const { filePath: location, recordCount: count } = deletes
      this.decide({ kind: 'delete', location, read, reason: `${KINDS[kindOf(deletes)]}: ${reason}`, sizeBytes: bytesOf(deletes), count })
    }
  }

  countSkipped(by: 'partition' | 'metrics', sizeBytes: number): void {
    this.#counts.files[0]! += 1
    this.#counts.files[1]! += 1
    this.#skippedBytes += sizeBytes
    if (by === 'partition') this.#byPartition += 1
    else this.#byMetrics += 1
  }

  finish(): ScanReport {
    const pair = ([total, skipped]: number[]): PruneCounts => ({ total: total!, skipped: skipped! })
    return {
      manifests: pair(this.#counts.manifests),
      deleteManifests: pair(this.#counts.deleteManifests),
      files: pair(this.#counts.files),
      readBytes: this.#readBytes,
      skippedBytes: this.#skippedBytes,
      filesSkippedByPartition: this.#byPartition,
      filesSkippedByMetrics: this.#byMetrics,
      filesWithDeletes: this.#withDeletes,
      deletes: this.#deleteCounts(),
      decisions: this.#decisions,
    }
  }

  #deleteCounts(): DeleteCounts {
    const counts = { vectors: 0, positionFiles: 0, equalityFiles: 0, bytes: 0 }
    for (const deletes of this.#deletes.keys()) {
      counts[kindOf(deletes)] += 1
      counts.bytes += bytesOf(deletes)
    }
    return counts
  }
}

const KINDS = { vectors: 'deletion vector', positionFiles: 'position deletes', equalityFiles: 'equality deletes' }

function kindOf(deletes: DeleteFile): keyof typeof KINDS {
  if (isDeletionVector(deletes)) return 'vectors'
  return deletes.content === 'equality-deletes' ? 'equalityFiles' : 'positionFiles'
}

function bytesOf(deletes: DeleteFile): number {
  return isDeletionVector(deletes) ? (deletes.contentSizeBytes ?? 0) : deletes.fileSizeBytes
}
