import type { RecordBatch } from 'apache-arrow'
import { concatBatches } from '../arrow/concat-batches.js'
import { takeBatch, takeChunk } from '../arrow/take.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import type { Expression } from '../expression/expression.js'
import { alwaysTrue } from '../expression/predicates.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import { printTypeName } from '../schema/type-name.js'
import { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { WriteInput } from '../write/input-items.js'
import { inputBatches } from '../write/input-rows.js'
import { compileAssignments } from './assignments.js'
import type { DmlContext } from './dml-context.js'
import { JoinSource, keyIdsOf, keyProjection, numberRows, type NumberedRows } from './join-source.js'
import { keyIndex } from './key-index.js'
import { withLineageColumns } from './lineage-columns.js'
import {
  insertion,
  pairChooser,
  pairUpdate,
  rowChooser,
  type MatchedClause,
  type MergeSchemas,
  type NotMatchedBySourceClause,
  type NotMatchedClause,
  type RowPairs,
} from './merge-clauses.js'
import { hasRowLineage } from './removed-rows.js'
import { replanning } from './replan.js'
import type { RowChangeSet } from './row-change-set.js'
import { planChange, runRowChange, type ProgressMeter, type RowChangeKind, type RowChangeOptions, type RowChangeOutcome } from './row-change.js'
import type { SourceGroup } from './source-rows.js'
import type { KeyedInputOptions } from './upsert-rows.js'

/** What a merge does; of the clauses of one kind, the first whose condition holds counts, and a row that none takes stays as it is. */
export interface MergeClauses {
  readonly whenMatched: readonly MatchedClause[]
  readonly whenNotMatched: readonly NotMatchedClause[]
  readonly whenNotMatchedBySource: readonly NotMatchedBySourceClause[]
}

export interface MergeRowsOptions extends RowChangeOptions, KeyedInputOptions {
  /** The columns by which rows are matched, in both. Default: the identifier fields of the table's schema. */
  readonly on?: readonly string[] | undefined
  /** The columns of the source. Those that the table has too take its types. Default: the table's columns. */
  readonly sourceSchema?: Schema | undefined
}

/**
 * Joins a source to the table by key, and does with every row what the first fitting clause says, in one snapshot. A null in a key
 * matches nothing, as in SQL.
 *
 * @throws FloeError `INVALID` naming the key when a row of the table matches more than one of the source, and for whatever does not
 * fit; `CONFLICT` when others were in the way again and again
 */
export async function mergeRows(
  context: DmlContext,
  rows: WriteInput,
  clauses: MergeClauses,
  options: MergeRowsOptions,
): Promise<RowChangeOutcome> {
  const { metadata } = context.loaded
  const table = currentSchema(metadata)
  const keyIds = keyIdsOf(table, options.on)
  const schemas = { table, source: sourceSchemaOf(table, options.sourceSchema, keyIds) }
  const plan = new MergePlan(clauses, schemas)
  const source = new JoinSource(context, { ...options, metadata, schema: schemas.source, keyIds })
  const kind: RowChangeKind = {
    name: 'merge',
    properties: 'merge',
    get filter(): Expression {
      return plan.looksAtAll ? alwaysTrue() : source.filter()
    },
  }
  try {
    return await replanning(context, options.signal, (current) =>
      runRowChange(current, options, kind, async (set, progress) => {
        await source.take(inputBatches(rows, schemas.source, options))
        await mergeInto({ context: current, set, progress }, source, { plan, options })
      }),
    )
  } finally {
    await source.close()
  }
}

/** The columns of the source, with the ids and types of the table's where it has them; none is required, as rows may be dropped. */
function sourceSchemaOf(table: Schema, own: Schema | undefined, keyIds: readonly number[]): Schema {
  let id = table.highestFieldId()
  const fields = (own ?? table).fields.map((field) => {
    const known = table.fields.find(({ name }) => name === field.name)
    return { ...(known ?? { ...field, id: ++id }), required: false }
  })
  const source = new Schema(fields, { schemaId: table.schemaId })
  for (const keyId of keyIds) {
    if (source.fieldById(keyId) !== undefined) continue
    const type = printTypeName(table.fieldById(keyId)!.type)
    throw new FloeError('INVALID', `The schema of the source lacks a key column of type ${type}`, { column: table.pathOf(keyId)! })
  }
  return source
}

/** Clauses, compiled. */
class MergePlan {
  /** Whether rows without a match are changed too, so that all files are read. */
  readonly looksAtAll: boolean
  readonly insertsRows: boolean
  readonly changesMatches: boolean
  readonly schemas: MergeSchemas
  readonly #clauses: MergeClauses
  readonly choosePair
  readonly chooseSource
  readonly chooseTarget
  readonly #updates
  readonly #changes
  readonly #inserts

  constructor(clauses: MergeClauses, schemas: MergeSchemas) {
    const { whenMatched, whenNotMatched, whenNotMatchedBySource } = clauses
    this.#clauses = clauses
    this.schemas = schemas
    this.looksAtAll = whenNotMatchedBySource.length > 0
    this.insertsRows = whenNotMatched.length > 0
    this.changesMatches = whenMatched.length > 0
    this.choosePair = pairChooser(whenMatched, schemas)
    this.chooseSource = rowChooser(whenNotMatched, schemas.source)
    this.chooseTarget = rowChooser(whenNotMatchedBySource, schemas.table)
    this.#updates = whenMatched.map(({ then }) => (then === 'delete' || then === 'keep' ? then : pairUpdate(then, schemas)))
    this.#inserts = whenNotMatched.map(({ then }) => (then === 'ignore' ? then : insertion(then, schemas)))
    this.#changes = whenNotMatchedBySource.map(({ then }) =>
      then === 'delete' || then === 'keep' ? then : compileAssignments(schemas.table, then),
    )
  }

  /** Whether a clause looks at columns of the table other than the keys, or keeps them. */
  get needsTarget(): boolean {
    const { table, source } = this.schemas
    const isPartial = table.fields.some((field) => source.fieldById(field.id) === undefined)
    return (
      this.looksAtAll ||
      this.#clauses.whenMatched.some(({ when, then }) => {
        const looks = typeof when === 'function' || when?.target !== undefined
        return looks || typeof then === 'object' || (then === 'update' && isPartial)
      })
    )
  }

  update(clause: number): 'delete' | 'keep' | ((pairs: RowPairs) => RecordBatch) {
    return this.#updates[clause] ?? 'keep'
  }

  change(clause: number): 'delete' | 'keep' | ((batch: RecordBatch) => RecordBatch) {
    return this.#changes[clause] ?? 'keep'
  }

  insert(clause: number): 'ignore' | ((batch: RecordBatch) => RecordBatch) {
    return this.#inserts[clause] ?? 'ignore'
  }
}

