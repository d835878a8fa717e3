import type { BoundExpression, FileStats } from '../expression/expression.js'
import { compileInclusiveMetrics } from '../expression/inclusive-metrics.js'
import { compileManifestEvaluator, type FieldSummaries } from '../expression/manifest-evaluator.js'
import { expressionText } from '../expression/print.js'
import { compilePartitionFilter, projectInclusive } from '../expression/projection.js'
import { compileResidual } from '../expression/residual.js'
import type { SkipTest } from '../expression/skip-test.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import { partitionType } from '../partition/partition-type.js'
import type { Schema } from '../schema/schema.js'
import type { StructType, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

type Tuple = readonly Value[]

/** What one filter means for the files of one partition spec, compiled once. */
export interface SpecFilter {
  /** The schema that the filter is bound to. */
  readonly schemaId: number
  readonly spec: PartitionSpec
  readonly partitionType: StructType
  /** Whether a manifest can list files of matching partitions. */
  readonly manifest: SkipTest<FieldSummaries>
  /** Whether a tuple's partition can hold matching rows; `undefined` when every one can. */
  readonly partition: SkipTest<Tuple> | undefined
  /** Why a manifest that is not skipped is read. */
  readonly manifestReason: string
  /** What is left of the filter for the rows of a partition. */
  residual(tuple: Tuple): BoundExpression
}

/** Compiles filters per spec on first use. */
export class SpecFilters {
  /** Whether a file can hold matching rows, by its metrics; `undefined` when every one can. */
  readonly metrics: SkipTest<FileStats> | undefined
  readonly metadata: TableMetadata
  /** What the filter is bound to. */
  readonly schema: Schema
  readonly #filter: BoundExpression
  readonly #bySpec = new Map<number, SpecFilter>()

  /** `filter` is bound to `schema`, the schema of the scan. */
  constructor(metadata: TableMetadata, schema: Schema, filter: BoundExpression) {
    this.metadata = metadata
    this.schema = schema
    this.#filter = filter
    this.metrics = filter.op === 'true' ? undefined : compileInclusiveMetrics(filter)
  }

  /** @throws FloeError `CORRUPT` for a spec that the table does not have */
  of(specId: number, file: string): SpecFilter {
    let found = this.#bySpec.get(specId)
    if (found === undefined) {
      const spec = this.metadata.partitionSpecs.find((candidate) => candidate.specId === specId)
      if (spec === undefined) throw new FloeError('CORRUPT', `The manifest names partition spec ${specId}, which the table does not have`, { file })
      found = this.#compile(spec)
      this.#bySpec.set(specId, found)
    }
    return found
  }

  #compile(spec: PartitionSpec): SpecFilter {
    const type = partitionType(spec, this.schema, this.metadata.schemas)
    const projected = projectInclusive(this.#filter, spec, this.schema)
    return {
      schemaId: this.schema.schemaId,
      spec,
      partitionType: type,
      manifest: compileManifestEvaluator(projected, spec),
      partition: projected.op === 'true' ? undefined : compilePartitionFilter(projected, spec),
      manifestReason: this.#manifestReason(projected),
      residual: compileResidual(this.#filter, spec, this.schema),
    }
  }

  #manifestReason(projected: BoundExpression): string {
    if (this.#filter.op === 'true') return 'there is no filter'
    if (projected.op === 'true') return 'the filter says nothing of its partitions'
    return `its partitions may match ${expressionText(projected)}`
  }
}
