import type { Runtime } from '../util/runtime.js'
import type { CompactionProgress } from './compaction-options.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'

/** Tells how far the groups of a plan are, over all of them. */
export class CompactionMeter {
  readonly #plan: CompactionPlan
  readonly #runtime: Runtime
  readonly #onProgress: ((progress: CompactionProgress) => void) | undefined
  readonly #totalRows: number
  readonly #totalBytes: number
  readonly #startMs: number
  #groups = 0
  #rows = 0
  #bytes = 0

  constructor(plan: CompactionPlan, runtime: Runtime, onProgress: ((progress: CompactionProgress) => void) | undefined) {
    this.#plan = plan
    this.#runtime = runtime
    this.#onProgress = onProgress
    this.#totalRows = plan.groups.reduce((rows, group) => rows + group.inputRows, 0)
    this.#totalBytes = plan.groups.reduce((bytes, group) => bytes + group.inputBytes, 0)
    this.#startMs = runtime.now()
  }

  /** The meter of one group. Rows that deletes took count when it is done. */
  group(group: CompactionGroup): { at(rows: number): void; done(): void } {
    let through = 0
    const bytesPerRow = group.inputBytes / Math.max(group.inputRows, 1)
    const advance = (rows: number): void => {
      this.#rows += rows - through
      this.#bytes += (rows - through) * bytesPerRow
      through = rows
      this.#tell()
    }
    return {
      at: advance,
      done: () => {
        this.#groups++
        advance(group.inputRows)
      },
    }
  }

  #tell(): void {
    if (this.#onProgress === undefined) return
    const elapsedMs = Math.max(this.#runtime.now() - this.#startMs, 1)
    this.#onProgress({
      groups: this.#groups,
      totalGroups: this.#plan.groups.length,
      rows: this.#rows,
      totalRows: this.#totalRows,
      bytes: Math.round(this.#bytes),
      totalBytes: this.#totalBytes,
      bytesPerSecond: Math.round((1000 * this.#bytes) / elapsedMs),
      remainingMs: this.#rows === 0 ? undefined : Math.round((elapsedMs * (this.#totalRows - this.#rows)) / this.#rows),
    })
  }
}
