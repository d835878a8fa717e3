import type { TableMetadata } from '../../metadata/table-metadata.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'

/**
 * How far a consumer has read a table's changes: plain JSON data, to be stored with what the changes were applied to. 64-bit
 * numbers are in texts.
 */
export interface ChangeCursor {
  /** The table that the cursor is of; `null` for an old one that has no id. */
  readonly tableUuid: string | null
  /** The last snapshot whose changes were read; `null` before the first. */
  readonly snapshotId: string | null
  /** The sequence number of that snapshot; `"0"` for v1. */
  readonly sequenceNumber: string
  /** When that snapshot was committed, milliseconds since 1970 UTC; `null` before the first. */
  readonly timestampMs: number | null
}

/** The cursor of a consumer that has read everything up to `snapshot`; before the first for `undefined`. */
export function cursorAt(metadata: TableMetadata, snapshot: Snapshot | undefined): ChangeCursor {
  return Object.freeze({
    tableUuid: metadata.tableUuid ?? null,
    snapshotId: snapshot === undefined ? null : String(snapshot.snapshotId),
    sequenceNumber: String(snapshot?.sequenceNumber ?? 0n),
    timestampMs: snapshot?.timestampMs ?? null,
  })
}

/** The cursor that stands at a snapshot which may have expired. */
export function cursorAfter(metadata: TableMetadata, snapshotId: bigint | undefined): ChangeCursor {
  const snapshot = findSnapshot(metadata, snapshotId)
  if (snapshot !== undefined || snapshotId === undefined) return cursorAt(metadata, snapshot)
  return Object.freeze({ ...cursorAt(metadata, undefined), snapshotId: String(snapshotId) })
}

/**
 * The snapshot that a stored cursor stands at; `undefined` before the first.
 * @throws FloeError `INVALID` for what is no cursor, and for a cursor of another table
 */
export function snapshotIdOfCursor(metadata: TableMetadata, cursor: ChangeCursor): bigint | undefined {
  const { tableUuid, snapshotId } = checkCursor(cursor)
  if (tableUuid !== null && metadata.tableUuid !== undefined && tableUuid.toLowerCase() !== metadata.tableUuid.toLowerCase()) {
    throw new FloeError(
      'INVALID',
      `The cursor is of another table: it names the table ${tableUuid}, and this is ${metadata.tableUuid}; the table may have been dropped and made ` +
        'again under its name, whose changes are read from the beginning',
    )
  }
  return snapshotId === null ? undefined : BigInt(snapshotId)
}

/** Parses the text of a stored cursor. @throws FloeError `INVALID` */
export function parseCursor(text: string): ChangeCursor {
  try {
    return checkCursor(JSON.parse(text))
  } catch (error) {
    if (error instanceof FloeError) throw error
    throw new FloeError('INVALID', 'The cursor is not JSON: store and hand back what a changes scan gave', { cause: error })
  }
}

function checkCursor(value: unknown): ChangeCursor {
  const cursor = typeof value === 'object' && value !== null ? (value as Partial<Record<keyof ChangeCursor, unknown>>) : {}
  const { tableUuid = null, snapshotId, sequenceNumber = '0', timestampMs = null } = cursor
  const isCursor =
    (tableUuid === null || typeof tableUuid === 'string') &&
    (snapshotId === null || isLong(snapshotId)) &&
    isLong(sequenceNumber) &&
    (timestampMs === null || Number.isSafeInteger(timestampMs))
  if (isCursor) return { tableUuid, snapshotId, sequenceNumber, timestampMs: timestampMs as number | null }
  throw new FloeError('INVALID', 'This is no cursor of a changes scan: it has tableUuid, snapshotId and sequenceNumber, 64-bit numbers as texts of digits')
}

function isLong(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value)
}
