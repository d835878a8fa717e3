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
  /** Every manifest and file with its reason; kept only when the plan was asked to explain itself. */
  readonly decisions: readonly PlanDecision[] | undefined
}

export interface PruneCounts {
  readonly total: number
  readonly skipped: number
}

/** Why one manifest or file is read or skipped. */
export interface PlanDecision {
  readonly kind: 'manifest' | 'delete-manifest' | 'file'
  readonly location: string
  readonly read: boolean
  /** In words: the predicate and what the statistics say of it. */
  readonly reason: string
  readonly sizeBytes: number
  /** Files of a manifest; rows of a file. */
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

  countRead(files: number, sizeBytes: number, withDeletes: number): void {
    this.#counts.files[0]! += files
    this.#readBytes += sizeBytes
    this.#withDeletes += withDeletes
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
      decisions: this.#decisions,
    }
  }
}
