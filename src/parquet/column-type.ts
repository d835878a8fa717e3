import { DataType, Field, List, Map_, Struct } from 'apache-arrow'
import { fixedChunk, listChunk, structChunk, variableChunk } from '../arrow/arrow-data.js'
import type { Chunk, FixedValues, Validity } from '../arrow/arrow-data.js'
import { fieldIdKey } from '../arrow/arrow-schema.js'
import type { ArrayLayout, ArrayParts } from './engine-job.js'
import { physicalType } from './file-metadata.js'
import { leafArrowType } from './leaf-type.js'
import type { ParquetNode } from './parquet-schema.js'

/** The Arrow field of a column as it is decoded, with the Iceberg field ids in the metadata at every level. */
export function arrowFieldOf(node: ParquetNode, name = node.name): Field {
  const metadata = new Map(node.fieldId === undefined ? [] : [[fieldIdKey, String(node.fieldId)]])
  return new Field(name, nodeType(node), node.optional, metadata)
}

function nodeType(node: ParquetNode): DataType {
  switch (node.kind) {
    case 'leaf':
      return leafArrowType(node.element)
    case 'struct':
      return new Struct(node.fields.map((field) => arrowFieldOf(field)))
    case 'list':
      return new List(arrowFieldOf(node.element, 'element'))
    case 'map': {
      const entries = new Struct([arrowFieldOf(node.key, 'key'), arrowFieldOf(node.value, 'value')])
      return new Map_(new Field('key_value', entries, false) as unknown as ConstructorParameters<typeof Map_>[0])
    }
  }
}

/** The buffers that the engine makes for a column. */
export function layoutOf(node: ParquetNode): ArrayLayout {
  switch (node.kind) {
    case 'leaf':
      return node.element.type === physicalType.int96 ? { kind: 'int96' } : layoutOfType(leafArrowType(node.element))
    case 'struct':
      return { kind: 'struct', children: node.fields.map(layoutOf) }
    case 'list':
      return { kind: 'list', child: layoutOf(node.element) }
    case 'map':
      return { kind: 'list', child: { kind: 'struct', children: [layoutOf(node.key), layoutOf(node.value)] } }
  }
}

function layoutOfType(type: DataType): ArrayLayout {
  if (DataType.isBool(type)) return { kind: 'bits' }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return { kind: 'variable' }
  if (DataType.isFixedSizeBinary(type)) return { kind: 'fixed', byteWidth: type.byteWidth }
  if (DataType.isDecimal(type)) return { kind: 'fixed', byteWidth: 16 }
  if (DataType.isDate(type)) return { kind: 'fixed', byteWidth: 4 }
  if (DataType.isTimestamp(type)) return { kind: 'fixed', byteWidth: 8 }
  if (DataType.isFloat(type)) return { kind: 'fixed', byteWidth: 2 << type.precision }
  return { kind: 'fixed', byteWidth: (type as DataType & { bitWidth: number }).bitWidth / 8 }
}

/** Puts an Arrow chunk around decoded buffers. */
export function chunkOfParts(type: DataType, parts: ArrayParts): Chunk {
  const validity: Validity | undefined = parts.validity && { bitmap: parts.validity, nullCount: parts.nullCount }
  if (DataType.isStruct(type)) {
    const children = type.children.map((child, i) => chunkOfParts((child as Field).type as DataType, parts.children[i]!))
    return structChunk(type, parts.length, children, validity)
  }
  if (DataType.isList(type) || DataType.isMap(type)) {
    return listChunk(type, parts.offsets!, chunkOfParts((type.children[0] as Field).type as DataType, parts.children[0]!), validity)
  }
  if (parts.offsets !== undefined) return variableChunk(type, parts.offsets, parts.values!, validity)
  const { buffer, byteOffset, byteLength } = parts.values!
  const Values = type.ArrayType as unknown as ValuesConstructor
  return fixedChunk(type, parts.length, new Values(buffer, byteOffset, byteLength / Values.BYTES_PER_ELEMENT), validity)
}

interface ValuesConstructor {
  new (buffer: ArrayBufferLike, offset: number, length: number): FixedValues
  readonly BYTES_PER_ELEMENT: number
}
