import type { Type, Value } from '../schema/type.js'

/**
 * Cuts a lower bound to `length` code points (string) or bytes (binary); other types are kept whole. The result is not above any
 * value that the bound is not above.
 */
// Spec: Manifests › Data File Fields, lower_bounds
export function truncateLowerBound(type: Type, value: Value, length: number): Value {
  if (type.kind === 'string') return firstCodePoints(value as string, length)
  return type.kind === 'binary' ? (value as Uint8Array).slice(0, length) : value
}

/**
 * Cuts an upper bound and rounds it up, so that it is still not below any value: the last code point or byte that can be is
 * raised by one. `undefined`: there is no such bound, because all that would be kept is the highest there is.
 */
export function truncateUpperBound(type: Type, value: Value, length: number): Value | undefined {
  if (type.kind === 'string') return truncateTextUp(value as string, length)
  return type.kind === 'binary' ? truncateBytesUp(value as Uint8Array, length) : value
}

function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text
  let end = 0
  for (let i = 0; i < count && end < text.length; i++) end += text.codePointAt(end)! > 0xffff ? 2 : 1
  return text.slice(0, end)
}

function truncateTextUp(text: string, count: number): string | undefined {
  const kept = firstCodePoints(text, count)
  if (kept.length === text.length) return text
  const points = Array.from(kept, (point) => point.codePointAt(0)!)
  while (points.length > 0) {
    const last = points.pop()!
    if (last === 0x10ffff) continue
    // The surrogates are no characters: what follows U+D7FF is U+E000
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
  }
  return undefined
}

function truncateBytesUp(bytes: Uint8Array, count: number): Uint8Array | undefined {
  if (bytes.length <= count) return bytes
  let end = count
  while (end > 0 && bytes[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const bound = bytes.slice(0, end)
  bound[end - 1]!++
  return bound
}
