import { JsonObject, parseJson } from '../util/json.js'
import type { JsonValue } from '../util/json.js'
import { Schema } from './schema.js'
import { parseFields, printField, unknownMembers } from './type-json.js'
import { childFields } from './type.js'
import type { NestedField } from './type.js'

const SCHEMA_MEMBERS = new Set(['type', 'schema-id', 'identifier-field-ids', 'fields'])

export interface ParseSchemaOptions {
  /** Where the schema stands in its document, for errors. Default `$`. */
  readonly path?: string | undefined
  /** The file it came from, for errors. */
  readonly source?: string | undefined
}

/**
 * Reads a schema from JSON, parsed or as text. A schema id that is left out (format version 1) is 0.
 *
 * @throws FloeError `CORRUPT` naming the JSON path, also when two fields share an id, or two of one struct a name;
 * `UNSUPPORTED` for a type of a newer format version.
 */
// Spec: Appendix C › Schemas
export function parseSchema(json: JsonValue, options: ParseSchemaOptions = {}): Schema {
  const value = typeof json === 'string' ? parseJson(json, { source: options.source }) : json
  return schemaOfObject(JsonObject.of(value, options.path, options.source))
}

/** As {@link parseSchema}, from an object that is being read. */
export function schemaOfObject(json: JsonObject): Schema {
  if (json.requireString('type') !== 'struct') throw json.error('type', '"struct"')
  const fields = parseFields(json)
  checkUniqueIds(fields, json)
  return new Schema(fields, {
    schemaId: json.optionalInt('schema-id') ?? 0,
    identifierFieldIds: json.optionalInts('identifier-field-ids') ?? [],
    unknownFields: json.unknownFields(SCHEMA_MEMBERS),
  })
}

/** The JSON of a schema, to be printed by `printJson`. Members in the reference's order. */
export function printSchema(schema: Schema): JsonValue {
  return {
    type: 'struct',
    'schema-id': schema.schemaId,
    'identifier-field-ids': schema.identifierFieldIds.length === 0 ? undefined : schema.identifierFieldIds,
    fields: schema.fields.map(printField),
    ...unknownMembers(schema.unknownFields),
  }
}

function checkUniqueIds(fields: readonly NestedField[], json: JsonObject): void {
  const seen = new Set<number>()
  const check = (field: NestedField): void => {
    if (seen.has(field.id)) throw json.invalid(`two fields have the id ${field.id}, one of them ${JSON.stringify(field.name)}`)
    seen.add(field.id)
    for (const child of childFields(field.type)) check(child)
  }
  for (const field of fields) check(field)
}
