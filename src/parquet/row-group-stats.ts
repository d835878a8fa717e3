import { isUtf8 } from 'node:buffer'
import type { BoundExpression, FileStats } from '../expression/expression.js'
import { encodeUnscaled } from '../schema/single-value.js'
import type { Type } from '../schema/type.js'
import { physicalType } from './file-metadata.js'
import type { ColumnMetaData, FileMetaData, LogicalType, RowGroup, Statistics } from './file-metadata.js'
import { logicalOfConverted } from './leaf-annotation.js'
import type { FileSchema, LeafNode } from './parquet-schema.js'

/** A leaf that a filter asks about, with the type that it takes it for. */
export interface FilterColumn {
  readonly leaf: LeafNode
  readonly type: Type
}

/** By field id. */
export interface FilterColumns {
  readonly leaves: ReadonlyMap<number, FilterColumn>
  /** Whether the file says how its columns are ordered. */
  readonly hasOrder: (columnIndex: number) => boolean
}

/**
 * Finds the columns of a filter in a file. Columns that the file lacks, repeated ones and those that constants replace are left
 * out: nothing is known of them.
 */
export function filterColumns(
  filter: BoundExpression,
  schema: FileSchema,
  footer: FileMetaData,
  constants: ReadonlyMap<number, unknown> | undefined,
): FilterColumns {
  const types = new Map<number, Type>()
  collectTypes(filter, types)
  const leaves = new Map<number, FilterColumn>()
  for (const leaf of schema.leaves) {
    const type = leaf.fieldId === undefined ? undefined : types.get(leaf.fieldId)
    if (type === undefined || leaf.maxRepetitionLevel > 0 || constants?.has(leaf.fieldId!) === true) continue
    leaves.set(leaf.fieldId!, { leaf, type })
  }
  return { leaves, hasOrder: (columnIndex) => footer.columnOrders?.[columnIndex]?.typeOrder !== undefined }
}

function collectTypes(filter: BoundExpression, types: Map<number, Type>): void {
  if (filter.op === 'and' || filter.op === 'or') {
    collectTypes(filter.left, types)
    collectTypes(filter.right, types)
  } else if ('term' in filter) types.set(filter.term.field.id, filter.term.field.type)
}

/** What the statistics of a row group say, in the form of a manifest's metrics. NaN counts are never known. */
export function rowGroupStats(rowGroup: RowGroup, columns: FilterColumns): FileStats {
  const metaDataOf = (fieldId: number): ColumnMetaData | undefined => {
    const found = columns.leaves.get(fieldId)
    return found === undefined ? undefined : rowGroup.columns[found.leaf.columnIndex]!.metaData
  }
  const boundOf = (fieldId: number, side: 'min' | 'max'): Uint8Array | undefined => {
    const found = columns.leaves.get(fieldId)
    const statistics = metaDataOf(fieldId)?.statistics
    return found && statistics && statisticsBound(statistics, found, columns, side)
  }
  return {
    recordCount: rowGroup.numRows,
    valueCount: (fieldId) => metaDataOf(fieldId)?.numValues,
    nullCount: (fieldId) => validCount(metaDataOf(fieldId)?.statistics?.nullCount, rowGroup.numRows),
    nanCount: () => undefined,
    lowerBound: (fieldId) => boundOf(fieldId, 'min'),
    upperBound: (fieldId) => boundOf(fieldId, 'max'),
  }
}

/** One bound that the statistics of a row group or page have of a column, in the single-value form of its type. */
export function statisticsBound(
  statistics: Statistics,
  { leaf, type }: FilterColumn,
  columns: FilterColumns,
  side: 'min' | 'max',
): Uint8Array | undefined {
  const bound = (one: 'min' | 'max'): Uint8Array | undefined => {
    const raw = rawBound(statistics, leaf, columns.hasOrder(leaf.columnIndex), one)
    return raw === undefined ? undefined : singleValue(raw, leaf, type, one)
  }
  // One half of a pair is not worth the trust
  return bound('min') === undefined || bound('max') === undefined ? undefined : bound(side)
}

function validCount(count: number | undefined, rows: number): number | undefined {
  return count !== undefined && count >= 0 && count <= rows ? count : undefined
}

/**
 * The deprecated statistics were made with a signed comparison whatever the type, so they hold for numbers only; so do the
 * newer ones of a file that does not say how it orders its columns.
 */
function rawBound(statistics: Statistics, leaf: LeafNode, hasOrder: boolean, side: 'min' | 'max'): Uint8Array | undefined {
  const isSigned = signedTypes.has(leaf.element.type!) && annotationOf(leaf)?.integer?.isSigned !== false
  const modern = side === 'min' ? statistics.minValue : statistics.maxValue
  if (modern !== undefined && (hasOrder || isSigned)) return modern
  return isSigned ? statistics[side] : undefined
}

