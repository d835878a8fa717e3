import { isUtf8 } from 'node:buffer'
import { DataType } from 'apache-arrow'
import type { FixedSizeBinary } from 'apache-arrow'
import { canonicalUuid, uuidToBytes } from '../schema/hex-text.js'
import { fixedChunk, fixedValues, forEachValue, offsetsOf, retype, validityOf, variableChunk } from './arrow-data.js'
import { sameLayout } from './arrow-schema.js'
import type { ChunkConverter, ConversionPolicy, PrimitiveTarget } from './conversion.js'
import { textReader } from './text-reader.js'

const variableKinds: ReadonlySet<string> = new Set(['string', 'binary', 'geometry', 'geography'])

/** Converters of text, binary and fixed-width bytes. */
export function bytesConverter(from: DataType, { type, arrow }: PrimitiveTarget, policy: ConversionPolicy): ChunkConverter | undefined {
  const retyped: ChunkConverter = (chunk) => retype(chunk, arrow)
  if (sameLayout(from, arrow)) return type.kind === 'string' && policy === 'input' ? checkText(arrow) : retyped
  if (DataType.isFixedSizeBinary(from)) return type.kind === 'binary' ? fixedToBinary(from.byteWidth, arrow) : undefined
  // Old writers left the string annotation out, and the layouts are the same
  if (policy === 'file') return variableKinds.has(type.kind) ? retyped : undefined
  if (type.kind === 'uuid' && DataType.isUtf8(from)) return textToUuid(arrow)
  return (type.kind === 'uuid' || type.kind === 'fixed') && DataType.isBinary(from) ? binaryToFixed(arrow) : undefined
}

/** What others built need not be UTF-8. */
function checkText(arrow: DataType): ChunkConverter {
  return (chunk, refuse) => {
    const offsets = offsetsOf(chunk)
    const bytes = fixedValues<Uint8Array>(chunk)
    if (chunk.length > 0 && !isUtf8(bytes.subarray(offsets[0], offsets[chunk.length]))) {
      forEachValue(chunk, (row) => {
        if (!isUtf8(bytes.subarray(offsets[row], offsets[row + 1]))) refuse(row, 'bytes that are not UTF-8')
      })
    }
    return retype(chunk, arrow)
  }
}

function fixedToBinary(width: number, arrow: DataType): ChunkConverter {
  return (chunk) => {
    const offsets = Int32Array.from({ length: chunk.length + 1 }, (_, row) => row * width)
    return variableChunk(arrow, offsets, fixedValues<Uint8Array>(chunk), validityOf(chunk))
  }
}

function binaryToFixed(arrow: DataType): ChunkConverter {
  const width = (arrow as FixedSizeBinary).byteWidth
  return (chunk, refuse) => {
    const offsets = offsetsOf(chunk)
    const bytes = fixedValues<Uint8Array>(chunk)
    const values = new Uint8Array(chunk.length * width)
    forEachValue(chunk, (row) => {
      const length = offsets[row + 1]! - offsets[row]!
      if (length !== width) refuse(row, `${length} bytes`)
      values.set(bytes.subarray(offsets[row], offsets[row + 1]), row * width)
    })
    return fixedChunk(arrow, chunk.length, values, validityOf(chunk))
  }
}

function textToUuid(arrow: DataType): ChunkConverter {
  return (chunk, refuse) => {
    const read = textReader(chunk)
    const values = new Uint8Array(chunk.length * 16)
    forEachValue(chunk, (row) => {
      const uuid = canonicalUuid(read(row))
      if (uuid === undefined) refuse(row, `string ${JSON.stringify(read(row).slice(0, 40))}`)
      values.set(uuidToBytes(uuid!), row * 16)
    })
    return fixedChunk(arrow, chunk.length, values, validityOf(chunk))
  }
}
