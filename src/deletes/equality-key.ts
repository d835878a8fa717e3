import type { TableMetadata } from '../metadata/table-metadata.js'
import { Schema } from '../schema/schema.js'
import { printTypeName } from '../schema/type-name.js'
import { isNested } from '../schema/type.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import type { AppliedDelete } from './delete-file.js'

/** The columns by which an equality delete file names rows. */
export interface EqualityKey {
  /** One text for each set of ids, whatever their order. */
  readonly name: string
  /** Field ids, ascending. */
  readonly ids: readonly number[]
  readonly types: readonly Type[]
  /** The columns as data files have them, with the structs around them: all optional, with their initial defaults. */
  readonly dataColumns: Schema
  /** The columns as delete files must have them. */
  readonly deleteColumns: Schema
}

/**
 * The key columns of an equality delete file, typed as in `schema`, that of the reader. A column that was dropped since is taken
 * from the newest schema that has it.
 * Spec: Equality Delete Files › «If a delete column in an equality delete file is later dropped from the table, it must still be used»
 *
 * @throws FloeError `CORRUPT` for a file without key columns, and for one that cannot be a key
 */
export function equalityKey(file: Pick<AppliedDelete, 'equalityIds' | 'filePath'>, schema: Schema, metadata: TableMetadata): EqualityKey {
  const ids = [...new Set(file.equalityIds ?? [])].sort((a, b) => a - b)
  if (ids.length === 0) throw new FloeError('CORRUPT', 'An equality delete file has no equality ids: repair the table before reading it', { file: file.filePath })
  const columns = ids.map((id) => keyColumn(id, schema, metadata, file.filePath))
  const top = columns.map(({ home, field }) => home.projectIds([field.id]).fields[0]!)
  return {
    name: ids.join(','),
    ids,
    types: columns.map(({ field }) => field.type),
    dataColumns: new Schema(mergeFields([], top.map((field) => withRequired(field, false)))),
    deleteColumns: new Schema(mergeFields([], top.map((field) => withRequired(field, true)))),
  }
}

interface KeyColumn {
  /** The schema that has the field. */
  readonly home: Schema
  readonly field: NestedField
}

function keyColumn(id: number, schema: Schema, metadata: TableMetadata, file: string): KeyColumn {
  const home = schema.fieldById(id) === undefined ? metadata.schemas.findLast((candidate) => candidate.fieldById(id) !== undefined) : schema
  const field = home?.fieldById(id)
  if (home === undefined || field === undefined) {
    throw new FloeError('CORRUPT', `An equality delete file names the field id ${id}, which no schema of the table has`, { file })
  }
  const inList = home.ancestorsOf(id).some(({ type }) => type.kind !== 'struct')
  if (inList || isNested(field.type) || field.type.kind === 'variant') {
    const kind = inList ? 'lies within a list or map' : `is of type ${printTypeName(field.type)}`
    throw new FloeError('CORRUPT', `A key column of an equality delete file ${kind}, and has no one value a row`, { file, column: home.pathOf(id)! })
  }
  return { home, field }
}

/** A delete file must have the column; of a data file it cannot be demanded, for it may have been written after the column was dropped. */
function withRequired(field: NestedField, required: boolean): NestedField {
  const type: Type = field.type.kind === 'struct' ? { kind: 'struct', fields: field.type.fields.map((child) => withRequired(child, required)) } : field.type
  const { initialDefault: _, ...bare } = field
  return required ? { ...bare, type, required } : { ...field, type, required }
}

/** Adds columns, or what they have in structs, to those that are there. */
export function mergeFields(fields: readonly NestedField[], added: readonly NestedField[]): readonly NestedField[] {
  const merged = [...fields]
  for (const field of added) {
    const at = merged.findIndex((candidate) => candidate.id === field.id)
    const present = merged[at]
    if (present === undefined) merged.push(field)
    else if (present.type.kind === 'struct' && field.type.kind === 'struct') {
      merged[at] = { ...present, type: { kind: 'struct', fields: mergeFields(present.type.fields, field.type.fields) } }
    }
  }
  return merged
}
