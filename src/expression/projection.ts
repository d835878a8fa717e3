import type { PartitionSpec } from '../partition/partition-spec.js'
import { partitionType } from '../partition/partition-type.js'
import { fieldTransform } from '../partition/transform.js'
import type { Transform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { connect, operandsOf } from './connect.js'
import type { BoundExpression, BoundPredicate, BoundTerm } from './expression.js'
import { partitionValuePrinter, predicateText } from './print.js'
import { compileFilter } from './row-evaluator.js'
import { compileSkipTest } from './skip-test.js'
import type { SkipTest } from './skip-test.js'
import { projectPredicate } from './transform-projection.js'
import type { ProjectionKind } from './transform-projection.js'

/** A field of a partition tuple and the column that it is derived from. */
interface PartitionColumn {
  readonly sourceId: number
  readonly transform: Transform
  readonly term: BoundTerm
}

/**
 * The filter on a spec's partitions that keeps every partition with a row that `filter` selects. Fields whose source columns
 * the filter's schema lacks, and those with unknown transforms, are ignored.
 *
 * @param filter bound to `schema`
 * @param schema of the snapshot that is read, whatever schema the partitions were written with
 * @returns an expression whose terms are the fields of the spec's partition struct
 */
// Source: the reference's `Projections.inclusive`; Spec: Scan Planning
export function projectInclusive(filter: BoundExpression, spec: PartitionSpec, schema: Schema): BoundExpression {
  return project('inclusive', filter, partitionColumns(spec, schema))
}

/** As {@link projectInclusive}, but keeps only partitions of which `filter` selects every row. */
// Source: the reference's `Projections.strict`
export function projectStrict(filter: BoundExpression, spec: PartitionSpec, schema: Schema): BoundExpression {
  return project('strict', filter, partitionColumns(spec, schema))
}

/**
 * Compiles the test of a projected filter on partition tuples.
 *
 * @param filter as {@link projectInclusive} makes it for `spec`
 */
export function compilePartitionFilter(filter: BoundExpression, spec: PartitionSpec): SkipTest<readonly Value[]> {
  return compileSkipTest(filter, (predicate) => {
    const index = spec.fields.findIndex((field) => field.fieldId === predicate.term.field.id)
    const print = partitionValuePrinter(spec.fields[index], predicate.term.field.type)
    const test = compileFilter<readonly Value[]>(predicate, () => (tuple) => tuple[index] ?? null)
    return {
      mayMatch: test,
      explain: (tuple) => {
        if (test(tuple)) return undefined
        return `${predicateText(predicate, print)}: partition value ${print(tuple[index] ?? null)}`
      },
    }
  })
}

/** The projections of one predicate through each field of a spec that is derived from its column. */
export function projectLeaf(
  kind: ProjectionKind,
  predicate: BoundPredicate,
  spec: PartitionSpec,
  schema: Schema,
): readonly BoundExpression[] {
  return projectEach(kind, predicate, partitionColumns(spec, schema))
}

function project(kind: ProjectionKind, filter: BoundExpression, columns: readonly PartitionColumn[]): BoundExpression {
  switch (filter.op) {
    case 'true':
    case 'false':
      return filter
    case 'and':
    case 'or':
      return connect(filter.op, operandsOf(filter, filter.op).map((operand) => project(kind, operand, columns)))
    default:
      // A row is in the partitions of all fields at once; one field is enough to select all of a partition.
      return connect(kind === 'inclusive' ? 'and' : 'or', projectEach(kind, filter, columns))
  }
}

function projectEach(kind: ProjectionKind, predicate: BoundPredicate, columns: readonly PartitionColumn[]): readonly BoundExpression[] {
  return columns
    .filter((column) => column.sourceId === predicate.term.field.id)
    .map((column) => projectPredicate(kind, predicate, column.transform, column.term))
    .filter((projected) => projected !== undefined)
}

function partitionColumns(spec: PartitionSpec, schema: Schema): readonly PartitionColumn[] {
  const { fields } = partitionType(spec, schema)
  return spec.fields.map((field, index) => ({
    sourceId: field.sourceIds[0] ?? -1,
    transform: fieldTransform(field),
    term: { field: fields[index]!, path: field.name },
  }))
}
