import type { Type } from '../schema/type.js'
import { encodeUtf8 } from '../util/utf8.js'
import { bitAt, fixedValues, offsetsOf, validityBitmap, wordsOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { sliceChunk } from './take.js'
import { variantText } from './variant-text.js'

/** 32-bit words of one row's hash. */
export const HASH_LANES = 3

/**
 * Hashes of the rows of a batch, {@link HASH_LANES} words each. Rows of equal values have equal hashes, whatever their layout: null equals
 * null, NaN equals NaN, `-0` differs from `0`, maps are equal in any order of their entries, variants by their canonical JSON. Rows that
 * differ have equal hashes once in 2^96.
 */
export type HashRows = (columns: readonly Chunk[], rows: number) => Int32Array

/**
 * Compiles the hash of rows with columns of `types`, in canonical layout; column by column, without making values.
 * `seed`: any 32-bit number. Hashes of different seeds have nothing to do with each other, so that nobody who does not know it can make two
 * rows that collide.
 */
export function rowHasher(types: readonly Type[], seed: number): HashRows {
  const constants: HashConstants = { seed, nullWord: mixBits(seed ^ 0x5bd1_e995) }
  const columns = types.map((type) => columnHash(type, constants))
  return (chunks, rows) => {
    const hashes = initialHashes(rows, seed)
    columns.forEach((mix, i) => mix(chunks[i]!, hashes, rows))
    finish(hashes)
    return hashes
  }
}

interface HashConstants {
  readonly seed: number
  readonly nullWord: number
}

/** Mixes the values of a column into the hashes of its rows. */
type MixColumn = (chunk: Chunk, hashes: Int32Array, rows: number) => void
/** Mixes the value of one row, known to be present, into the hash that starts at `at`. */
type MixValue = (row: number, hashes: Int32Array, at: number) => void

function columnHash(type: Type, constants: HashConstants): MixColumn {
  switch (type.kind) {
    case 'int':
    case 'date':
      return (chunk, hashes, rows) => mixWords(wordsOf(fixedValues(chunk)), hashes, rows, presenceOf(chunk, constants))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return (chunk, hashes, rows) => mixPairs(wordsOf(fixedValues(chunk)), hashes, rows, presenceOf(chunk, constants))
    case 'string':
    case 'binary':
      return (chunk, hashes, rows) => mixTexts(chunk, hashes, rows, presenceOf(chunk, constants))
    default:
      return generalHash(type, constants)
  }
}

/** Which rows of a column are null, and what stands for those. */
interface Presence {
  readonly validity: Uint8Array | undefined
  readonly offset: number
  readonly nullWord: number
}

function presenceOf(chunk: Chunk, { nullWord }: HashConstants): Presence {
  return { validity: validityBitmap(chunk), offset: chunk.offset, nullWord }
}

// The types of most columns have loops of their own, into which everything is inlined

function mixWords(words: Int32Array, hashes: Int32Array, rows: number, { validity, offset, nullWord }: Presence): void {
  for (let row = 0, at = 0; row < rows; row++, at += HASH_LANES) {
    if (validity === undefined || bitAt(validity, offset + row)) mixWord(hashes, at, words[row]!)
    else mixNull(hashes, at, nullWord)
  }
}

function mixPairs(words: Int32Array, hashes: Int32Array, rows: number, { validity, offset, nullWord }: Presence): void {
  for (let row = 0, at = 0; row < rows; row++, at += HASH_LANES) {
    if (validity === undefined || bitAt(validity, offset + row)) {
      mixWord(hashes, at, words[row * 2]!)
      mixWord(hashes, at, words[row * 2 + 1]!)
    } else mixNull(hashes, at, nullWord)
  }
}

function mixTexts(chunk: Chunk, hashes: Int32Array, rows: number, { validity, offset, nullWord }: Presence): void {
  const bytes = fixedValues<Uint8Array>(chunk)
  const offsets = offsetsOf(chunk)
  for (let row = 0, at = 0; row < rows; row++, at += HASH_LANES) {
    if (validity !== undefined && !bitAt(validity, offset + row)) {
      mixNull(hashes, at, nullWord)
      continue
    }
    const end = offsets[row + 1]!
    let i = offsets[row]!
    mixWord(hashes, at, end - i)
    for (; i + 4 <= end; i += 4) mixWord(hashes, at, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    if (i === end) continue
    let rest = 0
    for (let shift = 0; i < end; i++, shift += 8) rest |= bytes[i]! << shift
    mixWord(hashes, at, rest)
  }
}

function generalHash(type: Type, constants: HashConstants): MixColumn {
  const valueOf = valueHash(type, constants)
  return (chunk, hashes, rows) => {
    const mix = valueOf(chunk)
    const validity = validityBitmap(chunk)
    if (validity === undefined) {
      for (let row = 0, at = 0; row < rows; row++, at += HASH_LANES) mix(row, hashes, at)
      return
    }
    for (let row = 0, at = 0; row < rows; row++, at += HASH_LANES) {
      if (bitAt(validity, chunk.offset + row)) mix(row, hashes, at)
      else mixNull(hashes, at, constants.nullWord)
    }
  }
}

function valueHash(type: Type, constants: HashConstants): (chunk: Chunk) => MixValue {
  switch (type.kind) {
    case 'boolean':
      return (chunk) => {
        const bits = fixedValues<Uint8Array>(chunk)
        return (row, hashes, at) => mixWord(hashes, at, bitAt(bits, chunk.offset + row) ? 1 : 0)
      }
    case 'int':
    case 'date':
      return (chunk) => wordMixer(wordsOf(fixedValues(chunk)))
    case 'float':
      return (chunk) => floatMixer(wordsOf(fixedValues(chunk)))
    case 'double':
      return (chunk) => doubleMixer(wordsOf(fixedValues(chunk)))
    case 'decimal':
      return (chunk) => wordsMixer(wordsOf(fixedValues(chunk)), 4)
    case 'uuid':
      return (chunk) => fixedMixer(fixedValues<Uint8Array>(chunk), 16)
    case 'fixed':
      return (chunk) => fixedMixer(fixedValues<Uint8Array>(chunk), type.length)
    case 'string':
    case 'binary':
    case 'geometry':
    case 'geography':
      return (chunk) => variableMixer(fixedValues<Uint8Array>(chunk), offsetsOf(chunk))
    case 'unknown':
      return () => (_row, hashes, at) => mixWord(hashes, at, 0)
    case 'variant':
      return variantMixer
    case 'struct':
      return structMixer(type.fields.map((field) => field.type), constants)
    case 'list':
      return listMixer(type.element, constants)
    case 'map':
      return mapMixer([type.key, type.value], constants)
    default:
      return (chunk) => wordsMixer(wordsOf(fixedValues(chunk)), 2)
  }
}

// One function each: a shared one would see every shape, and be slow for all of them

function wordMixer(words: Int32Array): MixValue {
  return (row, hashes, at) => mixWord(hashes, at, words[row]!)
}

function wordsMixer(words: Int32Array, width: number): MixValue {
  return (row, hashes, at) => {
    for (let i = row * width; i < (row + 1) * width; i++) mixWord(hashes, at, words[i]!)
  }
}

function floatMixer(words: Int32Array): MixValue {
  return (row, hashes, at) => {
    const bits = words[row]!
    mixWord(hashes, at, (bits & 0x7fff_ffff) > 0x7f80_0000 ? 0x7fc0_0000 : bits)
  }
}

function doubleMixer(words: Int32Array): MixValue {
  return (row, hashes, at) => {
    const [low, high] = [words[row * 2]!, words[row * 2 + 1]!]
    const magnitude = high & 0x7fff_ffff
    const isNan = magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && low !== 0)
    mixWord(hashes, at, isNan ? 0 : low)
    mixWord(hashes, at, isNan ? 0x7ff8_0000 : high)
  }
}

function fixedMixer(bytes: Uint8Array, width: number): MixValue {
  return (row, hashes, at) => mixBytes(hashes, at, bytes.subarray(row * width, (row + 1) * width))
}

function variableMixer(bytes: Uint8Array, offsets: Int32Array): MixValue {
  return (row, hashes, at) => mixBytes(hashes, at, bytes.subarray(offsets[row], offsets[row + 1]))
}

function variantMixer(chunk: Chunk): MixValue {
  const [metadata, value] = chunk.children.map((child) => ({ bytes: fixedValues<Uint8Array>(child), offsets: offsetsOf(child) }))
  return (row, hashes, at) => {
    const text = variantText(
      metadata!.bytes.subarray(metadata!.offsets[row], metadata!.offsets[row + 1]),
      value!.bytes.subarray(value!.offsets[row], value!.offsets[row + 1]),
    )
    mixBytes(hashes, at, encodeUtf8(text))
  }
}

/** The members of a null struct hold anything, so that they have hashes of their own until it is known which structs are there. */
function structMixer(types: readonly Type[], constants: HashConstants): (chunk: Chunk) => MixValue {
  const hash = rowHasher(types, constants.seed)
  return (chunk) => {
    const members = hash(chunk.children, chunk.length)
    return (row, hashes, at) => mixHash(hashes, at, members, row)
  }
}

function listMixer(element: Type, constants: HashConstants): (chunk: Chunk) => MixValue {
  const hash = rowHasher([element], constants.seed)
  return (chunk) => {
    const offsets = offsetsOf(chunk)
    const { elements, first } = hashedChildren(chunk, (children, length) => hash([children], length))
    return (row, hashes, at) => {
      mixWord(hashes, at, offsets[row + 1]! - offsets[row]!)
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) mixHash(hashes, at, elements, i - first)
    }
  }
}

