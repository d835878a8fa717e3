/**
 * One attempt to make the next version of a table, and the proof of what came of it.
 *
 * The proof that a created version N+1 follows N: this package never frees the names of versions while a table lives (see
 * `retireVersions`), and other engines, which do, remove the oldest first. So as long as N is there with its content after
 * N+1 was created, N+1 was never there before. Otherwise the table's history decides.
 */
import type { FileIO } from '../io/file-io.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { FloeError } from '../util/errors.js'
import type { TableFolder, TableState, TableVersion } from './table-folder.js'
import { encodeRetiredMarker } from './version-marker.js'

export type VersionOutcome =
  | { readonly outcome: 'committed'; readonly version: TableVersion }
  /** Another commit took the number: nothing of this attempt is or will be in the table. */
  | { readonly outcome: 'overtaken' }
  | { readonly outcome: 'rejected'; readonly reason: FloeError }
  | { readonly outcome: 'unknown'; readonly reason: Error }

export interface VersionAttempt {
  readonly folder: TableFolder
  /** Not guarded against freeing names: a version that was created in error is taken back. */
  readonly io: FileIO
  readonly base: TableVersion | undefined
  /** The highest number used so far. */
  readonly version: number
  readonly metadata: TableMetadata
}

export async function commitVersion(attempt: VersionAttempt): Promise<VersionOutcome> {
  const { folder, base, version, metadata } = attempt
  const created = await folder.create(base, version, metadata)
  switch (created.outcome) {
    case 'created': {
      const made = { file: { version: version + 1, status: created.status }, metadata }
      return base === undefined ? { outcome: 'committed', version: made } : confirmVersion(attempt, base, made)
    }
    case 'taken':
      return { outcome: 'overtaken' }
    case 'created-and-retired':
      return retiredOutcome(await folder.load())
    case 'retired':
      return judgeByHistory(await folder.load(), attempt, undefined)
    case 'failed':
      return { outcome: 'rejected', reason: created.reason }
    case 'unknown':
      return { outcome: 'unknown', reason: created.reason }
  }
}

async function confirmVersion(attempt: VersionAttempt, base: TableVersion, made: TableVersion): Promise<VersionOutcome> {
  try {
    if (await attempt.folder.isIntact(base)) return { outcome: 'committed', version: made }
  } catch {
    // The version exists; that the base cannot be looked at right now does not undo it.
    return { outcome: 'committed', version: made }
  }
  attempt.folder.forget()
  const state = await attempt.folder.load()
  const isNewest = state.kind !== 'present' || state.current.file.status.location === made.file.status.location
  const verdict: VersionOutcome = isNewest ? { outcome: 'rejected', reason: droppedMeanwhile(made) } : judgeByHistory(state, attempt, made)
  if (verdict.outcome !== 'rejected' && verdict.outcome !== 'overtaken') return verdict
  const isAbove = isNewest || made.file.version > state.current.file.version
  await takeBack(attempt, made, isAbove)
  return verdict
}

/** A stale version below newer ones is retired, so that its name stays taken; above them, or alone, it must not be found. */
async function takeBack(attempt: VersionAttempt, made: TableVersion, isAbove: boolean): Promise<void> {
  const { location } = made.file.status
  attempt.folder.forget()
  if (isAbove) await attempt.io.delete([location])
  else await attempt.io.write(location, encodeRetiredMarker(undefined))
}

/** Only a version that was followed by others is retired. */
function retiredOutcome(state: TableState): VersionOutcome {
  if (state.kind === 'present') return { outcome: 'committed', version: state.current }
  return { outcome: 'unknown', reason: undecided('it was, but the table was dropped since') }
}

/**
 * Whether the newest version descends from the one of this attempt, by its snapshots, else by the metadata log. `made` is
 * the version as it was created; `undefined` when even that is in doubt.
 */
function judgeByHistory(state: TableState, attempt: VersionAttempt, made: TableVersion | undefined): VersionOutcome {
  if (state.kind !== 'present') return { outcome: 'unknown', reason: undecided('the table was dropped meanwhile') }
  const { base, metadata } = attempt
  const latest = state.current.metadata
  if (latest.tableUuid !== metadata.tableUuid) return { outcome: 'overtaken' }
  const before = new Set(base?.metadata.snapshots.map((snapshot) => snapshot.snapshotId))
  const added = metadata.snapshots.filter((snapshot) => !before.has(snapshot.snapshotId))
  const seen = new Set([...latest.snapshots, ...latest.snapshotLog].map((snapshot) => snapshot.snapshotId))
  if (added.some((snapshot) => seen.has(snapshot.snapshotId))) return { outcome: 'committed', version: made ?? state.current }
  const location = made?.file.status.location
  const entry = latest.metadataLog.find(({ metadataFile }) => metadataFile === location || isVersionAfter(metadataFile, attempt.version))
  if (entry === undefined) return { outcome: 'unknown', reason: undecided('its history no longer reaches back to this commit') }
  if (entry.timestampMs !== metadata.lastUpdatedMs) return { outcome: 'overtaken' }
  if (made !== undefined && added.length === 0) return { outcome: 'committed', version: made }
  return { outcome: 'unknown', reason: undecided('another commit of the same moment cannot be told apart') }
}

function isVersionAfter(metadataFile: string, version: number): boolean {
  return metadataFile.slice(metadataFile.lastIndexOf('/') + 1).startsWith(`v${version + 1}.`)
}

function droppedMeanwhile(made: TableVersion): FloeError {
  return new FloeError('NOT_FOUND', 'The table was dropped or replaced while the commit was under way; nothing was committed', {
    file: made.file.status.location,
    retryable: false,
  })
}

function undecided(why: string): FloeError {
  return new FloeError('COMMIT_STATE_UNKNOWN', `Whether the commit is part of the table cannot be decided: ${why}`)
}
