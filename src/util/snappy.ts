import { FloeError } from './errors.js'

const BLOCK_SIZE = 65_536
const HASH_BITS = 14
/** A three-byte copy element yields 64 bytes: no valid input expands more. */
const MAX_EXPANSION = 22

/**
 * Decodes one raw snappy block (no framing). Throws `CORRUPT` on truncation, on references before the start, and when the
 * declared length is over `maxOutputBytes` or more than the input can hold.
 *
 * Source: google/snappy, format_description.txt
 */
export function decompressSnappy(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  const [length, start] = readLength(bytes)
  if (length > maxOutputBytes) throw corrupt(`declares ${length} bytes of output where at most ${maxOutputBytes} are allowed`)
  if (length > (bytes.length - start) * MAX_EXPANSION) throw corrupt(`declares ${length} bytes of output, more than its ${bytes.length} bytes can hold`)
  const output = new Uint8Array(length)
  let from = start
  let to = 0
  while (from < bytes.length) {
    const tag = bytes[from++]!
    const kind = tag & 3
    let size: number
    if (kind === 0) {
      size = (tag >>> 2) + 1
      if (size > 60) {
        const width = size - 60
        if (from + width > bytes.length) throw corrupt('ends inside a literal length')
        size = readLittleEndian(bytes, from, width) + 1
        from += width
      }
      if (size > bytes.length - from || size > length - to) throw corrupt('has a literal that runs past the end')
      output.set(bytes.subarray(from, from + size), to)
      from += size
    } else {
      const width = kind === 3 ? 4 : kind
      if (from + width > bytes.length) throw corrupt('ends inside a copy')
      const distance = kind === 1 ? ((tag >>> 5) << 8) | bytes[from]! : readLittleEndian(bytes, from, width)
      size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
      from += width
      if (distance === 0 || distance > to || size > length - to) throw corrupt('has a copy outside of the output')
      copyWithin(output, to, distance, size)
    }
    to += size
  }
  if (to !== length) throw corrupt(`yields ${to} bytes where it declares ${length}`)
  return output
}

/** Encodes one raw snappy block (no framing). */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const output = new Uint8Array(32 + bytes.length + Math.ceil(bytes.length / 6))
  let to = 0
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    output[to++] = rest > 127 ? (rest % 128) | 128 : rest
    if (rest <= 127) break
  }
  const table = new Uint16Array(1 << HASH_BITS)
  for (let start = 0; start < bytes.length; start += BLOCK_SIZE) {
    table.fill(0)
    to = compressBlock({ bytes, start, end: Math.min(bytes.length, start + BLOCK_SIZE), table }, output, to)
  }
  return output.slice(0, to)
}

interface Block {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** Offset in the block at which a hash of four bytes was last seen. */
  readonly table: Uint16Array
}

function compressBlock(block: Block, output: Uint8Array, outputStart: number): number {
  const { bytes, start, end, table } = block
  let to = outputStart
  let literalStart = start
  let i = start + 1
  // The step grows over incompressible input, so that it costs little more than a copy.
  let misses = 32
  while (i + 4 <= end) {
    const word = read32(bytes, i)
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const candidate = start + table[slot]!
    table[slot] = i - start
    if (candidate >= i || read32(bytes, candidate) !== word) {
      i += misses++ >>> 5
      continue
    }
    misses = 32
    to = writeLiteral(bytes.subarray(literalStart, i), output, to)
    let matchEnd = i + 4
    for (let j = candidate + 4; matchEnd < end && bytes[matchEnd] === bytes[j]; j++) matchEnd++
    to = writeCopies(i - candidate, matchEnd - i, output, to)
    i = literalStart = matchEnd
  }
  return writeLiteral(bytes.subarray(literalStart, end), output, to)
}

function writeLiteral(literal: Uint8Array, output: Uint8Array, start: number): number {
  if (literal.length === 0) return start
  let to = start
  const size = literal.length - 1
  if (size < 60) output[to++] = size << 2
  else if (size < 256) {
    output[to++] = 60 << 2
    output[to++] = size
  } else {
    output[to++] = 61 << 2
    output[to++] = size & 255
    output[to++] = size >>> 8
  }
  output.set(literal, to)
  return to + literal.length
}

function writeCopies(distance: number, length: number, output: Uint8Array, start: number): number {
  let to = start
  let rest = length
  while (rest > 0) {
    // A tail under four bytes has no one-byte-offset form; leave at least four for the last copy.
    const size = rest > 64 ? (rest < 68 ? 60 : 64) : rest
    output[to++] = ((size - 1) << 2) | 2
    output[to++] = distance & 255
    output[to++] = distance >>> 8
    rest -= size
  }
  return to
}

function copyWithin(output: Uint8Array, to: number, distance: number, size: number): void {
  if (distance >= size) output.copyWithin(to, to - distance, to - distance + size)
  else for (let i = to; i < to + size; i++) output[i] = output[i - distance]!
}

function readLength(bytes: Uint8Array): [length: number, next: number] {
  let length = 0
  for (let i = 0; i < 5 && i < bytes.length; i++) {
    const byte = bytes[i]!
    length += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) {
      if (length > 0xffff_ffff) break
      return [length, i + 1]
    }
  }
  throw corrupt('has no valid length')
}

function readLittleEndian(bytes: Uint8Array, offset: number, width: number): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[offset + i]!
  return value
}

function read32(bytes: Uint8Array, i: number): number {
  return bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
}

function corrupt(problem: string): FloeError {
  return new FloeError('CORRUPT', `Corrupt snappy block: it ${problem}`)
}
