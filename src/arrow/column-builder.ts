import type { DataType } from 'apache-arrow'
import type { Type } from '../schema/type.js'
import { fixedChunk } from './arrow-data.js'
import type { Chunk, FixedValues, Validity } from './arrow-data.js'
import { nullChunk } from './constant-chunk.js'
import { writeDecimal } from './decimal-words.js'
import type { CoerceInteger } from './coerce-value.js'
import { grown, trimmed } from './growing-values.js'

/** What a builder knows of its column. */
export interface ColumnSite {
  /** Full dotted path; `element`, `key` and `value` within lists and maps. */
  readonly path: string
  readonly type: Type
  readonly arrow: DataType
  readonly required: boolean
  /** What a value that is left out becomes, in the form that callers write; undefined: null. */
  readonly missing: unknown
  /** Throws the error for a value at the current row. */
  refuse(site: ColumnSite, value: unknown): never
}

const initialCapacity = 1024

/** Grows one column of one type. Values are checked as they arrive; a refused value leaves no trace once the column is truncated. */
export abstract class ColumnBuilder {
  length = 0
  protected capacity = 0
  #nullCount = 0
  #validity: Uint8Array | undefined

  constructor(readonly site: ColumnSite) {}

  /** Adds a value: `undefined` is a value that was left out, `null` a null. */
  add(value: unknown): void {
    if (value === undefined || value === null) {
      this.#addAbsent(value)
      return
    }
    if (this.length === this.capacity) this.#grow()
    if (!this.put(value, this.length)) this.site.refuse(this.site, value)
    if (this.#validity !== undefined) this.#validity[this.length >> 3]! |= 1 << (this.length & 7)
    this.length++
  }

  #addAbsent(value: null | undefined): void {
    if (value === undefined && this.site.missing !== undefined) {
      this.add(this.site.missing)
      return
    }
    if (this.site.required) this.site.refuse(this.site, value)
    this.addNull()
  }

  /** Adds a null without asking whether the column is required; used below null structs. */
  addNull(): void {
    if (this.length === this.capacity) this.#grow()
    this.#validity ??= this.#allValid()
    this.#validity[this.length >> 3]! &= ~(1 << (this.length & 7))
    this.#nullCount++
    this.putNull(this.length)
    this.length++
  }

