import type { RecordBatch } from 'apache-arrow'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import { parseTransform } from '../partition/transform.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import type { Schema } from '../schema/schema.js'
import { RowPartitioner } from '../write/partition-rows.js'

/**
 * The partitions that rows with the keys of a source can lie in: of every spec, those fields that key columns alone decide.
 * Gathered batch by batch.
 */
export class KeyPartitions {
  readonly #specs: readonly DecidedFields[]

  /** `schema` is that of the batches, by the field ids of the table. */
  constructor(metadata: TableMetadata, schema: Schema, keyIds: ReadonlySet<number>) {
    this.#specs = metadata.partitionSpecs.flatMap((spec) => decidedFields(spec, schema, keyIds) ?? [])
  }

  add(batch: RecordBatch): void {
    for (const spec of this.#specs) {
      if (spec.tuples.size > MAX_TUPLES) continue
      for (const { partition } of spec.partitioner.group(batch)) spec.tuples.add(partitionKey(partition))
    }
  }

  mayHold(file: PlannedFile): boolean {
    const spec = this.#specs.find((candidate) => candidate.specId === file.specId)
    if (spec === undefined || spec.tuples.size > MAX_TUPLES) return true
    const { partition } = file
    return spec.tuples.has(partitionKey(spec.indices.map((index) => partition[index] ?? null)))
  }
}

/** Keys over more partitions than these say little about files. */
const MAX_TUPLES = 20_000

interface DecidedFields {
  readonly specId: number
  /** Positions of the fields in partition tuples. */
  readonly indices: readonly number[]
  readonly partitioner: RowPartitioner
  readonly tuples: Set<string>
}

function decidedFields(spec: PartitionSpec, schema: Schema, keyIds: ReadonlySet<number>): DecidedFields | undefined {
  const indices = spec.fields.flatMap((field, index) => {
    const [sourceId] = field.sourceIds
    if (field.sourceIds.length !== 1 || !keyIds.has(sourceId!)) return []
    const { kind } = parseTransform(field.transform)
    const type = schema.fieldById(sourceId!)?.type.kind
    // -0.0 and 0.0 are one key in two partitions.
    const isFloating = type === 'float' || type === 'double'
    return kind === 'void' || kind === 'unknown' || isFloating ? [] : [index]
  })
  if (indices.length === 0) return undefined
  const partitioner = new RowPartitioner({ ...spec, fields: indices.map((index) => spec.fields[index]!) }, schema)
  return { specId: spec.specId, indices, partitioner, tuples: new Set() }
}
