import { FloeError } from '../util/errors.js'
import type { Schema } from '../schema/schema.js'
import type { StructType, Type } from '../schema/type.js'

/** How much of a column's metrics goes into the manifest. Source: Java `MetricsModes` */
export type MetricsMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'counts' }
  /** Bounds of strings and binaries cut to `length` code points or bytes. */
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'full' }

/** The metrics mode of every leaf column. */
export interface MetricsConfig {
  modeOf(fieldId: number): MetricsMode
}

const DEFAULT_PROPERTY = 'write.metadata.metrics.default'
const COLUMN_PREFIX = 'write.metadata.metrics.column.'
const MAX_COLUMNS_PROPERTY = 'write.metadata.metrics.max-inferred-column-defaults'
const DEFAULT_MODE: MetricsMode = { kind: 'truncate', length: 16 }
const DEFAULT_MAX_COLUMNS = 100

/**
 * Reads the metrics modes of a table's properties. A mode that does not parse falls back to the default, as in the
 * reference; a column that the schema lacks is ignored. `sortedFieldIds` (order-preserving sort columns) keep bounds
 * even where the default drops them. Source: Java `MetricsConfig.from`
 */
export function readMetricsConfig(
  properties: ReadonlyMap<string, string>,
  schema: Schema,
  sortedFieldIds: readonly number[] = [],
): MetricsConfig {
  const modes = new Map<number, MetricsMode>()
  const configured = properties.get(DEFAULT_PROPERTY)
  let defaultMode = configured === undefined ? DEFAULT_MODE : parseMetricsMode(configured) ?? DEFAULT_MODE
  if (configured === undefined) {
    const limit = readMaxColumns(properties)
    const leaves = leafIdsInOrder(schema.asStruct())
    if (leaves.length > limit) {
      for (const id of leaves.slice(0, limit)) modes.set(id, DEFAULT_MODE)
      defaultMode = { kind: 'none' }
    }
  }
  const sortedMode = defaultMode.kind === 'none' || defaultMode.kind === 'counts' ? DEFAULT_MODE : defaultMode
  for (const id of sortedFieldIds) modes.set(id, sortedMode)
  for (const [property, text] of properties) {
    if (!property.startsWith(COLUMN_PREFIX)) continue
    const field = schema.findField(property.slice(COLUMN_PREFIX.length))
    if (field !== undefined) modes.set(field.id, parseMetricsMode(text) ?? defaultMode)
  }
  return { modeOf: (fieldId) => modes.get(fieldId) ?? defaultMode }
}

/** Parses `none`, `counts`, `full` or `truncate(N)`, in any case; `undefined` for anything else. */
export function parseMetricsMode(text: string): MetricsMode | undefined {
  const lower = text.trim().toLowerCase()
  if (lower === 'none' || lower === 'counts' || lower === 'full') return { kind: lower }
  const match = /^truncate\((\d{1,9})\)$/.exec(lower)
  const length = match === null ? 0 : Number(match[1])
  return length > 0 ? { kind: 'truncate', length } : undefined
}

function readMaxColumns(properties: ReadonlyMap<string, string>): number {
  const text = properties.get(MAX_COLUMNS_PROPERTY)
  if (text === undefined) return DEFAULT_MAX_COLUMNS
  const limit = Number(text)
  if (text.trim() === '' || !Number.isInteger(limit)) {
    throw new FloeError('INVALID', `Table property ${MAX_COLUMNS_PROPERTY} must be a whole number, not '${text}': correct the property`)
  }
  return limit < 0 ? DEFAULT_MAX_COLUMNS : limit
}

/**
 * Leaves in the order in which the reference spends the limit: a struct's own leaves before those of its children.
 * Source: Java `MetricsConfig.limitFieldIds`
 */
function leafIdsInOrder(struct: StructType): number[] {
  const ids: number[] = []
  const visitStruct = (type: StructType): void => {
    for (const field of type.fields) if (isLeaf(field.type)) ids.push(field.id)
    for (const field of type.fields) visit(field.type)
  }
  const visit = (type: Type): void => {
    if (type.kind === 'struct') visitStruct(type)
    if (type.kind === 'list') {
      if (isLeaf(type.element)) ids.push(type.elementId)
      visit(type.element)
    }
    if (type.kind === 'map') {
      if (isLeaf(type.key)) ids.push(type.keyId)
      if (isLeaf(type.value)) ids.push(type.valueId)
      visit(type.key)
      visit(type.value)
    }
  }
  visitStruct(struct)
  return ids
}

function isLeaf(type: Type): boolean {
  return type.kind !== 'struct' && type.kind !== 'list' && type.kind !== 'map'
}
