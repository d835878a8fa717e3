import { FloeError } from './errors.js'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The text of UTF-8 bytes; a byte order mark is kept. Throws `CORRUPT` on malformed UTF-8 instead of replacing it. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new FloeError('CORRUPT', `Malformed UTF-8 in a string of ${bytes.length} bytes`, { cause })
  }
}

/** The UTF-8 bytes of `text`. Throws `INVALID` on a lone surrogate, which UTF-8 cannot hold. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = encoder.encode(text)
  // A replacement character is the only sign that the encoder leaves of a lone surrogate.
  if (bytes.length >= 3 && hasLoneSurrogate(text)) {
    throw new FloeError('INVALID', 'The string holds a lone surrogate, which has no UTF-8 form; replace it before writing')
  }
  return bytes
}

/**
 * Orders two strings by code point, which is the order of their UTF-8 bytes and not that of JavaScript's `<`.
 * Negative, zero or positive.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? aboveBmpLast(x) - aboveBmpLast(y) : x - y
  }
  return a.length - b.length
}

/** Orders two byte strings as unsigned bytes, a prefix first. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Surrogates stand for code points above U+FFFF, so they sort after U+E000 to U+FFFF. */
function aboveBmpLast(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

function hasLoneSurrogate(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0
    if (unit > 0xdbff || next < 0xdc00 || next > 0xdfff) return true
    i++
  }
  return false
}
