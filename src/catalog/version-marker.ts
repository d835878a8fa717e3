/**
 * Small objects under the name of a version that say what became of it.
 *
 * A retired version has had its content removed; its number stays taken for ever, and the marker keeps the nonce of the
 * commit that made it, so that a writer whose answer was lost can still tell whether it was its own. A drop marker is the
 * last version of a dropped table: dropping takes the next number like any commit, so that a commit and a drop cannot both
 * win, and nobody can commit to a dropped table.
 */
import { decodeUtf8 } from '../util/utf8.js'

/** Markers are smaller than this, table metadata larger. */
export const MAX_MARKER_BYTES = 300

const DROPPED = 'floe-dropped-table'
const RETIRED = 'floe-retired-version'

export type VersionMarker =
  | { readonly kind: 'dropped' }
  /** `nonce` is unknown for versions of other engines. */
  | { readonly kind: 'retired'; readonly nonce: string | undefined }

export function encodeDropMarker(tableUuid: string | undefined, nonce: string): Uint8Array {
  return encode({ [DROPPED]: tableUuid ?? '', nonce })
}

export function encodeRetiredMarker(nonce: string | undefined): Uint8Array {
  return encode({ [RETIRED]: nonce ?? '' })
}

/** What the bytes of a version file mark; `undefined` for table metadata. An empty file is a version that was lost. */
export function decodeMarker(bytes: Uint8Array): VersionMarker | undefined {
  if (bytes.length === 0) return { kind: 'retired', nonce: undefined }
  if (bytes.length > MAX_MARKER_BYTES || bytes[0] !== 0x7b) return undefined
  const text = decodeUtf8(bytes)
  if (text.startsWith(`{"${DROPPED}"`)) return { kind: 'dropped' }
  const retired = new RegExp(`^\\{"${RETIRED}":"([^"\\\\]*)"\\}$`).exec(text)
  if (retired === null) return undefined
  return { kind: 'retired', nonce: retired[1] === '' ? undefined : retired[1] }
}

function encode(members: Readonly<Record<string, string>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(members))
}
