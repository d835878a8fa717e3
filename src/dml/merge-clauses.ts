import type { RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch } from '../arrow/arrow-data.js'
import { arrowSchema } from '../arrow/arrow-schema.js'
import { BatchBuilder } from '../arrow/batch-builder.js'
import { constantChunk } from '../arrow/constant-chunk.js'
import { compileBatchFilter } from '../arrow/filter-batch.js'
import { checkRequired } from '../arrow/required-check.js'
import { rowReader, type ReadRows, type Row } from '../arrow/row-values.js'
import { bind } from '../expression/bind.js'
import type { Expression } from '../expression/expression.js'
import { effectiveDefault } from '../schema/default-values.js'
import { printTypeName } from '../schema/type-name.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { compileAssignments, type Assignment, type RowAssignments } from './assignments.js'

/** A condition on one row: a filter on its columns, or a function of it. */
export type RowCondition<Filter = Expression> = Filter | ((row: Row) => boolean)

/** A condition on a row of the table and the row of the source that it is matched with: filters on either, or a function of both. */
export type PairCondition<Filter = Expression> =
  | { readonly target?: Filter | undefined; readonly source?: Filter | undefined }
  | ((target: Row, source: Row) => boolean)

/** What an update of a matched row sets, by column of the table: a value, or how it follows from the two rows. */
export type PairAssignments = Readonly<Record<string, Exclude<Assignment, (row: Row) => unknown> | ((target: Row, source: Row) => unknown)>>

/** What becomes of a row of the table that has a match. */
export interface MatchedClause<Condition = PairCondition> {
  /** Default: always. */
  readonly when?: Condition | undefined
  /** `update` sets every column that the source has. Functions among assignments get the row of the table and that of the source. */
  readonly then: 'update' | 'delete' | 'keep' | PairAssignments
}

/** What becomes of a row of the source that has no match. */
export interface NotMatchedClause<Condition = RowCondition> {
  readonly when?: Condition | undefined
  /** `insert`: the columns of the row that the table has. A function makes the row that is inserted. */
  readonly then: 'insert' | 'ignore' | ((source: Row) => object)
}

/** What becomes of a row of the table that has no match. */
export interface NotMatchedBySourceClause<Condition = RowCondition> {
  readonly when?: Condition | undefined
  readonly then: 'delete' | 'keep' | RowAssignments
}

/** The schemas that are merged. Columns of one name have one id. */
export interface MergeSchemas {
  readonly table: Schema
  readonly source: Schema
}

/** Pairs of rows, side by side; the table's may be without columns where no clause looks at them. */
export interface RowPairs {
  readonly target: RecordBatch
  readonly source: RecordBatch
}

/** Answers for each row the first clause whose condition holds, or -1. */
export type ChooseClause<T> = (rows: T) => Int32Array

/** Compiles the conditions of clauses on pairs. */
export function pairChooser(clauses: readonly MatchedClause[], { table, source }: MergeSchemas): ChooseClause<RowPairs> {
  const conditions = clauses.map(({ when }): ((pairs: RowPairs) => ArrayLike<number>) | undefined => {
    if (when === undefined) return undefined
    if (typeof when === 'function') {
      const [readTarget, readSource] = [rowReader(table), rowReader(source)]
      return (pairs) => {
        const sources = readSource(pairs.source)
        return Uint8Array.from(readTarget(pairs.target), (target, i) => holds(() => when(target, sources[i]!)))
      }
    }
    const ofTarget = when.target === undefined ? undefined : compileBatchFilter(bind(when.target, table), table)
    const ofSource = when.source === undefined ? undefined : compileBatchFilter(bind(when.source, source), source)
    return (pairs) => {
      const mask = ofSource?.(pairs.source) ?? new Uint8Array(pairs.source.numRows).fill(1)
      return ofTarget?.(pairs.target, mask) ?? mask
    }
  })
  return (pairs) => firstThatHolds(pairs.source.numRows, conditions.map((condition) => condition?.(pairs)))
}

