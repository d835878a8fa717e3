import { bitAt, fixedValues, offsetsOf, validityBitmap, wordsOf } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import { isNanDouble, isNanFloat } from './key-hash.js'
import type { KeyLayout } from './key-hash.js'

/** Appends one value of a column. */
type ValuePacker = (row: number) => void

/** Packs the keys of single rows into bytes that are equal exactly when the keys are: null equals null, NaN equals NaN. */
export class KeyBytes {
  /** The packed key; valid up to {@link length} until the next one is packed. */
  bytes = new Uint8Array(256)
  length = 0
  readonly #layouts: readonly KeyLayout[]
  #packers: readonly ValuePacker[] = []

  constructor(layouts: readonly KeyLayout[]) {
    this.#layouts = layouts
  }

  /** Turns to the columns of a batch. */
  open(columns: readonly Chunk[]): void {
    this.#packers = columns.map((column, i) => this.#packer(column, this.#layouts[i]!))
  }

  /** Packs the key of one row of the batch. */
  pack(row: number): void {
    this.length = 0
    for (let i = 0; i < this.#packers.length; i++) this.#packers[i]!(row)
  }

  #packer(column: Chunk, layout: KeyLayout): ValuePacker {
    if (layout.kind === 'null') return () => this.#mark(0)
    const pack = this.#presentPacker(column, layout)
    const validity = validityBitmap(column)
    if (validity === undefined) return pack
    return (row) => (bitAt(validity, column.offset + row) ? pack(row) : this.#mark(0))
  }

  #presentPacker(column: Chunk, layout: KeyLayout): ValuePacker {
    switch (layout.kind) {
      case 'bit': {
        const bits = fixedValues<Uint8Array>(column)
        return (row) => this.#mark(bitAt(bits, column.offset + row) ? 2 : 1)
      }
      case 'words':
        return this.#wordPacker(wordsOf(fixedValues(column)), layout)
      case 'bytes': {
        const bytes = fixedValues<Uint8Array>(column)
        return (row) => this.#range(bytes, row * layout.width, (row + 1) * layout.width)
      }
      case 'variable': {
        const [bytes, offsets] = [fixedValues<Uint8Array>(column), offsetsOf(column)]
        return (row) => this.#range(bytes, offsets[row]!, offsets[row + 1]!)
      }
      case 'null':
        return () => this.#mark(0)
    }
  }

  #wordPacker(values: Int32Array, { words, nan }: { words: number; nan: boolean }): ValuePacker {
    const isNan = (at: number): boolean => nan && (words === 1 ? isNanFloat(values[at]!) : isNanDouble(values[at]!, values[at + 1]!))
    return (row) => {
      const at = row * words
      if (isNan(at)) return this.#mark(2)
      this.#mark(1)
      this.#reserve(words * 4)
      for (let word = 0; word < words; word++) this.#word(values[at + word]!)
    }
  }

  #range(bytes: Uint8Array, start: number, end: number): void {
    this.#mark(1)
    this.#reserve(end - start + 4)
    // The length first: else two columns could share bytes in more than one way
    this.#word(end - start)
    for (let i = start; i < end; i++) this.bytes[this.length++] = bytes[i]!
  }

  #mark(mark: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = mark
  }

  #word(word: number): void {
    const at = this.length
    this.bytes[at] = word
    this.bytes[at + 1] = word >> 8
    this.bytes[at + 2] = word >> 16
    this.bytes[at + 3] = word >> 24
    this.length = at + 4
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const grown = new Uint8Array((this.length + more) * 2)
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
