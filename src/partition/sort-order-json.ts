import { JsonObject } from '../util/json.js'
import type { JsonMembers, JsonValue } from '../util/json.js'
import { parseSourceIds, parseTransformText, printSourceIds } from './partition-spec-json.js'
import type { SortField, SortOrder } from './partition-spec.js'

/**
 * Parses `{order-id, fields}`. Spec: Appendix C › Sort Orders
 *
 * @throws FloeError `CORRUPT` naming the JSON path; also when id 0 has fields, or another id has none
 */
export function parseSortOrder(json: JsonObject | JsonValue): SortOrder {
  const order = json instanceof JsonObject ? json : JsonObject.of(json, 'sort order')
  const orderId = order.requireInt('order-id')
  const fields = order.requireObjects('fields').map(parseSortField)
  // Spec: Sorting: order id 0 is reserved for the unsorted order.
  if ((orderId === 0) !== (fields.length === 0)) {
    throw order.invalid(orderId === 0 ? 'sort order id 0 is reserved for the unsorted order' : `sort order ${orderId} has no fields`)
  }
  return { orderId, fields }
}

/** The JSON of a sort order, members in the reference's order. */
export function printSortOrder(order: SortOrder): JsonMembers {
  return {
    'order-id': order.orderId,
    fields: order.fields.map((field) => ({
      transform: field.transform,
      ...printSourceIds(field.sourceIds),
      direction: field.direction,
      'null-order': field.nullOrder,
    })),
  }
}

function parseSortField(field: JsonObject): SortField {
  const direction = field.requireString('direction').toLowerCase()
  if (direction !== 'asc' && direction !== 'desc') throw field.error('direction', 'asc or desc')
  const nullOrder = field.requireString('null-order').toLowerCase()
  if (nullOrder !== 'nulls-first' && nullOrder !== 'nulls-last') throw field.error('null-order', 'nulls-first or nulls-last')
  return { sourceIds: parseSourceIds(field), transform: parseTransformText(field), direction, nullOrder }
}
