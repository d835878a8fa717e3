/**
 * Look-ups in the encoded maps of a manifest entry: arrays of (field id, value) pairs. The walker has checked their extent,
 * so these only walk. A linear search beats building a Map: a filter asks for a few columns of each file once.
 */

/**
 * The count of `fieldId` in an encoded map of counts that starts at `offset`. `undefined`: none, or one that cannot be, as
 * some old writers stored.
 */
export function findCount(bytes: Uint8Array, offset: number, fieldId: number): number | undefined {
  const cursor = new PairCursor(bytes, offset)
  while (cursor.next()) {
    if (cursor.key === fieldId) return knownCount(cursor.number())
    cursor.skipNumber()
  }
  return undefined
}

/** A view of the bytes of `fieldId` in an encoded map of binary that starts at `offset`. */
export function findBytes(bytes: Uint8Array, offset: number, fieldId: number): Uint8Array | undefined {
  const cursor = new PairCursor(bytes, offset)
  while (cursor.next()) {
    const length = cursor.number()
    if (cursor.key === fieldId) return bytes.subarray(cursor.position, cursor.position + length)
    cursor.position += length
  }
  return undefined
}

/** The whole map of counts; those that cannot be are left out. */
export function readCounts(bytes: Uint8Array, offset: number): Map<number, number> {
  const counts = new Map<number, number>()
  const cursor = new PairCursor(bytes, offset)
  while (cursor.next()) {
    const count = knownCount(cursor.number())
    if (count !== undefined) counts.set(cursor.key, count)
  }
  return counts
}

/** The whole map of binary; the values are views. */
export function readBounds(bytes: Uint8Array, offset: number): Map<number, Uint8Array> {
  const bounds = new Map<number, Uint8Array>()
  const cursor = new PairCursor(bytes, offset)
  while (cursor.next()) {
    const length = cursor.number()
    bounds.set(cursor.key, bytes.subarray(cursor.position, cursor.position + length))
    cursor.position += length
  }
  return bounds
}

/** Old writers stored -1 for «unknown». */
function knownCount(count: number): number | undefined {
  return count >= 0 && Number.isSafeInteger(count) ? count : undefined
}

class PairCursor {
  key = 0
  position: number
  private rest = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes
    this.position = offset
  }

  /** Moves on to the next pair and reads its key; false at the end. */
  next(): boolean {
    if (this.rest === 0) {
      this.rest = this.number()
      if (this.rest < 0) {
        // A negative count is followed by the size of the block in bytes.
        this.rest = -this.rest
        this.skipNumber()
      }
      if (this.rest === 0) return false
    }
    this.rest--
    this.key = this.number()
    return true
  }

  /** A zig-zag varint as a number; exact up to 2^53. */
  number(): number {
    const bytes = this.bytes
    const byte = bytes[this.position++]!
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1)
    let unsigned = byte & 127
    let scale = 128
    let next: number
    do {
      next = bytes[this.position++]!
      unsigned += (next & 127) * scale
      scale *= 128
    } while (next >= 128)
    return (byte & 1) === 0 ? unsigned / 2 : -(unsigned + 1) / 2
  }

  skipNumber(): void {
    const bytes = this.bytes
    while (bytes[this.position++]! >= 128);
  }
}
