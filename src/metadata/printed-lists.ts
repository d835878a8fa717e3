/**
 * Lists of objects as the bytes of JSON arrays. Each version of a table lists what the version before lists, and a few objects more:
 * the bytes of the last list are kept, and of the next one only the objects that are new are printed.
 */
import { startsWith } from '../util/starts-with.js'

const encoder = new TextEncoder()
const OPEN = 0x5b
const CLOSE = 0x5d
const COMMA = 0x2c
const INITIAL_BYTES = 1024
/** UTF-8 takes at most this for a UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3

/** Prints lists of objects that never change. What it keeps of a list lives no longer than the list's first or last object. */
export class ListPrinter<T extends object> {
  readonly #print: (item: T) => string
  readonly #printed = new WeakMap<T, PrintedList<T>>()

  constructor(print: (item: T) => string) {
    this.#print = print
  }

  /** The array with its brackets. The bytes hold until the next call. */
  bytesOf(items: readonly T[]): Uint8Array {
    const [first, last] = [items[0], items.at(-1)]
    if (first === undefined || last === undefined) return encoder.encode('[]')
    const before = this.#lastPrinted(items)
    // A list that cannot be printed to its end must not be taken for one that was, and one that is left behind costs memory.
    if (before !== undefined) this.#forget(before)
    const list = before !== undefined && startsWith(items, before.items) ? before : this.#rearranged(items, before)
    for (let i = list.items.length; i < items.length; i++) list.add(this.#print(items[i]!))
    list.items = items
    this.#printed.set(first, list).set(last, list)
    return list.bytes()
  }

  /** Appends leave a list its first object, expiry its last; where both go on at once, the last is still one of the last. */
  #lastPrinted(items: readonly T[]): PrintedList<T> | undefined {
    const known = this.#printed.get(items[0]!)
    if (known !== undefined) return known
    for (let i = items.length - 1; i > 0; i--) {
      const list = this.#printed.get(items[i]!)
      if (list !== undefined) return list
    }
    return undefined
  }

  #forget({ items }: PrintedList<T>): void {
    this.#printed.delete(items[0]!)
    this.#printed.delete(items.at(-1)!)
  }

  /** All of `items` anew, out of what was printed for `before` where it is in there. */
  #rearranged(items: readonly T[], before: PrintedList<T> | undefined): PrintedList<T> {
    const list = new PrintedList<T>()
    if (before === undefined) return list
    const positions = new Map(before.items.map((item, position) => [item, position]))
    for (const item of items) {
      const position = positions.get(item)
      if (position === undefined) list.add(this.#print(item))
      else list.addBytes(before.bytesAt(position))
    }
    list.items = items
    return list
  }
}

/** An array that grows at its end. Every object stands behind its bracket or comma; the bracket that closes is not counted. */
class PrintedList<T> {
  /** What is printed; kept by who prints. */
  items: readonly T[] = []
  #bytes = new Uint8Array(INITIAL_BYTES)
  #length = 0
  /** Where each object ends. */
  readonly #ends: number[] = []

  add(text: string): void {
    this.#reserve(text.length * MAX_BYTES_PER_UNIT)
    this.#endAt(this.#length + encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written)
  }

  addBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#endAt(this.#length + bytes.length)
  }

  bytesAt(position: number): Uint8Array {
    return this.#bytes.subarray((this.#ends[position - 1] ?? 0) + 1, this.#ends[position])
  }

  bytes(): Uint8Array {
    this.#bytes[this.#length] = CLOSE
    return this.#bytes.subarray(0, this.#length + 1)
  }

  /** Makes room for an object, and puts down what stands in front of it. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes + 2
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.ceil(needed * 1.5))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes[this.#length] = this.#ends.length === 0 ? OPEN : COMMA
    this.#length++
  }

  #endAt(end: number): void {
    this.#length = end
    this.#ends.push(end)
  }
}
