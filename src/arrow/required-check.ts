import type { NestedField, Type } from '../schema/type.js'
import { bitAt, offsetsOf, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'

/** Throws for the null of a required field, at a row of the table. */
export type RefuseNull = (path: string, row: number, type: Type) => never

/** Finds the first null of a required field, at any level, below which nothing is null. Batches are in canonical types. */
export function checkRequired(fields: readonly NestedField[], columns: readonly Chunk[], refuse: RefuseNull): void {
  const rows: Rows = { exists: () => true, toTable: (row) => row }
  fields.forEach((field, i) => checkValue({ ...field, path: field.name }, columns[i]!, rows, refuse))
}

/** The rows of a nested chunk: which ones belong to a value, and to which row of the table. */
interface Rows {
  exists(row: number): boolean
  toTable(row: number): number
}

interface Value {
  readonly path: string
  readonly type: Type
  readonly required: boolean
}

function checkValue(value: Value, chunk: Chunk, rows: Rows, refuse: RefuseNull): void {
  const validity = validityBitmap(chunk)
  const isPresent = (row: number): boolean => validity === undefined || bitAt(validity, chunk.offset + row)
  if (value.required && value.type.kind !== 'unknown' && validity !== undefined) {
    for (let row = 0; row < chunk.length; row++) if (!isPresent(row) && rows.exists(row)) refuse(value.path, rows.toTable(row), value.type)
  }
  const children = childrenOf(value, chunk)
  if (children.length === 0) return
  const inner = insideOf(value.type, chunk, { exists: (row) => rows.exists(row) && isPresent(row), toTable: (row) => rows.toTable(row) })
  for (const { chunk: child, ...rest } of children) checkValue(rest, child, inner, refuse)
}

function childrenOf({ path, type }: Value, chunk: Chunk): (Value & { readonly chunk: Chunk })[] {
  if (type.kind === 'struct') {
    return type.fields.map((field, i) => ({ path: `${path}.${field.name}`, type: field.type, required: field.required, chunk: chunk.children[i]! }))
  }
  if (type.kind === 'list') {
    return [{ path: `${path}.element`, type: type.element, required: type.elementRequired, chunk: chunk.children[0]! }]
  }
  if (type.kind === 'map') {
    const [key, value] = chunk.children[0]!.children as [Chunk, Chunk]
    return [
      { path: `${path}.key`, type: type.key, required: true, chunk: key },
      { path: `${path}.value`, type: type.value, required: type.valueRequired, chunk: value },
    ]
  }
  return []
}

function insideOf(type: Type, chunk: Chunk, rows: Rows): Rows {
  if (type.kind === 'struct') return rows
  const offsets = offsetsOf(chunk)
  const parentOf = (row: number): number => {
    // The last list that starts at or before the row; empty ones start there too, but end there
    let [low, high] = [0, chunk.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (offsets[middle]! <= row) low = middle
      else high = middle - 1
    }
    return low
  }
  const within = (row: number): boolean => row >= offsets[0]! && row < offsets[chunk.length]!
  return { exists: (row) => within(row) && rows.exists(parentOf(row)), toTable: (row) => rows.toTable(parentOf(row)) }
}
