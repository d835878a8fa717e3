/** Publishes a snapshot that is not in a branch's history. Source: `CherryPickOperation`, `WapUtil` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { alwaysTrue } from '../expression/predicates.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile } from '../manifest/data-file.js'
import { STATUS_ADDED } from '../manifest/manifest-entries.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { ancestorsOf, indexSnapshots, isAncestorOf } from '../snapshot/ancestry.js'
import { branchHead, findSnapshot, MAIN_BRANCH, snapshotById } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { changeFiles } from './change-files.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'
import { MANIFEST_PARALLELISM, readManifest, readManifestFiles } from './manifest-input.js'

/** Summary property by which a writer names what it staged. */
export const WAP_ID_PROPERTY = 'wap.id'
const PUBLISHED_WAP_ID_PROPERTY = 'published-wap-id'
const SOURCE_SNAPSHOT_PROPERTY = 'source-snapshot-id'
const REPLACE_PARTITIONS_PROPERTY = 'replace-partitions'

export interface CherryPickOptions {
  /** Default `main`. */
  readonly branch?: string | undefined
}

/**
 * The operation that brings a snapshot into a branch: by moving the branch where the snapshot is based on its head, else by
 * adding the files that an append or a dynamic overwrite added. Committing throws `INVALID` for other snapshots, and for what the
 * branch has already, `NOT_FOUND` for an unknown snapshot.
 */
export function cherryPick(snapshotId: bigint, options: CherryPickOptions, runtime: Runtime): CommitOperation {
  return new CherryPick(snapshotId, options.branch ?? MAIN_BRANCH, runtime)
}

/** The one staged snapshot that a writer named `wapId`. Throws `NOT_FOUND`. */
export function findStagedSnapshot(metadata: TableMetadata, wapId: string): Snapshot {
  const staged = metadata.snapshots.findLast((snapshot) => snapshot.summary.get(WAP_ID_PROPERTY) === wapId)
  if (staged !== undefined) return staged
  throw new FloeError('NOT_FOUND', `the table has no staged snapshot with ${WAP_ID_PROPERTY} ${wapId}: it never had, or it has expired`)
}

class CherryPick implements CommitOperation {
  readonly name = 'cherry-pick'
  #inner: CommitOperation | undefined

  constructor(
    private readonly snapshotId: bigint,
    private readonly branch: string,
    private readonly runtime: Runtime,
  ) {}

  async prepare(base: LoadedTable, context: CommitContext): Promise<void> {
    const picked = snapshotById(base.metadata, this.snapshotId)
    if (isFastForward(base.metadata, this.branch, picked)) return
    await this.#operation(base, picked, context)
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    const picked = snapshotById(current.metadata, this.snapshotId)
    if (isFastForward(current.metadata, this.branch, picked)) return
    checkNotPublished(current.metadata, this.branch, picked)
    const inner = await this.#operation(current, picked, context)
    await inner.validate?.(base, current, context)
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    const { metadata } = current
    const picked = snapshotById(metadata, this.snapshotId)
    if (isFastForward(metadata, this.branch, picked)) {
      const ref = { ...metadata.refs.get(this.branch), type: 'branch', snapshotId: picked.snapshotId } as const
      return { updates: [{ action: 'set-snapshot-ref', name: this.branch, ref }] }
    }
    const change = await (await this.#operation(current, picked, context)).apply(current, context)
    return { ...change, updates: [...requireSnapshot(picked.snapshotId), ...change.updates] }
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    return this.#inner?.unusedFiles?.(committed) ?? []
  }

  async #operation(table: LoadedTable, picked: Snapshot, context: CommitContext): Promise<CommitOperation> {
    if (this.#inner !== undefined) return this.#inner
    const replaces = picked.operation === 'overwrite' && picked.summary.get(REPLACE_PARTITIONS_PROPERTY) === 'true'
    if (picked.operation !== 'append' && !replaces) throw notPickable(picked, this.branch)
    const addedDataFiles = await filesAddedBy(table, picked, context.signal)
    const properties = new Map([[SOURCE_SNAPSHOT_PROPERTY, String(picked.snapshotId)]])
    const wapId = picked.summary.get(WAP_ID_PROPERTY)
    if (wapId !== undefined && wapId !== '') properties.set(PUBLISHED_WAP_ID_PROPERTY, wapId)
    const validation = { startingSnapshotId: picked.parentSnapshotId, isolation: 'serializable', conflictFilter: alwaysTrue() } as const
    const inner = changeFiles(
      { addedDataFiles, removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] },
      { name: this.name, branch: this.branch, properties, ...(replaces ? { replacePartitions: true, validation } : {}) },
      this.runtime,
    )
    await inner.prepare?.(table, context)
    this.#inner = inner
    return inner
  }
}

