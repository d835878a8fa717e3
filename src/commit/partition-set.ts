/** Partitions of several specs, and the manifests that may hold files of them. Source: `PartitionSet`, `ManifestFileUtil` */
import type { FieldSummary } from '../expression/expression.js'
import type { ManifestFile } from '../manifest/data-file.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionKey } from '../partition/partition-key.js'
import { compareValues } from '../schema/compare-values.js'
import { decodeValue } from '../schema/single-value.js'
import type { NestedField, Value } from '../schema/type.js'
import { tupleType } from './manifest-input.js'

type Tuple = readonly Value[]
type SummaryTest = (summary: FieldSummary, value: Value) => boolean

export class PartitionSet {
  readonly #bySpec = new Map<number, Map<string, Tuple>>()

  static of(files: Iterable<{ readonly specId: number; readonly partition: Tuple }>): PartitionSet {
    const set = new PartitionSet()
    for (const file of files) set.add(file.specId, file.partition)
    return set
  }

  get isEmpty(): boolean {
    return this.#bySpec.size === 0
  }

  get size(): number {
    let size = 0
    for (const tuples of this.#bySpec.values()) size += tuples.size
    return size
  }

  add(specId: number, tuple: Tuple): void {
    let tuples = this.#bySpec.get(specId)
    if (tuples === undefined) this.#bySpec.set(specId, (tuples = new Map()))
    tuples.set(partitionKey(tuple), tuple)
  }

  has(specId: number, tuple: Tuple): boolean {
    return this.#bySpec.get(specId)?.has(partitionKey(tuple)) ?? false
  }

  /** Whether it has partitions of that spec: those of others are never the same. */
  hasSpec(specId: number): boolean {
    return this.#bySpec.has(specId)
  }

  /** Whether the partition summaries of a manifest leave room for a file of one of the partitions. */
  mayBeIn(manifest: ManifestFile, metadata: TableMetadata): boolean {
    const tuples = this.#bySpec.get(manifest.partitionSpecId)
    if (tuples === undefined) return false
    const { partitions } = manifest
    if (partitions === undefined) return true
    const tests = tupleType(metadata, manifest.partitionSpecId).fields.map((field, i) => summaryTest(field, partitions[i]))
    for (const tuple of tuples.values()) {
      if (tests.every((test, i) => partitions[i] === undefined || test(partitions[i], tuple[i] ?? null))) return true
    }
    return false
  }
}

/** Whether a summary leaves room for a value; its bounds are decoded once. */
function summaryTest(field: NestedField, summary: FieldSummary | undefined): SummaryTest {
  const { lowerBound, upperBound } = summary ?? {}
  // A source column that is gone leaves nothing to decode bounds with.
  const isKnown = field.type.kind !== 'unknown'
  const lower = lowerBound === undefined || !isKnown ? null : decodeValue(field.type, lowerBound)
  const upper = upperBound === undefined || !isKnown ? null : decodeValue(field.type, upperBound)
  const compare = isKnown ? compareValues(field.type) : undefined
  return ({ containsNull, containsNan }, value) => {
    if (value === null) return containsNull
    if (typeof value === 'number' && Number.isNaN(value)) return containsNan !== false
    if (compare === undefined) return true
    if (lower === null || upper === null) return false
    return compare(lower, value) <= 0 && compare(value, upper) <= 0
  }
}
