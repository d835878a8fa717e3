import type { ObjectStatus } from '../io/file-io.js'
import type { TableMetadata } from '../metadata/table-metadata.js'

interface CachedMetadata {
  readonly etag: string | undefined
  readonly metadata: TableMetadata
  readonly sizeBytes: number
}

/** Parsed metadata by location, least recently used first out, bounded by the size of the files. Versions are immutable. */
export class MetadataCache {
  readonly #maxBytes: number
  readonly #entries = new Map<string, CachedMetadata>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  find(status: ObjectStatus): TableMetadata | undefined {
    const entry = this.#entries.get(status.location)
    if (entry === undefined || entry.etag === undefined || entry.etag !== status.etag) return undefined
    this.#entries.delete(status.location)
    this.#entries.set(status.location, entry)
    return entry.metadata
  }

  keep(status: ObjectStatus, metadata: TableMetadata): void {
    this.#drop(status.location)
    this.#entries.set(status.location, { etag: status.etag, metadata, sizeBytes: status.sizeBytes })
    this.#bytes += status.sizeBytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
    }
  }

  #drop(location: string): void {
    this.#bytes -= this.#entries.get(location)?.sizeBytes ?? 0
    this.#entries.delete(location)
  }
}
