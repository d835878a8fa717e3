/**
 * The last version of a dropped table. Dropping takes the next version number like any commit, so that a commit and a drop
 * cannot both win, and nobody can commit to a dropped table.
 */
import { decodeUtf8 } from '../util/utf8.js'

const MEMBER = '"floe-dropped-table"'
/** A marker is far smaller, and table metadata far larger. */
export const MAX_MARKER_BYTES = 300

/** The bytes of a marker; `nonce` makes them this drop's own. */
export function encodeDropMarker(tableUuid: string | undefined, nonce: string): Uint8Array {
  return new TextEncoder().encode(`{${MEMBER}:${JSON.stringify(tableUuid ?? '')},"nonce":${JSON.stringify(nonce)}}`)
}

/** Whether the bytes of a version file are a marker. */
export function isDropMarker(bytes: Uint8Array): boolean {
  return bytes.length <= MAX_MARKER_BYTES && bytes[0] === 0x7b && decodeUtf8(bytes).startsWith(`{${MEMBER}`)
}
