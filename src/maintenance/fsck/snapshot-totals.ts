import { SnapshotSummary, type SummaryFile } from '../../snapshot/snapshot-summary.js'

const TOTALS = ['total-records', 'total-files-size', 'total-data-files', 'total-delete-files', 'total-position-deletes', 'total-equality-deletes'] as const

/** The totals that a snapshot's summary should have, counted from its live files. */
export class SnapshotTotals {
  readonly #summary = new SnapshotSummary()

  /** Counts a live file. */
  add(file: SummaryFile): void {
    this.#summary.addedFile('', { ...file, recordCount: Math.max(0, file.recordCount) })
  }

  /** By their names in the summary. */
  totals(): ReadonlyMap<string, bigint> {
    const built = this.#summary.build(undefined)
    return new Map(TOTALS.map((name) => [name, BigInt(built.get(name) ?? 0)]))
  }
}