/** Sums of the entries' hashes, which are the same in any order. */
function mapMixer(types: readonly Type[], constants: HashConstants): (chunk: Chunk) => MixValue {
  const hash = rowHasher(types, constants.seed)
  return (chunk) => {
    const offsets = offsetsOf(chunk)
    const { elements, first } = hashedChildren(chunk, (children, length) => hash(children.children, length))
    return (row, hashes, at) => {
      mixWord(hashes, at, offsets[row + 1]! - offsets[row]!)
      const sums = [0, 0, 0]
      for (let i = (offsets[row]! - first) * HASH_LANES; i < (offsets[row + 1]! - first) * HASH_LANES; i++) {
        sums[i % HASH_LANES] = (sums[i % HASH_LANES]! + elements[i]!) | 0
      }
      for (const sum of sums) mixWord(hashes, at, sum)
    }
  }
}

function hashedChildren(
  chunk: Chunk,
  hash: (children: Chunk, length: number) => Int32Array,
): { readonly elements: Int32Array; readonly first: number } {
  const offsets = offsetsOf(chunk)
  const first = chunk.length === 0 ? 0 : offsets[0]!
  const length = chunk.length === 0 ? 0 : offsets[chunk.length]! - first
  return { elements: hash(sliceChunk(chunk.children[0]!, first, length), length), first }
}

