import type { CompareRows } from './column-order.js'

const insertionRun = 16

/** Rows with their keys, moved together: comparing neighbours in memory is what makes the sort fast. */
interface KeyedRows {
  readonly keys: Float64Array
  readonly rows: Uint32Array
}

/**
 * A stable merge sort of the rows 0 to `keys.length` by their keys, and by `compare` where keys are equal. `keys` is used up.
 * In typed memory: `Array.sort` would copy the rows to boxed values and back.
 */
export function sortRows(keys: Float64Array, compare: CompareRows): Uint32Array {
  const length = keys.length
  let from: KeyedRows = { keys, rows: Uint32Array.from({ length }, (_, row) => row) }
  let to: KeyedRows = { keys: new Float64Array(length), rows: new Uint32Array(length) }
  for (let start = 0; start < length; start += insertionRun) insertionSort(from, start, Math.min(start + insertionRun, length), compare)
  for (let width = insertionRun; width < length; width *= 2) {
    for (let start = 0; start < length; start += width * 2) mergeRuns({ from, to, start, width }, compare)
    ;[from, to] = [to, from]
  }
  return from.rows
}

function insertionSort({ keys, rows }: KeyedRows, start: number, end: number, compare: CompareRows): void {
  for (let i = start + 1; i < end; i++) {
    const row = rows[i]!
    const key = keys[i]!
    let at = i
    while (at > start && (keys[at - 1]! > key || (keys[at - 1] === key && compare(rows[at - 1]!, row) > 0))) {
      rows[at] = rows[at - 1]!
      keys[at] = keys[at - 1]!
      at--
    }
    rows[at] = row
    keys[at] = key
  }
}

interface Merge {
  readonly from: KeyedRows
  readonly to: KeyedRows
  readonly start: number
  readonly width: number
}

function mergeRuns({ from, to, start, width }: Merge, compare: CompareRows): void {
  const { keys, rows } = from
  const middle = Math.min(start + width, rows.length)
  const end = Math.min(middle + width, rows.length)
  const precedes = (left: number, right: number): boolean =>
    keys[left]! < keys[right]! || (keys[left] === keys[right] && compare(rows[left]!, rows[right]!) <= 0)
  // Runs that follow each other already are common in data that is almost sorted
  if (middle >= end || precedes(middle - 1, middle)) {
    to.keys.set(keys.subarray(start, end), start)
    to.rows.set(rows.subarray(start, end), start)
    return
  }
  let left = start
  let right = middle
  for (let at = start; at < end; at++) {
    const next = right >= end || (left < middle && precedes(left, right)) ? left++ : right++
    to.keys[at] = keys[next]!
    to.rows[at] = rows[next]!
  }
}
