import { Buffer } from 'node:buffer'

/**
 * The row after the last of those from `from` on that hold the same text as row `from`; `rows` at most.
 *
 * Equal texts lie in memory like a pattern that repeats: a stretch holds nothing else exactly when it is equal to itself moved
 * by their length, which takes one comparison of memory. It grows by doubling, then shrinks by halves.
 */
export function runEnd(bytes: Uint8Array, offsets: Int32Array, from: number, rows: number): number {
  const length = offsets[from + 1]! - offsets[from]!
  const repeats = (row: number, end: number): boolean => {
    for (let i = row; i < end; i++) if (offsets[i + 1]! - offsets[i]! !== length) return false
    const [start, last] = [offsets[row]!, offsets[end]!]
    return Buffer.compare(bytes.subarray(start - length, last - length), bytes.subarray(start, last)) === 0
  }
  let end = from + 1
  let growing = true
  for (let step = 1; step > 0 && end < rows; step = growing ? step * 2 : step >> 1) {
    const next = Math.min(end + step, rows)
    if (repeats(end, next)) end = next
    else growing = false
  }
  return end
}
