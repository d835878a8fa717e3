/**
 * One list of updates applied to one version of a table's metadata, purely: the clock and all ids come from outside.
 * The semantics are those of the reference's `TableMetadata.Builder`, so that a REST catalog of another maker, given the
 * same updates, arrives at the same metadata.
 */
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { encryptionKeyId } from './encryption-key.js'
import {
  addSchema,
  addSortOrder,
  addSpec,
  checkDefaults,
  removeSchemas,
  removeSpecs,
  setCurrentSchema,
  setDefaultSortOrder,
  setDefaultSpec,
} from './apply-structure.js'
import {
  addSnapshot,
  finishSnapshotLog,
  removePartitionStatistics,
  removeSnapshotRef,
  removeSnapshots,
  removeStatistics,
  setPartitionStatistics,
  setSnapshotRef,
  setStatistics,
} from './apply-snapshots.js'
import { stripTrailingSlash } from './location.js'
import { draftOf, emptyDraft, freezeDraft, type MetadataDraft } from './metadata-draft.js'
import type { MetadataUpdate } from './metadata-update.js'
import type { FormatVersion, MetadataLogEntry, TableMetadata } from './table-metadata.js'
import { readInteger, RESERVED_PROPERTIES, tableProperties } from './table-properties.js'
import { findMetadataProblem } from './validate-metadata.js'

/** What an update cannot know by itself. */
export interface ApplyOptions {
  /** The time of the change, milliseconds since 1970 UTC. */
  readonly now: number
  /** Where `base` is stored: becomes the newest entry of the metadata log. Absent: the log stays as it is. */
  readonly baseLocation?: string | undefined
  /** UUID for a table that still has none: a new one, or one of format version 1. */
  readonly newTableUuid?: string | undefined
}

/** The version of a new table that does not say otherwise. */
export const DEFAULT_FORMAT_VERSION: FormatVersion = 2

/**
 * `base` with the updates applied in order; `base` itself when they change nothing. `base` undefined makes a new table.
 *
 * `last-updated-ms` is always greater than that of `base`, whatever the clock says. Throws `INVALID` for an update that
 * breaks a rule, and `CONFLICT` for a snapshot whose sequence number or row ids another commit has taken meanwhile.
 */
export function applyUpdates(base: TableMetadata | undefined, updates: readonly MetadataUpdate[], options: ApplyOptions): TableMetadata {
  // Every commit moves the time on by at least a millisecond, so that logs stay sorted when clocks do not agree.
  const draft =
    base === undefined
      ? emptyDraft(options.now, initialFormatVersion(updates), options.newTableUuid)
      : draftOf(base, Math.max(options.now, base.lastUpdatedMs + 1))
  for (const update of updates) applyUpdate(draft, update)
  if (base !== undefined && !draft.changed) return base
  // A table of the first days gets its identity with its next change.
  draft.tableUuid ??= options.newTableUuid
  if (updates.some(touchesStructure) || base === undefined) checkDefaults(draft)
  draft.snapshotLog = finishSnapshotLog(draft)
  draft.lastUpdatedMs = draft.snapshotLog.reduce((latest, entry) => Math.max(latest, entry.timestampMs), draft.lastUpdatedMs)
  const metadata = freezeDraft(draft, extendMetadataLog(draft, base, options.baseLocation))
  const problem = findMetadataProblem(metadata)
  if (problem !== undefined) throw new FloeError('INVALID', `the updates would break the table's metadata: ${problem.path} ${problem.message}`)
  return metadata
}

function applyUpdate(draft: MetadataDraft, update: MetadataUpdate): void {
  switch (update.action) {
    case 'assign-uuid':
      return assignUuid(draft, update.uuid)
    case 'upgrade-format-version':
      return upgradeFormatVersion(draft, update.formatVersion)
    case 'add-schema':
      return addSchema(draft, update.schema, lastColumnIdWith(draft, update.schema))
    case 'set-current-schema':
      return setCurrentSchema(draft, update.schemaId)
    case 'add-spec':
      return addSpec(draft, update.spec)
    case 'set-default-spec':
      return setDefaultSpec(draft, update.specId)
    case 'add-sort-order':
      return addSortOrder(draft, update.sortOrder)
    case 'set-default-sort-order':
      return setDefaultSortOrder(draft, update.sortOrderId)
    case 'add-snapshot':
      return addSnapshot(draft, update.snapshot)
    case 'remove-snapshots':
      return removeSnapshots(draft, update.snapshotIds)
    case 'set-snapshot-ref':
      return setSnapshotRef(draft, update.name, update.ref)
    case 'remove-snapshot-ref':
      return removeSnapshotRef(draft, update.name)
    case 'remove-partition-specs':
      return removeSpecs(draft, update.specIds)
    case 'remove-schemas':
      return removeSchemas(draft, update.schemaIds)
    default:
      return applyAttributeUpdate(draft, update)
  }
}

