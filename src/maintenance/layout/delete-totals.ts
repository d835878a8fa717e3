import { isDeletionVector, type DeleteFile } from '../../deletes/delete-file.js'
import type { PlannedFile } from '../../scan/scan-plan.js'
import type { CountBucket, DeleteLayout } from './layout-types.js'

/** Sums up the deletes that data files have to apply, each delete once. */
export class DeleteTotals {
  readonly #deletes = new Set<DeleteFile>()
  readonly #buckets: number[] = []
  #filesWithDeletes = 0

  add({ deletes }: PlannedFile): void {
    const bucket = deletes.length === 0 ? 0 : 1 + (32 - Math.clz32(deletes.length - 1))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#filesWithDeletes += deletes.length > 0 ? 1 : 0
    for (const file of deletes) this.#deletes.add(file)
  }

  /** `liveFiles`: how many delete files and vectors the snapshot has, those that apply to nothing included. */
  list(liveFiles: number): DeleteLayout {
    const counts = { positionDeleteFiles: 0, deletionVectors: 0, equalityDeleteFiles: 0, bytes: 0, positionDeletes: 0, equalityDeletes: 0 }
    for (const file of this.#deletes) {
      const isVector = isDeletionVector(file)
      counts.bytes += isVector ? (file.contentSizeBytes ?? 0) : file.fileSizeBytes
      if (file.content === 'equality-deletes') {
        counts.equalityDeleteFiles += 1
        counts.equalityDeletes += file.recordCount
      } else {
        counts[isVector ? 'deletionVectors' : 'positionDeleteFiles'] += 1
        counts.positionDeletes += file.recordCount
      }
    }
    const danglingFiles = Math.max(0, liveFiles - this.#deletes.size)
    return { ...counts, filesWithDeletes: this.#filesWithDeletes, danglingFiles, filesByDeletes: this.#histogram() }
  }

  #histogram(): CountBucket[] {
    return Array.from(this.#buckets, (files: number | undefined, bucket) => {
      const to = bucket === 0 ? 0 : 2 ** (bucket - 1)
      return { from: bucket < 2 ? bucket : to / 2 + 1, to, files: files ?? 0 }
    })
  }
}
