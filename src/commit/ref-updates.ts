/**
 * Changes of branches and tags, each as the metadata updates that make it.
 * Source: `UpdateSnapshotReferencesOperation`, `SetSnapshotOperation`
 */
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { ancestorsOf, indexSnapshots, isAncestorOf } from '../snapshot/ancestry.js'
import { checkRefName, findSnapshot, MAIN_BRANCH, refByName, snapshotById } from '../snapshot/snapshot-ref.js'
import type { SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { checkCount } from '../util/option-values.js'

/**
 * How long what a reference names is kept. Members of `null` go back to the table's defaults; absent ones stay.
 * Spec: Snapshot Retention Policy
 */
export interface RetentionChange {
  /** Of a branch: so many of its latest snapshots are kept whatever their age. */
  readonly minSnapshotsToKeep?: number | null | undefined
  /** Of a branch: snapshots older than this may expire. */
  readonly maxSnapshotAgeMs?: number | null | undefined
  /** The reference itself may be removed once its snapshot is older than this. Not for `main`. */
  readonly maxRefAgeMs?: number | null | undefined
}

/** Creates a branch or tag at a snapshot. Throws `ALREADY_EXISTS` for a used name, `NOT_FOUND` for an unknown snapshot. */
export function createRef(
  metadata: TableMetadata,
  name: string,
  ref: { readonly type: SnapshotRef['type']; readonly snapshotId: bigint; readonly retention?: RetentionChange | undefined },
): readonly MetadataUpdate[] {
  checkRefName(name)
  if (metadata.refs.has(name)) throw new FloeError('ALREADY_EXISTS', `the table has a branch or tag ${name} already`)
  snapshotById(metadata, ref.snapshotId)
  return setRef(name, withRetention({ type: ref.type, snapshotId: ref.snapshotId }, name, ref.retention ?? {}))
}

/** Moves a branch or tag to any snapshot of the table; its retention stays. Throws `NOT_FOUND`, and `INVALID` for the other kind. */
export function replaceRef(metadata: TableMetadata, name: string, type: SnapshotRef['type'], snapshotId: bigint): readonly MetadataUpdate[] {
  const ref = refOfType(metadata, name, type)
  snapshotById(metadata, snapshotId)
  return ref.snapshotId === snapshotId ? [] : setRef(name, { ...ref, snapshotId })
}

/** Removes a branch or tag; its snapshots stay until they expire. Throws `INVALID` for `main`, `NOT_FOUND` for an unknown name. */
export function dropRef(metadata: TableMetadata, name: string, type: SnapshotRef['type']): readonly MetadataUpdate[] {
  if (name === MAIN_BRANCH) throw new FloeError('INVALID', 'the branch main cannot be dropped')
  refOfType(metadata, name, type)
  return [{ action: 'remove-snapshot-ref', name }]
}

/** Gives a branch another name. Throws `INVALID` for `main`, `ALREADY_EXISTS` for a used name. */
export function renameBranch(metadata: TableMetadata, name: string, newName: string): readonly MetadataUpdate[] {
  if (name === MAIN_BRANCH) throw new FloeError('INVALID', 'the branch main cannot be renamed')
  const ref = refOfType(metadata, name, 'branch')
  checkRefName(newName)
  if (metadata.refs.has(newName)) throw new FloeError('ALREADY_EXISTS', `the table has a branch or tag ${newName} already`)
  return [...setRef(newName, ref), { action: 'remove-snapshot-ref', name }]
}

/** Changes how long a branch or tag, and the snapshots of a branch, are kept. */
export function setRetention(metadata: TableMetadata, name: string, change: RetentionChange): readonly MetadataUpdate[] {
  return setRef(name, withRetention(refByName(metadata, name), name, change))
}

/**
 * Moves a branch forward to another reference, of whose history it must be part; a branch that does not exist is created.
 * Throws `CONFLICT` when the branch has commits that the other lacks.
 */
export function fastForward(metadata: TableMetadata, branch: string, to: string): readonly MetadataUpdate[] {
  const target = refByName(metadata, to)
  const { snapshotId } = target
  // `main` of an empty table is there without being listed.
  if (branch === MAIN_BRANCH && !metadata.refs.has(branch)) return createRef(metadata, branch, { type: 'branch', snapshotId })
  const ref = refOfType(metadata, branch, 'branch')
  if (ref.snapshotId === snapshotId) return []
  const byId = indexSnapshots(metadata.snapshots)
  if (!isAncestorOf(ref.snapshotId, snapshotId, byId)) {
    if (isAncestorOf(snapshotId, ref.snapshotId, byId)) {
      throw new FloeError('CONFLICT', `${branch} has all commits of ${to} and more: there is nothing to move forward to`, { retryable: false })
    }
    const message = `${branch} has commits that ${to} lacks, so it cannot be fast-forwarded: cherry-pick the snapshots of ${to} instead`
    throw new FloeError('CONFLICT', message, { retryable: false })
  }
  return setRef(branch, { ...ref, snapshotId })
}

/**
 * Before a branch is looked at: where it is to go is there, and the name that it gets when it must not is free. Throws `NOT_FOUND`
 * or `ALREADY_EXISTS`, and `INVALID` for a branch that is to go to itself.
 */
export function checkPublication(metadata: TableMetadata, branch: string, to: string, quarantine: string | undefined): void {
  if (to === branch) throw new FloeError('INVALID', `${branch} cannot be published to itself`)
  if (to !== MAIN_BRANCH) refOfType(metadata, to, 'branch')
  if (quarantine === undefined) return
  checkRefName(quarantine)
  if (!metadata.refs.has(quarantine)) return
  throw new FloeError('ALREADY_EXISTS', `${quarantine} is the name of a branch or tag already: quarantine ${branch} under another name`)
}

/**
 * Fast-forwards `to` to the snapshot of `branch` that was looked at. Throws `CONFLICT` when the branch has moved since, or `to`
 * has commits that the branch lacks.
 */
export function publishChecked(metadata: TableMetadata, branch: string, to: string, checked: bigint): readonly MetadataUpdate[] {
  const { snapshotId } = refOfType(metadata, branch, 'branch')
  if (snapshotId !== checked) {
    const message = `${branch} has moved from snapshot ${checked} to ${snapshotId} since it was checked: check it again`
    throw new FloeError('CONFLICT', message, { retryable: false })
  }
  return fastForward(metadata, to, branch)
}

/** Moves a branch back to one of its own earlier snapshots. Throws `INVALID` for one that is not in its history. */
export function rollbackTo(metadata: TableMetadata, branch: string, snapshotId: bigint): readonly MetadataUpdate[] {
  const ref = refOfType(metadata, branch, 'branch')
  snapshotById(metadata, snapshotId)
  if (!isAncestorOf(snapshotId, ref.snapshotId, indexSnapshots(metadata.snapshots))) {
    throw new FloeError('INVALID', `snapshot ${snapshotId} is not in the history of ${branch}: set the branch to it instead of rolling back`)
  }
  return ref.snapshotId === snapshotId ? [] : setRef(branch, { ...ref, snapshotId })
}

/** Moves a branch back to the last snapshot of its history from before a time. Throws `NOT_FOUND` when none is that old. */
export function rollbackToTime(metadata: TableMetadata, branch: string, timestampMs: number): readonly MetadataUpdate[] {
  const ref = refOfType(metadata, branch, 'branch')
  let found: { readonly snapshotId: bigint; readonly timestampMs: number } | undefined
  for (const snapshot of ancestorsOf(ref.snapshotId, indexSnapshots(metadata.snapshots))) {
    if (snapshot.timestampMs < timestampMs && snapshot.timestampMs > (found?.timestampMs ?? -Infinity)) found = snapshot
  }
  if (found === undefined) {
    throw new FloeError('NOT_FOUND', `${branch} has no snapshot from before ${new Date(timestampMs).toISOString()}: it never had, or it has expired`)
  }
  return ref.snapshotId === found.snapshotId ? [] : setRef(branch, { ...ref, snapshotId: found.snapshotId })
}

/** Sets a branch to any snapshot of the table, in its history or not; a branch that does not exist is created. */
export function setBranchSnapshot(metadata: TableMetadata, branch: string, snapshotId: bigint): readonly MetadataUpdate[] {
  if (!metadata.refs.has(branch)) return createRef(metadata, branch, { type: 'branch', snapshotId })
  return replaceRef(metadata, branch, 'branch', snapshotId)
}

/** Where a new branch or tag starts. */
export interface RefStart {
  readonly snapshotId?: bigint | undefined
  /** Another branch or tag. */
  readonly ref?: string | undefined
}

/** The snapshot that a new branch or tag is made at: by default the head of `main`. Throws `INVALID` for an empty table. */
export function startOfRef(metadata: TableMetadata, at: RefStart): bigint {
  if (at.snapshotId !== undefined) return at.snapshotId
  if (at.ref !== undefined) return refByName(metadata, at.ref).snapshotId
  const head = findSnapshot(metadata, metadata.currentSnapshotId)
  if (head !== undefined) return head.snapshotId
  throw new FloeError('INVALID', 'the table has no snapshot yet that a branch or tag could name: append first')
}

function refOfType(metadata: TableMetadata, name: string, type: SnapshotRef['type']): SnapshotRef {
  const ref = refByName(metadata, name)
  if (ref.type !== type) throw new FloeError('INVALID', `${name} is a ${ref.type}, not a ${type}`)
  return ref
}

function setRef(name: string, ref: SnapshotRef): readonly MetadataUpdate[] {
  return [{ action: 'set-snapshot-ref', name, ref }]
}

function withRetention(ref: SnapshotRef, name: string, change: RetentionChange): SnapshotRef {
  const { minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs } = change
  if (ref.type === 'tag' && (isSet(minSnapshotsToKeep) || isSet(maxSnapshotAgeMs))) {
    throw new FloeError('INVALID', `${name} is a tag, which has no snapshots of its own to keep: only maxRefAgeMs can be set`)
  }
  if (name === MAIN_BRANCH && isSet(maxRefAgeMs)) throw new FloeError('INVALID', 'the branch main never expires: it takes no maxRefAgeMs')
  checkPositive('minSnapshotsToKeep', minSnapshotsToKeep)
  checkPositive('maxSnapshotAgeMs', maxSnapshotAgeMs)
  checkPositive('maxRefAgeMs', maxRefAgeMs)
  const { minSnapshotsToKeep: min, maxSnapshotAgeMs: age, maxRefAgeMs: refAge, ...rest } = ref
  return {
    ...rest,
    ...changed('minSnapshotsToKeep', min, minSnapshotsToKeep),
    ...changed('maxSnapshotAgeMs', age, maxSnapshotAgeMs),
    ...changed('maxRefAgeMs', refAge, maxRefAgeMs),
  }
}

function isSet(value: number | null | undefined): boolean {
  return value !== null && value !== undefined
}

function checkPositive(name: string, value: number | null | undefined): void {
  if (value !== null) checkCount(value, 1, name)
}

type RetentionName = 'minSnapshotsToKeep' | 'maxSnapshotAgeMs' | 'maxRefAgeMs'

function changed(name: RetentionName, old: number | undefined, value: number | null | undefined): Partial<Record<RetentionName, number>> {
  const next = value === undefined ? old : (value ?? undefined)
  return next === undefined ? {} : { [name]: next }
}
