import { DataType, DateUnit } from 'apache-arrow'
import type { TimeUnit } from 'apache-arrow'
import { fixedChunk, fixedValues, forEachValue, retype, validityOf } from './arrow-data.js'
import type { FixedValues } from './arrow-data.js'
import { hasZone, sameLayout } from './arrow-schema.js'
import { nullChunk } from './constant-chunk.js'
import type { ChunkConverter, ConversionPolicy, PrimitiveTarget } from './conversion.js'
import { bytesConverter } from './convert-bytes.js'
import { readDecimal, rescaleDecimal, writeDecimal } from './decimal-words.js'

/**
 * The converter from one plain Arrow type to the canonical one of an Iceberg primitive, or undefined when the
 * policy has none. Values under a null are never refused.
 */
export function primitiveConverter(from: DataType, target: PrimitiveTarget, policy: ConversionPolicy): ChunkConverter | undefined {
  const { type, arrow } = target
  if (type.kind === 'unknown') return unknownConverter(arrow, policy)
  if (DataType.isUtf8(from) || DataType.isBinary(from) || DataType.isFixedSizeBinary(from)) return bytesConverter(from, target, policy)
  if (sameLayout(from, arrow)) return (chunk) => retype(chunk, arrow)
  if (DataType.isNull(from)) return (chunk) => nullChunk(arrow, chunk.length)
  if (DataType.isInt(from)) return intConverter(from.bitWidth, type.kind, arrow)
  if (DataType.isFloat(from)) return floatConverter(from.precision, type.kind, arrow)
  if (DataType.isDecimal(from)) return type.kind === 'decimal' ? decimalConverter(from, type, arrow) : undefined
  if (DataType.isTime(from)) return type.kind === 'time' ? rescale(arrow, unitsPerSecond(from.unit), 1_000_000n, 'exact') : undefined
  if (DataType.isDate(from) && type.kind === 'date') return dateConverter(from, arrow)
  if (DataType.isDate(from) || DataType.isTimestamp(from)) return timestampConverter(from, type.kind, arrow, policy)
  return undefined
}

function intConverter(bitWidth: number, kind: string, arrow: DataType): ChunkConverter | undefined {
  if (kind === 'int') return bitWidth < 32 ? widen(arrow, Int32Array) : undefined
  return kind === 'long' && bitWidth <= 32 ? widenToLong(arrow) : undefined
}

function floatConverter(precision: number, kind: string, arrow: DataType): ChunkConverter | undefined {
  const target = kind === 'float' ? Float32Array : kind === 'double' ? Float64Array : undefined
  if (target === undefined || (kind === 'float' && precision !== 0)) return undefined
  return precision === 0 ? widenHalf(arrow, target) : widen(arrow, target)
}

function unknownConverter(arrow: DataType, policy: ConversionPolicy): ChunkConverter {
  return (chunk, refuse) => {
    if (policy === 'input') forEachValue(chunk, (row) => refuse(row, 'a value'))
    return nullChunk(arrow, chunk.length)
  }
}

function widen(arrow: DataType, target: new (values: ArrayLike<number>) => FixedValues): ChunkConverter {
  return (chunk) => fixedChunk(arrow, chunk.length, new target(fixedValues<Int32Array>(chunk).subarray(0, chunk.length)), validityOf(chunk))
}

function widenToLong(arrow: DataType): ChunkConverter {
  return (chunk) => {
    const source = fixedValues<Int32Array>(chunk)
    const words = new Int32Array(chunk.length * 2)
    for (let i = 0; i < chunk.length; i++) {
      const value = source[i]!
      words[i * 2] = value
      words[i * 2 + 1] = value < 0 ? -1 : 0
    }
    return fixedChunk(arrow, chunk.length, new BigInt64Array(words.buffer), validityOf(chunk))
  }
}

function widenHalf(arrow: DataType, target: new (values: ArrayLike<number>) => FixedValues): ChunkConverter {
  return (chunk) => {
    const values = Array.from(fixedValues<Uint16Array>(chunk).subarray(0, chunk.length), halfToNumber)
    return fixedChunk(arrow, chunk.length, new target(values), validityOf(chunk))
  }
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

type ArrowDecimal = DataType & { readonly precision: number; readonly scale: number; readonly bitWidth: number }

// Spec: Schema Evolution › decimal(P, S) to decimal(P', S) when P' > P
function decimalConverter(from: ArrowDecimal, to: { precision: number; scale: number }, arrow: DataType): ChunkConverter {
  const words = from.bitWidth / 32
  const fits = from.scale === to.scale && from.precision <= to.precision
  if (fits && words === 4) return (chunk) => retype(chunk, arrow)
  const limit = 10n ** BigInt(to.precision)
  return (chunk, refuse) => {
    const source = wordsOf(fixedValues(chunk))
    const target = new Uint32Array(chunk.length * 4)
    forEachValue(chunk, (row) => {
      const value = readDecimal(source, row * words, words)
      const rescaled = rescaleDecimal(value, from.scale, to.scale)
      if (rescaled === undefined || rescaled >= limit || rescaled <= -limit) refuse(row, `${value}e-${from.scale}`)
      writeDecimal(target, row * 4, rescaled!)
    })
    return fixedChunk(arrow, chunk.length, target, validityOf(chunk))
  }
}

function wordsOf(values: FixedValues): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
}

