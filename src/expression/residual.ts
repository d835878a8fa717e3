import type { PartitionSpec } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { connect, operandsOf } from './connect.js'
import type { BoundExpression, BoundPredicate } from './expression.js'
import { projectLeaf } from './projection.js'
import { compileFilter } from './row-evaluator.js'

/** What is left of a filter for the rows of one partition. Equal tuples give equal residuals: callers may cache by tuple. */
export type ResidualFor = (tuple: readonly Value[]) => BoundExpression

const TRUE: BoundExpression = { op: 'true' }
const FALSE: BoundExpression = { op: 'false' }

/**
 * Compiles the residuals of a filter in the partitions of one spec: predicates that the partition decides become constants.
 * A residual selects the same rows of its partition as the filter does.
 * Source: the reference's `ResidualEvaluator`
 */
export function compileResidual(filter: BoundExpression, spec: PartitionSpec, schema: Schema): ResidualFor {
  switch (filter.op) {
    case 'true':
    case 'false':
      return () => filter
    case 'and':
    case 'or': {
      const { op } = filter
      const operands = operandsOf(filter, op)
      const residuals = operands.map((operand) => compileResidual(operand, spec, schema))
      return (tuple) => {
        const rest = residuals.map((residual) => residual(tuple))
        return rest.every((part, index) => part === operands[index]) ? filter : connect(op, rest)
      }
    }
    default:
      return compileLeaf(filter, spec, schema)
  }
}

function compileLeaf(predicate: BoundPredicate, spec: PartitionSpec, schema: Schema): ResidualFor {
  const compile = (projected: BoundExpression): ((tuple: readonly Value[]) => boolean) =>
    compileFilter<readonly Value[]>(projected, (fieldId) => {
      const index = spec.fields.findIndex((field) => field.fieldId === fieldId)
      return (tuple) => tuple[index] ?? null
    })
  const selectsAll = projectLeaf('strict', predicate, spec, schema).map(compile)
  const selectsSome = projectLeaf('inclusive', predicate, spec, schema).map(compile)
  if (selectsAll.length === 0 && selectsSome.length === 0) return () => predicate
  return (tuple) => {
    if (selectsAll.some((test) => test(tuple))) return TRUE
    return selectsSome.every((test) => test(tuple)) ? predicate : FALSE
  }
}
