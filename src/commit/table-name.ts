import type { LoadedTable } from '../catalog/catalog-backend.js'

/** The table's name in messages. */
export function tableName({ identifier }: Pick<LoadedTable, 'identifier'>): string {
  return [...identifier.namespace, identifier.name].join('.')
}
