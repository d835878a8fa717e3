import type { ManifestEntries } from '../../manifest/manifest-entries.js'
import { tupleType } from '../../commit/manifest-input.js'
import { specById } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { truncateLowerBound, truncateUpperBound } from '../../parquet/bound-truncation.js'
import { compareBytes } from '../../util/utf8.js'
import { encodeValue } from '../../schema/single-value.js'
import { boundOf } from './purge-keys.js'
import type { PurgeTarget } from './purge-target.js'

/** What the reference cuts bounds of texts and bytes to, unless told otherwise. */
const DEFAULT_BOUND_LENGTH = 16

/** Where the entries of a manifest name a key: in bounds, also cut ones of files that are gone, or in partition values. */
export function scanManifest(entries: ManifestEntries, metadata: TableMetadata, target: PurgeTarget): string | undefined {
  const partitions = partitionFields(entries, metadata, target)
  for (let i = 0; i < entries.count; i++) {
    const tuple = partitions.length === 0 ? [] : entries.partition(i)
    if (partitions.some(({ at, fieldId }) => target.keys.has(fieldId, tuple[at] ?? null))) return `the partition of ${target.keys.mask(entries.filePath(i))}`
    const stats = entries.stats(i)
    for (const fieldId of target.keys.fieldIds) {
      const bounds = [stats.lowerBound(fieldId), stats.upperBound(fieldId)].filter((bound) => bound !== undefined)
      if (bounds.length === 0) continue
      for (const key of target.keys.keysOf(fieldId)) {
        const forms = boundForms(key, !entries.isLive(i))
        if (bounds.some((bound) => forms.some((form) => compareBytes(bound, form) === 0))) return `bounds of ${target.keys.mask(entries.filePath(i))}`
      }
    }
  }
  return undefined
}

/** The bytes of a key in bounds. Cut ones tell nothing of a live file, whose rows were looked at: another value may begin so. */
function boundForms(key: Parameters<typeof boundOf>[0], withCut: boolean): readonly Uint8Array[] {
  const whole = boundOf(key)
  if (whole === undefined) return []
  if (!withCut) return [whole]
  const lower = truncateLowerBound(key.type, key.value, DEFAULT_BOUND_LENGTH)
  const upper = truncateUpperBound(key.type, key.value, DEFAULT_BOUND_LENGTH)
  return [whole, encodeValue(key.type, lower), ...(upper === undefined ? [] : [encodeValue(key.type, upper)])]
}

function partitionFields(
  entries: ManifestEntries,
  metadata: TableMetadata,
  target: PurgeTarget,
): readonly { readonly at: number; readonly fieldId: number }[] {
  const { fields } = specById(metadata, entries.specId)
  const known = tupleType(metadata, entries.specId).fields.length === fields.length ? fields : []
  return known.flatMap(({ transform, sourceIds }, at) => {
    const fieldId = sourceIds[0]
    return transform === 'identity' && fieldId !== undefined && target.keys.fieldIds.includes(fieldId) ? [{ at, fieldId }] : []
  })
}