type AttributeUpdate = Extract<
  MetadataUpdate,
  {
    readonly action:
      | 'set-location'
      | 'set-properties'
      | 'remove-properties'
      | 'set-statistics'
      | 'remove-statistics'
      | 'set-partition-statistics'
      | 'remove-partition-statistics'
      | 'add-encryption-key'
      | 'remove-encryption-key'
  }
>

function applyAttributeUpdate(draft: MetadataDraft, update: AttributeUpdate): void {
  switch (update.action) {
    case 'set-location':
      return setLocation(draft, update.location)
    case 'set-properties':
      return setProperties(draft, update.updates)
    case 'remove-properties':
      return removeProperties(draft, update.removals)
    case 'set-statistics':
      return setStatistics(draft, update.statistics)
    case 'remove-statistics':
      return removeStatistics(draft, update.snapshotId)
    case 'set-partition-statistics':
      return setPartitionStatistics(draft, update.partitionStatistics)
    case 'remove-partition-statistics':
      return removePartitionStatistics(draft, update.snapshotId)
    case 'add-encryption-key':
      return addEncryptionKey(draft, update.encryptionKey)
    case 'remove-encryption-key':
      return removeEncryptionKey(draft, update.keyId)
    default:
      throw new FloeError('UNSUPPORTED', `unknown metadata update ${(update as { readonly action: string }).action}`)
  }
}

function assignUuid(draft: MetadataDraft, uuid: string): void {
  if (draft.tableUuid === uuid) return
  draft.tableUuid = uuid
  draft.changed = true
}

// Spec: Format Versioning. A table never goes back: older readers would misread what was written meanwhile.
function upgradeFormatVersion(draft: MetadataDraft, version: FormatVersion): void {
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new FloeError('UNSUPPORTED', `format version ${String(version)} is not supported: versions 1, 2 and 3 are`)
  }
  if (version < draft.formatVersion) throw new FloeError('INVALID', `cannot downgrade a v${draft.formatVersion} table to v${version}`)
  if (version === draft.formatVersion) return
  draft.formatVersion = version
  draft.changed = true
}

/** Like the reference, what the update itself says is not believed: the id never falls, and covers every column. */
function lastColumnIdWith(draft: MetadataDraft, schema: Schema): number {
  return Math.max(draft.lastColumnId, schema.highestFieldId())
}

function setLocation(draft: MetadataDraft, location: string): void {
  const normalised = stripTrailingSlash(location)
  if (normalised === draft.location) return
  draft.location = normalised
  draft.changed = true
}

function setProperties(draft: MetadataDraft, updates: ReadonlyMap<string, string>): void {
  for (const [name, value] of updates) {
    if (name === 'format-version') {
      upgradeFormatVersion(draft, Number(value) as FormatVersion)
    } else if (RESERVED_PROPERTIES.has(name)) {
      throw new FloeError('INVALID', `the property ${name} is reserved: it describes the table and cannot be set`)
    } else {
      draft.properties.set(name, value)
      draft.changed = true
    }
  }
}

function removeProperties(draft: MetadataDraft, names: readonly string[]): void {
  for (const name of names) draft.properties.delete(name)
  draft.changed ||= names.length > 0
}

function addEncryptionKey(draft: MetadataDraft, key: unknown): void {
  const keyId = encryptionKeyId(key)
  if (draft.encryptionKeys.some((other) => encryptionKeyId(other) === keyId)) return
  draft.encryptionKeys = [...draft.encryptionKeys, key]
  draft.changed = true
}

function removeEncryptionKey(draft: MetadataDraft, keyId: string): void {
  const kept = draft.encryptionKeys.filter((key) => encryptionKeyId(key) !== keyId)
  draft.changed ||= kept.length !== draft.encryptionKeys.length
  draft.encryptionKeys = kept
}

function initialFormatVersion(updates: readonly MetadataUpdate[]): FormatVersion {
  return updates.find((update) => update.action === 'upgrade-format-version')?.formatVersion ?? DEFAULT_FORMAT_VERSION
}

const STRUCTURE_ACTIONS: ReadonlySet<MetadataUpdate['action']> = new Set([
  'set-current-schema',
  'set-default-spec',
  'set-default-sort-order',
  'upgrade-format-version',
])

function touchesStructure(update: MetadataUpdate): boolean {
  return STRUCTURE_ACTIONS.has(update.action)
}

// Spec: Table Metadata Fields: metadata-log
function extendMetadataLog(
  draft: MetadataDraft,
  base: TableMetadata | undefined,
  baseLocation: string | undefined,
): readonly MetadataLogEntry[] {
  if (base === undefined || baseLocation === undefined) return draft.metadataLog
  const keep = Math.max(1, readInteger(draft.properties, tableProperties.metadataPreviousVersionsMax)) - 1
  const kept = keep === 0 ? [] : draft.metadataLog.slice(-keep)
  return [...kept, { timestampMs: base.lastUpdatedMs, metadataFile: baseLocation }]
}
