import { fixedValues, type Chunk } from './arrow-data.js'

const HIGH_WORD = 2 ** 32

/** A column of longs without nulls, read as numbers without making a bigint of each: exact up to 2^53. */
export class LongNumbers {
  readonly length: number
  readonly #words: Int32Array

  constructor(chunk: Chunk) {
    const values = fixedValues<BigInt64Array>(chunk)
    this.length = chunk.length
    this.#words = new Int32Array(values.buffer, values.byteOffset, 2 * chunk.length)
  }

  at(row: number): number {
    return (this.#words[2 * row]! >>> 0) + this.#words[2 * row + 1]! * HIGH_WORD
  }
}
