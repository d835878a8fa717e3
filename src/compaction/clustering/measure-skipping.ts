import { bind } from '../../expression/bind.js'
import type { Expression } from '../../expression/expression.js'
import { expressionText } from '../../expression/print.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { Schema } from '../../schema/schema.js'
import { SpecFilters } from '../../scan/spec-filter.js'
import type { ClusteredFile } from './clustered-file.js'

/** What some filters must read of some files. Shares are from 0 to 1; of no files 0. */
export interface Skipping {
  readonly files: number
  readonly bytes: number
  /** The average over the filters. */
  readonly fileShare: number
  readonly byteShare: number
  readonly filters: readonly FilterSkipping[]
}

export interface FilterSkipping {
  /** As SQL-like text, long literals cut. */
  readonly filter: string
  readonly filesRead: number
  readonly bytesRead: number
}

/** The table that files are of; filters are bound to `schema`, its current one by habit. */
export interface SkippingTable {
  readonly metadata: TableMetadata
  readonly schema: Schema
}

/**
 * Which of some files each filter must read: exactly those that planning a scan does not skip, by their partitions, counts and bounds.
 * @throws FloeError as `bind` does
 */
export function measureSkipping(files: readonly ClusteredFile[], filters: readonly Expression[], table: SkippingTable): Skipping {
  const { metadata, schema } = table
  const bytes = files.reduce((total, file) => total + file.sizeBytes, 0)
  const measured = filters.map((filter): FilterSkipping => {
    const bound = bind(filter, schema)
    const tests = new SpecFilters(metadata, schema, bound)
    const [filesRead, bytesRead] = readBy(files, tests)
    return { filter: expressionText(bound), filesRead, bytesRead }
  })
  const average = (of: (one: FilterSkipping) => number, whole: number): number =>
    measured.length === 0 || whole === 0 ? 0 : measured.reduce((total, one) => total + of(one) / whole, 0) / measured.length
  return {
    files: files.length,
    bytes,
    fileShare: average((one) => one.filesRead, files.length),
    byteShare: average((one) => one.bytesRead, bytes),
    filters: measured,
  }
}

function readBy(files: readonly ClusteredFile[], tests: SpecFilters): readonly [files: number, bytes: number] {
  let [read, bytes] = [0, 0]
  let [lastKey, mayMatch] = ['', true]
  for (const file of files) {
    if (file.partitionKey !== lastKey) {
      lastKey = file.partitionKey
      mayMatch = tests.of(file.specId, '').partition?.mayMatch(file.partition) ?? true
    }
    if (!mayMatch || tests.metrics?.mayMatch(file.stats) === false) continue
    read += 1
    bytes += file.sizeBytes
  }
  return [read, bytes]
}
