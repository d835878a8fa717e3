/** Column ids of a schema that joins a table: new ones, but for columns that the table knows by the same name. */
import { assignFreshFieldIds } from '../schema/fresh-ids.js'
import { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'

/** A schema with its new ids, and how the old ones map to them. */
export interface FreshSchema {
  readonly schema: Schema
  readonly newIds: ReadonlyMap<number, number>
  /** The highest id assigned so far. */
  readonly lastColumnId: number
}

export interface FreshIdOptions {
  /** Ids at or below this are taken. Default 0. */
  readonly lastColumnId?: number
  /** Columns of the same full name keep this schema's ids. */
  readonly existing?: Schema | undefined
  readonly schemaId?: number
}

/**
 * Assigns new ids to all columns of a schema, in the order of `assignFreshFieldIds`.
 * Throws `INVALID` when two columns have the same id or the identifier fields name one that is not there.
 */
export function freshSchema(schema: Schema, options: FreshIdOptions = {}): FreshSchema {
  const { existing } = options
  const existingIds = new Map(Array.from(existing?.fieldIds() ?? [], (id) => [existing!.pathOf(id)!, id]))
  const newIds = new Map<number, number>()
  let lastColumnId = options.lastColumnId ?? 0
  const fields = assignFreshFieldIds(schema.fields, (oldId, path) => {
    if (newIds.has(oldId)) throw new FloeError('INVALID', `two columns have the id ${oldId}`, { column: path })
    const id = existingIds.get(path) ?? ++lastColumnId
    newIds.set(oldId, id)
    return id
  })
  const identifierFieldIds = schema.identifierFieldIds.map((id) => {
    const newId = newIds.get(id)
    if (newId === undefined) throw new FloeError('INVALID', `identifier field ${id} is not a column of the schema`)
    return newId
  })
  const fresh = new Schema(fields, { schemaId: options.schemaId ?? 0, identifierFieldIds, unknownFields: schema.unknownFields })
  return { schema: fresh, newIds, lastColumnId }
}
