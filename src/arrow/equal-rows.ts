import type { RecordBatch } from 'apache-arrow'
import { Schema } from '../schema/schema.js'
import type { NestedField } from '../schema/type.js'
import { bitAt, bytesOf, columnsOf, fixedValues, makeBatch, offsetsOf, validityBitmap, type Chunk } from './arrow-data.js'
import { arrowSchema } from './arrow-schema.js'
import { canonicalRows } from './canonical-row.js'
import type { RowMask } from './row-mask.js'

/**
 * The rows of two batches of one schema, in canonical types and of one length, that hold the same at the same place. Floats are
 * the same when their bits are: `-0.0` is another value than `0.0`, as writing it makes a difference.
 */
export function equalRows(schema: Schema, a: RecordBatch, b: RecordBatch): RowMask {
  const mask = new Uint8Array(a.numRows).fill(1)
  schema.fields.forEach((field, i) => deselectDifferent(field, [columnsOf(a)[i]!, columnsOf(b)[i]!], mask))
  return mask
}

type Pair = readonly [a: Chunk, b: Chunk]

function deselectDifferent(field: NestedField, pair: Pair, mask: RowMask): void {
  const bothPresent = comparePresence(pair, mask)
  switch (field.type.kind) {
    case 'unknown':
      return
    case 'struct':
    case 'list':
    case 'map':
    case 'variant':
    case 'boolean':
      compareTexts(field, pair, mask)
      return
    case 'string':
    case 'binary':
    case 'geometry':
    case 'geography':
      compareVariable(pair, mask, bothPresent)
      return
    default:
      compareFixed(pair, mask, bothPresent)
  }
}

/** Deselects rows of which one is null and the other is not. Answers whether a row is not null in both. */
function comparePresence([a, b]: Pair, mask: RowMask): (row: number) => boolean {
  const [left, right] = [validityBitmap(a), validityBitmap(b)]
  if (left === undefined && right === undefined) return () => true
  const isLeft = (row: number): boolean => left === undefined || bitAt(left, a.offset + row)
  const isRight = (row: number): boolean => right === undefined || bitAt(right, b.offset + row)
  for (let row = 0; row < mask.length; row++) if (isLeft(row) !== isRight(row)) mask[row] = 0
  return (row) => isLeft(row) && isRight(row)
}

function compareFixed([a, b]: Pair, mask: RowMask, isPresent: (row: number) => boolean): void {
  const [left, right] = [bytesOf(fixedValues(a)), bytesOf(fixedValues(b))]
  const width = a.stride * fixedValues(a).BYTES_PER_ELEMENT
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 0 || !isPresent(row)) continue
    for (let i = row * width; i < (row + 1) * width; i++) {
      if (left[i] === right[i]) continue
      mask[row] = 0
      break
    }
  }
}

function compareVariable([a, b]: Pair, mask: RowMask, isPresent: (row: number) => boolean): void {
  const [left, right] = [bytesOf(fixedValues(a)), bytesOf(fixedValues(b))]
  const [leftOffsets, rightOffsets] = [offsetsOf(a), offsetsOf(b)]
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 0 || !isPresent(row)) continue
    const [from, other] = [leftOffsets[row]!, rightOffsets[row]!]
    const length = leftOffsets[row + 1]! - from
    let i = rightOffsets[row + 1]! - other === length ? 0 : -1
    while (i >= 0 && i < length && left[from + i] === right[other + i]) i++
    if (i !== length) mask[row] = 0
  }
}

/** The canonical text of nested values is equal when they are. */
function compareTexts(field: NestedField, [a, b]: Pair, mask: RowMask): void {
  const schema = new Schema([field])
  const target = arrowSchema(schema)
  const [left, right] = [a, b].map((chunk) => canonicalRows(schema, makeBatch(target, chunk.length, [chunk]))) as [string[], string[]]
  for (let row = 0; row < mask.length; row++) if (left[row] !== right[row]) mask[row] = 0
}
