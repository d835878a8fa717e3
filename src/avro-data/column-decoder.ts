import type { DataType } from 'apache-arrow'
import { fixedChunk } from '../arrow/arrow-data.js'
import type { Chunk, FixedValues, Validity } from '../arrow/arrow-data.js'
import { nullChunk } from '../arrow/constant-chunk.js'
import { grown, trimmed } from '../arrow/growing-values.js'
import type { AvroInput } from '../avro/avro-input.js'
import { readBranch } from '../avro/skip.js'
import type { Skip } from '../avro/skip.js'
import { FloeError } from '../util/errors.js'

/** Where a column stands, for errors. */
export interface ColumnSite {
  readonly path: string
  readonly file: string
}

/** Most bytes that the values of one column of a batch may take. */
export const MAX_COLUMN_BYTES = 2 ** 30
const FIRST_CAPACITY = 1024

/**
 * Decodes the values of one column, one row after the other, into the buffers of an Arrow chunk. Nulls are marked as they come, so
 * that values that are there cost nothing for being optional.
 */
export abstract class ColumnDecoder {
  protected length = 0
  /** A set bit is a null. */
  #nulls = new Uint8Array(0)
  #nullCount = 0

  /** Bytes that a row takes whatever its value. */
  abstract readonly rowBytes: number

  /** Decodes a value that is there. */
  abstract next(input: AvroInput): void

  addNull(): void {
    const row = this.length
    const byte = row >> 3
    if (byte >= this.#nulls.length) this.#nulls = grown(this.#nulls, Math.max(FIRST_CAPACITY >> 3, byte * 2))
    this.#nulls[byte]! |= 1 << (row & 7)
    this.#nullCount++
    this.putNull()
  }

  /** Hands the rows out, and starts anew. */
  take(): Chunk {
    const chunk = this.takeValues(this.length, this.#validity())
    this.length = 0
    this.#nullCount = 0
    this.#nulls = new Uint8Array(0)
    return chunk
  }

  /** Adds whatever a null row holds, and counts it. */
  protected abstract putNull(): void
  protected abstract takeValues(length: number, validity: Validity | undefined): Chunk

  #validity(): Validity | undefined {
    if (this.#nullCount === 0) return undefined
    const bitmap = new Uint8Array((this.length + 7) >> 3)
    const marked = Math.min(bitmap.length, this.#nulls.length)
    for (let i = 0; i < marked; i++) bitmap[i] = ~this.#nulls[i]!
    bitmap.fill(255, marked)
    return { bitmap, nullCount: this.#nullCount }
  }
}

/** What is done with one field of a record, or with the items of an array or map. */
export class DecodeStep {
  constructor(
    /** Undefined: the value is passed over. */
    readonly decoder: ColumnDecoder | undefined,
    readonly skip: Skip,
    /** −1: the value is no union with null. */
    readonly nullBranch: number,
  ) {}
}

/** Moves an input over one value, decoding it where it is wanted. */
export function decodeStep(step: DecodeStep, input: AvroInput): void {
  const decoder = step.decoder
  if (decoder === undefined) step.skip(input)
  else if (step.nullBranch >= 0 && readBranch(input, 2) === step.nullBranch) decoder.addNull()
  else decoder.next(input)
}

/** Rows of one width, and a typed array for them. */
export abstract class FixedDecoder<T extends FixedValues> extends ColumnDecoder {
  readonly rowBytes: number
  protected values: T
  protected capacity = 0
  #nextCapacity = FIRST_CAPACITY

  constructor(
    protected readonly arrow: DataType,
    private readonly site: ColumnSite,
    private readonly makeValues: new (length: number) => T,
    private readonly stride = 1,
  ) {
    super()
    this.values = new makeValues(0)
    this.rowBytes = this.values.BYTES_PER_ELEMENT * stride
  }

  /** Makes room for more rows. */
  protected grow(): void {
    const capacity = this.capacity === 0 ? this.#nextCapacity : this.capacity * 2
    if (capacity * this.rowBytes > MAX_COLUMN_BYTES) throw tooLarge(this.site)
    this.capacity = capacity
    this.values = grown(this.values, capacity * this.stride)
  }

  protected putNull(): void {
    if (this.length === this.capacity) this.grow()
    this.length++
  }

  protected takeValues(length: number, validity: Validity | undefined): Chunk {
    const values = trimmed(this.values, length * this.stride)
    this.values = new this.makeValues(0)
    this.capacity = 0
    // The next batch is likely as long
    this.#nextCapacity = Math.max(16, length)
    return fixedChunk(this.arrow, length, values, validity)
  }
}

/** `int` and its logical types. */
export class IntDecoder extends FixedDecoder<Int32Array> {
  constructor(arrow: DataType, site: ColumnSite) {
    super(arrow, site, Int32Array)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    this.values[this.length++] = input.readInt()
  }
}

/** `long` and its logical types. */
export class LongDecoder extends FixedDecoder<BigInt64Array> {
  #words: Int32Array = new Int32Array(0)

  constructor(arrow: DataType, site: ColumnSite) {
    super(arrow, site, BigInt64Array)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    const at = this.length++ * 2
    input.readLongHalves()
    this.#words[at] = input.low
    this.#words[at + 1] = input.high
  }

  protected override grow(): void {
    super.grow()
    this.#words = new Int32Array(this.values.buffer)
  }
}

export class FloatDecoder extends FixedDecoder<Float32Array> {
  constructor(arrow: DataType, site: ColumnSite) {
    super(arrow, site, Float32Array)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    this.values[this.length++] = input.readFloat()
  }
}

export class DoubleDecoder extends FixedDecoder<Float64Array> {
  constructor(arrow: DataType, site: ColumnSite) {
    super(arrow, site, Float64Array)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    this.values[this.length++] = input.readDouble()
  }
}

/** A byte a row until the rows are taken. */
export class BooleanDecoder extends FixedDecoder<Uint8Array> {
  constructor(arrow: DataType, site: ColumnSite) {
    super(arrow, site, Uint8Array)
  }

  next(input: AvroInput): void {
    if (this.length === this.capacity) this.grow()
    this.values[this.length++] = input.readBoolean() ? 1 : 0
  }

  protected override takeValues(length: number, validity: Validity | undefined): Chunk {
    const bits = new Uint8Array((length + 7) >> 3)
    for (let row = 0; row < length; row++) bits[row >> 3]! |= this.values[row]! << (row & 7)
    super.takeValues(length, undefined)
    return fixedChunk(this.arrow, length, bits, validity)
  }
}

/** `null`. */
export class NullDecoder extends ColumnDecoder {
  readonly rowBytes = 0

  constructor(private readonly arrow: DataType) {
    super()
  }

  next(): void {
    this.length++
  }

  protected putNull(): void {
    this.length++
  }

  protected takeValues(length: number): Chunk {
    return nullChunk(this.arrow, length)
  }
}

/** For the caller to throw. */
export function tooLarge({ path, file }: ColumnSite): FloeError {
  const message = `a column of one batch would take more than ${MAX_COLUMN_BYTES} bytes; read fewer rows a batch`
  return new FloeError('UNSUPPORTED', message, { column: path, file })
}
