import { JsonObject } from '../util/json.js'
import type { JsonMembers, JsonValue } from '../util/json.js'
import type { PartitionField, PartitionSpec } from './partition-spec.js'
import { parseTransform } from './transform.js'

/** Ids of partition fields start here. Spec: Partitioning › Partition Evolution */
export const FIRST_PARTITION_FIELD_ID = 1000

/**
 * Parses `{spec-id, fields}`. Spec: Appendix C › Partition Specs
 *
 * @throws FloeError `CORRUPT` naming the JSON path
 */
export function parsePartitionSpec(json: JsonObject | JsonValue): PartitionSpec {
  const spec = json instanceof JsonObject ? json : JsonObject.of(json, 'partition spec')
  return { specId: spec.requireInt('spec-id'), fields: fieldsOf(spec) }
}

/** Parses the bare list of fields of v1 metadata (`partition-spec`) and of manifest headers. */
export function parsePartitionFields(json: JsonValue): readonly PartitionField[] {
  return fieldsOf(JsonObject.of({ fields: json }, 'partition spec'))
}

/** The JSON of a spec, members in the reference's order. */
export function printPartitionSpec(spec: PartitionSpec): JsonMembers {
  return { 'spec-id': spec.specId, fields: printPartitionFields(spec) }
}

/** The JSON list of a spec's fields, as manifest headers and v1 metadata hold it. */
export function printPartitionFields(spec: PartitionSpec): readonly JsonMembers[] {
  return spec.fields.map((field) => ({
    name: field.name,
    transform: field.transform,
    ...printSourceIds(field.sourceIds),
    'field-id': field.fieldId,
  }))
}

/** Only `source-id` for one source column, only `source-ids` for several. */
export function printSourceIds(sourceIds: readonly number[]): JsonMembers {
  return sourceIds.length === 1 ? { 'source-id': sourceIds[0] } : { 'source-ids': sourceIds }
}

/** The source columns of a partition or sort field: `source-ids`, else `source-id`. */
export function parseSourceIds(field: JsonObject): readonly number[] {
  if (field.optionalArray('source-ids') === undefined) return [field.requireInt('source-id')]
  const sourceIds = field.requireInts('source-ids')
  if (sourceIds.length === 0) throw field.error('source-ids', 'at least one column id')
  return sourceIds
}

/** The canonical text of a field's transform; an unknown one as it is. */
export function parseTransformText(field: JsonObject): string {
  const text = field.requireString('transform')
  try {
    return parseTransform(text).text
  } catch {
    throw field.error('transform', 'a transform')
  }
}

function fieldsOf(spec: JsonObject): readonly PartitionField[] {
  const objects = spec.requireObjects('fields')
  const withId = objects.filter((field) => field.has('field-id')).length
  if (withId !== 0 && withId !== objects.length) {
    throw spec.invalid(`${objects.length - withId} of ${objects.length} partition fields lack a field-id`)
  }
  const names = new Set<string>()
  const ids = new Set<number>()
  return objects.map((object, index) => {
    const field: PartitionField = {
      // v1 writers gave no ids: they count from 1000 in each spec.
      fieldId: withId === 0 ? FIRST_PARTITION_FIELD_ID + index : object.requireInt('field-id'),
      name: object.requireString('name'),
      sourceIds: parseSourceIds(object),
      transform: parseTransformText(object),
    }
    if (names.has(field.name)) throw object.invalid(`partition field name ${JSON.stringify(field.name)} is used twice`)
    if (ids.has(field.fieldId)) throw object.invalid(`partition field id ${field.fieldId} is used twice`)
    names.add(field.name)
    ids.add(field.fieldId)
    return field
  })
}
