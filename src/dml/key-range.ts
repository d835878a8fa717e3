import type { RecordBatch } from 'apache-arrow'
import { type Chunk, bitAt, bytesOf, fixedValues, offsetsOf, validityBitmap } from '../arrow/arrow-data.js'
import { columnByPath } from '../arrow/column-by-path.js'
import { presentReader } from '../arrow/column-reader.js'
import type { Expression } from '../expression/expression.js'
import { alwaysFalse, alwaysTrue, and, gtEq, isIn, isNan, ltEq, or } from '../expression/predicates.js'
import { readBound } from '../expression/value-order.js'
import type { DataFile } from '../manifest/data-file.js'
import { Decimal } from '../schema/decimal.js'
import type { LiteralInput } from '../schema/literal.js'
import type { Schema } from '../schema/schema.js'
import type { Type, Value } from '../schema/type.js'
import { lowerBound } from '../util/binary-search.js'
import { compareBytes, decodeUtf8 } from '../util/utf8.js'
import type { KeyReader } from './key-reader.js'

/** What the keys of a source say about the files that can hold them: gathered batch by batch. */
export class KeyRange {
  readonly #columns: readonly KeyColumnRange[]
  #rows = 0

  /** `schema` is that of the batches. */
  constructor(reader: KeyReader, schema: Schema) {
    this.#columns = reader.fields.map(({ id, type }, i) => ({
      id,
      type,
      path: reader.paths[i]!,
      locate: columnByPath(schema, id),
      values: valueSet(type),
    }))
  }

  add(batch: RecordBatch): void {
    this.#rows += batch.numRows
    for (const { locate, values } of this.#columns) values.add(locate(batch))
  }

  /** A filter that selects every row with a key of the source, and as few others as it can tell; by the paths of the key columns. */
  filter(): Expression {
    if (this.#rows === 0) return alwaysFalse()
    return and(...this.#columns.map(({ path, values }) => values.filter(path)))
  }

  /** Whether a file can hold a key by its bounds, looked up among all keys; asked where the filter knows only spans. */
  mayBeIn(file: DataFile): boolean {
    return this.#columns.every(({ id, type, values }) => {
      const [lower, upper] = [file.lowerBounds?.get(id), file.upperBounds?.get(id)]
      if (lower === undefined || upper === undefined || values.mayHaveWithin === undefined) return true
      const [least, greatest] = [readBound(type, lower), readBound(type, upper)]
      return least === undefined || greatest === undefined || values.mayHaveWithin(least, greatest)
    })
  }
}

interface KeyColumnRange {
  readonly id: number
  readonly type: Type
  readonly path: string
  readonly locate: (batch: RecordBatch) => Chunk
  readonly values: ValueSet
}

/** The values of one key column. */
interface ValueSet {
  add(chunk: Chunk): void
  filter(path: string): Expression
  mayHaveWithin?(least: Value, greatest: Value): boolean
}

/** Longer lists of literals are not looked at one by one: the reference's limit for sets in filters. */
const MAX_LITERALS = 200
/** Spans that the values of a column are described by. */
const MAX_SPANS = 12
/** Integers that are kept for the look-up: 64 MiB. More are described by their least and greatest alone. */
const MAX_KEPT = 2 ** 23

function valueSet(type: Type): ValueSet {
  switch (type.kind) {
    case 'int':
    case 'date':
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return new IntegerSet()
    case 'string':
    case 'binary':
    case 'uuid':
    case 'fixed':
      return new BytesSet(type)
    default:
      return new ScalarSet(type)
  }
}

type Integers = Int32Array | BigInt64Array

class IntegerSet implements ValueSet {
  #kept: Integers[] = []
  #count = 0
  #least: number | bigint | undefined
  #greatest: number | bigint | undefined
  #sorted: Integers | undefined

