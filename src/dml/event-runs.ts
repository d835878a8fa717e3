import type { CompareRows } from '../arrow/column-order.js'

/** The events of a batch by key: those of one key side by side, the last one last. */
export class EventRuns {
  /** Rows of the batch; the run of key `number` is at `[starts[number], starts[number + 1])`. */
  readonly rows: Uint32Array
  readonly starts: Uint32Array

  /** `numbers`: the key of every row, from 0 to `keys` - 1. Of rows that compare as equal, the one with the higher index is later. */
  constructor(numbers: Int32Array, keys: number, compare: CompareRows) {
    this.starts = new Uint32Array(keys + 1)
    for (const number of numbers) this.starts[number + 1]!++
    for (let number = 0; number < keys; number++) this.starts[number + 1]! += this.starts[number]!
    const next = this.starts.slice(0, keys)
    this.rows = new Uint32Array(numbers.length)
    for (let row = 0; row < numbers.length; row++) this.rows[next[numbers[row]!]!++] = row
    if (keys === numbers.length) return
    const order: CompareRows = (a, b) => {
      const compared = compare(a, b)
      return compared === 0 ? a - b : compared
    }
    for (let number = 0; number < keys; number++) {
      const [start, end] = [this.starts[number]!, this.starts[number + 1]!]
      if (end - start > 1) this.rows.subarray(start, end).sort((a, b) => order(a, b))
    }
  }

  get keys(): number {
    return this.starts.length - 1
  }

  /** The rows of a key's events. */
  of(number: number): Uint32Array {
    return this.rows.subarray(this.starts[number], this.starts[number + 1])
  }

  last(number: number): number {
    return this.rows[this.starts[number + 1]! - 1]!
  }
}