/** Compiles the conditions of clauses on rows of one schema. */
export function rowChooser(clauses: readonly { readonly when?: RowCondition | undefined }[], schema: Schema): ChooseClause<RecordBatch> {
  const conditions = clauses.map(({ when }): ((batch: RecordBatch) => ArrayLike<number>) | undefined => {
    if (when === undefined) return undefined
    if (typeof when !== 'function') return compileBatchFilter(bind(when, schema), schema)
    const read = rowReader(schema)
    return (batch) => Uint8Array.from(read(batch), (row) => holds(() => when(row)))
  })
  return (batch) => firstThatHolds(batch.numRows, conditions.map((condition) => condition?.(batch)))
}

function holds(condition: () => unknown): number {
  const answer = called(condition, 'condition')
  if (typeof answer === 'boolean') return answer ? 1 : 0
  throw new FloeError('INVALID', `A condition of a merge answers true or false, not a value of type ${typeof answer}`)
}

function called<T>(call: () => T, what: string): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof FloeError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new FloeError('INVALID', `A ${what} of the merge failed, nothing was committed: ${reason}`, { cause: error })
  }
}

function firstThatHolds(rows: number, masks: readonly (ArrayLike<number> | undefined)[]): Int32Array {
  const chosen = new Int32Array(rows).fill(-1)
  for (let row = 0; row < rows; row++) chosen[row] = masks.findIndex((mask) => mask === undefined || mask[row] === 1)
  return chosen
}

/** Makes rows of the table of pairs. */
export function pairUpdate(then: 'update' | PairAssignments, schemas: MergeSchemas): (pairs: RowPairs) => RecordBatch {
  const { table, source } = schemas
  if (then !== 'update') return assignPairs(then, schemas)
  const target = arrowSchema(table)
  const indices = table.fields.map((field) => source.fields.findIndex(({ id }) => id === field.id))
  return (pairs) => {
    const columns = indices.map((index, i) => (index < 0 ? columnsOf(pairs.target)[i]! : columnsOf(pairs.source)[index]!))
    return required(table, makeBatch(target, pairs.source.numRows, columns))
  }
}

/** Functions are called once a row, in the order of the rows: so each keeps count of the source's row that is next. */
function assignPairs(assignments: PairAssignments, { table, source }: MergeSchemas): (pairs: RowPairs) => RecordBatch {
  const readSource: ReadRows = rowReader(source)
  let sources: readonly Row[] = []
  const cursors = new Map<string, number>()
  const wrapped = Object.entries(assignments).map(([path, value]) => {
    if (typeof value !== 'function') return [path, value] as const
    const compute = value as (target: Row, source: Row) => unknown
    const ofPair = (target: Row): unknown => {
      const at = cursors.get(path) ?? 0
      cursors.set(path, at + 1)
      return compute(target, sources[at]!)
    }
    return [path, ofPair] as const
  })
  const assign = compileAssignments(table, Object.fromEntries(wrapped) as RowAssignments)
  return (pairs) => {
    sources = readSource(pairs.source)
    cursors.clear()
    return assign(pairs.target)
  }
}

/** Makes rows of the table of rows of the source. */
export function insertion(then: 'insert' | ((source: Row) => object), { table, source }: MergeSchemas): (batch: RecordBatch) => RecordBatch {
  if (then !== 'insert') {
    const read = rowReader(source)
    return (batch) => {
      const builder = new BatchBuilder(table)
      builder.append(read(batch).map((row) => called(() => then(row), 'function')))
      return builder.finish()
    }
  }
  const target = arrowSchema(table)
  const indices = table.fields.map((field) => source.fields.findIndex(({ id }) => id === field.id))
  return (batch) => {
    const columns = table.fields.map((field, i) => {
      const index = indices[i]!
      return index < 0 ? constantChunk(field.type, effectiveDefault(field, 'write'), batch.numRows) : columnsOf(batch)[index]!
    })
    return required(table, makeBatch(target, batch.numRows, columns))
  }
}

function required(table: Schema, batch: RecordBatch): RecordBatch {
  checkRequired(table.fields, columnsOf(batch), (path, _row, type) => {
    throw new FloeError('INVALID', `expected ${printTypeName(type)}, found null: the merge leaves a required column without a value`, { column: path })
  })
  return batch
}
