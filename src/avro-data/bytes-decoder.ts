import { isAscii, isUtf8 } from 'node:buffer'
import type { DataType } from 'apache-arrow'
import { variableChunk } from '../arrow/arrow-data.js'
import type { Chunk, Validity } from '../arrow/arrow-data.js'
import { grown, trimmed } from '../arrow/growing-values.js'
import type { AvroInput } from '../avro/avro-input.js'
import { FloeError } from '../util/errors.js'
import { ColumnDecoder, FixedDecoder, MAX_COLUMN_BYTES, tooLarge } from './column-decoder.js'
import type { ColumnSite } from './column-decoder.js'

/** Shorter values are copied here: calling into the runtime costs more than the loop. */
const SHORT_BYTES = 32

/** `fixed`. */
export class FixedBytesDecoder extends FixedDecoder<Uint8Array> {
  constructor(
    arrow: DataType,
    site: ColumnSite,
    private readonly width: number,
  ) {
    super(arrow, site, Uint8Array, width)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    const { width, values } = this
    const source = input.bytes
    const from = input.take(width)
    const at = this.length++ * width
    if (width > SHORT_BYTES) values.set(source.subarray(from, from + width), at)
    else for (let i = 0; i < width; i++) values[at + i] = source[from + i]!
  }
}

/** `decimal` on `fixed` and `bytes`: big-endian two's complement of any length becomes four little-endian words. */
export class DecimalDecoder extends FixedDecoder<Uint32Array> {
  constructor(
    arrow: DataType,
    site: ColumnSite,
    /** Undefined: the length stands before each value. */
    private readonly width: number | undefined,
  ) {
    super(arrow, site, Uint32Array, 4)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    const width = this.width ?? input.readSize()
    if (!readUnscaled(input, width, this.values, this.length * 4)) {
      throw input.corrupt(`has a decimal of ${width} bytes before offset ${input.position} that is larger than any decimal`)
    }
    this.length++
  }
}

/** `bytes`, `string` and, as their symbols, enums. */
abstract class VariableDecoder extends ColumnDecoder {
  readonly rowBytes = 4
  protected values = new Uint8Array(0)
  protected offsets = new Int32Array(0)
  protected end = 0
  #nextCapacity = 1024

  constructor(
    protected readonly arrow: DataType,
    protected readonly site: ColumnSite,
  ) {
    super()
  }

  /** Adds one value that lies in `source`. */
  protected append(source: Uint8Array, from: number, size: number): void {
    const start = this.end
    const end = start + size
    if (end > this.values.length) this.#reserve(end)
    const values = this.values
    if (size > SHORT_BYTES) values.set(source.subarray(from, from + size), start)
    else for (let i = 0; i < size; i++) values[start + i] = source[from + i]!
    this.#endRow(end)
  }

  protected putNull(): void {
    this.#endRow(this.end)
  }

  protected takeValues(length: number, validity: Validity | undefined): Chunk {
    const offsets = length === 0 ? new Int32Array(1) : trimmed(this.offsets, length + 1)
    const chunk = variableChunk(this.arrow, offsets, trimmed(this.values, this.end), validity)
    this.#nextCapacity = Math.max(16, length)
    this.values = new Uint8Array(0)
    this.offsets = new Int32Array(0)
    this.end = 0
    return chunk
  }

  #endRow(end: number): void {
    const row = ++this.length
    if (row >= this.offsets.length) this.offsets = grown(this.offsets, row === 1 ? this.#nextCapacity + 1 : row * 2 + 1)
    this.offsets[row] = end
    this.end = end
  }

  #reserve(needed: number): void {
    if (needed > MAX_COLUMN_BYTES) throw tooLarge(this.site)
    this.values = grown(this.values, Math.max(16_384, needed, this.values.length * 2))
  }
}

/** `bytes`. */
export class BytesDecoder extends VariableDecoder {
  next(input: AvroInput): void {
    const size = input.readSize()
    this.append(input.bytes, input.take(size), size)
  }
}

/** `string`: text that is checked to be UTF-8 once for all rows of a batch. */
export class TextDecoder extends VariableDecoder {
  next(input: AvroInput): void {
    const size = input.readSize()
    this.append(input.bytes, input.take(size), size)
  }

  protected override takeValues(length: number, validity: Validity | undefined): Chunk {
    const bytes = this.values.subarray(0, this.end)
    if (!isAscii(bytes) && !(isUtf8(bytes) && this.#startsCharacters(length))) {
      throw new FloeError('CORRUPT', 'a text column holds bytes that are not UTF-8', { column: this.site.path, file: this.site.file })
    }
    return super.takeValues(length, validity)
  }

  /** Whether no value starts within a character of the one before. */
  #startsCharacters(length: number): boolean {
    for (let row = 1; row < length; row++) if ((this.values[this.offsets[row]!]! & 0xc0) === 0x80) return false
    return true
  }
}

/** An enum, as the text of its symbols. */
export class SymbolDecoder extends VariableDecoder {
  readonly #symbols: readonly Uint8Array[]

  constructor(arrow: DataType, site: ColumnSite, symbols: readonly string[]) {
    super(arrow, site)
    this.#symbols = symbols.map((symbol) => new TextEncoder().encode(symbol))
  }

  next(input: AvroInput): void {
    const index = input.readInt()
    const symbol = this.#symbols[index]
    if (symbol === undefined) throw input.corrupt(`has symbol ${index} of an enum of ${this.#symbols.length} before offset ${input.position}`)
    this.append(symbol, 0, symbol.length)
  }
}

/** Reads big-endian two's complement into four little-endian words; false when it does not fit them. No bytes are zero. */
function readUnscaled(input: AvroInput, width: number, target: Uint32Array, at: number): boolean {
  const start = input.take(width)
  const source = input.bytes
  const fill = width > 0 && source[start]! > 127 ? 0xff : 0
  const end = start + width
  for (let i = start; i < end - 16; i++) if (source[i] !== fill) return false
  for (let word = 0; word < 4; word++) {
    const last = end - 1 - word * 4
    const byte = (index: number): number => (index >= start ? source[index]! : fill)
    target[at + word] = byte(last) | (byte(last - 1) << 8) | (byte(last - 2) << 16) | (byte(last - 3) << 24)
  }
  // Of more than sixteen bytes, the sign must stand in those that were kept
  return width <= 16 || source[end - 16]! >> 7 === fill >> 7
}
