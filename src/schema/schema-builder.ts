/** Schemas as callers write them: `schema({ id: t.long.required, tags: t.list(t.string) })`. */
import { FloeError } from '../util/errors.js'
import { assignFreshFieldIds } from './fresh-ids.js'
import { toStoredValue } from './literal.js'
import type { LiteralInput } from './literal.js'
import { validateSchema } from './schema-validation.js'
import { Schema } from './schema.js'
import type { NestedField, Type, Value } from './type.js'

export interface ColumnOptions {
  readonly required: boolean
  readonly doc?: string | undefined
  readonly default?: Value | undefined
}

/** A column without name and id. Immutable: every member answers a new one. Optional unless it is `required`. */
export class ColumnSpec {
  constructor(
    readonly type: Type,
    readonly options: ColumnOptions = { required: false },
  ) {}

  /** The same column, never null. */
  get required(): ColumnSpec {
    return new ColumnSpec(this.type, { ...this.options, required: true })
  }

  /** The same column, possibly null. */
  get optional(): ColumnSpec {
    return new ColumnSpec(this.type, { ...this.options, required: false })
  }

  /** The same column with a comment. */
  doc(text: string): ColumnSpec {
    return new ColumnSpec(this.type, { ...this.options, doc: text })
  }

  /**
   * The same column with a default, for rows that leave it out (and, when it is added to a table, for the rows there are).
   * `{}` for a struct: the defaults of its fields. Null: none. Throws `INVALID` when it is not exactly a value of the type.
   */
  default(value: LiteralInput | null): ColumnSpec {
    return new ColumnSpec(this.type, { ...this.options, default: defaultOf(this.type, value) })
  }
}

/** Columns by name, in order. Entries instead of an object keep the order of names such as `1`, and may be named `__proto__`. */
export type ColumnSpecs = Readonly<Record<string, ColumnSpec>> | Iterable<readonly [string, ColumnSpec]>

const plain = <K extends Exclude<Type['kind'], 'decimal' | 'fixed' | 'geometry' | 'geography' | 'struct' | 'list' | 'map'>>(kind: K): ColumnSpec =>
  new ColumnSpec(Object.freeze({ kind }) as Type)

/** Column types. Each is an optional column; add `.required`, `.doc(text)`, `.default(value)`. */
export const t = {
  boolean: plain('boolean'),
  int: plain('int'),
  long: plain('long'),
  float: plain('float'),
  double: plain('double'),
  date: plain('date'),
  time: plain('time'),
  timestamp: plain('timestamp'),
  timestamptz: plain('timestamptz'),
  timestampNs: plain('timestamp_ns'),
  timestamptzNs: plain('timestamptz_ns'),
  string: plain('string'),
  uuid: plain('uuid'),
  binary: plain('binary'),
  /** A column of nulls whose type is not known yet. Format version 3. */
  unknown: plain('unknown'),
  /** Semi-structured data. Format version 3. */
  variant: plain('variant'),
  /** Exact numbers of `precision` digits (1 to 38), `scale` of them after the point. */
  decimal: (precision: number, scale: number): ColumnSpec => new ColumnSpec(decimalType(precision, scale)),
  /** Exactly `length` bytes. */
  fixed: (length: number): ColumnSpec => new ColumnSpec(fixedType(length)),
  /** Format version 3. The CRS defaults to OGC:CRS84. */
  geometry: (crs?: string): ColumnSpec => new ColumnSpec({ kind: 'geometry', crs }),
  /** Format version 3. The CRS defaults to OGC:CRS84, the edge interpolation to spherical. */
  geography: (crs?: string, algorithm?: 'spherical' | 'vincenty' | 'thomas' | 'andoyer' | 'karney'): ColumnSpec =>
    new ColumnSpec({ kind: 'geography', crs, algorithm }),
  struct: (columns: ColumnSpecs): ColumnSpec => new ColumnSpec({ kind: 'struct', fields: fieldsOf(columns) }),
  /** Elements may be null unless `element` is required. */
  list: (element: ColumnSpec): ColumnSpec =>
    new ColumnSpec({ kind: 'list', elementId: UNASSIGNED, element: element.type, elementRequired: element.options.required }),
  /** Keys are never null; values may be unless `value` is required. */
  map: (key: ColumnSpec, value: ColumnSpec): ColumnSpec =>
    new ColumnSpec({
      kind: 'map', keyId: UNASSIGNED, key: key.type, valueId: UNASSIGNED, value: value.type, valueRequired: value.options.required,
    }),
}