/**
 * A reference that comes and goes: a catalog refuses it once the snapshot has expired, as no requirement could say. Else a pick
 * that an expiry overtakes would bring files into the table that the expiry deletes.
 */
function requireSnapshot(snapshotId: bigint): readonly MetadataUpdate[] {
  const name = `cherry-pick-of-${snapshotId}`
  return [
    { action: 'set-snapshot-ref', name, ref: { type: 'tag', snapshotId } },
    { action: 'remove-snapshot-ref', name },
  ]
}

function isFastForward(metadata: TableMetadata, branch: string, picked: Snapshot): boolean {
  return branchHead(metadata, branch)?.snapshotId === picked.parentSnapshotId
}

/** Throws `INVALID` when the branch has the snapshot, a pick of it, or another with its name, already. */
function checkNotPublished(metadata: TableMetadata, branch: string, picked: Snapshot): void {
  const byId = indexSnapshots(metadata.snapshots)
  const head = branchHead(metadata, branch)?.snapshotId
  if (isAncestorOf(picked.snapshotId, head, byId)) {
    throw new FloeError('INVALID', `snapshot ${picked.snapshotId} is in the history of ${branch} already`)
  }
  const wapId = picked.summary.get(WAP_ID_PROPERTY)
  for (const ancestor of ancestorsOf(head, byId)) {
    const { summary, snapshotId } = ancestor
    if (summary.get(SOURCE_SNAPSHOT_PROPERTY) === String(picked.snapshotId)) {
      throw new FloeError('INVALID', `snapshot ${picked.snapshotId} was picked into ${branch} already, as ${snapshotId}`)
    }
    const names = [summary.get(WAP_ID_PROPERTY), summary.get(PUBLISHED_WAP_ID_PROPERTY)]
    if (wapId !== undefined && wapId !== '' && names.includes(wapId)) {
      throw new FloeError('INVALID', `${WAP_ID_PROPERTY} ${wapId} was published to ${branch} already, as snapshot ${snapshotId}`)
    }
  }
}

function notPickable(picked: Snapshot, branch: string): FloeError {
  const what = `snapshot ${picked.snapshotId} (${picked.operation ?? 'of no known operation'})`
  const why = `is no append or dynamic overwrite, and not based on the head of ${branch}`
  return new FloeError('INVALID', `${what} ${why}: it cannot be picked, so run the change again`)
}

async function filesAddedBy(table: LoadedTable, snapshot: Snapshot, signal: AbortSignal | undefined): Promise<readonly DataFile[]> {
  const source = findSnapshot(table.metadata, snapshot.snapshotId)
  const manifests = await readManifestFiles(table, source, { signal })
  const own = manifests.filter((manifest) => manifest.content === 'data' && manifest.addedSnapshotId === snapshot.snapshotId)
  const entries = await mapParallel(own, MANIFEST_PARALLELISM, (manifest) => readManifest(table, manifest, { signal }))
  return entries.flatMap((manifest) =>
    Array.from({ length: manifest.count }, (_, i) => i)
      .filter((i) => manifest.status[i] === STATUS_ADDED && manifest.snapshotId[i] === snapshot.snapshotId)
      .map((i) => manifest.dataFile(i)),
  )
}