  add(chunk: Chunk): void {
    const present = presentValues(chunk)
    if (present.length === 0) return
    this.#sorted = undefined
    this.#count += present.length
    if (this.#count <= MAX_KEPT) this.#kept.push(present)
    let [least, greatest] = [present[0]!, present[0]!]
    for (const value of present) {
      if (value < least) least = value
      else if (value > greatest) greatest = value
    }
    if (this.#least === undefined || least < this.#least) this.#least = least
    if (this.#greatest === undefined || greatest > this.#greatest) this.#greatest = greatest
    if (this.#count > MAX_KEPT) this.#kept = []
  }

  filter(path: string): Expression {
    if (this.#least === undefined) return alwaysFalse()
    const sorted = this.#inOrder()
    if (sorted === undefined) return and(gtEq(path, this.#least), ltEq(path, this.#greatest!))
    if (sorted.length <= MAX_LITERALS) return isIn(path, sorted)
    return or(...spansOf(sorted).map(([from, to]) => and(gtEq(path, from), ltEq(path, to))))
  }

  mayHaveWithin(least: Value, greatest: Value): boolean {
    const sorted = this.#inOrder()
    if (sorted === undefined) return true
    const first = lowerBound<number | bigint>(sorted, least as bigint)
    return first < sorted.length && sorted[first]! <= (greatest as bigint)
  }

  /** Distinct and ascending; `undefined` when they were too many to keep. */
  #inOrder(): Integers | undefined {
    if (this.#sorted !== undefined || this.#count > MAX_KEPT) return this.#sorted
    this.#sorted = this.#kept.length === 0 ? new Int32Array(0) : distinct(joined(this.#kept).sort())
    this.#kept = [this.#sorted]
    return this.#sorted
  }
}

/** The values that are not null, as an array of their own. */
function presentValues(chunk: Chunk): Integers {
  const values = fixedValues<Integers>(chunk).slice(0, chunk.length)
  const validity = validityBitmap(chunk)
  if (validity === undefined) return values
  let count = 0
  for (let row = 0; row < chunk.length; row++) if (bitAt(validity, chunk.offset + row)) values[count++] = values[row]!
  return values.subarray(0, count)
}

function joined(parts: readonly Integers[]): Integers {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const all = parts[0] instanceof Int32Array ? new Int32Array(length) : new BigInt64Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part as never, at)
    at += part.length
  }
  return all
}

function distinct(sorted: Integers): Integers {
  let count = 0
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!
  return sorted.subarray(0, count)
}

type Span = readonly [from: number | bigint, to: number | bigint]

/**
 * At most {@link MAX_SPANS} spans that hold all values, cut at the widest gaps; one when cutting would leave out less than
 * half: every span costs a comparison for every row that is read.
 */
function spansOf(sorted: Integers): Span[] {
  const whole: Span = [sorted[0]!, sorted[sorted.length - 1]!]
  const gaps: { readonly after: number; readonly width: number }[] = []
  for (let i = 0; i + 1 < sorted.length; i++) {
    const width = Number(sorted[i + 1]!) - Number(sorted[i]!)
    if (gaps.length === MAX_SPANS - 1 && width <= gaps[gaps.length - 1]!.width) continue
    const at = gaps.findIndex((gap) => width > gap.width)
    gaps.splice(at < 0 ? gaps.length : at, 0, { after: i, width })
    if (gaps.length === MAX_SPANS) gaps.pop()
  }
  const cut = gaps.reduce((sum, gap) => sum + gap.width, 0)
  if (cut * 2 < Number(whole[1]) - Number(whole[0])) return [whole]
  const ends = gaps.map((gap) => gap.after).sort((a, b) => a - b)
  return [...ends, sorted.length - 1].map((end, i) => [sorted[i === 0 ? 0 : ends[i - 1]! + 1]!, sorted[end]!] as const)
}

class BytesSet implements ValueSet {
  readonly #type: Type
  readonly #literals = new Map<string, Uint8Array>()
  #least: Uint8Array | undefined
  #greatest: Uint8Array | undefined

  constructor(type: Type) {
    this.#type = type
  }

  add(chunk: Chunk): void {
    const bytes = bytesOf(fixedValues(chunk))
    const width = this.#type.kind === 'fixed' ? this.#type.length : 16
    const offsets = this.#type.kind === 'fixed' || this.#type.kind === 'uuid' ? undefined : offsetsOf(chunk)
    const validity = validityBitmap(chunk)
    for (let row = 0; row < chunk.length; row++) {
      if (validity !== undefined && !bitAt(validity, chunk.offset + row)) continue
      const value = offsets === undefined ? bytes.subarray(row * width, (row + 1) * width) : bytes.subarray(offsets[row], offsets[row + 1])
      if (this.#literals.size <= MAX_LITERALS) this.#literals.set(Buffer.from(value).toString('latin1'), value.slice())
      if (this.#least === undefined || compareBytes(value, this.#least) < 0) this.#least = value.slice()
      if (this.#greatest === undefined || compareBytes(value, this.#greatest) > 0) this.#greatest = value.slice()
    }
  }

  filter(path: string): Expression {
    if (this.#least === undefined) return alwaysFalse()
    const literal = (bytes: Uint8Array): LiteralInput => (this.#type.kind === 'string' ? decodeUtf8(bytes) : bytes)
    if (this.#literals.size <= MAX_LITERALS) return isIn(path, [...this.#literals.values()].map(literal))
    return and(gtEq(path, literal(this.#least)), ltEq(path, literal(this.#greatest!)))
  }
}

/** Booleans, decimals and floating-point numbers. */
class ScalarSet implements ValueSet {
  readonly #type: Type
  readonly #literals = new Set<Value>()
  #least: NonNullable<Value> | undefined
  #greatest: NonNullable<Value> | undefined
  #hasNan = false

  constructor(type: Type) {
    this.#type = type
  }

  add(chunk: Chunk): void {
    const read = presentReader(chunk, this.#type)
    const validity = validityBitmap(chunk)
    for (let row = 0; row < chunk.length; row++) {
      if (validity !== undefined && !bitAt(validity, chunk.offset + row)) continue
      const value = read(row)!
      if (Number.isNaN(value)) {
        this.#hasNan = true
        continue
      }
      if (this.#literals.size <= MAX_LITERALS) this.#literals.add(value)
      if (this.#least === undefined || value < this.#least) this.#least = value
      if (this.#greatest === undefined || value > this.#greatest) this.#greatest = value
    }
  }

  filter(path: string): Expression {
    const nan = this.#hasNan ? isNan(path) : alwaysFalse()
    if (this.#least === undefined) return nan
    // A boolean column has no more than its two values.
    if (this.#type.kind === 'boolean' && this.#literals.size === 2) return alwaysTrue()
    const literal = (value: Value): LiteralInput => (this.#type.kind === 'decimal' ? new Decimal(value as bigint, this.#type.scale) : value!)
    if (this.#literals.size <= MAX_LITERALS) return or(isIn(path, [...this.#literals].map(literal)), nan)
    return or(and(gtEq(path, literal(this.#least)), ltEq(path, literal(this.#greatest!))), nan)
  }
}
