import type { MappedField, NameMapping } from '../schema/name-mapping.js'
import { convertedType, repetition } from './file-metadata.js'
import type { SchemaElement } from './file-metadata.js'
import { corrupt } from './thrift-compact.js'

/**
 * The schema of a file as a tree of columns, with the list and map layouts of all writers brought to one form, and field ids
 * from the file or from a name mapping. Spec of the layouts: parquet-format LogicalTypes.md › Nested Types.
 */
interface NodeBase {
  readonly name: string
  /** Whether the value itself may be null. */
  readonly optional: boolean
  readonly fieldId: number | undefined
}

export interface LeafNode extends NodeBase {
  readonly kind: 'leaf'
  readonly element: SchemaElement
  /** Position among the file's column chunks. */
  readonly columnIndex: number
  readonly maxDefinitionLevel: number
  readonly maxRepetitionLevel: number
}

export interface StructNode extends NodeBase {
  readonly kind: 'struct'
  readonly fields: readonly ParquetNode[]
  readonly isVariant: boolean
}

export interface ListNode extends NodeBase {
  readonly kind: 'list'
  readonly element: ParquetNode
}

export interface MapNode extends NodeBase {
  readonly kind: 'map'
  readonly key: ParquetNode
  readonly value: ParquetNode
}

export type ParquetNode = LeafNode | StructNode | ListNode | MapNode

export interface FileSchema {
  readonly fields: readonly ParquetNode[]
  readonly leaves: readonly LeafNode[]
}

const MAX_DEPTH = 100

/** An element with its children, as the flat list of the footer spells them in pre-order. */
interface RawNode {
  readonly element: SchemaElement
  readonly children: readonly RawNode[]
}

/**
 * Reads the flat schema of a footer.
 * @throws FloeError `CORRUPT` when counts do not add up, nesting is deeper than 100 or a list or map has an impossible shape.
 */
export function parseFileSchema(elements: readonly SchemaElement[]): FileSchema {
  const cursor = { next: 0 }
  const root = readRaw(elements, cursor, 0)
  if (cursor.next !== elements.length) throw corrupt('has schema elements that belong to no column')
  const builder = new SchemaBuilder()
  const fields = root.children.map((child) => builder.node(child, 0, 0))
  return { fields, leaves: builder.leaves }
}

function readRaw(elements: readonly SchemaElement[], cursor: { next: number }, depth: number): RawNode {
  if (depth > MAX_DEPTH) throw corrupt(`has a schema nested deeper than ${MAX_DEPTH} levels`)
  const element = elements[cursor.next++]
  if (element === undefined) throw corrupt('has fewer schema elements than it declares')
  const count = element.numChildren ?? 0
  if (count < 0 || count > elements.length - cursor.next) throw corrupt(`declares ${count} children of ${element.name}`)
  const children: RawNode[] = []
  for (let i = 0; i < count; i++) children.push(readRaw(elements, cursor, depth + 1))
  if (depth > 0 && children.length === 0 && element.type === undefined) throw corrupt(`has the column ${element.name} without a type`)
  if (children.length > 0 && element.type !== undefined) throw corrupt(`has the group ${element.name} with a physical type`)
  return { element, children }
}

class SchemaBuilder {
  readonly leaves: LeafNode[] = []

  /** `definition` and `repeated` are the levels of the parent. */
  node(raw: RawNode, definition: number, repeated: number): ParquetNode {
    // A repeated field outside of a list or map is a required list of required elements
    if (raw.element.repetitionType === repetition.repeated) {
      const element = this.value(raw, definition + 1, repeated + 1, false)
      return { kind: 'list', name: raw.element.name, optional: false, fieldId: raw.element.fieldId, element: { ...element, fieldId: undefined } }
    }
    const optional = raw.element.repetitionType === repetition.optional
    return this.value(raw, definition + (optional ? 1 : 0), repeated, optional)
  }

  private value(raw: RawNode, definition: number, repeated: number, optional: boolean): ParquetNode {
    const { element, children } = raw
    const base = { name: element.name, optional, fieldId: element.fieldId }
    if (children.length === 0) {
      const levels = { maxDefinitionLevel: definition, maxRepetitionLevel: repeated }
      const leaf: LeafNode = { kind: 'leaf', ...base, element, columnIndex: this.leaves.length, ...levels }
      this.leaves.push(leaf)
      return leaf
    }
    if (isList(element)) return { kind: 'list', ...base, element: this.element(raw, definition, repeated) }
    if (isMap(element)) return this.map(raw, base, definition, repeated)
    const fields = children.map((child) => this.node(child, definition, repeated))
    return { kind: 'struct', ...base, fields, isVariant: element.logicalType?.variant !== undefined }
  }

