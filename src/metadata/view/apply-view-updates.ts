/**
 * Updates applied to a view's metadata, purely, with the semantics of the reference's `ViewMetadata.Builder`.
 */
import type { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'
import { printJson } from '../../util/json.js'
import type { ViewLogEntry, ViewMetadata, ViewVersion } from './view-metadata.js'
import { currentVersion, sqlOf } from './view-metadata.js'
import { printViewVersion } from './view-metadata-json.js'
import { LAST_ADDED, type ViewRequirement, type ViewUpdate } from './view-update.js'

const HISTORY_SIZE = 'version.history.num-entries'
const DEFAULT_HISTORY_SIZE = 10
const DROP_DIALECT_ALLOWED = 'replace.drop-dialect.allowed'

interface Draft {
  readonly base: ViewMetadata | undefined
  readonly now: number
  uuid: string | undefined
  location: string | undefined
  readonly schemas: Schema[]
  readonly versions: ViewVersion[]
  readonly addedVersions: Set<number>
  readonly properties: Map<string, string>
  currentVersionId: number | undefined
  lastAddedSchemaId: number | undefined
  lastAddedVersionId: number | undefined
  logEntry: ViewLogEntry | undefined
}

export interface ApplyViewOptions {
  /** Milliseconds since 1970 UTC. */
  readonly now: number
  /** For a new view that the updates give none. */
  readonly newViewUuid: string
}

/** `base`, or a new view, with the updates applied in order. Throws `INVALID` for an update that breaks a rule. */
export function applyViewUpdates(base: ViewMetadata | undefined, updates: readonly ViewUpdate[], options: ApplyViewOptions): ViewMetadata {
  const draft: Draft = {
    base,
    now: options.now,
    uuid: base?.viewUuid,
    location: base?.location,
    schemas: [...(base?.schemas ?? [])],
    versions: [...(base?.versions ?? [])],
    addedVersions: new Set(),
    properties: new Map(base?.properties),
    currentVersionId: base?.currentVersionId,
    lastAddedSchemaId: undefined,
    lastAddedVersionId: undefined,
    logEntry: undefined,
  }
  for (const update of updates) applyUpdate(draft, update)
  return finish(draft, options.newViewUuid)
}

/** Throws `CONFLICT` for one that does not hold. */
export function checkViewRequirements(base: ViewMetadata, requirements: readonly ViewRequirement[]): void {
  const other = requirements.find(({ uuid }) => uuid.toLowerCase() !== base.viewUuid.toLowerCase())
  if (other === undefined) return
  throw new FloeError('CONFLICT', `Requirement failed: view UUID does not match: expected ${base.viewUuid} != ${other.uuid}`)
}

/** Whether two versions say the same, whatever their ids and times. Source: `ViewMetadata.Builder.sameViewVersion` */
export function isSameVersion(a: ViewVersion, b: ViewVersion): boolean {
  return textOf(a) === textOf(b)
}

function textOf(version: ViewVersion): string {
  const summary = new Map([...version.summary].sort(([a], [b]) => (a < b ? -1 : 1)))
  return printJson(printViewVersion({ ...version, summary, versionId: 0, timestampMs: 0 }))
}

function applyUpdate(draft: Draft, update: ViewUpdate): void {
  switch (update.action) {
    case 'assign-uuid':
      if (draft.uuid !== undefined && draft.uuid !== update.uuid) throw new FloeError('INVALID', 'A view keeps its UUID')
      draft.uuid = update.uuid
      return
    case 'upgrade-format-version':
      return
    case 'add-schema':
      draft.lastAddedSchemaId = addSchema(draft, update.schema)
      return
    case 'set-location':
      draft.location = update.location
      return
    case 'set-properties':
      for (const [name, value] of update.updates) draft.properties.set(name, value)
      return
    case 'remove-properties':
      for (const name of update.removals) draft.properties.delete(name)
      return
    case 'add-view-version':
      draft.lastAddedVersionId = addVersion(draft, update.version)
      return
    case 'set-current-view-version':
      setCurrent(draft, update.versionId)
  }
}

function addSchema(draft: Draft, schema: Schema): number {
  const equal = draft.schemas.find((other) => other.sameAs(schema))
  if (equal !== undefined) return equal.schemaId
  const schemaId = Math.max(-1, ...draft.schemas.map((other) => other.schemaId)) + 1
  draft.schemas.push(schema.withId(schemaId))
  return schemaId
}

function addVersion(draft: Draft, requested: ViewVersion): number {
  const schemaId = requested.schemaId === LAST_ADDED ? required(draft.lastAddedSchemaId, 'schema') : requested.schemaId
  if (!draft.schemas.some((schema) => schema.schemaId === schemaId)) {
    throw new FloeError('INVALID', `A version of the view has the schema ${schemaId}, which the view does not have`)
  }
  const version = { ...requested, schemaId }
  const equal = draft.versions.find((other) => isSameVersion(other, version))
  if (equal !== undefined) return equal.versionId
  const dialects = sqlOf(version).map(({ dialect }) => dialect.toLowerCase())
  const twice = dialects.find((dialect, i) => dialects.indexOf(dialect) !== i)
  if (twice !== undefined) throw new FloeError('INVALID', `Invalid view version: Cannot add multiple queries for dialect ${twice}`)
  const versionId = Math.max(version.versionId, ...draft.versions.map((other) => other.versionId + 1))
  draft.versions.push({ ...version, versionId })
  draft.addedVersions.add(versionId)
  return versionId
}

function setCurrent(draft: Draft, requested: number): void {
  const versionId = requested === LAST_ADDED ? required(draft.lastAddedVersionId, 'version') : requested
  if (versionId === draft.currentVersionId) return
  const version = draft.versions.find((other) => other.versionId === versionId)
  if (version === undefined) throw new FloeError('INVALID', `Cannot set current version to unknown version: ${versionId}`)
  draft.currentVersionId = versionId
  // One that was current before is current again as of now.
  draft.logEntry = { versionId, timestampMs: draft.addedVersions.has(versionId) ? version.timestampMs : draft.now }
}

function required(id: number | undefined, what: string): number {
  if (id === undefined) throw new FloeError('INVALID', `The last added ${what} is meant, and none was added`)
  return id
}

function finish(draft: Draft, newViewUuid: string): ViewMetadata {
  const { base, location, currentVersionId, properties } = draft
  if (location === undefined) throw new FloeError('INVALID', 'A view needs a location')
  if (currentVersionId === undefined) throw new FloeError('INVALID', 'A view needs a current version')
  const log = [...(base?.versionLog ?? []), ...(draft.logEntry === undefined ? [] : [draft.logEntry])]
  const versions = retained(draft, currentVersionId)
  const kept = new Set(versions.map(({ versionId }) => versionId))
  // Before a version that is gone, nobody knows what was current.
  const start = log.findLastIndex(({ versionId }) => !kept.has(versionId)) + 1
  const metadata: ViewMetadata = {
    viewUuid: draft.uuid ?? newViewUuid,
    formatVersion: 1,
    location,
    schemas: draft.schemas,
    currentVersionId,
    versions,
    versionLog: log.slice(start),
    properties,
    unknownFields: base?.unknownFields ?? new Map(),
  }
  if (base !== undefined) checkDialects(base, metadata)
  return metadata
}

/** The current version and the newest others, as many as the view's property says. */
function retained(draft: Draft, currentVersionId: number): readonly ViewVersion[] {
  const text = draft.properties.get(HISTORY_SIZE)
  const size = text === undefined ? DEFAULT_HISTORY_SIZE : Number(text)
  if (!Number.isSafeInteger(size) || size < 1) throw new FloeError('INVALID', `${HISTORY_SIZE} must be positive but was ${text}`)
  const count = Math.max(size, new Set([...draft.addedVersions, currentVersionId]).size)
  if (draft.versions.length <= count) return draft.versions
  const others = draft.versions.filter(({ versionId }) => versionId !== currentVersionId).sort((a, b) => b.versionId - a.versionId)
  const kept = new Set([currentVersionId, ...others.slice(0, count - 1).map(({ versionId }) => versionId)])
  return draft.versions.filter(({ versionId }) => kept.has(versionId))
}

function checkDialects(before: ViewMetadata, after: ViewMetadata): void {
  if (after.properties.get(DROP_DIALECT_ALLOWED)?.toLowerCase() === 'true') return
  const [old, now] = [dialectsOf(before), dialectsOf(after)]
  if (old.every((dialect) => now.includes(dialect))) return
  const problem = `Cannot replace view due to loss of view dialects (${DROP_DIALECT_ALLOWED}=false)`
  throw new FloeError('INVALID', `${problem}: previous dialects ${old.join(', ')}, new dialects ${now.join(', ')}`)
}

function dialectsOf(metadata: ViewMetadata): readonly string[] {
  return sqlOf(currentVersion(metadata)).map(({ dialect }) => dialect.toLowerCase())
}
