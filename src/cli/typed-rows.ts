import type { TableMetadata } from '../metadata/table-metadata.js'
import { sourceType, unifiedPartitionType } from '../partition/partition-type.js'
import { fieldTransform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import type { Type, Value } from '../schema/type.js'
import { scalarText } from './cell-text.js'

/** Metadata rows hold values as the format has them, dates as days; these give them the form that people and JSON expect. */
export interface TypedRows {
  /** The partition of a row as JSON: dates and times in ISO 8601. */
  partition(values: object): Map<string, unknown>
  /** The same for people, as in partition paths: `2024-01` for a month. */
  partitionText(values: object): string
  /** `readable_metrics` with bounds that are dates and times in ISO 8601. */
  metrics(columns: object): Map<string, unknown>
}

const TEMPORAL: ReadonlySet<string> = new Set(['date', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'])

/** Of one table. `schema` types the metrics. */
export function typedRows(metadata: TableMetadata, schema: Schema): TypedRows {
  const unified = unifiedPartitionType(metadata.partitionSpecs, schema, metadata.schemas)
  const types = new Map(unified.fields.map((field) => [field.name, field.type]))
  const printers = new Map(
    metadata.partitionSpecs.flatMap((spec) =>
      spec.fields.filter((field) => field.transform !== 'void').map((field) => {
        const type = sourceType(field, schema, metadata.schemas)
        return [field.name, (value: Value) => fieldTransform(field).toHumanString(type, value)] as const
      }),
    ),
  )
  return {
    partition: (values) => new Map(Object.entries(values).map(([name, value]) => [name, inType(types.get(name), value)])),
    partitionText: (values) =>
      Object.entries(values)
        .map(([name, value]) => `${name}=${isPlain(value) ? (printers.get(name)?.(value as Value) ?? String(value)) : String(value)}`)
        .join(' '),
    metrics: (columns) =>
      new Map(
        Object.entries(columns).map(([path, metrics]) => {
          const type = schema.findField(path)?.type
          const entries = Object.entries(metrics as object)
          return [path, new Map(entries.map(([name, value]) => [name, name.endsWith('_bound') ? inType(type, value) : (value as unknown)]))]
        }),
      ),
  }
}

/** Decimals come as objects of their own. */
function isPlain(value: unknown): boolean {
  return value === null || typeof value !== 'object' || value instanceof Uint8Array
}

function inType(type: Type | undefined, value: unknown): unknown {
  return type !== undefined && TEMPORAL.has(type.kind) && value !== null ? scalarText(type, value as number | bigint) : value
}
