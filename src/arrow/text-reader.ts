import { Buffer, isAscii } from 'node:buffer'
import { fixedValues, offsetsOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'

/** Long enough to share the cost of a decoder call, short enough that a string kept by a caller pins little else. */
const blockBytes = 1024
/** Longer strings are decoded by themselves. */
const longBytes = 256

/**
 * Reads the strings of a chunk, whose validity the caller has looked at. Sequential reads are fastest: neighbours that are ASCII
 * are decoded together and cut.
 */
export function textReader(chunk: Chunk): (row: number) => string {
  const offsets = offsetsOf(chunk)
  const bytes = fixedValues<Uint8Array>(chunk)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = chunk.length === 0 ? 0 : offsets[chunk.length]!
  let block: string | undefined
  let blockStart = 0
  let blockEnd = 0
  return (row) => {
    const from = offsets[row]!
    const to = offsets[row + 1]!
    if (from === to) return ''
    if (to - from > longBytes) return buffer.toString('utf8', from, to)
    if (from < blockStart || to > blockEnd) {
      blockStart = from
      blockEnd = Math.min(from + blockBytes, end)
      block = isAscii(buffer.subarray(blockStart, blockEnd)) ? buffer.toString('latin1', blockStart, blockEnd) : undefined
    }
    return block === undefined ? buffer.toString('utf8', from, to) : block.substring(from - blockStart, to - blockStart)
  }
}
