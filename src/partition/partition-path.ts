import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { sourceType } from './partition-type.js'
import type { PartitionSpec } from './partition-spec.js'
import { fieldTransform } from './transform.js'

/**
 * The Hive-style folder of a partition, as `ts_day=2024-01-31/kind=a%2Fb`; empty for an unpartitioned spec.
 * Source: the reference's `PartitionSpec.partitionToPath`
 */
export function partitionPath(spec: PartitionSpec, schema: Schema, tuple: readonly Value[]): string {
  return partitionPathPrinter(spec, schema)(tuple)
}

/** {@link partitionPath} for many tuples of one spec. */
export function partitionPathPrinter(spec: PartitionSpec, schema: Schema): (tuple: readonly Value[]) => string {
  const fields = spec.fields.map((field) => ({
    prefix: `${escapePathPart(field.name)}=`,
    transform: fieldTransform(field),
    type: sourceType(field, schema),
  }))
  return (tuple) =>
    fields.map(({ prefix, transform, type }, index) => prefix + escapePathPart(transform.toHumanString(type, tuple[index] ?? null))).join('/')
}

const encoder = new TextEncoder()

/** Java's `URLEncoder`: all but letters, digits and `.-*_` as `%XX` of their UTF-8 bytes; a space becomes `+`. */
export function escapePathPart(text: string): string {
  if (/^[\w.*-]*$/.test(text)) return text
  return text.replace(/[^\w.*-]+/g, (run) => {
    let escaped = ''
    for (const byte of encoder.encode(run.replace(/\p{Surrogate}/gu, '?'))) {
      escaped += byte === 0x20 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    }
    return escaped
  })
}
