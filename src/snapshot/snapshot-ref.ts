/** Branches and tags: their names, and which snapshot and schema a name stands for. */
import { FloeError } from '../util/errors.js'
import type { Snapshot, SnapshotRef } from './snapshot.js'

/** The branch that is the table's current state. Spec: Snapshot References */
export const MAIN_BRANCH = 'main'

const MAX_REF_NAME_LENGTH = 1024

/** Throws `INVALID` unless `name` can name a branch or tag: not blank, no control characters, at most 1024 UTF-16 units. */
export function checkRefName(name: string): void {
  if (name.trim() === '') throw new FloeError('INVALID', 'a branch or tag needs a name that is not blank')
  if (name.length > MAX_REF_NAME_LENGTH) throw new FloeError('INVALID', `a branch or tag name has at most ${MAX_REF_NAME_LENGTH} characters`)
  for (const char of name) {
    const code = char.codePointAt(0)!
    if (code < 0x20 || code === 0x7f) throw new FloeError('INVALID', `the branch or tag name ${JSON.stringify(name)} holds a control character`)
  }
}

/** The part of table metadata that resolving a reference reads. */
export interface RefSource {
  readonly refs: ReadonlyMap<string, SnapshotRef>
  readonly snapshots: readonly Snapshot[]
  readonly currentSnapshotId: bigint | undefined
  readonly currentSchemaId: number
}

/** The snapshot with this id, if the table still has it. */
export function findSnapshot(source: Pick<RefSource, 'snapshots'>, snapshotId: bigint | undefined): Snapshot | undefined {
  if (snapshotId === undefined) return undefined
  // The snapshots asked for are mostly the latest.
  return source.snapshots.findLast((snapshot) => snapshot.snapshotId === snapshotId)
}

/** Throws `NOT_FOUND`, saying that the snapshot may have expired. */
export function snapshotById(source: Pick<RefSource, 'snapshots'>, snapshotId: bigint): Snapshot {
  const snapshot = findSnapshot(source, snapshotId)
  if (snapshot === undefined) throw new FloeError('NOT_FOUND', `the table has no snapshot ${snapshotId}: it never had, or it has expired`)
  return snapshot
}

/** Throws `NOT_FOUND`. `main` exists only once something was committed to it. */
export function refByName(source: Pick<RefSource, 'refs'>, name: string): SnapshotRef {
  const ref = source.refs.get(name)
  if (ref === undefined) {
    const names = [...source.refs.keys()].slice(0, 10).join(', ')
    throw new FloeError('NOT_FOUND', `the table has no branch or tag ${name}${names === '' ? '' : `: it has ${names}`}`)
  }
  return ref
}

/** The snapshot that a branch or tag stands for. Throws `NOT_FOUND`, but for `main` of an empty table: that is `undefined`. */
export function snapshotOfRef(source: RefSource, name: string): Snapshot | undefined {
  if (name === MAIN_BRANCH) return findSnapshot(source, source.currentSnapshotId)
  return snapshotById(source, refByName(source, name).snapshotId)
}

/**
 * The id of the schema to read a reference with: the table's current schema for a branch, the snapshot's own for a tag.
 * Source: `SnapshotUtil.schemaFor`
 */
export function schemaIdOfRef(source: RefSource, name: string): number {
  if (name === MAIN_BRANCH) return source.currentSchemaId
  const ref = refByName(source, name)
  return ref.type === 'branch' ? source.currentSchemaId : schemaIdOfSnapshot(source, ref.snapshotId)
}

/** The id of the schema to read a snapshot with: its own, or the current one for snapshots too old to have recorded it. */
export function schemaIdOfSnapshot(source: RefSource, snapshotId: bigint): number {
  return snapshotById(source, snapshotId).schemaId ?? source.currentSchemaId
}

/**
 * The snapshot that a write to `branch` builds on: the branch's head; that of `main` for a branch that this write creates.
 * Throws `INVALID` for a tag.
 */
export function branchHead(source: RefSource, branch: string): Snapshot | undefined {
  const ref = source.refs.get(branch)
  if (ref === undefined) return findSnapshot(source, source.currentSnapshotId)
  if (ref.type !== 'branch') throw new FloeError('INVALID', `${branch} is a tag: only branches can be written to`)
  return snapshotById(source, ref.snapshotId)
}
