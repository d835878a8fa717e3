import { schemaFromArrow } from '../../arrow/arrow-schema.js'
import { Schema as ArrowSchema } from 'apache-arrow'
import { arrowFieldOf } from '../../parquet/column-type.js'
import { physicalType } from '../../parquet/file-metadata.js'
import { childrenOf } from '../../parquet/parquet-schema.js'
import type { LeafNode, ParquetNode } from '../../parquet/parquet-schema.js'
import { assignFreshFieldIds } from '../../schema/fresh-ids.js'
import { Schema } from '../../schema/schema.js'
import type { NestedField, Type } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'

/**
 * The columns of a Parquet file as an Iceberg schema: with the file's field ids where every column has one, else with ids
 * assigned from 1. Columns that are always null become `unknown` only where the file says so.
 *
 * @throws FloeError `UNSUPPORTED` for a column type that Iceberg does not have; `INVALID` when only some columns have field ids
 */
export function schemaOfParquet(columns: readonly ParquetNode[]): Schema {
  const nodes = columns.flatMap(allNodes)
  const ids = new Set(nodes.map((node) => node.fieldId).filter((id) => id !== undefined))
  if (ids.size > 0 && ids.size < nodes.length) {
    throw new FloeError('INVALID', 'Only some columns of the Parquet file have a field id of their own: write it again with ids for all or none')
  }
  const fields = columns.map((node) => fieldOf(node, node.name))
  if (ids.size > 0) return new Schema(fields)
  let lastId = 0
  return new Schema(assignFreshFieldIds(fields, () => ++lastId))
}

/** The nodes that have field ids in Iceberg: all but what is inside a variant. */
function allNodes(node: ParquetNode): ParquetNode[] {
  return node.kind === 'struct' && node.isVariant ? [node] : [node, ...childrenOf(node).flatMap(allNodes)]
}

function fieldOf(node: ParquetNode, path: string): NestedField {
  return { id: node.fieldId ?? 0, name: node.name, type: typeOf(node, path), required: !node.optional }
}

function typeOf(node: ParquetNode, path: string): Type {
  switch (node.kind) {
    case 'leaf':
      return leafType(node, path)
    case 'struct':
      return node.isVariant ? { kind: 'variant' } : { kind: 'struct', fields: node.fields.map((field) => fieldOf(field, `${path}.${field.name}`)) }
    case 'list': {
      const { element } = node
      return { kind: 'list', elementId: element.fieldId ?? 0, element: typeOf(element, `${path}.element`), elementRequired: !element.optional }
    }
    case 'map': {
      const { key, value } = node
      const types = { key: typeOf(key, `${path}.key`), value: typeOf(value, `${path}.value`) }
      return { kind: 'map', keyId: key.fieldId ?? 0, valueId: value.fieldId ?? 0, ...types, valueRequired: !value.optional }
    }
  }
}

function leafType(node: LeafNode, path: string): Type {
  const { logicalType: logical, type } = node.element
  if (logical?.uuid !== undefined && node.element.typeLength === 16) return { kind: 'uuid' }
  // Source: Java `MessageTypeToType`
  if (type === physicalType.int96) return { kind: 'timestamptz' }
  if (logical?.geometry !== undefined) return { kind: 'geometry', crs: logical.geometry.crs }
  if (logical?.geography !== undefined) return { kind: 'geography', crs: logical.geography.crs, algorithm: undefined }
  return schemaFromArrow(new ArrowSchema([arrowFieldOf(node, path)])).fields[0]!.type
}
