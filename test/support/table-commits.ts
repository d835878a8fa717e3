/** Small tables and commits for the tests of catalogs; no data files are involved. */
import type { CatalogBackend, CommitOutcome, LoadedTable, TableCreation, TableIdentifier } from '../../src/catalog/catalog-backend.js'
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import { requirementsFor } from '../../src/metadata/update-requirements.js'
import { schema } from '../../src/schema/schema-builder.js'
import { t } from '../../src/schema/schema-builder.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { FloeError } from '../../src/util/errors.js'
import { systemRuntime } from '../../src/util/runtime.js'

export function creation(properties: Readonly<Record<string, string>> = {}, formatVersion: 1 | 2 | 3 = 2): TableCreation {
  return {
    schema: schema({ id: t.long.required, name: t.string }),
    spec: { specId: 0, fields: [] },
    sortOrder: { orderId: 0, fields: [] },
    formatVersion,
    properties: new Map(Object.entries(properties)),
  }
}

export function setProperties(properties: Readonly<Record<string, string>>): readonly MetadataUpdate[] {
  return [{ action: 'set-properties', updates: new Map(Object.entries(properties)) }]
}

/** Moves on with every snapshot, so that no two are of the same moment. */
let moment = systemRuntime.now()

/** The updates of an append without files, on top of the branch's head; `note` goes into the summary. */
export function emptyAppend(base: LoadedTable, note: string, branch = 'main'): readonly MetadataUpdate[] {
  const { metadata } = base
  const snapshotId = systemRuntime.snapshotId()
  const snapshot: Snapshot = {
    snapshotId,
    parentSnapshotId: metadata.refs.get(branch)?.snapshotId,
    sequenceNumber: metadata.lastSequenceNumber + 1n,
    timestampMs: Math.max(++moment, metadata.lastUpdatedMs + 1),
    manifestList: `${metadata.location}/metadata/snap-${snapshotId}.avro`,
    manifests: undefined,
    operation: 'append',
    summary: new Map([['note', note]]),
    schemaId: metadata.currentSchemaId,
    firstRowId: metadata.formatVersion === 3 ? metadata.nextRowId : undefined,
    addedRows: metadata.formatVersion === 3 ? 0n : undefined,
    keyId: undefined,
    unknownFields: new Map(),
  }
  return [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', name: branch, ref: { type: 'branch', snapshotId } },
  ]
}

export function commitUpdates(catalog: CatalogBackend, base: LoadedTable, updates: readonly MetadataUpdate[]): Promise<CommitOutcome> {
  return catalog.commitTable({ identifier: base.identifier, base, requirements: requirementsFor(base.metadata, updates), updates })
}

/** Commits, or throws what came instead. */
export async function mustCommit(catalog: CatalogBackend, base: LoadedTable, updates: readonly MetadataUpdate[]): Promise<LoadedTable> {
  const outcome = await commitUpdates(catalog, base, updates)
  if (outcome.outcome === 'committed') return outcome.table
  throw outcome.reason
}

/** Appends until it is in, as a writer does that retries rejections. Returns the number of rejections. */
export async function appendUntilCommitted(catalog: CatalogBackend, identifier: TableIdentifier, note: string): Promise<number> {
  for (let rejections = 0; ; rejections++) {
    const base = await catalog.loadTable(identifier)
    const outcome = await commitUpdates(catalog, base, emptyAppend(base, note))
    if (outcome.outcome === 'committed') return rejections
    if (outcome.outcome === 'unknown' || !outcome.retryable) throw outcome.reason
    await systemRuntime.sleep(Math.random() * Math.min(50, 2 ** rejections))
  }
}

/** The notes of the branch's snapshots, oldest first. Throws when the chain of parents is broken. */
export function notesOf(table: LoadedTable, branch = 'main'): string[] {
  const byId = new Map(table.metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  const notes: string[] = []
  for (let id = table.metadata.refs.get(branch)?.snapshotId; id !== undefined; ) {
    const snapshot = byId.get(id)
    if (snapshot === undefined) throw new Error(`the parent ${id} is missing`)
    notes.unshift(snapshot.summary.get('note') ?? '')
    id = snapshot.parentSnapshotId
  }
  return notes
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no error'
  } catch (error) {
    return error instanceof FloeError ? error.code : `untyped ${String(error)}`
  }
}
