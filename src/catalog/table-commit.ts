/** Applying a commit request to the current version of a path-based table. */
import type { FileIO } from '../io/file-io.js'
import { canonicalLocation, stripTrailingSlashes } from '../io/location.js'
import { applyUpdates } from '../metadata/apply-updates.js'
import { metadataCompression } from '../metadata/metadata-location.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readBoolean, tableProperties } from '../metadata/table-properties.js'
import { checkRemovedSnapshots, checkRequirements } from '../metadata/update-requirements.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { CommitRequest } from './catalog-backend.js'
import type { TableFolder, TableState, TableVersion } from './table-folder.js'
import { commitVersion } from './version-commit.js'

export interface TableCommit {
  readonly folder: TableFolder
  readonly io: FileIO
  readonly runtime: Runtime
  /** Throws `INVALID` for metadata that names places which the catalog does not allow. */
  readonly checkMetadata: (metadata: TableMetadata) => void
}

export type TableCommitOutcome =
  | { readonly outcome: 'committed'; readonly version: TableVersion; readonly base: TableVersion | undefined }
  | { readonly outcome: 'rejected'; readonly reason: Error; readonly retryable: boolean }
  | { readonly outcome: 'unknown'; readonly reason: Error }

/** A request whose requirements hold on each newer version is not sent back for having been overtaken, this many times. */
const MAX_ROUNDS = 4

export async function commitToTable(commit: TableCommit, request: CommitRequest): Promise<TableCommitOutcome> {
  const { folder, io } = commit
  for (let round = 1; ; round++) {
    if (request.signal?.aborted === true) return rejected(new FloeError('ABORTED', 'The commit was aborted; nothing was committed'), false)
    const state = await folder.load()
    const base = state.kind === 'present' ? state.current : undefined
    const version = state.kind === 'present' ? state.current.file.version : state.version
    const next = applyRequest(commit, request, state)
    if ('outcome' in next) return next
    if (base !== undefined && next.metadata === base.metadata) return { outcome: 'committed', version: base, base }
    const made = await commitVersion({ folder, io, base, version, metadata: next.metadata })
    if (made.outcome === 'committed') return { ...made, base }
    if (made.outcome === 'unknown') return made
    if (made.outcome === 'rejected') return rejected(made.reason, made.reason.retryable)
    if (round === MAX_ROUNDS) return rejected(new FloeError('CONFLICT', 'Other commits were always faster; nothing was committed'), true)
  }
}

function applyRequest(
  commit: TableCommit,
  request: CommitRequest,
  state: TableState,
): { readonly metadata: TableMetadata } | Extract<TableCommitOutcome, { readonly outcome: 'rejected' }> {
  const creates = request.requirements.some(({ type }) => type === 'assert-create')
  const current = state.kind === 'present' ? state.current : undefined
  if (current === undefined && !creates) {
    return rejected(new FloeError('NOT_FOUND', 'The table was dropped; nothing was committed', { retryable: false }), false)
  }
  if (!creates && isReplaced(request, current?.metadata)) return rejected(tableReplaced(), false)
  const isNewer = !creates && current !== undefined && current.file.status.location !== request.base?.metadataLocation
  try {
    checkRequirements(current?.metadata, request.requirements)
    checkRemovedSnapshots(current?.metadata, request.updates)
    const metadata = applyUpdates(current?.metadata, request.updates, {
      now: commit.runtime.now(),
      baseLocation: current?.file.status.location,
      newTableUuid: commit.runtime.uuid(),
    })
    if (metadata !== current?.metadata) checkNext(commit, current?.metadata, metadata)
    return { metadata }
  } catch (error) {
    if (!(error instanceof FloeError)) throw error
    // What does not fit a newer version may fit once it is prepared on that one.
    return rejected(error, error.retryable || isNewer)
  }
}

/** Whether the table that the request was prepared on has given way to another of its name. */
export function isReplaced(request: CommitRequest, current: TableMetadata | undefined): boolean {
  const expected = request.base?.metadata.tableUuid
  return expected !== undefined && current?.tableUuid !== expected
}

export function tableReplaced(): FloeError {
  return new FloeError('CONFLICT', 'The table was replaced by another of its name; nothing was committed', { retryable: false })
}

/** What path-based tables cannot do. Source: `HadoopTableOperations.commit` */
function checkNext(commit: TableCommit, base: TableMetadata | undefined, next: TableMetadata): void {
  const location = base === undefined ? commit.folder.location : base.location
  if (!isSamePlace(next.location, location)) {
    throw new FloeError('INVALID', `A path-based table cannot be relocated from ${location} to ${next.location}; copy it instead`)
  }
  const metadataPath = next.properties.get('write.metadata.path')
  if (metadataPath !== undefined && metadataPath !== base?.properties.get('write.metadata.path')) {
    throw new FloeError('INVALID', 'A path-based table cannot relocate its metadata: other engines could not write it; leave write.metadata.path unset')
  }
  metadataCompression(next.properties)
  commit.checkMetadata(next)
}

function isSamePlace(a: string, b: string): boolean {
  return stripTrailingSlashes(canonicalLocation(a)) === stripTrailingSlashes(canonicalLocation(b))
}

function rejected(reason: Error, retryable: boolean): Extract<TableCommitOutcome, { readonly outcome: 'rejected' }> {
  return { outcome: 'rejected', reason, retryable }
}

/**
 * Metadata files that a commit has pushed out of the log, when the table wants them deleted.
 * Source: `CatalogUtil.deleteRemovedMetadataFiles`
 */
export function removedMetadataFiles(base: TableMetadata, next: TableMetadata): readonly string[] {
  if (!readBoolean(next.properties, tableProperties.metadataDeleteAfterCommit)) return []
  const kept = new Set(next.metadataLog.map(({ metadataFile }) => metadataFile))
  return base.metadataLog.map(({ metadataFile }) => metadataFile).filter((file) => !kept.has(file))
}
