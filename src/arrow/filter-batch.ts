import type { RecordBatch } from 'apache-arrow'
import { termFunction } from '../expression/bound-term.js'
import { operandsOf } from '../expression/connect.js'
import type { BoundExpression, BoundPredicate } from '../expression/expression.js'
import { compilePredicate } from '../expression/row-evaluator.js'
import type { Schema } from '../schema/schema.js'
import { byteNarrowing } from './byte-predicates.js'
import { columnByPath } from './column-by-path.js'
import { columnReader } from './column-reader.js'
import { numberNarrowing } from './number-predicates.js'
import { deselectNulls, deselectPresent, fullMask } from './row-mask.js'
import type { Narrowing, RowMask } from './row-mask.js'

/**
 * Compiles a filter into one that works on whole columns: values are compared where they lie, without decoding text or
 * boxing 64-bit integers. Nulls, NaN and `-0.0` are treated as {@link BoundExpression} says; it agrees with `expression/row-evaluator.ts`.
 *
 * The function gives the mask of the rows for which the filter is true, of those in `within`, which it leaves alone.
 * @throws FloeError `INVALID` when `schema`, that of the batches, lacks a column of the filter.
 */
export function compileBatchFilter(filter: BoundExpression, schema: Schema): (batch: RecordBatch, within?: RowMask) => RowMask {
  const narrow = compile(filter, schema)
  return (batch, within) => {
    const mask = within === undefined ? fullMask(batch.numRows) : within.slice()
    narrow(batch, mask)
    return mask
  }
}

type BatchNarrowing = (batch: RecordBatch, mask: RowMask) => void

function compile(filter: BoundExpression, schema: Schema): BatchNarrowing {
  switch (filter.op) {
    case 'true':
      return () => undefined
    case 'false':
      return (_batch, mask) => mask.fill(0)
    case 'and': {
      const operands = operandsOf(filter, 'and').map((operand) => compile(operand, schema))
      return (batch, mask) => operands.forEach((narrow) => narrow(batch, mask))
    }
    case 'or': {
      const operands = operandsOf(filter, 'or').map((operand) => compile(operand, schema))
      return (batch, mask) => narrowToAny(operands, batch, mask)
    }
    default: {
      const column = columnByPath(schema, filter.term.field.id)
      const narrow = compileTerm(filter)
      return (batch, mask) => narrow(column(batch), mask)
    }
  }
}

/** Each operand looks only at the rows that no operand before it selected. */
function narrowToAny(operands: readonly BatchNarrowing[], batch: RecordBatch, mask: RowMask): void {
  const undecided = mask.slice()
  mask.fill(0)
  for (const narrow of operands) {
    const selected = undecided.slice()
    narrow(batch, selected)
    for (let row = 0; row < mask.length; row++) {
      mask[row]! |= selected[row]!
      undecided[row]! ^= selected[row]!
    }
  }
}

function compileTerm(predicate: BoundPredicate): Narrowing {
  if (predicate.term.transform !== undefined) return generalNarrowing(predicate)
  if (predicate.op === 'is-null') return deselectPresent
  if (predicate.op === 'not-null') return deselectNulls
  const narrow = numberNarrowing(predicate) ?? byteNarrowing(predicate) ?? generalNarrowing(predicate)
  if (predicate.op === 'not-nan') return narrow
  return (chunk, mask) => {
    deselectNulls(chunk, mask)
    narrow(chunk, mask)
  }
}

/** Value by value: transforms, and combinations of type and operation that are rare. */
function generalNarrowing(predicate: BoundPredicate): Narrowing {
  const test = compilePredicate(predicate)
  const apply = termFunction(predicate.term)
  return (chunk, mask) => {
    const read = columnReader(chunk, predicate.term.field.type)
    for (let row = 0; row < mask.length; row++) if (mask[row] === 1 && !test(apply(read(row)))) mask[row] = 0
  }
}
