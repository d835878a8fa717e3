import type { RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch, structChunk, type Chunk } from '../arrow/arrow-data.js'
import { arrowSchema } from '../arrow/arrow-schema.js'
import { BatchBuilder, type BatchBuilderOptions, type RowProblem } from '../arrow/batch-builder.js'
import { describeValue, nearestName } from '../arrow/describe-value.js'
import { maskChunk } from '../arrow/mask-chunk.js'
import { checkRequired } from '../arrow/required-check.js'
import { concatChunks } from '../arrow/plain-chunk.js'
import { rowReader, type ReadRows, type Row } from '../arrow/row-values.js'
import { takeChunk } from '../arrow/take.js'
import { Schema } from '../schema/schema.js'
import { printTypeName } from '../schema/type-name.js'
import type { NestedField } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/** The new value of a column, or how it follows from the row as it was; values as `rows()` gives and `append` takes them. */
export type Assignment = ((row: Row) => unknown) | string | number | bigint | boolean | object | null

/** What an update sets, by column; dotted paths for members of structs. */
export type RowAssignments = Readonly<Record<string, Assignment>>

/** How values are taken. */
export type ValueOptions = Pick<BatchBuilderOptions, 'parseText'>

/** Rows that functions are called with before their results become a column. */
const STRIDE = 1024

/**
 * Compiles assignments into a function from batches of the table's columns to batches with the new values. Functions see the
 * row as it was, whatever else is assigned. A member that is set in a struct that was null makes the struct present, its other
 * members null, as in SQL.
 *
 * @throws FloeError `INVALID` naming the column: there is none of the name, it lies in a list or map, it is assigned twice, or
 * the value does not fit; the function it answers throws the same for values of functions
 */
export function compileAssignments(
  schema: Schema,
  assignments: RowAssignments,
  options: ValueOptions = {},
): (batch: RecordBatch) => RecordBatch {
  const root = new Map<number, Node>()
  for (const [path, assignment] of Object.entries(assignments)) place(root, schema, { path, assignment, options })
  if (root.size === 0) throw new FloeError('INVALID', 'An update needs at least one column to set')
  const readRows = rowReader(schema)
  const target = arrowSchema(schema)
  return (batch) => {
    const rows = new RowsOfBatch(batch, readRows)
    const columns = columnsOf(batch).map((chunk, i) => {
      const node = root.get(schema.fields[i]!.id)
      return node === undefined ? chunk : evaluate(node, schema.fields[i]!, chunk, rows)
    })
    const changed = schema.fields.map((field, i) => ({ field, column: columns[i]! })).filter(({ field }) => root.has(field.id))
    checkRequired(changed.map(({ field }) => field), changed.map(({ column }) => column), (path, _row, type) => {
      throw new FloeError('INVALID', `expected ${printTypeName(type)}, found null: the column is required`, { column: path })
    })
    return makeBatch(target, batch.numRows, columns)
  }
}

/** What is assigned to a column: a value, what a function answers, or members of a struct by field id. */
type Node =
  | { readonly kind: 'value'; readonly chunk: Chunk }
  | { readonly kind: 'function'; readonly path: string; readonly column: (values: readonly unknown[]) => Chunk; readonly compute: (row: Row) => unknown }
  | { readonly kind: 'members'; readonly members: Map<number, Node> }

interface Placement {
  readonly path: string
  readonly assignment: Assignment
  readonly options: ValueOptions
}

function place(root: Map<number, Node>, schema: Schema, placement: Placement): void {
  const { path } = placement
  const field = schema.findField(path)
  if (field === undefined) throw unknownColumn(schema, path)
  const around = schema.ancestorsOf(field.id).reverse()
  const outer = around.find((ancestor) => ancestor.type.kind !== 'struct')
  if (outer !== undefined) {
    throw new FloeError('INVALID', `A part of a ${outer.type.kind} cannot be set by itself: set the whole of ${schema.pathOf(outer.id)}`, { column: path })
  }
  let siblings = root
  for (const ancestor of around) {
    const node = siblings.get(ancestor.id) ?? { kind: 'members', members: new Map<number, Node>() }
    if (node.kind !== 'members') throw twice(path)
    siblings.set(ancestor.id, node)
    siblings = node.members
  }
  if (siblings.has(field.id)) throw twice(path)
  siblings.set(field.id, leaf(field, placement))
}