const signedTypes: ReadonlySet<number> = new Set([
  physicalType.boolean,
  physicalType.int32,
  physicalType.int64,
  physicalType.float,
  physicalType.double,
])

function annotationOf(leaf: LeafNode): LogicalType | undefined {
  return leaf.element.logicalType ?? logicalOfConverted(leaf.element)
}

/** Turns a Parquet statistic into the single-value form of an Iceberg type; undefined where the two do not go together. */
// Spec: Appendix D › Binary single-value serialization
function singleValue(raw: Uint8Array, leaf: LeafNode, type: Type, side: 'min' | 'max'): Uint8Array | undefined {
  const { type: physical, typeLength } = leaf.element
  const logical = annotationOf(leaf)
  switch (physical) {
    case physicalType.boolean:
      return type.kind === 'boolean' && raw.length === 1 ? raw : undefined
    case physicalType.int32:
      return raw.length === 4 ? int32Bound(raw, logical, type) : undefined
    case physicalType.int64:
      return raw.length === 8 ? int64Bound(raw, logical, type) : undefined
    case physicalType.float:
      return raw.length === 4 && (type.kind === 'float' || type.kind === 'double') ? floatBound(raw, side) : undefined
    case physicalType.double:
      return raw.length === 8 && type.kind === 'double' ? floatBound(raw, side) : undefined
    case physicalType.byteArray:
      return bytesBound(raw, logical, type)
    case physicalType.fixedLenByteArray: {
      if (type.kind === 'decimal') return bytesBound(raw, logical, type)
      const length = type.kind === 'uuid' ? 16 : type.kind === 'fixed' ? type.length : -1
      return typeLength === length && raw.length === length ? raw : undefined
    }
    default:
      return undefined
  }
}

function int32Bound(raw: Uint8Array, logical: LogicalType | undefined, type: Type): Uint8Array | undefined {
  if (type.kind === 'decimal') return hasScale(logical, type) ? encodeUnscaled(BigInt(viewOf(raw).getInt32(0, true))) : undefined
  return (type.kind === 'int' || type.kind === 'long' || type.kind === 'date') && isPlainInt(logical) ? raw : undefined
}

function int64Bound(raw: Uint8Array, logical: LogicalType | undefined, type: Type): Uint8Array | undefined {
  switch (type.kind) {
    case 'decimal':
      return hasScale(logical, type) ? encodeUnscaled(viewOf(raw).getBigInt64(0, true)) : undefined
    case 'long':
      return isPlainInt(logical) ? raw : undefined
    case 'time':
      return logical?.time?.unit.micros ? raw : undefined
    case 'timestamp':
    case 'timestamptz':
      return microsBound(raw, logical)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return logical?.timestamp?.unit.nanos ? raw : undefined
    default:
      return undefined
  }
}

function bytesBound(raw: Uint8Array, logical: LogicalType | undefined, type: Type): Uint8Array | undefined {
  if (type.kind === 'decimal') return hasScale(logical, type) && raw.length > 0 && raw.length <= 16 ? raw : undefined
  if (logical?.decimal !== undefined) return undefined
  // Some writers cut statistics in the middle of a character
  if (type.kind === 'string') return isUtf8(raw) ? raw : undefined
  return type.kind === 'binary' ? raw : undefined
}

function hasScale(logical: LogicalType | undefined, type: { readonly scale: number }): boolean {
  return logical?.decimal?.scale === type.scale
}

function viewOf(raw: Uint8Array): DataView {
  return new DataView(raw.buffer, raw.byteOffset, raw.length)
}

/** No annotation, or a signed or narrow integer, or a date: numbers that read as they stand. */
function isPlainInt(logical: LogicalType | undefined): boolean {
  if (logical === undefined || logical.date !== undefined) return true
  return logical.integer !== undefined && (logical.integer.isSigned || logical.integer.bitWidth < 32)
}

/** NaN makes a pair of bounds worthless; a zero may stand for the other zero. */
function floatBound(raw: Uint8Array, side: 'min' | 'max'): Uint8Array | undefined {
  const value = raw.length === 4 ? viewOf(raw).getFloat32(0, true) : viewOf(raw).getFloat64(0, true)
  if (Number.isNaN(value)) return undefined
  if (value !== 0) return raw
  const zero = new Uint8Array(raw.length)
  if (side === 'min') zero[raw.length - 1] = 0x80
  return zero
}

function microsBound(raw: Uint8Array, logical: LogicalType | undefined): Uint8Array | undefined {
  const unit = logical?.timestamp?.unit
  if (unit?.micros) return raw
  if (!unit?.millis) return undefined
  const micros = viewOf(raw).getBigInt64(0, true) * 1000n
  if (BigInt.asIntN(64, micros) !== micros) return undefined
  const bytes = new Uint8Array(8)
  viewOf(bytes).setBigInt64(0, micros, true)
  return bytes
}
