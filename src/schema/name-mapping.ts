import { FloeError } from '../util/errors.js'
import { JsonObject, parseJson, printJson } from '../util/json.js'
import type { JsonValue } from '../util/json.js'
import { TABLE_ROOT_ID } from './apply-schema-changes.js'
import { MAX_TYPE_DEPTH } from './schema-index.js'
import type { Schema } from './schema.js'
import { childFields } from './type.js'
import type { NestedField } from './type.js'

/** Fallback field ids for files without any. Spec: Column Projection, Appendix C › Name Mapping Serialization */
export interface MappedField {
  /** Literal names, dots included: never paths. */
  readonly names: readonly string[]
  /** Undefined for what is in files but not in the table. */
  readonly fieldId: number | undefined
  /** Of a struct its fields, of a list `element`, of a map `key` and `value`. */
  readonly fields: NameMapping
}

export type NameMapping = readonly MappedField[]

/** The table property that holds a name mapping. */
export const NAME_MAPPING_PROPERTY = 'schema.name-mapping.default'

/**
 * Reads the JSON text of a name mapping.
 *
 * @throws FloeError `CORRUPT` naming the JSON path; also when a name stands twice on one level, or an id twice anywhere.
 */
export function parseNameMapping(text: string): NameMapping {
  const root = JsonObject.of({ mapping: parseJson(text, { source: NAME_MAPPING_PROPERTY }) }, '$', NAME_MAPPING_PROPERTY)
  return parseLevel(root.requireObjects('mapping'), new Set(), 1)
}

/** The JSON text of a name mapping, on one line. */
export function printNameMapping(mapping: NameMapping): string {
  return printJson(levelToJson(mapping))
}

/** The mapping of a schema to itself. Source: `MappingUtil.create` */
export function createNameMapping(schema: Schema): NameMapping {
  return mappingOf(schema.fields)
}

/** What {@link updateNameMapping} needs to know of a schema change; `SchemaChanges` has it. */
export interface FieldChanges {
  /** Changed and added fields by id. */
  readonly updates: ReadonlyMap<number, NestedField>
  /** Ids of added fields by the id of the struct they were added to, −1 for the table. */
  readonly adds: ReadonlyMap<number, readonly number[]>
}

/**
 * A mapping after a schema change: renamed fields get their new name beside the old ones, added fields join, and a name that
 * went to another field leaves the one that had it. Source: `MappingUtil.update`
 */
export function updateNameMapping(mapping: NameMapping, changes: FieldChanges): NameMapping {
  return withAdded(updateLevel(mapping, changes), TABLE_ROOT_ID, changes)
}

const indexes = new WeakMap<NameMapping, ReadonlyMap<string, MappedField>>()

/** The field of one level that a name in a file stands for. */
export function mappedField(mapping: NameMapping, name: string): MappedField | undefined {
  let index = indexes.get(mapping)
  if (index === undefined) {
    index = new Map(mapping.flatMap((field) => field.names.map((alias) => [alias, field] as const)))
    indexes.set(mapping, index)
  }
  return index.get(name)
}

function parseLevel(fields: readonly JsonObject[], ids: Set<number>, depth: number): NameMapping {
  const names = new Set<string>()
  return fields.map((json) => {
    if (depth > MAX_TYPE_DEPTH) throw json.invalid(`a name mapping nests deeper than ${MAX_TYPE_DEPTH} levels`)
    const field: MappedField = {
      names: json.optionalStrings('names') ?? [],
      fieldId: json.optionalInt('field-id'),
      fields: parseLevel(json.optionalObjects('fields') ?? [], ids, depth + 1),
    }
    for (const name of new Set(field.names)) {
      if (names.has(name)) throw json.invalid(`the name ${JSON.stringify(name)} is mapped twice`)
      names.add(name)
    }
    if (field.fieldId !== undefined && ids.has(field.fieldId)) throw json.invalid(`the field id ${field.fieldId} is mapped twice`)
    if (field.fieldId !== undefined) ids.add(field.fieldId)
    return field
  })
}

function levelToJson(mapping: NameMapping): JsonValue {
  return mapping.map((field) => ({
    'field-id': field.fieldId,
    names: field.names,
    fields: field.fields.length === 0 ? undefined : levelToJson(field.fields),
  }))
}

function mappingOf(fields: readonly NestedField[]): NameMapping {
  return fields.map((field) => ({ names: [field.name], fieldId: field.id, fields: mappingOf(childFields(field.type)) }))
}

function updateLevel(mapping: NameMapping, changes: FieldChanges): NameMapping {
  const assigned = new Map<string, number>()
  const updated = mapping.map((field): MappedField => {
    const update = field.fieldId === undefined ? undefined : changes.updates.get(field.fieldId)
    if (update !== undefined) assigned.set(update.name, update.id)
    const names = update === undefined || field.names.includes(update.name) ? field.names : [...field.names, update.name]
    const fields = updateLevel(field.fields, changes)
    return { names, fieldId: field.fieldId, fields: field.fieldId === undefined ? fields : withAdded(fields, field.fieldId, changes) }
  })
  return updated.map((field) => withoutReassigned(field, assigned))
}

function withAdded(mapping: NameMapping, parentId: number, changes: FieldChanges): NameMapping {
  const added = (changes.adds.get(parentId) ?? []).map((id) => changes.updates.get(id))
  if (added.some((field) => field === undefined)) throw new FloeError('INVALID', `An added field of ${parentId} is not among the updates`)
  if (added.length === 0) return mapping
  const assigned = new Map(added.map((field) => [field!.name, field!.id]))
  return [...mapping.map((field) => withoutReassigned(field, assigned)), ...mappingOf(added as readonly NestedField[])]
}

/** The field without names that went to another one. */
function withoutReassigned(field: MappedField, assigned: ReadonlyMap<string, number>): MappedField {
  const names = field.names.filter((name) => (assigned.get(name) ?? field.fieldId) === field.fieldId)
  return names.length === field.names.length ? field : { ...field, names }
}