function unknownColumn(schema: Schema, path: string): FloeError {
  const paths = [...schema.fieldIds()].map((id) => schema.pathOf(id)!)
  const nearest = nearestName(path, paths)
  return new FloeError('INVALID', `the table has no such column${nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`}`, { column: path })
}

function twice(path: string): FloeError {
  return new FloeError('INVALID', 'the column, or one around it, is set twice by one update', { column: path })
}

function leaf(field: NestedField, { path, assignment, options }: Placement): Node {
  // The builder names columns by their fields: a member is known by its whole path.
  const named = { ...field, name: path }
  if (typeof assignment === 'function') return { kind: 'function', path, column: (values) => columnOf(named, values, options), compute: assignment as (row: Row) => unknown }
  return { kind: 'value', chunk: columnOf(named, [assignment], options) }
}

/** Values as a column, each checked. */
function columnOf(field: NestedField, values: readonly unknown[], options: ValueOptions): Chunk {
  const builder = new BatchBuilder(new Schema([field]), options)
  const missing = values.findIndex((value) => value === undefined)
  if (missing >= 0) throw new FloeError('INVALID', `expected ${printTypeName(field.type)}, found undefined: to clear a column, set null`, { column: field.name })
  try {
    builder.append(values.map((value) => Object.defineProperty({}, field.name, { value, enumerable: true })))
  } catch (error) {
    throw withoutRow(error)
  }
  return columnsOf(builder.finish())[0]!
}

/** The builder counts rows of its own, which mean nothing to whoever updates. */
function withoutRow(error: unknown): unknown {
  const problem = error instanceof FloeError ? (error.cause as RowProblem | undefined) : undefined
  if (problem === undefined) return error
  return new FloeError('INVALID', `expected ${problem.expected}, found ${problem.found}`, { column: problem.path, cause: problem })
}

/** The rows of one batch, made once for all functions, some at a time. */
class RowsOfBatch {
  constructor(
    readonly batch: RecordBatch,
    private readonly read: ReadRows,
  ) {}

  *strides(): Generator<Row[], void, undefined> {
    const { numRows } = this.batch
    for (let start = 0; start < numRows; start += STRIDE) yield this.read(this.batch, start, Math.min(start + STRIDE, numRows))
  }
}

function evaluate(node: Node, field: NestedField, chunk: Chunk, rows: RowsOfBatch): Chunk {
  switch (node.kind) {
    case 'value':
      return takeChunk(node.chunk, new Uint32Array(rows.batch.numRows))
    case 'function':
      return computed(node, rows)
    case 'members': {
      const fields = field.type.kind === 'struct' ? field.type.fields : []
      const children = fields.map((member, i) => {
        const child = maskChunk(chunk.children[i]!, chunk)
        const assigned = node.members.get(member.id)
        return assigned === undefined ? child : evaluate(assigned, member, child, rows)
      })
      return structChunk(chunk.type, rows.batch.numRows, children)
    }
  }
}

function computed({ column, path, compute }: Extract<Node, { kind: 'function' }>, rows: RowsOfBatch): Chunk {
  const pieces: Chunk[] = []
  for (const stride of rows.strides()) pieces.push(column(stride.map((row) => call(compute, row, path))))
  return concatChunks(pieces)
}

function call(compute: (row: Row) => unknown, row: Row, path: string): unknown {
  let value: unknown
  try {
    value = compute(row)
  } catch (error) {
    if (error instanceof FloeError) throw error
    const reason = error instanceof Error ? error.message : describeValue(error)
    throw new FloeError('INVALID', `the function that computes the column failed, nothing was committed: ${reason}`, { column: path, cause: error })
  }
  if (value instanceof Promise) {
    value.catch(() => undefined)
    throw new FloeError('INVALID', 'the function that computes the column answers a promise: compute the value without waiting', { column: path })
  }
  return value
}
