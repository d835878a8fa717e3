/** What users do with branches, tags and the snapshots that they name; each call is one commit. */
import { cherryPick, findStagedSnapshot } from '../commit/cherry-pick.js'
import { type CommitOperation, metadataOperation } from '../commit/commit-operation.js'
import {
  createRef,
  dropRef,
  fastForward,
  publishChecked,
  type RefStart,
  renameBranch,
  replaceRef,
  type RetentionChange,
  rollbackTo,
  rollbackToTime,
  setBranchSnapshot,
  setRetention,
  startOfRef,
} from '../commit/ref-updates.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { checkArgument } from './checked-arguments.js'

/** A new branch or tag: where it starts, by default at the head of `main`, and how long it is kept. */
export interface CreateRefOptions extends RefStart, RetentionChange {
  readonly signal?: AbortSignal | undefined
}

/** The operation of each verb; `name` and `branch` are checked here, everything about the table when it is committed. */
export const branchOperations = {
  create: (type: 'branch' | 'tag', name: string, options: CreateRefOptions): CommitOperation => {
    checkArgument(name, 'string', `The name of a ${type}`)
    return operation(`create ${type}`, (metadata) =>
      createRef(metadata, name, { type, snapshotId: startOfRef(metadata, options), retention: options }),
    )
  },
  replace: (type: 'branch' | 'tag', name: string, at: RefStart): CommitOperation => {
    checkNames(name)
    return operation(`replace ${type}`, (metadata) => replaceRef(metadata, name, type, startOfRef(metadata, at)))
  },
  drop: (type: 'branch' | 'tag', name: string): CommitOperation => {
    checkNames(name)
    return operation(`drop ${type}`, (metadata) => dropRef(metadata, name, type))
  },
  rename: (name: string, newName: string): CommitOperation => {
    checkNames(name, newName)
    return operation('rename branch', (metadata) => renameBranch(metadata, name, newName))
  },
  retain: (name: string, retention: RetentionChange): CommitOperation => {
    checkNames(name)
    checkArgument(retention, 'object', 'The retention of a branch or tag')
    return operation('retention update', (metadata) => setRetention(metadata, name, retention))
  },
  fastForward: (branch: string, to: string): CommitOperation => {
    checkNames(branch, to)
    return operation('fast-forward', (metadata) => fastForward(metadata, branch, to))
  },
  publish: (branch: string, to: string, checked: bigint): CommitOperation =>
    operation('publish', (metadata) => publishChecked(metadata, branch, to, checked)),
  rollback: (branch: string | undefined, to: RollbackTarget): CommitOperation => {
    const name = branch ?? MAIN_BRANCH
    return operation('rollback', (metadata) =>
      'snapshotId' in to ? rollbackTo(metadata, name, to.snapshotId) : rollbackToTime(metadata, name, timestampOf(to.time)),
    )
  },
  setCurrent: (branch: string | undefined, snapshotId: bigint): CommitOperation => {
    checkArgument(snapshotId, 'bigint', 'The id of a snapshot')
    return operation('set current snapshot', (metadata) => setBranchSnapshot(metadata, branch ?? MAIN_BRANCH, snapshotId))
  },
  cherryPick: (metadata: TableMetadata, source: StagedSource, branch: string | undefined, runtime: Runtime): CommitOperation => {
    const snapshotId = 'wapId' in source ? findStagedSnapshot(metadata, source.wapId).snapshotId : source.snapshotId
    return cherryPick(snapshotId, { branch }, runtime)
  },
} as const

/** Where a branch goes back to: one of its snapshots, or the last one from before a time. */
export type RollbackTarget = { readonly snapshotId: bigint } | { readonly time: Date | number }

/** A snapshot, by its id or by the name that its writer staged it under. */
export type StagedSource = { readonly snapshotId: bigint } | { readonly wapId: string }

/** What becomes of an audited branch. */
export interface PublishOptions {
  /** The branch that moves forward. Default `main`. */
  readonly to?: string | undefined
  /** A name for the branch when the check fails, so that its own is free again. Default: it keeps its name. */
  readonly quarantine?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Published, with the snapshot that was; or not, with what the check threw. */
export type PublishResult =
  | { readonly published: true; readonly snapshot: Snapshot }
  | { readonly published: false; readonly reason: unknown; readonly branch: string }

function checkNames(...names: readonly unknown[]): void {
  for (const name of names) checkArgument(name, 'string', 'The name of a branch or tag')
}

function operation(name: string, updates: (metadata: TableMetadata) => readonly MetadataUpdate[]): CommitOperation {
  return metadataOperation(name, updates)
}

function timestampOf(time: Date | number): number {
  const timestampMs = Number(time)
  if (Number.isFinite(timestampMs)) return timestampMs
  throw new FloeError('INVALID', 'The time to go back to is not a valid Date, nor milliseconds since 1970')
}
