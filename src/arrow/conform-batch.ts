import type { Field, RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { effectiveDefault } from '../schema/default-values.js'
import type { Schema } from '../schema/schema.js'
import { printTypeName } from '../schema/type-name.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { columnsOf, makeBatch } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { arrowSchema } from './arrow-schema.js'
import type { RowProblem } from './batch-builder.js'
import { fieldsConverter } from './convert-chunk.js'
import type { ConversionRules, FieldSource, FieldsConverter } from './convert-chunk.js'
import { nearestName } from './describe-value.js'
import { checkRequired } from './required-check.js'

/** How Arrow input is taken. */
export interface ConformOptions {
  /** What to do with columns that the schema does not have. Default `refuse`. */
  readonly unknownColumns?: 'refuse' | 'ignore' | undefined
}

/**
 * Compiles the conversion of a caller's record batches to the schema's columns in canonical types: columns are matched by
 * name, at every level; those left out take their write default, else null. Only casts that keep every value exact are made: smaller
 * integers and floats widened, dictionary, large and view layouts made plain, units of time and scales of decimals changed
 * where no digit is lost. Columns that are canonical already are not copied.
 *
 * The function may be given batches of any number of schemas; rows are counted over all of them.
 * @throws FloeError `INVALID` when a column is unknown, doubled, missing, or of a type that cannot be cast; or for the first bad
 * row, with a {@link RowProblem} as `cause`.
 */
export function batchConformer(schema: Schema, options: ConformOptions = {}): (batch: RecordBatch) => RecordBatch {
  const target = arrowSchema(schema)
  const compiled = new WeakMap<ArrowSchema, FieldsConverter>()
  let rowsBefore = 0
  const refuseValue = (path: string, row: number, to: Type, found: string): never => {
    throw rowProblem({ rowIndex: rowsBefore + row, path, expected: printTypeName(to), found })
  }
  return (batch) => {
    let convert = compiled.get(batch.schema)
    if (convert === undefined) {
      convert = compile(schema.fields, batch.schema, options, refuseValue)
      compiled.set(batch.schema, convert)
    }
    const columns: readonly Chunk[] = convert(columnsOf(batch), batch.numRows, refuseValue)
    checkRequired(schema.fields, columns, (path, row, type) => refuseValue(path, row, type, 'null'))
    rowsBefore += batch.numRows
    return makeBatch(target, batch.numRows, columns)
  }
}

function rowProblem(problem: RowProblem): FloeError {
  const context = { column: problem.path, cause: problem }
  return new FloeError('INVALID', `row ${problem.rowIndex}: expected ${problem.expected}, found ${problem.found}`, context)
}

type RefuseValue = ConversionRules['refuseValue']

function compile(fields: readonly NestedField[], source: ArrowSchema, options: ConformOptions, refuseValue: RefuseValue): FieldsConverter {
  const rules: ConversionRules = {
    policy: 'input',
    sourceOf,
    checkChildren: (siblings, children, prefix) => checkNames(siblings, children, prefix, options),
    refuseType(path, from, to) {
      const advice = 'cast it before writing: only casts that are exact for every value are made'
      throw new FloeError('INVALID', `Arrow type ${String(from)} is not accepted for ${printTypeName(to)}; ${advice}`, { column: path })
    },
    refuseValue,
  }
  return fieldsConverter(fields, source.fields, rules)
}

function sourceOf(field: NestedField, children: readonly Field[], path: string): FieldSource {
  const index = children.findIndex((child) => child.name === field.name)
  if (index >= 0) return { index }
  const constant = effectiveDefault(field, 'write')
  if (constant === null && field.required) throw new FloeError('INVALID', 'a required column without default is missing', { column: path })
  return { constant }
}

function checkNames(fields: readonly NestedField[], children: readonly Field[], prefix: string, options: ConformOptions): void {
  const names = fields.map((field) => field.name)
  const seen = new Set<string>()
  for (const { name } of children) {
    if (seen.has(name)) throw new FloeError('INVALID', 'the Arrow data has two columns of this name', { column: prefix + name })
    seen.add(name)
    if (options.unknownColumns === 'ignore' || names.includes(name)) continue
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`
    throw new FloeError('INVALID', `the schema has no such column${hint}`, { column: prefix + name })
  }
}
