import type { SizeBucket } from './layout-types.js'

/** Counts sizes by powers of two. */
export class SizeBuckets {
  readonly #files: number[] = []
  readonly #bytes: number[] = []

  add(sizeBytes: number): void {
    const bucket = sizeBytes < 1 ? 0 : Math.floor(Math.log2(sizeBytes))
    this.#files[bucket] = (this.#files[bucket] ?? 0) + 1
    this.#bytes[bucket] = (this.#bytes[bucket] ?? 0) + sizeBytes
  }

  /** From the first bucket that is not empty to the last. */
  list(): SizeBucket[] {
    const first = this.#files.findIndex((files) => files !== undefined)
    if (first < 0) return []
    return Array.from({ length: this.#files.length - first }, (_, i) => {
      const bucket = first + i
      const [fromBytes, toBytes] = [bucket === 0 ? 0 : 2 ** bucket, 2 ** (bucket + 1)]
      return { fromBytes, toBytes, files: this.#files[bucket] ?? 0, bytes: this.#bytes[bucket] ?? 0 }
    })
  }
}