function mixHash(hashes: Int32Array, at: number, members: Int32Array, row: number): void {
  for (let lane = 0; lane < HASH_LANES; lane++) mixWord(hashes, at, members[row * HASH_LANES + lane]!)
}

function mixBytes(hashes: Int32Array, at: number, bytes: Uint8Array): void {
  const end = bytes.length
  mixWord(hashes, at, end)
  let i = 0
  for (; i + 4 <= end; i += 4) mixWord(hashes, at, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  if (i === end) return
  let rest = 0
  for (let shift = 0; i < end; i++, shift += 8) rest |= bytes[i]! << shift
  mixWord(hashes, at, rest)
}

/** Two words, of which values have no two in a row but by chance: no value is like a null. */
function mixNull(hashes: Int32Array, at: number, nullWord: number): void {
  mixWord(hashes, at, nullWord)
  mixWord(hashes, at, ~nullWord)
}

/** The round of MurmurHash3 (Austin Appleby, public domain), with multipliers of its own in each lane. */
function mixWord(hashes: Int32Array, at: number, word: number): void {
  const a = Math.imul(word, 0xcc9e_2d51)
  const b = Math.imul(word, 0x9e37_79b1)
  const c = Math.imul(word, 0x85eb_ca77)
  const x = hashes[at]! ^ Math.imul((a << 15) | (a >>> 17), 0x1b87_3593)
  const y = hashes[at + 1]! ^ Math.imul((b << 16) | (b >>> 16), 0x27d4_eb2f)
  const z = hashes[at + 2]! ^ Math.imul((c << 17) | (c >>> 15), 0xc2b2_ae3d)
  hashes[at] = Math.imul((x << 13) | (x >>> 19), 5) + 0xe654_6b64
  hashes[at + 1] = Math.imul((y << 15) | (y >>> 17), 5) + 0x561c_cd1b
  hashes[at + 2] = Math.imul((z << 18) | (z >>> 14), 5) + 0x0bca_a747
}

function initialHashes(rows: number, seed: number): Int32Array {
  const hashes = new Int32Array(rows * HASH_LANES)
  for (let lane = 0; lane < HASH_LANES; lane++) {
    const start = mixBits(seed + Math.imul(lane + 1, 0x9e37_79b9))
    for (let at = lane; at < hashes.length; at += HASH_LANES) hashes[at] = start
  }
  return hashes
}

function finish(hashes: Int32Array): void {
  for (let at = 0; at < hashes.length; at++) hashes[at] = mixBits(hashes[at]!)
}

function mixBits(word: number): number {
  let bits = word ^ (word >>> 16)
  bits = Math.imul(bits, 0x85eb_ca6b)
  bits ^= bits >>> 13
  bits = Math.imul(bits, 0xc2b2_ae35)
  return bits ^ (bits >>> 16)
}
