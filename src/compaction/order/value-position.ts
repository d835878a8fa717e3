import type { ByteColumn, KeyColumn, WordColumn } from './key-column.js'

/** A number for each row of a column, ascending with its values though not strictly: infinite for values beyond what it was made for. */
export type Positions = (column: KeyColumn) => Float64Array

const WORD = 2 ** 32

/**
 * Positions with as much precision as a double has for the values between two rows of a column, the least and the greatest: what these
 * begin with alike is left out. Null rows have any position.
 */
export function positionReader(sample: KeyColumn, least: number, greatest: number): Positions {
  return 'words' in sample ? wordPositions(sample, least, greatest) : bytePositions(sample, least, greatest)
}

function wordPositions({ words }: WordColumn, least: number, greatest: number): Positions {
  const base = words.map((word) => word[least]!)
  const differing = words.findIndex((word) => word[least] !== word[greatest])
  // Of two words all can be told; of more, the first two that differ
  const first = words.length <= 2 || differing === -1 ? 0 : differing
  return (column) => {
    const { words: read } = column as WordColumn
    const positions = Float64Array.from(read[first]!)
    const [high, low] = [base[first]!, base[first + 1]!]
    for (let row = 0; row < positions.length; row++) positions[row] = positions[row]! - high
    const next = read[first + 1]
    if (next !== undefined) for (let row = 0; row < positions.length; row++) positions[row] = positions[row]! * WORD + (next[row]! - low)
    for (let word = first - 1; word >= 0; word--) boundByWord(positions, read[word]!, base[word]!)
    return positions
  }
}

function boundByWord(positions: Float64Array, values: Uint32Array, expected: number): void {
  for (let row = 0; row < positions.length; row++) {
    const value = values[row]!
    if (value !== expected) positions[row] = value < expected ? -Infinity : Infinity
  }
}

function bytePositions({ bytes, starts, ends }: ByteColumn, least: number, greatest: number): Positions {
  const limit = Math.min(ends[least]! - starts[least]!, ends[greatest]! - starts[greatest]!)
  let length = 0
  while (length < limit && bytes[starts[least]! + length] === bytes[starts[greatest]! + length]) length++
  const prefix = bytes.slice(starts[least], starts[least]! + length)
  return (column) => {
    const read = column as ByteColumn
    const positions = new Float64Array(read.starts.length)
    for (let row = 0; row < positions.length; row++) positions[row] = bytePosition(read, row, prefix)
    return positions
  }
}

function bytePosition({ bytes, starts, ends }: ByteColumn, row: number, prefix: Uint8Array): number {
  const end = ends[row]!
  let at = starts[row]!
  for (let i = 0; i < prefix.length; i++, at++) {
    if (at >= end) return -Infinity
    const difference = bytes[at]! - prefix[i]!
    if (difference !== 0) return difference < 0 ? -Infinity : Infinity
  }
  let position = 0
  for (let i = 0; i < 8; i++, at++) position = position * 256 + (at < end ? bytes[at]! : 0)
  return position
}
