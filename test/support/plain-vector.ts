/**
 * The positions of a serialised vector, read in the plainest way from the text of the format: value by value, into a list. It
 * shares no code with what is tested.
 */
export function readVectorPlainly(bytes: Uint8Array): readonly bigint[] | 'invalid' {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const positions: bigint[] = []
  try {
    let at = 8
    let lastKey = -1
    for (let left = view.getBigUint64(0, true); left > 0n; left--) {
      const key = view.getUint32(at, true)
      if (key <= lastKey || key > 0x7fff_ffff) return 'invalid'
      lastKey = key
      at = readBitmap(view, at + 4, (value) => positions.push((BigInt(key) << 32n) | BigInt(value)))
      if (at < 0) return 'invalid'
    }
    return at === bytes.length ? positions : 'invalid'
  } catch (error) {
    if (error instanceof RangeError) return 'invalid'
    throw error
  }
}

/** Where the bitmap at `start` ends, or -1. */
function readBitmap(view: DataView, start: number, add: (value: number) => void): number {
  const cookie = view.getUint32(start, true)
  const hasRuns = (cookie & 0xffff) === 12347
  if (!hasRuns && cookie !== 12346) return -1
  const count = hasRuns ? (cookie >>> 16) + 1 : view.getUint32(start + 4, true)
  if (count > 65_536) return -1
  const headers = hasRuns ? start + 4 + Math.ceil(count / 8) : start + 8
  let at = headers + 4 * count
  const hasOffsets = !hasRuns || count >= 4
  if (hasOffsets) at += 4 * count
  let last = -1
  for (let i = 0; i < count; i++) {
    const high = view.getUint16(headers + 4 * i, true) * 65_536
    const cardinality = view.getUint16(headers + 4 * i + 2, true) + 1
    if (hasOffsets && view.getUint32(headers + 4 * count + 4 * i, true) !== at - start) return -1
    if (high <= last - (last % 65_536) && last >= 0) return -1
    const values: number[] = []
    if (hasRuns && ((view.getUint8(start + 4 + (i >> 3)) >> (i % 8)) & 1) === 1) {
      const runs = view.getUint16(at, true)
      at += 2
      for (let run = 0; run < runs; run++, at += 4) {
        const first = view.getUint16(at, true)
        for (let more = view.getUint16(at + 2, true), value = first; more >= 0; more--) values.push(value++)
      }
    } else if (cardinality > 4096) {
      for (let bit = 0; bit < 65_536; bit++) if ((view.getUint8(at + (bit >> 3)) >> (bit % 8)) & 1) values.push(bit)
      at += 8192
    } else {
      for (let n = 0; n < cardinality; n++, at += 2) values.push(view.getUint16(at, true))
    }
    if (values.length !== cardinality || values.some((value, n) => value > 65_535 || (n > 0 && value <= values[n - 1]!))) return -1
    last = high + values.at(-1)!
    for (const value of values) add(high + value)
  }
  return at
}
