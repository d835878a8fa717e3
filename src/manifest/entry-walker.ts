import { AvroInput } from '../avro/avro-input.js'
import { FloeError } from '../util/errors.js'
import { LONG_COLUMN_COUNT, SLOT_COUNT, type EntryPlan } from './entry-plan.js'

const TWO_32 = 2 ** 32
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const LOW = LITTLE_ENDIAN ? 0 : 1
const HIGH = 1 - LOW

/** Columns of one manifest that a walk fills; `count` rows each. */
export class EntryColumns {
  /** By `CodeColumn`. */
  readonly codes: readonly Uint8Array[]
  /** By `SizeColumn`. */
  readonly sizes: readonly Float64Array[]
  /** By `LongColumn`; a value counts only where its bit of `present` is set. */
  readonly longs: readonly BigInt64Array[]
  /** Bit `1 << LongColumn`. */
  readonly present: Uint8Array
  /** `SLOT_COUNT` a row: one more than the offset in the row's block where the value starts; 0 for null. */
  readonly slots: Uint32Array
  /** The block of each row. */
  readonly blocks: Uint32Array
  /** The 32-bit halves of `longs`. */
  readonly halves: readonly Int32Array[]

  constructor(readonly count: number) {
    this.codes = [new Uint8Array(count), new Uint8Array(count)]
    this.sizes = [new Float64Array(count), new Float64Array(count)]
    this.longs = Array.from({ length: LONG_COLUMN_COUNT }, () => new BigInt64Array(count))
    this.halves = this.longs.map((column) => new Int32Array(column.buffer))
    this.present = new Uint8Array(count)
    this.slots = new Uint32Array(count * SLOT_COUNT)
    this.blocks = new Uint32Array(count)
  }

  /** Some rows as columns of their own. */
  take(rows: Uint32Array): EntryColumns {
    const taken = new EntryColumns(rows.length)
    const columns = [...this.codes, ...this.sizes, ...this.longs, this.present, this.blocks]
    const targets = [...taken.codes, ...taken.sizes, ...taken.longs, taken.present, taken.blocks]
    columns.forEach((column, c) => {
      const target = targets[c]!
      for (let i = 0; i < rows.length; i++) target[i] = column[rows[i]!]!
    })
    rows.forEach((row, i) => taken.slots.set(this.slots.subarray(row * SLOT_COUNT, (row + 1) * SLOT_COUNT), i * SLOT_COUNT))
    return taken
  }
}

/**
 * Runs an {@link EntryPlan} over the blocks of one manifest. It allocates nothing per entry, and checks every position
 * against the end of its block, so that what is noted in `slots` can be decoded later without doubt about its extent.
 */
export class EntryWalker {
  private bytes: Uint8Array = new Uint8Array(0)
  private view = new DataView(this.bytes.buffer)
  private low = 0
  private high = 0
  /** Where the first item of a sized array block starts. */
  private next = 0

  constructor(
    private readonly plan: EntryPlan,
    private readonly columns: EntryColumns,
    private readonly file: string | undefined,
  ) {}

