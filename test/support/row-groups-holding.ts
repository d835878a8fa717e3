import { compareValues } from '../../src/schema/compare-values.js'
import type { NameMapping } from '../../src/schema/name-mapping.js'
import type { NestedField, Value } from '../../src/schema/type.js'
import { chooseRowGroups, startOf } from '../../src/parquet/choose-row-groups.js'
import { PageIndexes } from '../../src/parquet/page-index.js'
import { parseFileSchema, withFieldIds } from '../../src/parquet/parquet-schema.js'
import { namingFile, readFooterAndTail } from '../../src/parquet/read-footer.js'
import type { FooterLocation } from '../../src/parquet/read-footer.js'

/** A row group that may hold a value. */
export interface RowGroupPlace {
  readonly rowGroup: number
  /** Ordinal in the file of its first row. */
  readonly firstPosition: number
  readonly rows: number
  /** Byte at which it starts: a split from there, one byte long, reads just it. */
  readonly start: number
}

/**
 * The row groups of a file that may hold any of some values in a column, by its statistics and bloom filters; all where those
 * say nothing. Null and values that are not of the column's type must not be asked for.
 * @throws FloeError `CORRUPT` naming the file when it is no Parquet file, or damaged
 */
export async function rowGroupsHolding(
  column: NestedField,
  values: Iterable<Value>,
  file: FooterLocation & { readonly nameMapping?: NameMapping | undefined },
): Promise<readonly RowGroupPlace[]> {
  const literals = [...new Set(values)].sort(compareValues(column.type))
  if (literals.length === 0) return []
  const { footer, tail } = await readFooterAndTail(file)
  const schema = namingFile(file.location, () => withFieldIds(parseFileSchema(footer.schema), file.nameMapping))
  const filter = { op: 'in', term: { field: column, path: column.name }, literals } as const
  const chosen = await chooseRowGroups(footer, schema, { ...file, filter }, new PageIndexes(file, tail))
  return chosen.map(({ rowGroup, index, firstPosition }) => {
    return { rowGroup: index, firstPosition, rows: rowGroup.numRows, start: startOf(rowGroup) }
  })
}
