import { FloeError } from './errors.js'

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const MAX_BLOCK_BYTES = 131_072

/** A complete zstd frame inside a longer input. */
export interface ZstdFrame {
  readonly start: number
  readonly end: number
  /** As the header declares it. */
  readonly contentSize: number | undefined
  /** What the blocks can hold at most. */
  readonly maxContentSize: number
}

/**
 * Walks the frames and block headers of `bytes` without decompressing, so that truncation and lying sizes are found before
 * a decompressor allocates. Skippable frames are left out. Throws `CORRUPT`, or `UNSUPPORTED` for a dictionary.
 *
 * Source: RFC 8878 §3.1
 */
export function readZstdFrames(bytes: Uint8Array): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  let position = 0
  if (bytes.length === 0) throw corrupt('is empty')
  while (position < bytes.length) {
    const magic = uint(bytes, position, 4)
    if (magic - (magic % 16) === SKIPPABLE_MAGIC) {
      position = advance(bytes, position + 8, uint(bytes, position + 4, 4))
      continue
    }
    if (magic !== MAGIC) throw corrupt(`has no frame magic at offset ${position}`)
    const frame = readFrame(bytes, position)
    frames.push(frame)
    position = frame.end
  }
  return frames
}

function readFrame(bytes: Uint8Array, start: number): ZstdFrame {
  const descriptor = uint(bytes, start + 4, 1)
  const singleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const header = start + 5 + (singleSegment ? 0 : 1)
  if (uint(bytes, header, dictionaryBytes) !== 0) throw new FloeError('UNSUPPORTED', 'The zstd frame needs a dictionary; write the file without one')
  const sizeStart = header + dictionaryBytes
  const contentSize = sizeBytes === 0 ? undefined : uint(bytes, sizeStart, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  const blocks = readBlocks(bytes, sizeStart + sizeBytes)
  const end = advance(bytes, blocks.end, (descriptor & 4) !== 0 ? 4 : 0)
  if (contentSize !== undefined && contentSize > blocks.maxContentSize) {
    throw corrupt(`declares ${contentSize} bytes of content where its blocks hold at most ${blocks.maxContentSize}`)
  }
  return { start, end, contentSize, maxContentSize: blocks.maxContentSize }
}

function readBlocks(bytes: Uint8Array, start: number): { end: number; maxContentSize: number } {
  let position = start
  let maxContentSize = 0
  for (;;) {
    const header = uint(bytes, position, 3)
    const kind = (header >>> 1) & 3
    const size = header >>> 3
    if (kind === 3 || size > MAX_BLOCK_BYTES) throw corrupt(`has an invalid block header at offset ${position}`)
    position = advance(bytes, position + 3, kind === 1 ? 1 : size)
    maxContentSize += kind === 2 ? MAX_BLOCK_BYTES : size
    if ((header & 1) !== 0) return { end: position, maxContentSize }
  }
}

function uint(bytes: Uint8Array, offset: number, width: number): number {
  advance(bytes, offset, width)
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[offset + i]!
  return value
}

function advance(bytes: Uint8Array, position: number, length: number): number {
  if (position + length > bytes.length) throw corrupt(`ends at ${bytes.length} bytes, before offset ${position + length}`)
  return position + length
}

function corrupt(problem: string): FloeError {
  return new FloeError('CORRUPT', `Corrupt zstd data: it ${problem}`)
}