  /** Fills rows `firstRow` to `firstRow + count` from one inflated block, which must end with the last of them. */
  walkBlock(bytes: Uint8Array, block: number, rows: { readonly firstRow: number; readonly count: number }): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = rows.firstRow + rows.count
    const blocks = this.columns.blocks
    let position = 0
    for (let row = rows.firstRow; row < end; row++) {
      blocks[row] = block
      position = this.walkEntry(row, position)
      if (position > bytes.length) throw this.corrupt(`ends inside entry ${row}`)
    }
    if (position !== bytes.length) throw this.corrupt(`has ${bytes.length - position} bytes after the last entry of a block`)
  }

  // The literals are the numbers of `Op`. Past the end of the block every byte reads as undefined, which ends each step; the
  // caller checks the position once an entry.
  // eslint-disable-next-line max-lines-per-function -- one flat switch over literals is what V8 turns into a jump table
  private walkEntry(row: number, start: number): number {
    const bytes = this.bytes
    const program = this.plan.program
    const slots = this.columns.slots
    const slotBase = row * SLOT_COUNT
    let p = start
    for (let pc = 0; ; pc += 3) {
      switch (program[pc]) {
        case 0: // End
          return p
        case 1: {
          // Option
          const branch = bytes[p]! >>> 1
          if (bytes[p]! > 2 || (bytes[p]! & 1) !== 0) throw this.corrupt(`has an invalid union branch in entry ${row}`)
          p++
          if (branch === program[pc + 1]) pc = program[pc + 2]! - 3
          break
        }
        case 2: // Slot
          slots[slotBase + program[pc + 1]!] = p + 1
          break
        case 3: // Varint
          while (bytes[p++]! >= 128);
          break
        case 4: // Bytes
          p += program[pc + 1]!
          break
        case 5: {
          // Length
          const byte = bytes[p]!
          if (byte < 128 && (byte & 1) === 0) p += 1 + (byte >>> 1)
          else {
            p = this.readVarint(p)
            p += this.size()
          }
          break
        }
        case 6: {
          // Long
          p = this.readVarint(p)
          const column = program[pc + 1]!
          const halves = this.columns.halves[column]!
          halves[2 * row + LOW] = this.low
          halves[2 * row + HIGH] = this.high
          this.columns.present[row]! |= 1 << column
          break
        }
        case 7: {
          // Size
          p = this.readVarint(p)
          const value = this.high * TWO_32 + (this.low >>> 0)
          if (!Number.isSafeInteger(value)) throw this.corrupt(`has a count over 2^53 in entry ${row}`)
          this.columns.sizes[program[pc + 1]!]![row] = value
          break
        }
        case 8: {
          // Code
          p = this.readVarint(p)
          if (this.high !== 0 || this.low < 0 || this.low > program[pc + 2]!) {
            throw this.corrupt(`has the status or content ${this.low} in entry ${row}`)
          }
          this.columns.codes[program[pc + 1]!]![row] = this.low
          break
        }
        case 9: // VarintArray
          p = this.skipVarintArray(p, program[pc + 1]!)
          break
        case 10: // KeyBytesArray
          p = this.skipKeyBytesArray(p)
          break
        default: {
          // Any
          const input = new AvroInput(bytes, this.file)
          input.position = p
          this.plan.skips[program[pc + 1]!]!(input)
          p = input.position
        }
      }
    }
  }

  private skipVarintArray(start: number, varintsPerItem: number): number {
    const bytes = this.bytes
    let p = start
    for (;;) {
      const byte = bytes[p]!
      let count = byte >>> 1
      if (byte < 128 && (byte & 1) === 0) p++
      else {
        p = this.readVarint(p)
        count = this.high * TWO_32 + (this.low >>> 0)
      }
      if (count === 0) return p
      let end = -1
      if (count < 0) {
        count = -count
        end = this.readBlockSize(p)
        p = this.next
      }
      let rest = count * varintsPerItem
      if (rest > bytes.length - p) throw this.corrupt(`claims ${count} items at offset ${p} of a block`)
      // Four bytes at a time: the bytes without a high bit are the last of their varints, and the product adds them up.
      const view = this.view
      for (const last = bytes.length - 4; rest > 3 && p <= last; p += 4) {
        rest -= Math.imul((~view.getInt32(p) >>> 7) & 0x01010101, 0x01010101) >>> 24
      }
      // Past the end a byte reads as 0, so this ends; the caller checks the position.
      while (rest > 0) rest -= (bytes[p++]! >>> 7) ^ 1
      if (end >= 0 && p !== end) throw this.corrupt(`has an array block of another size than it says, before offset ${p}`)
    }
  }

  private skipKeyBytesArray(start: number): number {
    const bytes = this.bytes
    let p = start
    for (;;) {
      p = this.readVarint(p)
      let count = this.high * TWO_32 + (this.low >>> 0)
      if (count === 0) return p
      let end = -1
      if (count < 0) {
        count = -count
        end = this.readBlockSize(p)
        p = this.next
      }
      if (count * 2 > bytes.length - p) throw this.corrupt(`claims ${count} items at offset ${p} of a block`)
      for (let i = 0; i < count; i++) {
        while (bytes[p++]! >= 128);
        const byte = bytes[p]!
        if (byte < 128 && (byte & 1) === 0) p += 1 + (byte >>> 1)
        else {
          p = this.readVarint(p)
          p += this.size()
        }
      }
      if (end >= 0 && p !== end) throw this.corrupt(`has an array block of another size than it says, before offset ${p}`)
    }
  }

  /**
   * A negative count is followed by the size of the block in bytes. The items are walked all the same: look-ups go by the
   * count, so a count that the size does not bear out must not get past here. Sets `next`; returns where the block ends.
   */
  private readBlockSize(start: number): number {
    this.next = this.readVarint(start)
    const end = this.next + this.size()
    if (end > this.bytes.length) throw this.corrupt(`has an array that runs past its block at offset ${start}`)
    return end
  }

  private size(): number {
    const size = this.high * TWO_32 + (this.low >>> 0)
    if (size < 0 || size > this.bytes.length) throw this.corrupt(`has the length ${size} in a block of ${this.bytes.length} bytes`)
    return size
  }

  /** Reads a zig-zag varint into `low` and `high`; the position after it. */
  private readVarint(start: number): number {
    const bytes = this.bytes
    let p = start
    let byte = bytes[p++]!
    if (byte < 128) {
      this.low = (byte >>> 1) ^ -(byte & 1)
      this.high = this.low >> 31
      return p
    }
    let first = byte & 127
    for (let shift = 7; byte >= 128 && shift < 28; shift += 7) {
      byte = bytes[p++]!
      first |= (byte & 127) << shift
    }
    let second = 0
    let third = 0
    for (let shift = 0; byte >= 128 && shift < 28; shift += 7) {
      byte = bytes[p++]!
      second |= (byte & 127) << shift
    }
    if (byte >= 128) {
      byte = bytes[p++]!
      third = byte & 127
      if (byte >= 128) {
        byte = bytes[p++]!
        third |= (byte & 127) << 7
        if (byte > 1) throw this.corrupt(`has a varint of more than 64 bits at offset ${start} of a block`)
      }
    }
    if (p > bytes.length) throw this.corrupt(`ends inside a varint at offset ${start} of a block`)
    const sign = -(first & 1)
    const high = (second >>> 4) | (third << 24)
    this.low = (((first | (second << 28)) >>> 1) | (high << 31)) ^ sign
    this.high = (high >>> 1) ^ sign
    return p
  }

  private corrupt(problem: string): FloeError {
    return new FloeError('CORRUPT', `Corrupt manifest: it ${problem}`, { file: this.file })
  }
}
