import { bitAt, fixedValues, offsetsOf, validityBitmap, wordsOf } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import type { Type } from '../schema/type.js'

/** How the values of a key column lie in memory, which decides how they are hashed and compared. */
export type KeyLayout =
  | { readonly kind: 'bit' }
  /** `words` 32-bit words a value; `nan` where they are floats. */
  | { readonly kind: 'words'; readonly words: number; readonly nan: boolean }
  /** `width` bytes a value. */
  | { readonly kind: 'bytes'; readonly width: number }
  | { readonly kind: 'variable' }
  /** Always null. */
  | { readonly kind: 'null' }

/** The layout of a primitive type's values in canonical Arrow form. */
export function keyLayout(type: Type): KeyLayout {
  switch (type.kind) {
    case 'boolean':
      return { kind: 'bit' }
    case 'int':
    case 'date':
      return { kind: 'words', words: 1, nan: false }
    case 'float':
      return { kind: 'words', words: 1, nan: true }
    case 'double':
      return { kind: 'words', words: 2, nan: true }
    case 'decimal':
      return { kind: 'words', words: 4, nan: false }
    case 'uuid':
      return { kind: 'bytes', width: 16 }
    case 'fixed':
      return { kind: 'bytes', width: type.length }
    case 'string':
    case 'binary':
    case 'geometry':
    case 'geography':
      return { kind: 'variable' }
    case 'unknown':
      return { kind: 'null' }
    default:
      return { kind: 'words', words: 2, nan: false }
  }
}

const NULL_HASH = 0x5bd1_e995
const NAN_HASH = 0x5bd1_e996

/** Folds the values of one column into the hashes of the rows; rows of equal keys get equal hashes. */
export function hashColumn(chunk: Chunk, layout: KeyLayout, hashes: Int32Array, rows: number): void {
  const validity = validityBitmap(chunk)
  if (layout.kind === 'null') {
    for (let row = 0; row < rows; row++) hashes[row] = mix(hashes[row]!, NULL_HASH)
    return
  }
  const before = validity === undefined ? undefined : hashes.slice(0, rows)
  if (layout.kind === 'words') hashWords(wordsOf(fixedValues(chunk)), layout, hashes, rows)
  else if (layout.kind === 'bit') hashBits(fixedValues<Uint8Array>(chunk), chunk.offset, hashes, rows)
  else if (layout.kind === 'bytes') hashBytes(fixedValues<Uint8Array>(chunk), layout.width, hashes, rows)
  else hashTexts(fixedValues<Uint8Array>(chunk), offsetsOf(chunk), hashes, rows)
  if (validity === undefined || before === undefined) return
  for (let row = 0; row < rows; row++) if (!bitAt(validity, chunk.offset + row)) hashes[row] = mix(before[row]!, NULL_HASH)
}

/** Whether the double of these two words is not a number. */
export function isNanDouble(low: number, high: number): boolean {
  const magnitude = high & 0x7fff_ffff
  return magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && low !== 0)
}

/** Whether the float of this word is not a number. */
export function isNanFloat(word: number): boolean {
  return (word & 0x7fff_ffff) > 0x7f80_0000
}

function mix(hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x85eb_ca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2_ae35)
  return h ^ (h >>> 16)
}

// Spec: Scan Planning › note 3: every NaN is one value
function hashWords(values: Int32Array, { words, nan }: { words: number; nan: boolean }, hashes: Int32Array, rows: number): void {
  if (words === 1 && nan) {
    for (let row = 0; row < rows; row++) hashes[row] = mix(hashes[row]!, isNanFloat(values[row]!) ? NAN_HASH : values[row]!)
  } else if (words === 1) for (let row = 0; row < rows; row++) hashes[row] = mix(hashes[row]!, values[row]!)
  else if (words === 2) {
    for (let row = 0; row < rows; row++) {
      const [low, high] = [values[row * 2]!, values[row * 2 + 1]!]
      hashes[row] = nan && isNanDouble(low, high) ? mix(hashes[row]!, NAN_HASH) : mix(hashes[row]! + Math.imul(high, 0x9e37_79b1), low)
    }
  } else {
    for (let row = 0; row < rows; row++) {
      let hash = hashes[row]!
      for (let word = 0; word < words; word++) hash = mix(hash, values[row * words + word]!)
      hashes[row] = hash
    }
  }
}

function hashBits(bits: Uint8Array, offset: number, hashes: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) hashes[row] = mix(hashes[row]!, (bits[(offset + row) >> 3]! >> ((offset + row) & 7)) & 1)
}

function hashBytes(bytes: Uint8Array, width: number, hashes: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) hashes[row] = hashRange(bytes, row * width, (row + 1) * width, hashes[row]!)
}

function hashTexts(bytes: Uint8Array, offsets: Int32Array, hashes: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) hashes[row] = hashRange(bytes, offsets[row]!, offsets[row + 1]!, hashes[row]!)
}

function hashRange(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed ^ (end - start)
  let i = start
  for (; i + 4 <= end; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    hash = Math.imul((hash << 5) | (hash >>> 27), 0x9e37_79b1) ^ word
  }
  for (; i < end; i++) hash = Math.imul(hash, 0x0100_0193) ^ bytes[i]!
  return mix(hash, end - start)
}