interface Gathering {
  readonly context: DmlContext
  readonly set: RowChangeSet
  readonly progress: ProgressMeter
}

interface Merging {
  readonly plan: MergePlan
  readonly options: MergeRowsOptions
}

async function mergeInto({ context, set, progress }: Gathering, source: JoinSource, { plan, options }: Merging): Promise<void> {
  const { metadata } = context.loaded
  const all = plan.looksAtAll ? await planChange(context, alwaysTrue(), options) : undefined
  const files = all === undefined ? await source.candidates(context, options) : [...all.files()]
  for await (const group of source.groups()) {
    const merge = new GroupMerge(group, source, plan)
    const request = {
      projection: plan.needsTarget ? plan.schemas.table : keyProjection(metadata, source.keyIds),
      keyIds: source.keyIds,
      index: merge.index,
      lineage: hasRowLineage(metadata),
      signal: options.signal,
    }
    for await (const found of numberRows(context, files, request)) await merge.applyTo(found, set)
    await merge.insertOthers(set)
    progress.add(merge.rows)
  }
}

/** Rows of the source with some of the keys. */
class GroupMerge {
  readonly index
  readonly #group: SourceGroup
  readonly #plan: MergePlan
  readonly #source: JoinSource
  /** Undefined without rows. */
  readonly #rows: RecordBatch | undefined
  /** The key of every row, -1 for none. */
  readonly #numbers: Int32Array
  readonly #firstRow: Uint32Array
  readonly #isDouble: Uint8Array
  readonly #isMatched: Uint8Array