  /** Bytes that the values take, buffers' slack left out. */
  get bytes(): number {
    return this.valueBytes() + (this.#validity === undefined ? 0 : this.length / 8)
  }

  /** Removes the rows from `length` on. */
  truncate(length: number): void {
    for (let row = length; row < this.length; row++) {
      if (this.#validity === undefined) break
      if (((this.#validity[row >> 3]! >> (row & 7)) & 1) === 0) this.#nullCount--
      this.#validity[row >> 3]! &= ~(1 << (row & 7))
    }
    this.length = length
    this.truncateValues(length)
  }

  /** Hands the column out, and starts a new one. */
  finish(): Chunk {
    const bitmap = this.#nullCount === 0 ? undefined : this.#validity!.slice(0, (this.length + 7) >> 3)
    const chunk = this.take(this.length, bitmap === undefined ? undefined : { bitmap, nullCount: this.#nullCount })
    this.length = 0
    this.capacity = 0
    this.#nullCount = 0
    this.#validity = undefined
    return chunk
  }

  #grow(): void {
    this.capacity = this.capacity === 0 ? initialCapacity : this.capacity * 2
    if (this.#validity !== undefined) this.#validity = grown(this.#validity, this.capacity >> 3)
    this.reserve(this.capacity)
  }

  #allValid(): Uint8Array {
    const validity = new Uint8Array(this.capacity >> 3)
    for (let row = 0; row < this.length; row++) validity[row >> 3]! |= 1 << (row & 7)
    return validity
  }

  /** Stores a value at a row within the capacity; false when it is no value of the type. */
  protected abstract put(value: unknown, row: number): boolean
  /** Stores whatever a null row holds. */
  protected abstract putNull(row: number): void
  protected abstract reserve(capacity: number): void
  protected abstract valueBytes(): number
  /** The first `length` rows as a chunk; the builder's buffers may go with it. */
  protected abstract take(length: number, validity: Validity | undefined): Chunk
  protected truncateValues(_length: number): void {}
}

abstract class FixedBuilder<T extends FixedValues> extends ColumnBuilder {
  protected values: T

  constructor(
    site: ColumnSite,
    private readonly makeValues: new (length: number) => T,
    private readonly stride = 1,
  ) {
    super(site)
    this.values = new makeValues(0)
  }

  protected putNull(_row: number): void {}

  protected reserve(capacity: number): void {
    this.values = grown(this.values, capacity * this.stride)
  }

  protected valueBytes(): number {
    return this.length * this.stride * this.values.BYTES_PER_ELEMENT
  }

  protected take(length: number, validity: Validity | undefined): Chunk {
    const values = trimmed(this.values, length * this.stride)
    this.values = new this.makeValues(0)
    return fixedChunk(this.site.arrow, length, values, validity)
  }
}

/** `int` and `date`. */
export class Int32Builder extends FixedBuilder<Int32Array> {
  constructor(
    site: ColumnSite,
    private readonly coerce: CoerceInteger,
  ) {
    super(site, Int32Array)
  }

  protected put(value: unknown, row: number): boolean {
    const integer = typeof value === 'number' ? value : Number(this.coerce(value))
    this.values[row] = integer
    return this.values[row] === integer
  }
}

/** `long`, `time` and timestamps. */
export class Int64Builder extends FixedBuilder<BigInt64Array> {
  #words: Int32Array = new Int32Array(0)

  constructor(
    site: ColumnSite,
    private readonly coerce: CoerceInteger,
  ) {
    super(site, BigInt64Array)
  }

  protected override reserve(capacity: number): void {
    super.reserve(capacity)
    this.#words = new Int32Array(this.values.buffer)
  }

  protected put(value: unknown, row: number): boolean {
    const integer = typeof value === 'bigint' ? value : this.coerce(value)
    if (typeof integer === 'number') {
      this.#words[row * 2] = integer % 4_294_967_296
      this.#words[row * 2 + 1] = Math.floor(integer / 4_294_967_296)
      return true
    }
    if (integer === undefined) return false
    this.values[row] = integer
    return this.values[row] === integer
  }
}

const microsPerDay = 86_400_000_000n

/** `time`: microseconds of one day. */
export class TimeBuilder extends Int64Builder {
  protected override put(value: unknown, row: number): boolean {
    return super.put(value, row) && this.values[row]! >= 0n && this.values[row]! < microsPerDay
  }
}

/** `float` and `double`; a double beyond the range of `float` is refused, one between two floats is rounded. */
export class FloatBuilder extends FixedBuilder<Float32Array | Float64Array> {
  constructor(
    site: ColumnSite,
    private readonly coerce: (value: unknown) => number | undefined,
  ) {
    super(site, site.type.kind === 'float' ? Float32Array : Float64Array)
  }

  protected put(value: unknown, row: number): boolean {
    const number = typeof value === 'number' ? value : this.coerce(value)
    if (number === undefined) return false
    this.values[row] = number
    return Number.isFinite(this.values[row]) || !Number.isFinite(number)
  }
}

/** `boolean`. */
export class BoolBuilder extends FixedBuilder<Uint8Array> {
  constructor(
    site: ColumnSite,
    private readonly coerce: (value: unknown) => boolean | undefined,
  ) {
    super(site, Uint8Array)
  }

  protected put(value: unknown, row: number): boolean {
    const bit = this.coerce(value)
    this.values[row] = bit === true ? 1 : 0
    return bit !== undefined
  }

  protected override take(length: number, validity: Validity | undefined): Chunk {
    const bits = new Uint8Array((length + 7) >> 3)
    for (let row = 0; row < length; row++) bits[row >> 3]! |= this.values[row]! << (row & 7)
    this.values = new Uint8Array(0)
    return fixedChunk(this.site.arrow, length, bits, validity)
  }
}

/** `decimal`, as 128-bit integers. */
export class DecimalBuilder extends FixedBuilder<Uint32Array> {
  readonly #limit: bigint

  constructor(
    site: ColumnSite,
    precision: number,
    private readonly coerce: (value: unknown) => bigint | undefined,
  ) {
    super(site, Uint32Array, 4)
    this.#limit = 10n ** BigInt(precision)
  }

  protected put(value: unknown, row: number): boolean {
    const unscaled = this.coerce(value)
    if (unscaled === undefined || unscaled >= this.#limit || unscaled <= -this.#limit) return false
    writeDecimal(this.values, row * 4, unscaled)
    return true
  }
}

/** `uuid` and `fixed`. */
export class FixedBytesBuilder extends FixedBuilder<Uint8Array> {
  constructor(
    site: ColumnSite,
    private readonly width: number,
    private readonly coerce: (value: unknown) => Uint8Array | undefined,
  ) {
    super(site, Uint8Array, width)
  }

  protected put(value: unknown, row: number): boolean {
    const bytes = this.coerce(value)
    if (bytes?.length !== this.width) return false
    this.values.set(bytes, row * this.width)
    return true
  }
}

/** `unknown`: nulls only. */
export class NullBuilder extends ColumnBuilder {
  protected put(): boolean {
    return false
  }

  protected putNull(): void {}
  protected reserve(): void {}

  protected valueBytes(): number {
    return 0
  }

  protected take(length: number): Chunk {
    return nullChunk(this.site.arrow, length)
  }
}
