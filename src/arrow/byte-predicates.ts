import type { BoundPredicate } from '../expression/expression.js'
import { uuidToBytes } from '../schema/hex-text.js'
import type { Type, Value } from '../schema/type.js'
import { fixedValues, offsetsOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import type { Narrowing } from './row-mask.js'

/**
 * The narrowing for predicates on text, UUIDs and bytes, which compare as unsigned bytes: for UTF-8 that is code-point order.
 * Undefined for other types.
 */
export function byteNarrowing(predicate: BoundPredicate): Narrowing | undefined {
  const type = predicate.term.field.type
  const width = fixedWidth(type)
  if (width === undefined && type.kind !== 'string' && type.kind !== 'binary') return undefined
  if ('literals' in predicate) return memberNarrowing(predicate.literals.map((literal) => bytesOf(type, literal)), predicate.op === 'in', width)
  if (!('literal' in predicate)) return undefined
  const test = byteTest(predicate.op, bytesOf(type, predicate.literal))
  return (chunk, mask) => {
    const bytes = fixedValues<Uint8Array>(chunk)
    const offsets = boundaries(chunk, width)
    for (let row = 0; row < mask.length; row++) {
      if (mask[row] === 1 && !test(bytes, offsets[row]!, offsets[row + 1]!)) mask[row] = 0
    }
  }
}

function fixedWidth(type: Type): number | undefined {
  if (type.kind === 'uuid') return 16
  return type.kind === 'fixed' ? type.length : undefined
}

/** Where each value begins, and the last ends. */
function boundaries(chunk: Chunk, width: number | undefined): Int32Array {
  if (width === undefined) return offsetsOf(chunk)
  const offsets = new Int32Array(chunk.length + 1)
  for (let row = 1; row <= chunk.length; row++) offsets[row] = row * width
  return offsets
}

function bytesOf(type: Type, literal: Value): Uint8Array {
  if (type.kind === 'string') return new TextEncoder().encode(literal as string)
  return type.kind === 'uuid' ? uuidToBytes(literal as string) : (literal as Uint8Array)
}

type ByteTest = (bytes: Uint8Array, start: number, end: number) => boolean

function byteTest(op: string, literal: Uint8Array): ByteTest {
  switch (op) {
    case 'lt':
      return (bytes, start, end) => compareRange(bytes, start, end, literal) < 0
    case 'lt-eq':
      return (bytes, start, end) => compareRange(bytes, start, end, literal) <= 0
    case 'gt':
      return (bytes, start, end) => compareRange(bytes, start, end, literal) > 0
    case 'gt-eq':
      return (bytes, start, end) => compareRange(bytes, start, end, literal) >= 0
    case 'eq':
      return (bytes, start, end) => end - start === literal.length && startsWith(bytes, start, literal)
    case 'not-eq':
      return (bytes, start, end) => end - start !== literal.length || !startsWith(bytes, start, literal)
    case 'starts-with':
      return (bytes, start, end) => end - start >= literal.length && startsWith(bytes, start, literal)
    default:
      return (bytes, start, end) => end - start < literal.length || !startsWith(bytes, start, literal)
  }
}

function startsWith(bytes: Uint8Array, start: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false
  return true
}

function compareRange(bytes: Uint8Array, start: number, end: number, literal: Uint8Array): number {
  const length = Math.min(end - start, literal.length)
  for (let i = 0; i < length; i++) {
    const difference = bytes[start + i]! - literal[i]!
    if (difference !== 0) return difference
  }
  return end - start - literal.length
}

function memberNarrowing(literals: readonly Uint8Array[], wanted: boolean, width: number | undefined): Narrowing {
  const byHash = new Map<number, Uint8Array[]>()
  for (const literal of literals) {
    const hash = hashRange(literal, 0, literal.length)
    byHash.set(hash, [...(byHash.get(hash) ?? []), literal])
  }
  const isMember: ByteTest = (bytes, start, end) => {
    const candidates = byHash.get(hashRange(bytes, start, end))
    return candidates !== undefined && candidates.some((literal) => end - start === literal.length && startsWith(bytes, start, literal))
  }
  return (chunk, mask) => {
    const bytes = fixedValues<Uint8Array>(chunk)
    const offsets = boundaries(chunk, width)
    for (let row = 0; row < mask.length; row++) {
      if (mask[row] === 1 && isMember(bytes, offsets[row]!, offsets[row + 1]!) !== wanted) mask[row] = 0
    }
  }
}

/** FNV-1a over the length and up to 32 bytes: enough to tell literals apart, and bounded for long values. */
function hashRange(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c_9dc5 ^ (end - start)
  const last = Math.min(end, start + 32)
  for (let i = start; i < last; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
  return hash
}
