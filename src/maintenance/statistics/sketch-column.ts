import { bitAt, fixedValues, forEachValue, offsetsOf, wordsOf, type Chunk } from '../../arrow/arrow-data.js'
import { decimalReader } from '../../arrow/column-reader.js'
import { THETA_SEED, type ThetaSketch } from '../../puffin/theta-sketch.js'
import { encodeUnscaled } from '../../schema/single-value.js'
import { printTypeName } from '../../schema/type-name.js'
import type { Type } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'
import { hash128, murmur3Bytes, murmur3Int, murmur3Long } from '../../util/murmur3-128.js'

/** Counts the values of one column of a batch in; nulls count for nothing. */
export type SketchColumn = (chunk: Chunk, sketch: ThetaSketch) => void

/** Values seen lately are not hashed again: by their lower bits, so many. */
const RECENT = 4096

/** Whether columns of a type can be counted: those whose values have a single-value form. */
export function isCountable(type: Type): boolean {
  switch (type.kind) {
    case 'struct':
    case 'list':
    case 'map':
    case 'variant':
    case 'unknown':
    case 'geometry':
    case 'geography':
      return false
    default:
      return true
  }
}

/**
 * Compiles the counting of columns of a type, in canonical layout: values are hashed as their single-value bytes, which are not
 * made. Empty texts and bytes count for nothing, as in the library. Spec: Puffin › apache-datasketches-theta-v1
 *
 * @throws FloeError `UNSUPPORTED` for a type that has no single-value form
 */
export function sketchColumn(type: Type): SketchColumn {
  switch (type.kind) {
    case 'boolean':
      return sketchBooleans
    case 'int':
    case 'date':
    case 'float':
      return intSketcher()
    case 'long':
    case 'double':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return longSketcher()
    case 'string':
    case 'binary':
      return sketchVariable
    case 'uuid':
      return fixedSketcher(16)
    case 'fixed':
      return fixedSketcher(type.length)
    case 'decimal':
      return sketchDecimals
    default:
      throw new FloeError('UNSUPPORTED', `Distinct values of type ${printTypeName(type)} cannot be counted: name other columns`)
  }
}

function sketchBooleans(chunk: Chunk, sketch: ThetaSketch): void {
  const bits = fixedValues<Uint8Array>(chunk)
  const byte = new Uint8Array(1)
  forEachValue(chunk, (row) => {
    byte[0] = Number(bitAt(bits, chunk.offset + row))
    murmur3Bytes(byte, 0, 1, THETA_SEED)
    sketch.update(hash128.low, hash128.high)
  })
}

function intSketcher(): SketchColumn {
  const recent = new Int32Array(RECENT)
  const isKnown = new Uint8Array(RECENT)
  return (chunk, sketch) => {
    const words = wordsOf(fixedValues(chunk))
    forEachValue(chunk, (row) => {
      const word = words[row]!
      const slot = (word ^ (word >>> 12) ^ (word >>> 20)) & (RECENT - 1)
      if (recent[slot] === word && isKnown[slot] === 1) return
      recent[slot] = word
      isKnown[slot] = 1
      murmur3Int(word, THETA_SEED)
      sketch.update(hash128.low, hash128.high)
    })
  }
}

function longSketcher(): SketchColumn {
  const lows = new Int32Array(RECENT)
  const highs = new Int32Array(RECENT)
  const isKnown = new Uint8Array(RECENT)
  return (chunk, sketch) => {
    const words = wordsOf(fixedValues(chunk))
    forEachValue(chunk, (row) => {
      const low = words[2 * row]!
      const high = words[2 * row + 1]!
      const mixed = low ^ high
      const slot = (mixed ^ (mixed >>> 12) ^ (mixed >>> 20)) & (RECENT - 1)
      if (lows[slot] === low && highs[slot] === high && isKnown[slot] === 1) return
      lows[slot] = low
      highs[slot] = high
      isKnown[slot] = 1
      murmur3Long(low, high, THETA_SEED)
      sketch.update(hash128.low, hash128.high)
    })
  }
}

function sketchVariable(chunk: Chunk, sketch: ThetaSketch): void {
  const bytes = fixedValues<Uint8Array>(chunk)
  const offsets = offsetsOf(chunk)
  forEachValue(chunk, (row) => {
    sketchBytes(bytes, offsets[row]!, offsets[row + 1]!, sketch)
  })
}

function fixedSketcher(width: number): SketchColumn {
  return (chunk, sketch) => {
    const bytes = fixedValues<Uint8Array>(chunk)
    forEachValue(chunk, (row) => {
      sketchBytes(bytes, row * width, (row + 1) * width, sketch)
    })
  }
}

function sketchDecimals(chunk: Chunk, sketch: ThetaSketch): void {
  const read = decimalReader(chunk)
  let previous: bigint | undefined
  forEachValue(chunk, (row) => {
    const value = read(row)
    if (value === previous) return
    previous = value
    const bytes = encodeUnscaled(value)
    sketchBytes(bytes, 0, bytes.length, sketch)
  })
}

function sketchBytes(bytes: Uint8Array, start: number, end: number, sketch: ThetaSketch): void {
  if (start === end) return
  murmur3Bytes(bytes, start, end, THETA_SEED)
  sketch.update(hash128.low, hash128.high)
}
