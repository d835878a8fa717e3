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
 * The operation that brings a snapshot into a branch, named by its id or by what its writer staged it under: by moving the branch where
 * the snapshot is based on its head, else by adding the files that an append or a dynamic overwrite added. Committing throws `INVALID`
 * for other snapshots and for a name that several have, `ALREADY_EXISTS` for what the branch has already, `NOT_FOUND` for an unknown one.
 */
export function cherryPick(picked: bigint | string, options: CherryPickOptions, runtime: Runtime): CommitOperation {
  return new CherryPick(picked, options.branch ?? MAIN_BRANCH, runtime)
}

/**
 * Throws `ALREADY_EXISTS` when the branch has a snapshot that was staged or published under the name: rows would be in it twice.
 * Source: `WapUtil.validateWapPublish`
 */
export function checkNameUnpublished(metadata: TableMetadata, branch: string, wapId: string): void {
  for (const { summary, snapshotId } of ancestorsOf(branchHead(metadata, branch)?.snapshotId, indexSnapshots(metadata.snapshots))) {
    if (summary.get(WAP_ID_PROPERTY) !== wapId && summary.get(PUBLISHED_WAP_ID_PROPERTY) !== wapId) continue
    throw new FloeError('ALREADY_EXISTS', `${WAP_ID_PROPERTY} ${wapId} was published to ${branch} already, as snapshot ${snapshotId}`)
  }
}

class CherryPick implements CommitOperation {
  readonly name = 'cherry-pick'
  #inner: CommitOperation | undefined
  /** What a name stands for is looked up once: a retry must not pick what was staged under it meanwhile. */
  #snapshotId: bigint | undefined
  #hasProposedMove = false

  constructor(
    private readonly source: bigint | string,
    private readonly branch: string,
    private readonly runtime: Runtime,
  ) {}

  async prepare(base: LoadedTable, context: CommitContext): Promise<void> {
    const picked = this.#picked(base.metadata)
    if (isFastForward(base.metadata, this.branch, picked)) return
    await this.#operation(base, picked, context)
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    const picked = this.#picked(current.metadata)
    if (this.#hasMoved(current.metadata, picked)) return
    // Also where the branch could just move: its head may be another snapshot of the same name.
    checkNotPublished(current.metadata, this.branch, picked)
    if (isFastForward(current.metadata, this.branch, picked)) return
    const inner = await this.#operation(current, picked, context)
    await inner.validate?.(base, current, context)
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    const { metadata } = current
    const picked = this.#picked(metadata)
    if (this.#hasMoved(metadata, picked)) return { updates: [] }
    if (isFastForward(metadata, this.branch, picked)) {
      this.#hasProposedMove = true
      const ref = { ...metadata.refs.get(this.branch), type: 'branch', snapshotId: picked.snapshotId } as const
      return { updates: [{ action: 'set-snapshot-ref', name: this.branch, ref }] }
    }
    const change = await (await this.#operation(current, picked, context)).apply(current, context)
    return { ...change, updates: [...requireSnapshot(picked.snapshotId), ...change.updates] }
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    return this.#inner?.unusedFiles?.(committed) ?? []
  }

  #picked(metadata: TableMetadata): Snapshot {
    this.#snapshotId ??= typeof this.source === 'bigint' ? this.source : stagedUnder(metadata, this.branch, this.source)
    return snapshotById(metadata, this.#snapshotId)
  }

  /** A catalog may have taken a move that it, or a proxy before it, answered as refused: then it is done. */
  #hasMoved(metadata: TableMetadata, picked: Snapshot): boolean {
    const head = branchHead(metadata, this.branch)?.snapshotId
    return this.#hasProposedMove && isAncestorOf(picked.snapshotId, head, indexSnapshots(metadata.snapshots))
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

/** The id of the one snapshot that waits to be published under a name. */
function stagedUnder(metadata: TableMetadata, branch: string, wapId: string): bigint {
  checkNameUnpublished(metadata, branch, wapId)
  const staged = metadata.snapshots.filter((snapshot) => snapshot.summary.get(WAP_ID_PROPERTY) === wapId)
  const [first, ...others] = staged.map((snapshot) => snapshot.snapshotId)
  if (first === undefined) {
    throw new FloeError('NOT_FOUND', `the table has no staged snapshot with ${WAP_ID_PROPERTY} ${wapId}: it never had, or it has expired`)
  }
  if (others.length === 0) return first
  const ids = [first, ...others].join(', ')
  const message = `the table has ${staged.length} staged snapshots with ${WAP_ID_PROPERTY} ${wapId}: pick one of ${ids} by its snapshotId`
  throw new FloeError('INVALID', message)
}

/** Throws `ALREADY_EXISTS` when the branch has the snapshot, a pick of it, or another with its name, already. */
function checkNotPublished(metadata: TableMetadata, branch: string, picked: Snapshot): void {
  const byId = indexSnapshots(metadata.snapshots)
  const head = branchHead(metadata, branch)?.snapshotId
  if (isAncestorOf(picked.snapshotId, head, byId)) {
    throw new FloeError('ALREADY_EXISTS', `snapshot ${picked.snapshotId} is in the history of ${branch} already`)
  }
  for (const { summary, snapshotId } of ancestorsOf(head, byId)) {
    if (summary.get(SOURCE_SNAPSHOT_PROPERTY) !== String(picked.snapshotId)) continue
    throw new FloeError('ALREADY_EXISTS', `snapshot ${picked.snapshotId} was picked into ${branch} already, as ${snapshotId}`)
  }
  const wapId = picked.summary.get(WAP_ID_PROPERTY)
  if (wapId !== undefined && wapId !== '') checkNameUnpublished(metadata, branch, wapId)
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