  constructor(group: SourceGroup, source: JoinSource, plan: MergePlan) {
    this.#group = group
    this.#source = source
    this.#plan = plan
    this.#rows = group.batches.length === 0 ? undefined : concatBatches(group.batches)
    this.index = keyIndex(source.keys.isNarrow, this.rows)
    this.#numbers = this.#rows === undefined ? new Int32Array(0) : this.index.add(source.keys.read(this.#rows))
    this.#firstRow = new Uint32Array(this.index.size)
    this.#isDouble = new Uint8Array(this.index.size)
    this.#isMatched = new Uint8Array(this.index.size)
    let seen = 0
    this.#numbers.forEach((number, row) => {
      if (number === seen) this.#firstRow[seen++] = row
      else if (number >= 0) this.#isDouble[number] = 1
    })
  }

  get rows(): number {
    return this.#rows?.numRows ?? 0
  }

  async applyTo(found: NumberedRows, set: RowChangeSet): Promise<void> {
    const matched: number[] = []
    const others: number[] = []
    const { numbers, hashes, keyless } = found
    for (let row = 0; row < numbers.length; row++) {
      if (numbers[row]! >= 0) matched.push(row)
      else if (this.#plan.looksAtAll) {
        const isOurs = keyless?.[row] === 1 ? this.#group.isFirst : this.#group.belongs(hashes[row]!)
        if (isOurs) others.push(row)
      }
    }
    const removed = new PositionBitmap()
    if (matched.length > 0) await this.#applyPairs(found, Uint32Array.from(matched), { removed, set })
    if (others.length > 0) await this.#applyOthers(found, Uint32Array.from(others), { removed, set })
    set.deleteRows(found.file, removed)
  }

  async #applyPairs(found: NumberedRows, rows: Uint32Array, { removed, set }: Applying): Promise<void> {
    const sourceRows = rows.map((row) => this.#sourceRow(found.numbers[row]!))
    const pairs = { target: takeBatch(found.batch, rows), source: takeBatch(this.#rows!, sourceRows) }
    await byClause(this.#plan.choosePair(pairs), async (clause, at) => {
      const change = this.#plan.update(clause)
      if (change === 'keep') return
      const changedRows = at.map((i) => rows[i]!)
      for (const row of changedRows) removed.add(found.positions.at(row))
      if (change === 'delete') return
      const changed = change({ target: takeBatch(pairs.target, at), source: takeBatch(pairs.source, at) })
      await rewrite(set, changed, found, changedRows)
    })
  }

  async #applyOthers(found: NumberedRows, rows: Uint32Array, { removed, set }: Applying): Promise<void> {
    const batch = takeBatch(found.batch, rows)
    await byClause(this.#plan.chooseTarget(batch), async (clause, at) => {
      const change = this.#plan.change(clause)
      if (change === 'keep') return
      const changedRows = at.map((i) => rows[i]!)
      for (const row of changedRows) removed.add(found.positions.at(row))
      if (change !== 'delete') await rewrite(set, change(takeBatch(batch, at)), found, changedRows)
    })
  }

  /** @throws FloeError `INVALID` when the source has the key more than once: which row is meant is not known */
  #sourceRow(number: number): number {
    this.#isMatched[number] = 1
    const row = this.#firstRow[number]!
    if (this.#isDouble[number] === 0 || !this.#plan.changesMatches) return row
    const { keys } = this.#source
    throw new FloeError('INVALID', `A row of the table matches more than one row of the source, by the key ${keys.text(this.#rows!, row)}: keep one of them`, {
      column: keys.paths.join(', '),
    })
  }

  async insertOthers(set: RowChangeSet): Promise<void> {
    if (this.#rows === undefined || !this.#plan.insertsRows) return
    const rows = this.#rows
    const others: number[] = []
    this.#numbers.forEach((number, row) => {
      if (number < 0 || this.#isMatched[number] === 0) others.push(row)
    })
    for (let from = 0; from < others.length; from += ROWS_PER_BATCH) {
      const batch = takeBatch(rows, Uint32Array.from(others.slice(from, from + ROWS_PER_BATCH)))
      await byClause(this.#plan.chooseSource(batch), async (clause, at) => {
        const insert = this.#plan.insert(clause)
        if (insert !== 'ignore') await set.insert(insert(takeBatch(batch, at)))
      })
    }
  }
}

const ROWS_PER_BATCH = 32_768

interface Applying {
  /** Rows of the file that go from where they are. */
  readonly removed: PositionBitmap
  readonly set: RowChangeSet
}

/** Calls `apply` with each clause that was chosen and the rows that chose it. */
async function byClause(chosen: Int32Array, apply: (clause: number, rows: Uint32Array) => Promise<void>): Promise<void> {
  for (const clause of new Set(chosen)) {
    if (clause < 0) continue
    const rows: number[] = []
    for (let row = 0; row < chosen.length; row++) if (chosen[row] === clause) rows.push(row)
    await apply(clause, Uint32Array.from(rows))
  }
}

async function rewrite(set: RowChangeSet, changed: RecordBatch, { lineage }: NumberedRows, rows: Uint32Array): Promise<void> {
  if (lineage === undefined) await set.rewrite(changed)
  else await set.rewrite(withLineageColumns(changed, set.rewriteSchema, { rowIds: takeChunk(lineage.rowIds, rows) }))
}
