import { FloeError } from '../util/errors.js'
import type { NestedField, Type, Value } from './type.js'

/** `initial`: for rows written before the field was added. `write`: for rows whose writer leaves the field out. */
export type DefaultKind = 'initial' | 'write'

/** Types whose only default is null: by the specification the first four, as in the reference lists and maps. */
export const NULL_DEFAULT_ONLY: ReadonlySet<Type['kind']> = new Set(['unknown', 'variant', 'geometry', 'geography', 'list', 'map'])

/**
 * The value that a missing field takes; null when it has no default. A struct whose default is `{}` takes the defaults of its
 * fields, by field id; a struct without default is null whatever its fields say.
 *
 * @throws FloeError `INVALID` when a struct's `{}` needs the default of a required field that has none.
 */
// Spec: Schemas and Data Types › Default values
export function effectiveDefault(field: NestedField, kind: DefaultKind): Value {
  const value = (kind === 'initial' ? field.initialDefault : field.writeDefault) ?? null
  if (value === null || field.type.kind !== 'struct') return value
  return new Map(
    field.type.fields.map((child) => {
      const childValue = effectiveDefault(child, kind)
      if (childValue === null && child.required) {
        throw new FloeError('INVALID', `The default {} of ${field.name} needs a default of its required field ${child.name}`, { column: field.name })
      }
      return [child.id, childValue]
    }),
  )
}

/** What is wrong with a field's defaults; undefined when nothing is. */
export function defaultProblem(field: NestedField): string | undefined {
  for (const value of [field.initialDefault, field.writeDefault]) {
    if (value === undefined || value === null) continue
    if (NULL_DEFAULT_ONLY.has(field.type.kind)) return `the only default of a ${field.type.kind} is null`
    if ((field.type.kind === 'struct') !== value instanceof Map) return `its default is not a value of type ${field.type.kind}`
    if (value instanceof Map && value.size > 0) return 'the default of a struct is null or {}: defaults of its fields stand with the fields'
  }
  return undefined
}
