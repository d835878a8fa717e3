import type { RecordBatch } from 'apache-arrow'
import { columnByPath } from '../../arrow/column-by-path.js'
import { compileBatchFilter } from '../../arrow/filter-batch.js'
import { bind } from '../../expression/bind.js'
import type { BoundExpression, Expression } from '../../expression/expression.js'
import { filterFieldIds } from '../../expression/field-ids.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import { SpecFilters } from '../../scan/spec-filter.js'
import { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'
import type { FsckTable } from '../fsck/fsck-context.js'
import { wholeSchema } from '../fsck/whole-schema.js'
import { PurgeKeys } from './purge-keys.js'
import type { PurgeOptions } from './purge-options.js'

/** What is to go: the filter, bound by field id, and the values that tell its rows. */
export class PurgeTarget {
  readonly bound: BoundExpression
  readonly fieldIds: ReadonlySet<number>
  readonly keys: PurgeKeys
  readonly filters: SpecFilters
  /** The columns of the filter, and those whose values are gathered; all optional. */
  readonly columns: Schema
  /** Every column that the table ever had; all optional. */
  readonly all: Schema
  readonly #gathered: readonly number[]

  /** @throws FloeError `INVALID` or `NOT_FOUND` for a filter that does not fit the table, or selects every row */
  constructor(
    table: FsckTable,
    readonly filter: Expression,
    options: PurgeOptions,
  ) {
    const { metadata } = table.loaded
    const schema = currentSchema(metadata)
    this.bound = bind(filter, schema, { caseSensitive: options.caseSensitive ?? true })
    if (this.bound.op === 'true' || this.bound.op === 'false') {
      throw new FloeError('INVALID', `The filter selects ${this.bound.op === 'true' ? 'every row: drop the table with purge' : 'no row'}`)
    }
    this.fieldIds = filterFieldIds(this.bound)
    this.keys = new PurgeKeys(this.bound, options.scanValues ?? [])
    this.filters = new SpecFilters(metadata, schema, this.bound)
    this.#gathered = (options.scanColumns ?? []).map((name) => {
      const field = schema.findField(name, { caseSensitive: options.caseSensitive ?? true })
      if (field === undefined) throw new FloeError('NOT_FOUND', 'scanColumns names a column that the table does not have', { column: name })
      return field.id
    })
    this.all = allOptional(wholeSchema(metadata))
    this.columns = this.all.projectIds([...this.fieldIds, ...this.#gathered])
  }

  /** A test of batches with the columns of `schema`: which rows are to go. */
  rowTest(schema: Schema): (batch: RecordBatch) => Uint8Array {
    return compileBatchFilter(this.bound, schema)
  }

  /** Takes the values of the columns that are looked for, in rows that go. */
  gather(schema: Schema, batch: RecordBatch, mask: Uint8Array): void {
    for (const id of this.#gathered) this.keys.addColumn(id, schema.fieldById(id)!.type, columnByPath(schema, id)(batch), mask)
  }
}

function allOptional(schema: Schema): Schema {
  return new Schema(schema.fields.map((field) => ({ ...field, required: false })), { schemaId: schema.schemaId })
}
