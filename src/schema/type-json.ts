import { isMembers, JsonObject } from '../util/json.js'
import type { JsonMembers, JsonValue } from '../util/json.js'
import { FloeError } from '../util/errors.js'
import { NULL_DEFAULT_ONLY } from './default-values.js'
import { MAX_TYPE_DEPTH } from './schema-index.js'
import { parseTypeName, printTypeName } from './type-name.js'
import { valueFromJson, valueToJson } from './single-value-json.js'
import type { NestedField, Type, Value } from './type.js'

/**
 * Reads a type from schema JSON.
 *
 * @param json a type string, or the object of a struct, list or map
 * @param path where `json` stands in its document, for errors
 * @throws FloeError `CORRUPT` naming the path; `UNSUPPORTED` for a type of a newer format version.
 */
// Spec: Appendix C › Schemas
export function parseType(json: JsonValue, path = '$'): Type {
  return typeof json === 'string' ? namedType(json, { path }) : typeOfObject(JsonObject.of(json, path), 1)
}

/** The JSON of a type, to be printed by `printJson`: a string for all but struct, list and map. */
export function printType(type: Type): JsonValue {
  switch (type.kind) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map(printField) }
    case 'list':
      return { type: 'list', 'element-id': type.elementId, element: printType(type.element), 'element-required': type.elementRequired }
    case 'map':
      return {
        type: 'map',
        'key-id': type.keyId,
        key: printType(type.key),
        'value-id': type.valueId,
        value: printType(type.value),
        'value-required': type.valueRequired,
      }
    default:
      return printTypeName(type)
  }
}

/** Reads the `fields` member of a struct or schema. Names are unique among them; ids are checked by whoever knows all of them. */
export function parseFields(struct: JsonObject, depth = 1): readonly NestedField[] {
  const names = new Set<string>()
  return struct.requireObjects('fields').map((json) => {
    const field = parseField(json, depth)
    if (names.has(field.name)) throw json.invalid(`a second field is named ${JSON.stringify(field.name)}`)
    names.add(field.name)
    return field
  })
}

/** The JSON of one field of a struct. */
export function printField(field: NestedField): JsonMembers {
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: printType(field.type),
    doc: field.doc,
    'initial-default': printDefault(field.type, field.initialDefault),
    'write-default': printDefault(field.type, field.writeDefault),
    ...unknownMembers(field.unknownFields),
  }
}

/** Members kept from a file, to be spread into the object that replaces it. */
export function unknownMembers(unknown: ReadonlyMap<string, unknown> | undefined): JsonMembers {
  return Object.fromEntries((unknown ?? []) as Iterable<[string, JsonValue]>)
}

const FIELD_MEMBERS = new Set(['id', 'name', 'required', 'type', 'doc', 'initial-default', 'write-default'])

function typeOfMember(owner: JsonObject, name: string, depth: number): Type {
  const value = owner.value(name)
  if (typeof value === 'string') return namedType(value, { owner, path: name })
  if (!isMembers(value)) throw owner.error(name, 'a type')
  return typeOfObject(owner.requireObject(name), depth)
}

function typeOfObject(json: JsonObject, depth: number): Type {
  if (depth > MAX_TYPE_DEPTH) throw json.invalid(`the schema nests deeper than ${MAX_TYPE_DEPTH} levels`)
  const kind = json.requireString('type')
  switch (kind) {
    case 'struct':
      return { kind, fields: parseFields(json, depth) }
    case 'list':
      return {
        kind,
        elementId: json.requireInt('element-id'),
        element: typeOfMember(json, 'element', depth + 1),
        elementRequired: json.requireBoolean('element-required'),
      }
    case 'map':
      return {
        kind,
        keyId: json.requireInt('key-id'),
        key: typeOfMember(json, 'key', depth + 1),
        valueId: json.requireInt('value-id'),
        value: typeOfMember(json, 'value', depth + 1),
        valueRequired: json.requireBoolean('value-required'),
      }
    default:
      throw json.error('type', 'struct, list or map')
  }
}

/** `path` is below the owner, when there is one. */
function namedType(text: string, at: { readonly owner?: JsonObject; readonly path: string }): Type {
  try {
    return parseTypeName(text)
  } catch (error) {
    if (!(error instanceof FloeError)) throw error
    const path = at.owner === undefined ? at.path : `${at.owner.path}.${at.path}`
    const file = at.owner?.source
    throw new FloeError(error.code, `${path}: ${error.message}`, { cause: error, ...(file !== undefined && { file }) })
  }
}

function parseField(json: JsonObject, depth: number): NestedField {
  const type = typeOfMember(json, 'type', depth + 1)
  const unknown = json.unknownFields(FIELD_MEMBERS)
  const doc = json.optionalString('doc')
  const initialDefault = parseDefault(json, 'initial-default', type)
  const writeDefault = parseDefault(json, 'write-default', type)
  return {
    id: json.requireInt('id'),
    name: json.requireString('name'),
    required: json.requireBoolean('required'),
    type,
    ...(doc !== undefined && { doc }),
    ...(initialDefault !== undefined && { initialDefault }),
    ...(writeDefault !== undefined && { writeDefault }),
    ...(unknown.size > 0 && { unknownFields: unknown }),
  }
}

/** Undefined for null: the two are the same. A struct's `{}` is not null but an empty value. */
// Spec: Schemas and Data Types › Default values
function parseDefault(json: JsonObject, name: string, type: Type): Value | undefined {
  const value = json.value(name)
  if (value === undefined || value === null) return undefined
  if (type.kind === 'struct') return parseStructDefault(json, name)
  if (NULL_DEFAULT_ONLY.has(type.kind)) throw json.error(name, `null, the only default of a ${type.kind}`)
  try {
    return valueFromJson(type, value)
  } catch (error) {
    if (!(error instanceof FloeError)) throw error
    throw json.invalid(`${name}: ${error.message}`)
  }
}

function parseStructDefault(json: JsonObject, name: string): Value {
  if (json.requireObject(name).names().length > 0) throw json.error(name, 'null or {}: defaults of its fields stand with the fields')
  return new Map()
}

function printDefault(type: Type, value: Value | undefined): JsonValue | undefined {
  return value === undefined || value === null ? undefined : valueToJson(type, value)
}