  private element(raw: RawNode, definition: number, repeated: number): ParquetNode {
    const inner = onlyRepeatedChild(raw)
    const [first, ...others] = inner.children
    const name = inner.element.name
    const isElement =
      first === undefined || others.length > 0 || first.element.repetitionType === repetition.repeated || name === 'array' || name === `${raw.element.name}_tuple`
    if (isElement) return this.value(inner, definition + 1, repeated + 1, false)
    return this.node(first, definition + 1, repeated + 1)
  }

  private map(raw: RawNode, base: NodeBase, definition: number, repeated: number): MapNode {
    const [key, value, ...others] = onlyRepeatedChild(raw).children
    if (key === undefined || value === undefined || others.length > 0) throw corrupt(`has the map ${base.name} without exactly a key and a value`)
    return { kind: 'map', ...base, key: this.node(key, definition + 1, repeated + 1), value: this.node(value, definition + 1, repeated + 1) }
  }
}

function isList(element: SchemaElement): boolean {
  return element.logicalType?.list !== undefined || element.convertedType === convertedType.list
}

function isMap(element: SchemaElement): boolean {
  const converted = element.convertedType
  return element.logicalType?.map !== undefined || converted === convertedType.map || converted === convertedType.mapKeyValue
}

function onlyRepeatedChild(raw: RawNode): RawNode {
  const child = raw.children[0]
  if (child === undefined || raw.children.length > 1 || child.element.repetitionType !== repetition.repeated) {
    throw corrupt(`has the list or map ${raw.element.name} without exactly one repeated group`)
  }
  return child
}

/**
 * The same tree with field ids at every level: those of the file; in a file without any, those that the name mapping gives, or,
 * for lack of one, the positions of the top-level columns counted from one, as the reference does.
 */
// Spec: Column Projection, Appendix C › Name Mapping Serialization
export function withFieldIds(schema: FileSchema, nameMapping: NameMapping | undefined): FileSchema {
  if (schema.fields.some(hasFieldId)) return schema
  const fields =
    nameMapping === undefined
      ? schema.fields.map((field, i) => ({ ...field, fieldId: i + 1 }))
      : mapNames(schema.fields, nameMapping)
  const leaves: LeafNode[] = []
  for (const field of fields) collectLeaves(field, leaves)
  return { fields, leaves }
}

function hasFieldId(node: ParquetNode): boolean {
  return node.fieldId !== undefined || childrenOf(node).some(hasFieldId)
}

export function childrenOf(node: ParquetNode): readonly ParquetNode[] {
  if (node.kind === 'struct') return node.fields
  if (node.kind === 'list') return [node.element]
  return node.kind === 'map' ? [node.key, node.value] : []
}

/** Appends the leaves of a node in file order. */
export function collectLeaves(node: ParquetNode, leaves: LeafNode[] = []): LeafNode[] {
  if (node.kind === 'leaf') leaves.push(node)
  else for (const child of childrenOf(node)) collectLeaves(child, leaves)
  return leaves
}

function mapNames(fields: readonly ParquetNode[], mapping: NameMapping): ParquetNode[] {
  const byName = new Map<string, MappedField>(mapping.flatMap((mapped) => mapped.names.map((name) => [name, mapped] as const)))
  return fields.map((field) => mapNode(field, byName.get(field.name)))
}

function mapNode(node: ParquetNode, mapped: MappedField | undefined): ParquetNode {
  const fieldId = mapped?.fieldId
  const child = (name: string): MappedField | undefined => mapped?.fields.find((field) => field.names.includes(name))
  switch (node.kind) {
    case 'leaf':
      return { ...node, fieldId }
    case 'struct':
      return { ...node, fieldId, fields: mapNames(node.fields, mapped?.fields ?? []) }
    case 'list':
      return { ...node, fieldId, element: mapNode(node.element, child('element')) }
    case 'map':
      return { ...node, fieldId, key: mapNode(node.key, child('key')), value: mapNode(node.value, child('value')) }
  }
}
