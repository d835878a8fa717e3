import { CHANGE_ORDINAL_FIELD, CHANGE_TYPE_FIELD, COMMIT_SNAPSHOT_ID_FIELD } from '../../schema/reserved-fields.js'
import { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'

/** The columns of a changelog after those of the table. */
export const CHANGE_FIELDS = [CHANGE_TYPE_FIELD, CHANGE_ORDINAL_FIELD, COMMIT_SNAPSHOT_ID_FIELD] as const

/**
 * The columns of a changelog: those of `projection`, then `_change_type`, `_change_ordinal` and `_commit_snapshot_id`.
 * @throws FloeError `INVALID` when the table has a column of such a name
 */
// Source: Java `ChangelogUtil.changelogSchema`
export function changelogSchema(projection: Schema): Schema {
  for (const { name } of CHANGE_FIELDS) {
    if (!projection.fields.some((field) => field.name === name)) continue
    throw new FloeError('INVALID', 'The table has a column of this name, which the changelog has as well: rename it, or select other columns', { column: name })
  }
  return new Schema([...projection.fields, ...CHANGE_FIELDS], { schemaId: projection.schemaId })
}
