import type { DataType, Field, RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { Decimal } from '../schema/decimal.js'
import { effectiveDefault } from '../schema/default-values.js'
import type { Schema } from '../schema/schema.js'
import { printTypeName } from '../schema/type-name.js'
import type { NestedField, Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { makeBatch } from './arrow-data.js'
import { arrowSchema } from './arrow-schema.js'
import { coerceBoolean, coerceBytes, coerceDecimal, coerceFloat, coerceUuid, integerCoercion } from './coerce-value.js'
import type { CoercionOptions } from './coerce-value.js'
import { BoolBuilder, DecimalBuilder, FixedBytesBuilder, FloatBuilder, Int32Builder, Int64Builder, NullBuilder, TimeBuilder } from './column-builder.js'
import type { ColumnBuilder, ColumnSite } from './column-builder.js'
import { describeValue, expectation, nearestName } from './describe-value.js'
import { ListBuilder, MapBuilder, StructBuilder, isRecord, memberReader } from './nested-builder.js'
import type { CheckMembers, NamedBuilder } from './nested-builder.js'
import { BytesBuilder, TextBuilder } from './variable-builder.js'
import { VariantBuilder } from './variant-builder.js'

/** How rows are taken. */
export interface BatchBuilderOptions {
  /** What to do with members that are no columns. Default `refuse`: they are mostly misspelt. */
  readonly unknownColumns?: 'refuse' | 'ignore' | undefined
  /** Also take the canonical text of every primitive, as CSV and JSON lines hold it: digits, hexadecimal bytes, `NaN`. Default false. */
  readonly parseText?: boolean | undefined
}

/** Why a row was refused; the `cause` of the error. */
export interface RowProblem {
  /** Counts every row that the builder was given, from 0. */
  readonly rowIndex: number
  /** Full dotted path, as `tags.element` or `addr.zip`; empty for the row itself. */
  readonly path: string
  readonly expected: string
  /** Type and short value, as `string "12a"`. */
  readonly found: string
}

/** Rows a call works on column by column: enough to keep loops hot, few enough to stay in cache. */
const stride = 1024

/**
 * Builds record batches in canonical types from rows, checking every value against the schema.
 *
 * Accepted, besides what `row-values.ts` yields: a safe integer number for long; bigint for int; Decimal, text, number (by its
 * shortest text) or bigint for decimals that are exact; Date or ISO 8601 text for dates (midnight UTC), times and timestamps; 16
 * bytes or text of any case for uuid; any iterable for lists; a Map, pairs or an object for maps; whatever `Variant.of` encodes
 * for variants. Members that are undefined take the column's write default.
 */
export class BatchBuilder {
  readonly schema: ArrowSchema
  readonly #columns: readonly (NamedBuilder & { readonly read: (row: object) => unknown })[]
  readonly #checkMembers: CheckMembers
  /** Rows handed out or refused, which come before those in progress. */
  #taken = 0
  #length = 0
  #rowIndex = 0

  constructor(schema: Schema, options: BatchBuilderOptions = {}) {
    this.schema = arrowSchema(schema)
    const context: BuilderContext = {
      options: { text: options.parseText === true },
      ignoreUnknown: options.unknownColumns === 'ignore',
      refuse: (site, value) => this.#refuse(site.path, site.type, value),
      refuseMember: (path, name, names) => this.#refuseMember(path, name, names),
    }
    const fields = schema.fields
    this.#columns = childBuilders(fields, this.schema.fields, context, '').map((column) => ({ ...column, read: memberReader(column.name) }))
    this.#checkMembers = memberCheck(fields, '', context)
  }

  /** Rows since the last {@link finish}. */
  get length(): number {
    return this.#length
  }

  /** Bytes that those rows take in memory. */
  get bytes(): number {
    return this.#columns.reduce((sum, column) => sum + column.builder.bytes, 0)
  }

  /**
   * Adds rows, all or those before the first bad one.
   * @throws FloeError `INVALID` for a bad row, naming row, column, expected type and what was found; its `cause` is a
   * {@link RowProblem}. The rows before it were added, it and those after it were not, and the builder can go on.
   */
  append(rows: readonly unknown[]): void {
    try {
      for (let start = 0; start < rows.length; start += stride) this.#appendSome(rows, start, Math.min(start + stride, rows.length))
    } catch (error) {
      this.#taken++
      throw error
    }
  }

  /** Adds one row. @throws FloeError as {@link append} does. */
  appendRow(row: unknown): void {
    this.append([row])
  }

  /** Hands out the rows so far as one batch, and starts anew. */
  finish(): RecordBatch {
    const batch = makeBatch(this.schema, this.#length, this.#columns.map((column) => column.builder.finish()))
    this.#taken += this.#length
    this.#length = 0
    return batch
  }

  #appendSome(rows: readonly unknown[], start: number, end: number): void {
    try {
      this.#appendColumns(rows, start, end)
    } catch (error) {
      if (end - start === 1) throw error
      // Columns were filled one after another, so the first error is not that of the first bad row
      for (let row = start; row < end; row++) this.#appendColumns(rows, row, row + 1)
    }
  }

  #appendColumns(rows: readonly unknown[], start: number, end: number): void {
    const first = this.#length
    const known = new Int32Array(end - start)
    try {
      for (let i = start; i < end; i++) if (!isRecord(rows[i])) this.#refuseRow(first + i - start, rows[i])
      for (const { builder, read } of this.#columns) {
        for (let i = start; i < end; i++) {
          this.#rowIndex = first + i - start
          const value = read(rows[i] as object)
          if (value !== undefined) known[i - start]!++
          builder.add(value)
        }
      }
      for (let i = start; i < end; i++) {
        this.#rowIndex = first + i - start
        this.#checkMembers(rows[i] as object, known[i - start]!)
      }
    } catch (error) {
      for (const { builder } of this.#columns) builder.truncate(first)
      throw error
    }
    this.#length = first + end - start
  }

  #refuseRow(rowIndex: number, row: unknown): never {
    this.#rowIndex = rowIndex
    throw this.#problem('', 'a row object', describeValue(row))
  }

  #refuse(path: string, type: Type, value: unknown): never {
    const absent = value === null || value === undefined
    const expected = absent ? `a value of required ${printTypeName(type)}` : expectation(type)
    throw this.#problem(path, expected, value === undefined ? 'nothing, and there is no default' : describeValue(value))
  }

  #refuseMember(path: string, name: string, names: readonly string[]): never {
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`
    throw this.#problem(path, `only columns of the schema${hint}`, `member ${JSON.stringify(name)}`)
  }

  #problem(path: string, expected: string, found: string): FloeError {
    const problem: RowProblem = { rowIndex: this.#taken + this.#rowIndex, path, expected, found }
    const context = path === '' ? { cause: problem } : { column: path, cause: problem }
    return new FloeError('INVALID', `row ${problem.rowIndex}: expected ${expected}, found ${found}`, context)
  }
}

interface BuilderContext {
  readonly options: CoercionOptions
  readonly ignoreUnknown: boolean
  refuse(site: ColumnSite, value: unknown): never
  refuseMember(path: string, name: string, names: readonly string[]): never
}

function childBuilders(fields: readonly NestedField[], arrow: readonly Field[], context: BuilderContext, prefix: string): NamedBuilder[] {
  return fields.map((field, i) => {
    const missing = inputOf(field.type, effectiveDefault(field, 'write')) ?? undefined
    const path = prefix + field.name
    const required = field.required && field.type.kind !== 'unknown'
    const builder = columnBuilder({ path, type: field.type, arrow: arrow[i]!.type as DataType, required, missing }, context)
    return { name: field.name, builder }
  })
}

/** A default in the form that callers write: the two differ for decimals and structs. */
function inputOf(type: Type, value: Value | undefined): unknown {
  if (value === null || value === undefined) return null
  if (type.kind === 'decimal') return new Decimal(value as bigint, type.scale)
  if (type.kind !== 'struct') return value
  const members = value as ReadonlyMap<number, Value>
  return Object.fromEntries(type.fields.map((field) => [field.name, inputOf(field.type, members.get(field.id))]))
}

function columnBuilder(column: Omit<ColumnSite, 'refuse'>, context: BuilderContext): ColumnBuilder {
  const site: ColumnSite = { ...column, refuse: context.refuse }
  const { type, path } = site
  const children = (site.arrow.children ?? []) as readonly Field[]
  const child = (name: string, childType: Type, arrow: Field, required: boolean): ColumnBuilder =>
    columnBuilder({ path: `${path}.${name}`, type: childType, arrow: arrow.type as DataType, required, missing: undefined }, context)
  switch (type.kind) {
    case 'struct':
      return new StructBuilder(site, childBuilders(type.fields, children, context, `${path}.`), memberCheck(type.fields, `${path}.`, context))
    case 'variant': {
      const part = (name: string, i: number): BytesBuilder =>
        child(name, { kind: 'binary' }, children[i]!, true) as BytesBuilder
      return new VariantBuilder(site, part('metadata', 0), part('value', 1))
    }
    case 'list':
      return new ListBuilder(site, child('element', type.element, children[0]!, type.elementRequired))
    case 'map': {
      const [key, value] = (children[0]!.type as DataType).children as unknown as [Field, Field]
      return new MapBuilder(site, child('key', type.key, key, true), child('value', type.value, value, type.valueRequired))
    }
    default:
      return leafBuilder(site, context.options)
  }
}

function leafBuilder(site: ColumnSite, options: CoercionOptions): ColumnBuilder {
  const type = site.type
  switch (type.kind) {
    case 'boolean':
      return new BoolBuilder(site, (value) => coerceBoolean(value, options))
    case 'int':
    case 'date':
      return new Int32Builder(site, integerCoercion(type, options)!)
    case 'time':
      return new TimeBuilder(site, integerCoercion(type, options)!)
    case 'float':
    case 'double':
      return new FloatBuilder(site, (value) => coerceFloat(value, options))
    case 'decimal':
      return new DecimalBuilder(site, type.precision, (value) => coerceDecimal(value, type.scale))
    case 'string':
      return new TextBuilder(site)
    case 'uuid':
      return new FixedBytesBuilder(site, 16, coerceUuid)
    case 'fixed':
      return new FixedBytesBuilder(site, type.length, (value) => coerceBytes(value, options))
    case 'binary':
    case 'geometry':
    case 'geography':
      return new BytesBuilder(site, (value) => coerceBytes(value, options))
    case 'unknown':
      return new NullBuilder(site)
    default:
      return new Int64Builder(site, integerCoercion(type, options)!)
  }
}

/** Counts the members of a value, which is cheap, and looks at their names only when some were not read. */
function memberCheck(fields: readonly NestedField[], prefix: string, context: BuilderContext): CheckMembers {
  const names = fields.map((field) => field.name)
  const known = new Set(names)
  return (value, read) => {
    if (context.ignoreUnknown) return
    let members = 0
    for (const _ in value) members++
    if (members <= read) return
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined && !known.has(name)) context.refuseMember(prefix + name, name, names)
    }
  }
}
