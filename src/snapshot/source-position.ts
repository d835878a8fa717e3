/**
 * How far changes of a source have been applied to a table, kept in summaries of snapshots: it is right for every state of the
 * table, after a rollback and on branches too.
 */
import { FloeError } from '../util/errors.js'
import { ancestorsOf, type SnapshotsById } from './ancestry.js'
import type { Snapshot } from './snapshot.js'

const PREFIX = 'floe.source-position.'

/** The summary property that holds the position of a source. @throws FloeError `INVALID` for a name that is empty */
export function sourcePositionProperty(source: string): string {
  if (source === '') throw new FloeError('INVALID', 'The name of a source must not be empty')
  return PREFIX + source
}

/**
 * The positions that a snapshot on top of `parent` carries on, by property. Every snapshot that this library makes does, so that
 * they outlive the snapshots that set them.
 */
export function carriedSourcePositions(parent: Snapshot | undefined, snapshots: SnapshotsById): ReadonlyMap<string, string> {
  const carried = new Map<string, string>()
  for (const snapshot of ancestorsOf(parent?.snapshotId, snapshots)) {
    for (const [name, value] of snapshot.summary) if (name.startsWith(PREFIX) && !carried.has(name)) carried.set(name, value)
    // It carries on all that came before it.
    if (snapshot.summary.get('engine-name') === OWN_ENGINE) break
  }
  return carried
}

/**
 * The last position of a source in the history of `head`; `undefined` when it never had one.
 *
 * @throws FloeError `NOT_FOUND` when that cannot be known: the history was expired down to a snapshot of another engine, which
 * carries no positions on
 */
export function lastSourcePosition(source: string, head: Snapshot | undefined, snapshots: SnapshotsById): string | undefined {
  const property = sourcePositionProperty(source)
  let oldest: Snapshot | undefined
  for (const snapshot of ancestorsOf(head?.snapshotId, snapshots)) {
    const position = snapshot.summary.get(property)
    if (position !== undefined) return position
    oldest = snapshot
  }
  if (oldest?.parentSnapshotId === undefined || oldest.summary.get('engine-name') === OWN_ENGINE) return undefined
  throw new FloeError(
    'NOT_FOUND',
    `Whether source ${JSON.stringify(source)} was applied before is not known: snapshots before ${oldest.snapshotId} have expired, and it was made by ` +
      'another engine; find the position elsewhere, then apply with ifPositionUnknown: apply',
  )
}

const OWN_ENGINE = 'floe'

/** Order of two positions: negative, zero or positive. */
export type ComparePositions = (a: string, b: string) => number

/**
 * Compares whole numbers, and log sequence numbers as PostgreSQL writes them (`16/B374D848`). Equal texts are equal.
 * @throws FloeError `INVALID` for others: their order is the caller's to tell
 */
export function comparePositions(a: string, b: string): number {
  if (a === b) return 0
  const [left, right] = [numberOf(a), numberOf(b)]
  if (left === undefined || right === undefined) {
    const odd = left === undefined ? a : b
    throw new FloeError('INVALID', `Which of the positions ${JSON.stringify(a)} and ${JSON.stringify(b)} comes first is not known, as ${JSON.stringify(odd)} is neither a whole number nor a log sequence number: give comparePositions`)
  }
  return left < right ? -1 : left > right ? 1 : 0
}

function numberOf(position: string): bigint | undefined {
  if (/^-?\d{1,40}$/.test(position)) return BigInt(position)
  const parts = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(position)
  return parts === null ? undefined : (BigInt(`0x${parts[1]!}`) << 32n) | BigInt(`0x${parts[2]!}`)
}
