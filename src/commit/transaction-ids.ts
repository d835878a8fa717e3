import type { LoadedTable } from '../catalog/catalog-backend.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { typesEqual } from '../schema/type-equality.js'
import { FloeError } from '../util/errors.js'
import { tableName } from './table-name.js'

/**
 * Rows of a transaction are written with the ids that its own columns, partition specs and sort orders had when they were staged.
 * Made again on top of what others committed, these get the next ids that are free, and then the rows would be stored by ids that
 * mean something else.
 *
 * @param before the table before the transaction
 * @param staged what the rows were written for
 * @param current the table with the transaction's structure on top of what others committed
 *
 * @throws FloeError `CONFLICT` when an id of the transaction's own is not there, or means something else
 */
export function requireStagedIds(before: TableMetadata, staged: TableMetadata, current: LoadedTable): void {
  const what = findMovedColumn(before, staged, current.metadata) ?? findMovedSpec(before, staged, current.metadata)
  if (what === undefined) return
  const message = `another commit took ids that the transaction gave to ${what}, and rows were written with them: make the transaction again`
  throw new FloeError('CONFLICT', message, { table: tableName(current), retryable: false })
}

function findMovedColumn(before: TableMetadata, staged: TableMetadata, current: TableMetadata): string | undefined {
  const [ours, theirs] = [currentSchema(staged), currentSchema(current)]
  for (const id of ours.fieldIds()) {
    if (id <= before.lastColumnId) continue
    const [own, there] = [ours.fieldById(id)!, theirs.fieldById(id)]
    const isSame = there !== undefined && ours.pathOf(id) === theirs.pathOf(id) && typesEqual(own.type, there.type)
    if (!isSame) return `column ${ours.pathOf(id)}`
  }
  return undefined
}

function findMovedSpec(before: TableMetadata, staged: TableMetadata, current: TableMetadata): string | undefined {
  const known = new Set(before.partitionSpecs.map(({ specId }) => specId))
  const moved = staged.partitionSpecs.find(({ specId, fields }) => {
    const there = current.partitionSpecs.find((spec) => spec.specId === specId)
    return !known.has(specId) && JSON.stringify(there?.fields) !== JSON.stringify(fields)
  })
  if (moved !== undefined) return `partition spec ${moved.specId}`
  const knownOrders = new Set(before.sortOrders.map(({ orderId }) => orderId))
  const movedOrder = staged.sortOrders.find(({ orderId, fields }) => {
    const there = current.sortOrders.find((order) => order.orderId === orderId)
    return !knownOrders.has(orderId) && JSON.stringify(there?.fields) !== JSON.stringify(fields)
  })
  return movedOrder === undefined ? undefined : `sort order ${movedOrder.orderId}`
}
