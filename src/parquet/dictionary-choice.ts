import type { EncodedColumn } from './engine-job.js'

interface LeafPath {
  readonly path: readonly string[]
}

/**
 * Remembers for which columns a dictionary did not pay, so that later row groups do without: hashing values
 * that hardly repeat is the most expensive part of encoding, and their dictionary is as large as they are. Files
 * that are written together share what is learnt. Only columns that are no members of others can be told to the encoder.
 */
export class DictionaryChoice {
  private readonly plain = new Set<string>()

  /** Names of the columns to encode without a dictionary. */
  plainColumns(): readonly string[] {
    return [...this.plain]
  }

  /** Takes note of one row group; `leaves` and `columns` are in the same order. */
  learn(leaves: readonly LeafPath[], columns: readonly EncodedColumn[]): void {
    for (const [i, column] of columns.entries()) {
      const { path } = leaves[i]!
      if (path.length === 1 && column.dictionaryPaid === false) this.plain.add(path[0]!)
    }
  }
}
