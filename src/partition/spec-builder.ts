import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { checkOneOf } from '../util/option-values.js'
import { FIRST_PARTITION_FIELD_ID } from './partition-spec-json.js'
import type { PartitionField, PartitionSpec, SortField, SortOrder } from './partition-spec.js'
import { checkPartitionSpec } from './spec-validation.js'
import { parseTransform } from './transform.js'

/** A column by name, dots for nesting, and the transform that partitions or sorts by it. */
export interface PartitionTerm {
  readonly column: string
  /** As the spec spells it. */
  readonly transform: string
  /** Of the partition field. Default: as the reference names it (`id_bucket`, `ts_day`, `s_trunc`, …). */
  readonly name?: string | undefined
}

export interface SortTerm {
  readonly column: string
  readonly transform: string
  readonly direction: 'asc' | 'desc'
  readonly nullOrder: 'nulls-first' | 'nulls-last'
}

export interface TermOptions {
  /** Name of the partition field. */
  readonly name?: string | undefined
}

/** The column's own values. */
export function identity(column: string, options: TermOptions = {}): PartitionTerm {
  return { column, transform: 'identity', name: options.name }
}

/** A hash of the column, modulo `buckets`. */
export function bucket(column: string, buckets: number, options: TermOptions = {}): PartitionTerm {
  return { column, transform: withParameter('bucket', buckets), name: options.name }
}

/** Numbers rounded down to a multiple of `width`; the first `width` characters of text, bytes of binary. */
export function truncate(column: string, width: number, options: TermOptions = {}): PartitionTerm {
  return { column, transform: withParameter('truncate', width), name: options.name }
}

/** The year of a date or timestamp. */
export function year(column: string, options: TermOptions = {}): PartitionTerm {
  return { column, transform: 'year', name: options.name }
}

/** The month of a date or timestamp. */
export function month(column: string, options: TermOptions = {}): PartitionTerm {
  return { column, transform: 'month', name: options.name }
}

/** The day of a date or timestamp. */
export function day(column: string, options: TermOptions = {}): PartitionTerm {
  return { column, transform: 'day', name: options.name }
}

/** The hour of a timestamp. */
export function hour(column: string, options: TermOptions = {}): PartitionTerm {
  return { column, transform: 'hour', name: options.name }
}

/** Always null: the place of a dropped field in v1 tables. */
export function voidTransform(column: string, options: TermOptions = {}): PartitionTerm {
  return { column, transform: 'void', name: options.name }
}

export interface NullsOptions {
  readonly nulls?: 'first' | 'last' | undefined
}

/** Ascending by a column or a transform of one; nulls first unless told. */
export function asc(term: string | PartitionTerm, { nulls = 'first' }: NullsOptions = {}): SortTerm {
  return sortTerm(term, 'asc', nulls)
}

/** Descending by a column or a transform of one; nulls last unless told. */
export function desc(term: string | PartitionTerm, { nulls = 'last' }: NullsOptions = {}): SortTerm {
  return sortTerm(term, 'desc', nulls)
}

function withParameter(transform: 'bucket' | 'truncate', parameter: number): string {
  if (!Number.isInteger(parameter)) throw new FloeError('INVALID', `The number of ${transform} must be an integer, not ${parameter}`)
  return parseTransform(`${transform}[${parameter}]`).text
}

function sortTerm(term: string | PartitionTerm, direction: 'asc' | 'desc', nulls: 'first' | 'last'): SortTerm {
  checkOneOf(nulls, ['first', 'last'], 'nulls')
  const { column, transform } = typeof term === 'string' ? identity(term) : term
  return { column, transform, direction, nullOrder: `nulls-${nulls}` }
}

export interface BuildOptions {
  readonly specId?: number | undefined
  /** Whether column names must match in letter case. Default true. */
  readonly caseSensitive?: boolean | undefined
}

/**
 * A partition spec for a new table: fields in order, ids from 1000. A name alone partitions by the column itself.
 * Source: the reference's `PartitionSpec.Builder`
 *
 * @throws FloeError `NOT_FOUND` for an unknown column; `INVALID` for a transform that does not take the column's type, a name
 * that the schema or another field has, or two fields of which one makes the other redundant
 */
export function buildPartitionSpec(terms: readonly (string | PartitionTerm)[], schema: Schema, options: BuildOptions = {}): PartitionSpec {
  const fields = terms.map((item, index): PartitionField => {
    const term = typeof item === 'string' ? identity(item) : item
    const source = schema.requireField(term.column, { caseSensitive: options.caseSensitive })
    const name = term.name ?? defaultName(schema.pathOf(source.id) ?? source.name, term.transform)
    return { fieldId: FIRST_PARTITION_FIELD_ID + index, name, sourceIds: [source.id], transform: parseTransform(term.transform).text }
  })
  const spec = { specId: options.specId ?? 0, fields }
  checkPartitionSpec(spec, schema)
  return spec
}

/**
 * A sort order; no terms give the unsorted order, id 0, else the id is `orderId`, 1 by default.
 * Source: the reference's `SortOrder.Builder`
 *
 * @throws FloeError `NOT_FOUND` for an unknown column, `INVALID` for a transform that does not take the column's type
 */
export function buildSortOrder(
  terms: readonly (string | SortTerm | PartitionTerm)[],
  schema: Schema,
  options: { readonly orderId?: number | undefined; readonly caseSensitive?: boolean | undefined } = {},
): SortOrder {
  const fields = terms.map((item): SortField => {
    const term = typeof item === 'string' || !('direction' in item) ? asc(item) : item
    const source = schema.requireField(term.column, { caseSensitive: options.caseSensitive })
    const transform = parseTransform(term.transform)
    if (!transform.accepts(source.type) || ['struct', 'list', 'map', 'variant'].includes(source.type.kind)) {
      throw new FloeError('INVALID', `Cannot sort by ${transform.text} of a column of type ${source.type.kind}`, { column: term.column })
    }
    return { sourceIds: [source.id], transform: transform.text, direction: term.direction, nullOrder: term.nullOrder }
  })
  const orderId = options.orderId ?? (fields.length === 0 ? 0 : 1)
  if ((orderId === 0) !== (fields.length === 0)) {
    throw new FloeError('INVALID', fields.length === 0 ? 'The unsorted order must have id 0' : 'Sort order id 0 is reserved for the unsorted order')
  }
  return { orderId, fields }
}

/** How new tables name a field that was given no name. */
function defaultName(column: string, transform: string): string {
  switch (parseTransform(transform).kind) {
    case 'identity':
      return column
    case 'truncate':
      return `${column}_trunc`
    case 'void':
      return `${column}_null`
    case 'unknown':
      throw new FloeError('UNSUPPORTED', `Cannot write with the unknown transform ${transform}`, { column })
    default:
      return `${column}_${parseTransform(transform).kind}`
  }
}
