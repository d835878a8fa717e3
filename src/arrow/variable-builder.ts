import { FloeError } from '../util/errors.js'
import { variableChunk } from './arrow-data.js'
import type { Chunk, Validity } from './arrow-data.js'
import { ColumnBuilder } from './column-builder.js'
import type { ColumnSite } from './column-builder.js'
import { grown, trimmed } from './growing-values.js'

const maxBytes = 0x7fff_ffff
const initialBytes = 16_384
/** Shorter texts are encoded here: calling into the runtime costs more than the loop. */
const shortText = 48

/** Grows a column of values of any length. */
abstract class VariableBuilder extends ColumnBuilder {
  protected offsets = new Int32Array(1)
  protected values = new Uint8Array(0)

  protected putNull(row: number): void {
    this.offsets[row + 1] = this.offsets[row]!
  }

  protected reserve(capacity: number): void {
    this.offsets = grown(this.offsets, capacity + 1)
  }

  protected valueBytes(): number {
    return this.offsets[this.length]! + this.length * 4
  }

  /** Makes room for `more` bytes behind `used`. */
  protected reserveBytes(used: number, more: number): void {
    if (used + more <= this.values.length) return
    if (used + more > maxBytes) {
      throw new FloeError('UNSUPPORTED', 'a column of one batch would exceed 2 GiB; add fewer rows before finishing it', { column: this.site.path })
    }
    this.values = grown(this.values, Math.min(maxBytes, Math.max(initialBytes, this.values.length * 2, used + more)))
  }

  protected take(length: number, validity: Validity | undefined): Chunk {
    const offsets = trimmed(this.offsets, length + 1)
    const chunk = variableChunk(this.site.arrow, offsets, trimmed(this.values, offsets[length]!), validity)
    this.offsets = new Int32Array(1)
    this.values = new Uint8Array(0)
    return chunk
  }
}

/** `string`, as UTF-8. Texts with lone surrogates have no UTF-8 and are refused. */
export class TextBuilder extends VariableBuilder {
  #buffer = Buffer.alloc(0)

  protected put(value: unknown, row: number): boolean {
    if (typeof value !== 'string') return false
    const start = this.offsets[row]!
    this.reserveBytes(start, value.length * 3)
    const end = value.length <= shortText ? encodeUtf8(value, this.values, start) : this.#encodeLong(value, start)
    this.offsets[row + 1] = end
    return end >= start
  }

  #encodeLong(text: string, start: number): number {
    if (!(text as WellFormedString).isWellFormed()) return -1
    if (this.#buffer.buffer !== this.values.buffer) this.#buffer = Buffer.from(this.values.buffer)
    return start + this.#buffer.write(text, start)
  }
}

/** Part of every supported Node, but not yet of the declared library. */
type WellFormedString = string & { isWellFormed(): boolean }

/** Encodes a text and returns where it ends; -1 when it has a lone surrogate. */
function encodeUtf8(text: string, target: Uint8Array, start: number): number {
  let at = start
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) target[at++] = unit
    else if (unit < 0x800) {
      target[at++] = 0xc0 | (unit >> 6)
      target[at++] = 0x80 | (unit & 0x3f)
    } else if (unit < 0xd800 || unit > 0xdfff) {
      target[at++] = 0xe0 | (unit >> 12)
      target[at++] = 0x80 | ((unit >> 6) & 0x3f)
      target[at++] = 0x80 | (unit & 0x3f)
    } else {
      const low = text.charCodeAt(++i)
      if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return -1
      const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
      target[at++] = 0xf0 | (point >> 18)
      target[at++] = 0x80 | ((point >> 12) & 0x3f)
      target[at++] = 0x80 | ((point >> 6) & 0x3f)
      target[at++] = 0x80 | (point & 0x3f)
    }
  }
  return at
}

/** `binary`, `geometry` and `geography`. */
export class BytesBuilder extends VariableBuilder {
  constructor(
    site: ColumnSite,
    private readonly coerce: (value: unknown) => Uint8Array | undefined,
  ) {
    super(site)
  }

  protected put(value: unknown, row: number): boolean {
    const bytes = this.coerce(value)
    if (bytes === undefined) return false
    const start = this.offsets[row]!
    this.reserveBytes(start, bytes.length)
    this.values.set(bytes, start)
    this.offsets[row + 1] = start + bytes.length
    return true
  }
}
