/** The rules that a table's schema obeys; {@link Schema} itself checks none of them. */
import { FloeError } from '../util/errors.js'
import { defaultProblem } from './default-values.js'
import { MAX_USER_FIELD_ID } from './reserved-fields.js'
import type { Schema } from './schema.js'
import { printTypeName } from './type-name.js'
import { isPrimitive } from './type.js'
import type { NestedField, Type } from './type.js'

/** The first format version with default values. */
const DEFAULTS_SINCE = 3

const TYPES_SINCE: ReadonlyMap<Type['kind'], number> = new Map([
  ['unknown', 3],
  ['variant', 3],
  ['timestamp_ns', 3],
  ['timestamptz_ns', 3],
  ['geometry', 3],
  ['geography', 3],
])

/**
 * Checks a schema that is to become a table's: ids unique, not negative and not reserved; names not empty, and no path twice;
 * defaults; identifier fields; and, given a format version, that the version has all types and defaults that are used.
 *
 * @throws FloeError `INVALID` listing all problems.
 */
export function validateSchema(schema: Schema, formatVersion?: number): void {
  const problems = [...fieldProblems(schema), ...identifierProblems(schema)]
  if (formatVersion !== undefined) problems.push(...versionProblems(schema, formatVersion), ...writeDefaultProblems(schema, formatVersion))
  report('Invalid schema', problems)
}

/**
 * Checks that a format version has all types and initial defaults of a schema. Source: `Schema.checkCompatibility`
 *
 * @throws FloeError `INVALID` listing all problems.
 */
export function checkFormatVersion(schema: Schema, formatVersion: number): void {
  report(`Invalid schema for format version ${formatVersion}`, versionProblems(schema, formatVersion))
}

/**
 * Checks the identifier fields of a schema alone. Source: `Schema.validateIdentifierField`
 *
 * @throws FloeError `INVALID` listing all problems.
 */
export function checkIdentifierFields(schema: Schema): void {
  report('Invalid identifier fields', identifierProblems(schema))
}

function fieldProblems(schema: Schema): string[] {
  const problems: string[] = []
  const paths = new Map<string, number>()
  for (const id of schema.fieldIds()) {
    const field = schema.fieldById(id)!
    const path = schema.pathOf(id)!
    const same = paths.get(path)
    if (same !== undefined) problems.push(`Fields ${same} and ${id} have the same path ${path}`)
    paths.set(path, id)
    const problem = idProblem(id) ?? typeProblem(field) ?? defaultProblem(field)
    if (problem !== undefined) problems.push(`Column ${path}: ${problem}`)
  }
  return problems
}

// Spec: Reserved Field IDs
function idProblem(id: number): string | undefined {
  if (!Number.isInteger(id) || id < 0) return `${id} is not a field id`
  return id > MAX_USER_FIELD_ID ? `field ids above ${MAX_USER_FIELD_ID} are reserved, and ${id} is one` : undefined
}

function typeProblem(field: NestedField): string | undefined {
  if (field.name === '') return 'its name is empty'
  if (field.type.kind === 'unknown' && field.required) return 'an unknown column must be optional'
  if (field.type.kind === 'decimal' && field.type.scale > field.type.precision) return `${printTypeName(field.type)} has more fraction digits than digits`
  return undefined
}

// Spec: Identifier Field IDs
function identifierProblems(schema: Schema): string[] {
  return schema.identifierFieldIds.flatMap((id) => {
    const problem = identifierProblem(schema, id)
    return problem === undefined ? [] : [`Identifier field ${schema.pathOf(id) ?? id}: ${problem}`]
  })
}

function identifierProblem(schema: Schema, id: number): string | undefined {
  const field = schema.fieldById(id)
  if (field === undefined) return 'there is no such column'
  if (!isPrimitive(field.type)) return `it must be of a primitive type, not ${field.type.kind}`
  if (!field.required) return 'it must be required'
  if (field.type.kind === 'float' || field.type.kind === 'double') return 'it must not be a float or double'
  for (const ancestor of schema.ancestorsOf(id)) {
    if (ancestor.type.kind !== 'struct') return `it must not be inside of a ${ancestor.type.kind}`
    if (!ancestor.required) return `it must not be inside of the optional struct ${ancestor.name}`
  }
  return undefined
}

function versionProblems(schema: Schema, formatVersion: number): string[] {
  const problems: string[] = []
  for (const id of schema.fieldIds()) {
    const field = schema.fieldById(id)!
    const since = TYPES_SINCE.get(field.type.kind)
    if (since !== undefined && formatVersion < since) {
      problems.push(`Column ${schema.pathOf(id)}: ${printTypeName(field.type)} needs format version ${since}`)
    }
    if ((field.initialDefault ?? null) !== null && formatVersion < DEFAULTS_SINCE) {
      problems.push(`Column ${schema.pathOf(id)}: an initial default needs format version ${DEFAULTS_SINCE}`)
    }
  }
  return problems
}

/** Readers of older versions ignore write defaults, so none is given to them; those that stand in a table are let be. */
function writeDefaultProblems(schema: Schema, formatVersion: number): string[] {
  if (formatVersion >= DEFAULTS_SINCE) return []
  const ids = [...schema.fieldIds()].filter((id) => (schema.fieldById(id)!.writeDefault ?? null) !== null)
  return ids.map((id) => `Column ${schema.pathOf(id)}: a default needs format version ${DEFAULTS_SINCE}`)
}

function report(title: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  const [first, ...rest] = problems
  throw new FloeError('INVALID', rest.length === 0 ? `${title}: ${first}` : `${title}:\n- ${problems.join('\n- ')}`)
}