function dateConverter(from: { readonly unit: DateUnit }, arrow: DataType): ChunkConverter | undefined {
  if (from.unit !== DateUnit.MILLISECOND) return undefined
  return (chunk, refuse) => {
    const source = fixedValues<BigInt64Array>(chunk)
    const days = new Int32Array(chunk.length)
    forEachValue(chunk, (row) => {
      const day = Number(source[row]!) / 86_400_000
      if (!Number.isInteger(day) || day !== (day | 0)) refuse(row, `${source[row]} ms`)
      days[row] = day
    })
    return fixedChunk(arrow, chunk.length, days, validityOf(chunk))
  }
}

function unitsPerSecond(unit: TimeUnit): bigint {
  return 10n ** BigInt(unit * 3)
}

// Spec: Schema Evolution › date to timestamp or timestamp_ns, never to a type with zone
function timestampConverter(from: DataType, kind: string, arrow: DataType, policy: ConversionPolicy): ChunkConverter | undefined {
  if (!kind.startsWith('timestamp')) return undefined
  const perSecond = kind.endsWith('_ns') ? 1_000_000_000n : 1_000_000n
  const zoned = kind.startsWith('timestamptz')
  if (DataType.isDate(from) && from.unit === DateUnit.DAY) {
    if (policy !== 'file' || zoned) return undefined
    return multiply(arrow, 86_400n * perSecond)
  }
  if (!DataType.isTimestamp(from)) return undefined
  // Files of other writers may lack the zone (INT96 has none); the column's type decides
  if (policy === 'input' && hasZone(from) !== zoned) return undefined
  return rescale(arrow, unitsPerSecond(from.unit), perSecond, policy === 'file' ? 'floor' : 'exact')
}

function rescale(arrow: DataType, from: bigint, to: bigint, rounding: 'exact' | 'floor'): ChunkConverter {
  if (from === to) return (chunk) => retype(chunk, arrow)
  return to > from ? multiply(arrow, to / from) : divide(arrow, from / to, rounding)
}

function multiply(arrow: DataType, factor: bigint): ChunkConverter {
  // Below this magnitude the product is a safe integer, which doubles multiply exactly and without allocating
  const safe = Math.floor(Number.MAX_SAFE_INTEGER / Number(factor))
  const numeric = Number(factor)
  return (chunk, refuse) => {
    const source = fixedValues<BigInt64Array | Int32Array>(chunk)
    const target = new BigInt64Array(chunk.length)
    const words = new Int32Array(target.buffer)
    forEachValue(chunk, (row) => {
      const raw = source[row]!
      const value = Number(raw)
      if (value >= -safe && value <= safe) return writeSafe(words, row, value * numeric)
      const product = BigInt(raw) * factor
      if (product !== BigInt.asIntN(64, product)) refuse(row, `${raw}, which is out of the range of the type`)
      target[row] = product
    })
    return fixedChunk(arrow, chunk.length, target, validityOf(chunk))
  }
}

/** Stores a safe integer as a little-endian 64-bit one. */
function writeSafe(words: Int32Array, row: number, value: number): void {
  words[row * 2] = value % 4_294_967_296
  words[row * 2 + 1] = Math.floor(value / 4_294_967_296)
}

function divide(arrow: DataType, divisor: bigint, rounding: 'exact' | 'floor'): ChunkConverter {
  return (chunk, refuse) => {
    const source = fixedValues<BigInt64Array>(chunk)
    const target = new BigInt64Array(chunk.length)
    forEachValue(chunk, (row) => {
      const value = source[row]!
      const rest = value % divisor
      if (rest !== 0n && rounding === 'exact') refuse(row, `${value}, which has digits below the unit of the type`)
      target[row] = rest < 0n ? value / divisor - 1n : value / divisor
    })
    return fixedChunk(arrow, chunk.length, target, validityOf(chunk))
  }
}
