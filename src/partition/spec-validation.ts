import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { PartitionField, PartitionSpec } from './partition-spec.js'
import { fieldTransform } from './transform.js'

/**
 * Checks a spec that is to be written with against the current schema: source columns exist, are primitive, lie in structs
 * only and suit their transforms; names are not empty, not used twice and not those of other columns; no field makes another
 * redundant. Source: the reference's `PartitionSpec.Builder` and `PartitionSpec.checkCompatibility`
 *
 * @throws FloeError `INVALID` naming the field
 */
export function checkPartitionSpec(spec: PartitionSpec, schema: Schema): void {
  checkFields(spec, schema, (field) => field.transform === 'identity' || field.transform === 'void')
  const seen = new Map<string, PartitionField>()
  for (const field of spec.fields) {
    const key = redundancyKey(field)
    const other = key === undefined ? undefined : seen.get(key)
    if (other !== undefined) throw invalid(field, `it is redundant beside ${describe(other)}; keep one of them`)
    if (key !== undefined) seen.set(key, field)
  }
}

/**
 * Checks a spec that evolution made: as {@link checkPartitionSpec}, but that a finer or coarser time transform may stand beside
 * one that the table had before, and that any field may bear the name of its source column.
 *
 * @throws FloeError `INVALID` naming the field
 */
export function checkEvolvedSpec(spec: PartitionSpec, schema: Schema): void {
  checkFields(spec, schema, () => true)
}

/**
 * Whether two specs partition alike: the same sources, transforms and names in the same order, whatever the ids.
 * Spec: Partitioning
 */
export function isEquivalentSpec(a: PartitionSpec, b: PartitionSpec): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, index) => {
      const other = b.fields[index]!
      return field.name === other.name && sameSourceTransform(field, other)
    })
  )
}

/** Whether both fields apply one transform to the same columns. */
export function sameSourceTransform(a: PartitionField, b: PartitionField): boolean {
  return a.transform === b.transform && a.sourceIds.join() === b.sourceIds.join()
}

/** Whether no row is told from another by this spec: no fields, or only void ones. */
export function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform === 'void')
}

function checkFields(spec: PartitionSpec, schema: Schema, mayShareSourceName: (field: PartitionField) => boolean): void {
  const names = new Set<string>()
  for (const field of spec.fields) {
    checkSource(field, schema)
    checkName(field, schema, mayShareSourceName(field))
    if (names.has(field.name)) throw invalid(field, 'another partition field has the same name')
    names.add(field.name)
  }
}

function checkSource(field: PartitionField, schema: Schema): void {
  const transform = fieldTransform(field)
  if (transform.kind === 'void') return
  for (const sourceId of field.sourceIds) {
    const source = schema.fieldById(sourceId)
    if (source === undefined) throw invalid(field, `the schema has no column with id ${sourceId}`)
    const { kind } = source.type
    if (kind === 'struct' || kind === 'list' || kind === 'map' || kind === 'variant') throw invalid(field, `the source column is a ${kind}`)
    if (!transform.accepts(source.type)) throw invalid(field, `${transform.text} does not take values of type ${kind}`)
    const enclosing = schema.ancestorsOf(sourceId)
    if (enclosing.some((ancestor) => ancestor.type.kind !== 'struct')) throw invalid(field, 'the source column lies in a list or map')
  }
}

function checkName(field: PartitionField, schema: Schema, mayShareSourceName: boolean): void {
  if (field.name === '') throw invalid(field, 'its name is empty')
  const column = schema.findField(field.name)
  if (column === undefined) return
  if (mayShareSourceName && field.sourceIds.length === 1 && field.sourceIds[0] === column.id) return
  throw invalid(field, `the schema has a column ${JSON.stringify(field.name)}; choose another name for the partition field`)
}

/** Two fields with one key say the same of a row, or one says no more than the other. */
function redundancyKey(field: PartitionField): string | undefined {
  switch (fieldTransform(field).kind) {
    case 'identity':
      return `identity ${field.sourceIds[0]!}`
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      return `time ${field.sourceIds[0]!}`
    default:
      return undefined
  }
}

function describe(field: PartitionField): string {
  return `${JSON.stringify(field.name)} = ${field.transform}(${field.sourceIds.join(', ')})`
}

function invalid(field: PartitionField, reason: string): FloeError {
  return new FloeError('INVALID', `Cannot partition by ${describe(field)}: ${reason}`)
}
