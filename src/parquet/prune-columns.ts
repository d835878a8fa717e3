import type { NestedField, Type } from '../schema/type.js'
import type { ListNode, MapNode, ParquetNode, StructNode } from './parquet-schema.js'
import { collectLeaves } from './parquet-schema.js'

/**
 * The columns of a file that a projection needs, by field id, at every level of nesting. A struct of which no child is wanted
 * keeps its cheapest leaf: without it nobody could tell which of its values are null.
 */
// Spec: Column Projection
export function pruneColumns(fields: readonly ParquetNode[], wanted: readonly NestedField[]): ParquetNode[] {
  const byId = new Map(wanted.map((field) => [field.id, field.type]))
  return fields.flatMap((field) => {
    const type = field.fieldId === undefined ? undefined : byId.get(field.fieldId)
    return type === undefined || type.kind === 'unknown' ? [] : [pruneNode(field, type)]
  })
}

function pruneNode(node: ParquetNode, type: Type): ParquetNode {
  if (node.kind === 'struct' && type.kind === 'struct') return pruneStruct(node, type.fields)
  if (node.kind === 'list' && type.kind === 'list') return pruneList(node, type.element)
  if (node.kind === 'map' && type.kind === 'map') return pruneMap(node, type.value)
  return node
}

function pruneStruct(node: StructNode, wanted: readonly NestedField[]): StructNode {
  const fields = pruneColumns(node.fields, wanted)
  return { ...node, fields: fields.length > 0 ? fields : [witness(node)] }
}

function pruneList(node: ListNode, element: Type): ListNode {
  return { ...node, element: pruneNode(node.element, element) }
}

function pruneMap(node: MapNode, value: Type): MapNode {
  return { ...node, value: pruneNode(node.value, value) }
}

/** The child that tells most cheaply whether the struct is null: one leaf, without repetition if there is one. */
function witness(node: StructNode): ParquetNode {
  const level = (child: ParquetNode): number => Math.min(...collectLeaves(child).map((leaf) => leaf.maxRepetitionLevel))
  const best = node.fields.reduce((a, b) => (level(b) < level(a) ? b : a))
  return best.kind === 'struct' ? { ...best, fieldId: undefined, fields: [witness(best)] } : { ...best, fieldId: undefined }
}
