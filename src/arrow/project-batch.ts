import { DataType } from 'apache-arrow'
import type { Field, RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { effectiveDefault } from '../schema/default-values.js'
import type { MappedField, NameMapping } from '../schema/name-mapping.js'
import type { Schema } from '../schema/schema.js'
import { printTypeName } from '../schema/type-name.js'
import type { NestedField, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { columnsOf, makeBatch } from './arrow-data.js'
import { arrowSchema, fieldIdOf } from './arrow-schema.js'
import { fieldsConverter } from './convert-chunk.js'
import type { ConversionRules, FieldSource } from './convert-chunk.js'

/** What a file offers, and what is wanted of it. */
export interface ProjectionOptions {
  readonly projection: Schema
  /** The schema of the decoded batches, with field ids in the metadata where the file has them. */
  readonly source: ArrowSchema
  /** For files without field ids. */
  readonly nameMapping?: NameMapping | undefined
  /** Values by field id that replace whatever the file holds: identity partitions, metadata columns. */
  readonly constants?: ReadonlyMap<number, Value> | undefined
  /** The file's location, for messages. */
  readonly file: string
}

/** Projects the batches of one file. */
export interface BatchProjector {
  /** Canonical Arrow schema of the results. */
  readonly schema: ArrowSchema
  /** Positions of the source's top-level columns that are used; the others need not be decoded. */
  readonly sourceColumns: readonly number[]
  /**
   * The projection's columns, in its order and in canonical types. Columns that need no conversion share their bytes with `batch`.
   * @throws FloeError `CORRUPT` when a value does not fit the promoted type.
   */
  project(batch: RecordBatch): RecordBatch
}

/**
 * Compiles the projection of a file's batches onto columns of a table: by field id, never by name or position.
 *
 * A column that the file lacks takes its constant, else its initial default, else null; at every level of nesting. Source:
 * the reference's `BaseParquetReaders` and `ParquetSchemaUtil`.
 * @throws FloeError `CORRUPT` naming column and file when a required column is missing without default, or a type cannot be promoted.
 */
// Spec: Column Projection
export function batchProjector(options: ProjectionOptions): BatchProjector {
  const { projection, source, file } = options
  const ids = sourceFieldIds(source, options.nameMapping)
  const used = new Set<number>()
  const constants = options.constants
  const rules: ConversionRules = {
    policy: 'file',
    sourceOf(field, children, path) {
      const found = sourceOf(field, children, path)
      if ('index' in found && children === source.fields) used.add(found.index)
      return found
    },
    refuseType(path, from, to) {
      throw new FloeError('CORRUPT', `a column that is stored as ${String(from)} cannot be read as ${printTypeName(to)}`, { column: path, file })
    },
    refuseValue(path, row, to, found) {
      throw new FloeError('CORRUPT', `row ${row} of a batch holds ${found}; it cannot be read as ${printTypeName(to)}`, { column: path, file })
    },
  }
  const sourceOf = (field: NestedField, children: readonly Field[], path: string): FieldSource => {
    const constant = constants?.get(field.id)
    if (constant !== undefined) return { constant }
    const index = children.findIndex((child) => ids.get(child) === field.id)
    if (index >= 0) return { index }
    const fallback = effectiveDefault(field, 'initial')
    if (fallback === null && field.required) {
      throw new FloeError('CORRUPT', 'the file lacks a required column that has no default', { column: path, file })
    }
    return { constant: fallback }
  }
  const convert = fieldsConverter(projection.fields, source.fields, rules)
  const schema = arrowSchema(projection)
  return {
    schema,
    sourceColumns: [...used].sort((a, b) => a - b),
    project: (batch) => makeBatch(schema, batch.numRows, convert(columnsOf(batch), batch.numRows, rules.refuseValue)),
  }
}

/**
 * The Iceberg field id of each field of a file, at every level: those it carries; in a file without any, those that the name
 * mapping gives, or, for lack of one, the positions of the top-level columns, counted from one.
 */
// Spec: Column Projection, Appendix C › Name Mapping Serialization
export function sourceFieldIds(source: ArrowSchema, nameMapping: NameMapping | undefined): ReadonlyMap<Field, number> {
  const ids = new Map<Field, number>()
  const fields = source.fields
  collectIds(fields, ids)
  if (ids.size > 0) return ids
  if (nameMapping !== undefined) mapNames(fields, nameMapping, ids)
  else fields.forEach((field, i) => ids.set(field, i + 1))
  return ids
}

function collectIds(fields: readonly Field[], ids: Map<Field, number>): void {
  for (const field of fields) {
    const id = fieldIdOf(field)
    if (id !== undefined) ids.set(field, id)
    collectIds(childrenOf(field), ids)
  }
}

function mapNames(fields: readonly Field[], mapping: NameMapping, ids: Map<Field, number>): void {
  const byName = new Map<string, MappedField>(mapping.flatMap((mapped) => mapped.names.map((name) => [name, mapped] as const)))
  fields.forEach((field) => mapField(field, byName.get(field.name), ids))
}

function mapField(field: Field, mapped: MappedField | undefined, ids: Map<Field, number>): void {
  if (mapped?.fieldId !== undefined) ids.set(field, mapped.fieldId)
  if (mapped === undefined) return
  const type = field.type as DataType
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) {
    mapField(childrenOf(field)[0]!, childMapping(mapped, 'element'), ids)
  } else if (DataType.isMap(type)) {
    const [key, value] = childrenOf(childrenOf(field)[0]!) as [Field, Field]
    mapField(key, childMapping(mapped, 'key'), ids)
    mapField(value, childMapping(mapped, 'value'), ids)
  } else mapNames(childrenOf(field), mapped.fields, ids)
}

function childMapping(mapped: MappedField, name: string): MappedField | undefined {
  return mapped.fields.find((field) => field.names.includes(name))
}

function childrenOf(field: Field): readonly Field[] {
  return ((field.type as DataType).children ?? []) as readonly Field[]
}