export interface SchemaBuilderOptions {
  /** Paths of the columns that identify a row, `a.b` for nested ones: required, primitive, not float or double. */
  readonly identifierFields?: readonly string[] | undefined
}

/**
 * The schema of a new table. Field ids are assigned from 1: all columns, then what is inside of each.
 *
 * @example
 * schema({ id: t.long.required, at: t.timestamptz, price: t.decimal(10, 2), tags: t.list(t.string) }, { identifierFields: ['id'] })
 *
 * @throws FloeError `INVALID` when a rule for schemas is broken; `NOT_FOUND` for an identifier field that is not there.
 */
export function schema(columns: ColumnSpecs, options: SchemaBuilderOptions = {}): Schema {
  if (typeof columns !== 'object' || columns === null) {
    throw new FloeError('INVALID', 'Columns must be an object of names and types')
  }
  let lastId = 0
  const fields = assignFreshFieldIds(fieldsOf(columns), () => ++lastId)
  const unidentified = new Schema(fields)
  const identifierFieldIds = (options.identifierFields ?? []).map((path) => unidentified.requireField(path).id)
  const result = new Schema(fields, { identifierFieldIds })
  validateSchema(result)
  return result
}

/** Ids of types that belong to no schema yet; every one of them is replaced when they join one. */
const UNASSIGNED = -1

function fieldsOf(columns: ColumnSpecs): NestedField[] {
  const names = new Set<string>()
  return entriesOf(columns).map(([name, column]) => {
    if (!(column instanceof ColumnSpec)) throw new FloeError('INVALID', 'A column is a type such as t.long or t.list(t.string)', { column: name })
    if (names.has(name)) throw new FloeError('INVALID', 'Two columns have the same name', { column: name })
    names.add(name)
    return fieldOf(name, column)
  })
}

function entriesOf(columns: ColumnSpecs): (readonly [string, ColumnSpec])[] {
  if (Symbol.iterator in columns) return [...(columns as Iterable<readonly [string, ColumnSpec]>)]
  if (Object.getPrototypeOf(columns) instanceof ColumnSpec) {
    throw new FloeError('INVALID', "A column named __proto__ has to be given as an entry: schema([['__proto__', t.long]])")
  }
  return Object.entries(columns)
}

// Spec: Default values. The initial default is for columns that join an existing table only.
function fieldOf(name: string, column: ColumnSpec): NestedField {
  const { required, doc, default: value } = column.options
  return {
    id: UNASSIGNED,
    name,
    type: column.type,
    required,
    ...(doc !== undefined && { doc }),
    ...(value !== undefined && value !== null && { writeDefault: value }),
  }
}

function defaultOf(type: Type, value: LiteralInput | null): Value | undefined {
  if (value === null) return undefined
  if (type.kind !== 'struct') return toStoredValue(type, value)
  if (typeof value === 'object' && Object.keys(value).length === 0) return new Map()
  throw new FloeError('INVALID', 'The default of a struct is null or {}: give its fields their defaults')
}

function decimalType(precision: number, scale: number): Type {
  if (!Number.isInteger(precision) || precision < 1 || precision > 38 || !Number.isInteger(scale) || scale < 0 || scale > precision) {
    throw new FloeError('INVALID', `There is no decimal(${precision}, ${scale}): the precision is 1 to 38, the scale 0 to the precision`)
  }
  return { kind: 'decimal', precision, scale }
}

function fixedType(length: number): Type {
  if (!Number.isInteger(length) || length < 0 || length > 2 ** 31 - 1) throw new FloeError('INVALID', `There is no fixed[${length}]`)
  return { kind: 'fixed', length }
}
