/** What users do with branches, tags and the snapshots that they name; each call is one commit. */
import { cherryPick } from '../commit/cherry-pick.js'
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
import { checkArgument, checkNamedOptions, checkNames, checkOptional, namesOf, type Names } from './checked-arguments.js'

/** A new branch or tag: where it starts, by default at the head of `main`, and how long it is kept. */
export interface CreateRefOptions extends RefStart, RetentionChange {
  readonly signal?: AbortSignal | undefined
}

const RETENTION = { minSnapshotsToKeep: true, maxSnapshotAgeMs: true, maxRefAgeMs: true } as const
const START = { snapshotId: true, ref: true } as const
const RETENTION_NAMES = namesOf<RetentionChange>()(RETENTION)
const START_NAMES = namesOf<RefStart>()(START)
const CREATE_NAMES = namesOf<CreateRefOptions>()({ ...START, ...RETENTION, signal: true })

/** The operation of each verb; `name` and `branch` are checked here, everything about the table when it is committed. */
export const branchOperations = {
  create: (type: 'branch' | 'tag', name: string, options: CreateRefOptions): CommitOperation => {
    checkArgument(name, 'string', `The name of a ${type}`)
    checkNamedOptions(options, CREATE_NAMES, `create ${type}`)
    checkStart(options)
    return operation(`create ${type}`, (metadata) =>
      createRef(metadata, name, { type, snapshotId: startOfRef(metadata, options), retention: options }),
    )
  },
  replace: (type: 'branch' | 'tag', name: string, at: RefStart): CommitOperation => {
    checkRefNames(name)
    checkNames(at, START_NAMES, `The new place of a ${type}`)
    if (checkStart(at) === 0) throw new FloeError('INVALID', `Say where the ${type} is to go: { snapshotId } or { ref }`)
    return operation(`replace ${type}`, (metadata) => replaceRef(metadata, name, type, startOfRef(metadata, at)))
  },
  drop: (type: 'branch' | 'tag', name: string): CommitOperation => {
    checkRefNames(name)
    return operation(`drop ${type}`, (metadata) => dropRef(metadata, name, type))
  },
  rename: (name: string, newName: string): CommitOperation => {
    checkRefNames(name, newName)
    return operation('rename branch', (metadata) => renameBranch(metadata, name, newName))
  },
  retain: (name: string, retention: RetentionChange): CommitOperation => {
    checkRefNames(name)
    checkArgument(retention, 'object', 'The retention of a branch or tag')
    checkNames(retention, RETENTION_NAMES, 'The retention of a branch or tag')
    return operation('retention update', (metadata) => setRetention(metadata, name, retention))
  },
  fastForward: (branch: string, to: string): CommitOperation => {
    checkRefNames(branch, to)
    return operation('fast-forward', (metadata) => fastForward(metadata, branch, to))
  },
  publish: (branch: string, to: string, checked: bigint): CommitOperation =>
    operation('publish', (metadata) => publishChecked(metadata, branch, to, checked)),
  rollback: (branch: string | undefined, to: RollbackTarget): CommitOperation => {
    const name = branch ?? MAIN_BRANCH
    const { snapshotId, time } = oneMember<RollbackTarget>(to, ROLLBACK_NAMES, 'What to roll back to')
    if (time !== undefined) return operation('rollback', (metadata) => rollbackToTime(metadata, name, timestampOf(time)))
    checkArgument(snapshotId, 'bigint', 'The id of a snapshot')
    return operation('rollback', (metadata) => rollbackTo(metadata, name, snapshotId!))
  },
  setCurrent: (branch: string | undefined, snapshotId: bigint): CommitOperation => {
    checkArgument(snapshotId, 'bigint', 'The id of a snapshot')
    return operation('set current snapshot', (metadata) => setBranchSnapshot(metadata, branch ?? MAIN_BRANCH, snapshotId))
  },
  cherryPick: (source: StagedSource, branch: string | undefined, runtime: Runtime): CommitOperation => {
    const { snapshotId, wapId } = oneMember<StagedSource>(source, PICKED_NAMES, 'What to cherry-pick')
    if (wapId !== undefined) checkArgument(wapId, 'string', 'The wapId of a staged snapshot')
    else checkArgument(snapshotId, 'bigint', 'The id of a snapshot')
    return cherryPick(wapId ?? snapshotId!, { branch }, runtime)
  },
} as const

/** Where a branch goes back to: one of its snapshots, or the last one from before a time. */
export type RollbackTarget = { readonly snapshotId: bigint } | { readonly time: Date | number }

/** A snapshot, by its id or by the name that its writer staged it under. */
export type StagedSource = { readonly snapshotId: bigint } | { readonly wapId: string }

const ROLLBACK_NAMES = namesOf<RollbackTarget>()({ snapshotId: true, time: true })
const PICKED_NAMES = namesOf<StagedSource>()({ snapshotId: true, wapId: true })

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

function checkRefNames(...names: readonly unknown[]): void {
  for (const name of names) checkArgument(name, 'string', 'The name of a branch or tag')
}

/** Checks where a branch or tag is to be, and answers in how many ways that is said: none, or one. */
function checkStart({ snapshotId, ref }: RefStart): number {
  checkOptional(snapshotId, 'bigint', 'The id of a snapshot')
  checkOptional(ref, 'string', 'The name of a branch or tag')
  if (snapshotId !== undefined && ref !== undefined) throw new FloeError('INVALID', 'Say either snapshotId or ref: both name a snapshot')
  return snapshotId === undefined && ref === undefined ? 0 : 1
}

/** Every member of the alternatives of a union. */
type Members<T> = { readonly [K in T extends unknown ? keyof T : never]?: T extends unknown ? (K extends keyof T ? T[K] : never) : never }

/** @throws FloeError `INVALID` unless exactly one of the members is there */
function oneMember<T extends object>(value: T, names: Names, what: string): Members<T> {
  checkNames(value, names, what)
  const given = Object.values(value).filter((member) => member !== undefined)
  if (given.length === 1) return value as Members<T>
  throw new FloeError('INVALID', `${what} is said by one of ${names.join(' and ')}, not by ${given.length === 0 ? 'none' : 'both'}`)
}

function operation(name: string, updates: (metadata: TableMetadata) => readonly MetadataUpdate[]): CommitOperation {
  return metadataOperation(name, updates)
}

function timestampOf(time: Date | number): number {
  const timestampMs = Number(time)
  if (Number.isFinite(timestampMs)) return timestampMs
  throw new FloeError('INVALID', 'The time to go back to is not a valid Date, nor milliseconds since 1970')
}
