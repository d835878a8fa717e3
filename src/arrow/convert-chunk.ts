import { DataType } from 'apache-arrow'
import type { Field } from 'apache-arrow'
import type { ListType, MapType, NestedField, StructType, Type, Value } from '../schema/type.js'
import { listChunk, offsetsOf, retype, structChunk, validityOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { arrowType } from './arrow-schema.js'
import { constantChunk, nullChunk } from './constant-chunk.js'
import type { ChunkConverter, ConversionPolicy } from './conversion.js'
import { primitiveConverter } from './convert-primitive.js'
import { maskChunk } from './mask-chunk.js'
import { plainChunk, plainType } from './plain-chunk.js'
import { sliceChunk } from './take.js'
import { assembleVariants } from './variant-shredding.js'

/** Where a field's values come from: a child of the source, or one value for every row. */
export type FieldSource = { readonly index: number } | { readonly constant: Value }

/** How the columns of a source are matched with those of a schema, and what may be converted. */
export interface ConversionRules {
  readonly policy: ConversionPolicy
  /** The source of one field of a struct (or of the table: `path` is the field's own full path). May throw when there is none. */
  sourceOf(field: NestedField, children: readonly Field[], path: string): FieldSource
  /** Looks at the members of each source struct before its fields are matched. `prefix` is its path and a dot, or empty. */
  checkChildren?(fields: readonly NestedField[], children: readonly Field[], prefix: string): void
  /** Throws: the source type cannot become the target type. */
  refuseType(path: string, from: DataType, to: Type): never
  /** Throws: the value of one row cannot. `row` counts in the batch. */
  refuseValue(path: string, row: number, to: Type, found: string): never
}

/** Turns the children of a source struct of `length` rows into the chunks of its target fields. */
export type FieldsConverter = (children: readonly Chunk[], length: number, refuse: RefuseAt) => readonly Chunk[]

/** Throws for one value of any column: rows of nested values are mapped to those of the table on the way out. */
export type RefuseAt = (path: string, row: number, to: Type, found: string) => never

type TypeConverter = (chunk: Chunk, refuse: RefuseAt) => Chunk

/** Compiles the conversion of the fields of one struct, the table's top level included. */
export function fieldsConverter(fields: readonly NestedField[], children: readonly Field[], rules: ConversionRules, prefix = ''): FieldsConverter {
  rules.checkChildren?.(fields, children, prefix)
  const sources = fields.map((field) => fieldConverter(field, children, rules, prefix + field.name))
  return (chunks, length, refuse) => sources.map((convert) => convert(chunks, length, refuse))
}

function fieldConverter(field: NestedField, children: readonly Field[], rules: ConversionRules, path: string) {
  const source = rules.sourceOf(field, children, path)
  const arrow = arrowType(field.type)
  if ('constant' in source) {
    const constant = repeatedConstant(field.type, source.constant, arrow)
    return (_chunks: readonly Chunk[], length: number): Chunk => constant(length)
  }
  const convert = typeConverter(children[source.index]!.type as DataType, field.type, { rules, path, arrow })
  return (chunks: readonly Chunk[], _length: number, refuse: RefuseAt): Chunk => convert(chunks[source.index]!, refuse)
}

/** Batches mostly have one size, and their constant columns can share one set of buffers. */
function repeatedConstant(type: Type, value: Value, arrow: DataType): (length: number) => Chunk {
  let last: Chunk | undefined
  return (length) => {
    if (last === undefined || length > last.length) last = constantChunk(type, value, length, arrow)
    return sliceChunk(last, 0, length)
  }
}

interface Target {
  readonly rules: ConversionRules
  readonly path: string
  readonly arrow: DataType
}

function typeConverter(source: DataType, type: Type, target: Target): TypeConverter {
  const plain = plainType(source)
  const convert = plainConverter(plain, type, target)
  return plain === source ? convert : (chunk, refuse) => convert(plainChunk(chunk), refuse)
}

function plainConverter(from: DataType, type: Type, target: Target): TypeConverter {
  const { rules, path, arrow } = target
  if (DataType.isNull(from) && type.kind !== 'unknown') return (chunk) => nullChunk(arrow, chunk.length)
  if (type.kind === 'struct' && DataType.isStruct(from)) return structConverter(from, type, target)
  if (type.kind === 'list' && DataType.isList(from)) return listConverter(from, type, target)
  if (type.kind === 'map' && DataType.isMap(from)) return mapConverter(from, type, target)
  if (type.kind === 'variant' && DataType.isStruct(from)) return variantConverter(from, target)
  if (type.kind === 'struct' || type.kind === 'list' || type.kind === 'map' || type.kind === 'variant') {
    return rules.refuseType(path, from, type)
  }
  const convert: ChunkConverter | undefined = primitiveConverter(from, { type, arrow }, rules.policy)
  if (convert === undefined) return rules.refuseType(path, from, type)
  return (chunk, refuse) => convert(chunk, (row, found) => refuse(path, row, type, found))
}

function structConverter(from: DataType, type: StructType, { rules, path, arrow }: Target): TypeConverter {
  const convert = fieldsConverter(type.fields, from.children as Field[], rules, `${path}.`)
  return (chunk, refuse) => {
    const validity = validityOf(chunk)
    // Below a null struct anything may lie about; as nulls it is neither converted nor refused
    const children = validity === undefined ? chunk.children : chunk.children.map((child) => maskChunk(child, chunk))
    return structChunk(arrow, chunk.length, convert(children, chunk.length, refuse), validity)
  }
}

function listConverter(from: DataType, type: ListType, { rules, path, arrow }: Target): TypeConverter {
  const elementPath = `${path}.element`
  const element = (arrow.children[0] as Field).type as DataType
  const convert = typeConverter((from.children[0] as Field).type as DataType, type.element, { rules, path: elementPath, arrow: element })
  return (chunk, refuse) => {
    const { offsets, child } = compactChild(chunk)
    return listChunk(arrow, offsets, convert(child, parentRows(refuse, offsets)), validityOf(chunk))
  }
}

function mapConverter(from: DataType, type: MapType, { rules, path, arrow }: Target): TypeConverter {
  const source = childFields((from.children[0] as Field).type as DataType)
  const entries = (arrow.children[0] as Field).type as DataType
  const [key, value] = childFields(entries) as [Field, Field]
  const convertKey = typeConverter(source[0]!.type as DataType, type.key, { rules, path: `${path}.key`, arrow: key.type as DataType })
  const convertValue = typeConverter(source[1]!.type as DataType, type.value, { rules, path: `${path}.value`, arrow: value.type as DataType })
  return (chunk, refuse) => {
    const { offsets, child } = compactChild(chunk)
    const inner = parentRows(refuse, offsets)
    const columns = [convertKey(child.children[0]!, inner), convertValue(child.children[1]!, inner)]
    return listChunk(arrow, offsets, structChunk(entries, child.length, columns), validityOf(chunk))
  }
}

function childFields(type: DataType): Field[] {
  return type.children as unknown as Field[]
}

/** The child rows that a list chunk's offsets reach, with the offsets moved to them: a slice may own a small part only. */
function compactChild(chunk: Chunk): { offsets: Int32Array; child: Chunk } {
  const source = offsetsOf(chunk)
  const child = chunk.children[0]!
  const first = chunk.length === 0 ? 0 : source[0]!
  const last = chunk.length === 0 ? 0 : source[chunk.length]!
  if (first === 0 && source.length === chunk.length + 1) return { offsets: source, child: sliceChunk(child, 0, last) }
  const offsets = new Int32Array(chunk.length + 1)
  for (let i = 1; i <= chunk.length; i++) offsets[i] = source[i]! - first
  return { offsets, child: sliceChunk(child, first, last - first) }
}

function parentRows(refuse: RefuseAt, offsets: Int32Array): RefuseAt {
  return (path, row, to, found) => {
    let parent = 0
    while (offsets[parent + 1]! <= row) parent++
    return refuse(path, parent, to, found)
  }
}

/** Binaries of a variant by name, whatever their layout; shredded values are put together again. */
function variantConverter(from: DataType, { rules, path, arrow }: Target): TypeConverter {
  const children = from.children as readonly Field[]
  if (children.some((child) => child.name === 'typed_value')) return (chunk) => assembleVariants(chunk, arrow, path)
  const indices = ['metadata', 'value'].map((name) => children.findIndex((child) => child.name === name))
  if (indices.includes(-1)) return rules.refuseType(path, from, { kind: 'variant' })
  const convert = indices.map((index) =>
    typeConverter(children[index]!.type as DataType, { kind: 'binary' }, { rules, path, arrow: (arrow.children[0] as Field).type as DataType }),
  )
  return (chunk, refuse) => {
    // A value that is missing in a variant that is not reads as the variant null
    if (chunk.children[indices[1]!]!.nullCount > chunk.nullCount) return assembleVariants(chunk, arrow, path)
    const columns = convert.map((column, i) => column(chunk.children[indices[i]!]!, refuse))
    return retype(structChunk(arrow, chunk.length, columns, validityOf(chunk)), arrow)
  }
}
