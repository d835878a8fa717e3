import { ARRAY, BITMAP, BITMAP_BYTES, BITMAP_WORDS, Container, lowerBound } from './roaring-container.js'
import { addContainer, addRangeToContainer, equalContainers, intersectContainers, subtractContainers, unionContainers } from './roaring-merge.js'
import { UnionKernel } from './roaring-union.js'

const NO_KEYS = new Uint16Array(0)
/** Of a container besides its values. */
const CONTAINER_BYTES = 96

/** A set of unsigned 32-bit numbers: one container for each 65,536 of them that has any. */
export class RoaringBitmap {
  /** The upper halves, ascending; the first `containers.length` count. */
  keys: Uint16Array
  containers: Container[]

  constructor(keys: Uint16Array = NO_KEYS, containers: Container[] = []) {
    this.keys = keys
    this.containers = containers
  }

  get cardinality(): number {
    let sum = 0
    for (const container of this.containers) sum += container.cardinality
    return sum
  }

  /** The smallest member of a bitmap that has any. */
  get first(): number {
    return this.keys[0]! * 65_536 + this.containers[0]!.first
  }

  /** The largest member of a bitmap that has any. */
  get last(): number {
    const index = this.containers.length - 1
    return this.keys[index]! * 65_536 + this.containers[index]!.last
  }

  /** About how many bytes of memory it takes. */
  get memoryBytes(): number {
    let sum = 64
    for (const { kind, cardinality, runCount } of this.containers) {
      sum += CONTAINER_BYTES + (kind === ARRAY ? 2 * cardinality : kind === BITMAP ? BITMAP_BYTES : 4 * runCount)
    }
    return sum
  }

  contains(value: number): boolean {
    const index = this.#find(value >>> 16)
    return index >= 0 && this.containers[index]!.contains(value & 0xffff)
  }

  add(value: number): void {
    this.#containerFor(value >>> 16).add(value & 0xffff)
  }

  /** Adds the values `first` to `last`. */
  addRange(first: number, last: number): void {
    for (let key = first >>> 16, lastKey = last >>> 16; key <= lastKey; key++) {
      const from = key === first >>> 16 ? first & 0xffff : 0
      const to = key === lastKey ? last & 0xffff : 0xffff
      const index = this.#find(key)
      if (index >= 0) addRangeToContainer(this.containers[index]!, from, to)
      else this.#insert(-1 - index, key, Container.range(from, to))
    }
  }

  addAll(other: RoaringBitmap): void {
    if (other === this) return
    const united = this.#unite(other, (container) => container, (a, b, kernel) => {
      if (a.kind !== BITMAP) return unionContainers(a, b, kernel)
      addContainer(a, b)
      return a
    })
    this.keys = united.keys
    this.containers = united.containers
  }

  union(other: RoaringBitmap): RoaringBitmap {
    return this.#unite(other, (container) => container.share(), unionContainers)
  }

  #unite(other: RoaringBitmap, keep: (own: Container) => Container, unite: typeof unionContainers): RoaringBitmap {
    const [a, b] = [this.containers, other.containers]
    const kernel = UnionKernel.create()
    const keys = new Uint16Array(a.length + b.length)
    const containers: Container[] = []
    for (let i = 0, j = 0; i < a.length || j < b.length;) {
      const aKey = i < a.length ? this.keys[i]! : 65_536
      const bKey = j < b.length ? other.keys[j]! : 65_536
      keys[containers.length] = Math.min(aKey, bKey)
      containers.push(aKey === bKey ? unite(a[i]!, b[j]!, kernel) : aKey < bKey ? keep(a[i]!) : b[j]!.share())
      if (aKey <= bKey) i++
      if (bKey <= aKey) j++
    }
    kernel?.finish()
    return new RoaringBitmap(keys, containers)
  }

  intersection(other: RoaringBitmap): RoaringBitmap {
    const keys = new Uint16Array(Math.min(this.containers.length, other.containers.length))
    const containers: Container[] = []
    for (let i = 0; i < this.containers.length; i++) {
      const index = other.#find(this.keys[i]!)
      const common = index < 0 ? undefined : intersectContainers(this.containers[i]!, other.containers[index]!)
      if (common === undefined) continue
      keys[containers.length] = this.keys[i]!
      containers.push(common)
    }
    return new RoaringBitmap(keys, containers)
  }

  difference(other: RoaringBitmap): RoaringBitmap {
    const keys = new Uint16Array(this.containers.length)
    const containers: Container[] = []
    for (let i = 0; i < this.containers.length; i++) {
      const index = other.#find(this.keys[i]!)
      const rest = index < 0 ? this.containers[i]!.share() : subtractContainers(this.containers[i]!, other.containers[index]!)
      if (rest === undefined) continue
      keys[containers.length] = this.keys[i]!
      containers.push(rest)
    }
    return new RoaringBitmap(keys, containers)
  }

  clone(): RoaringBitmap {
    return new RoaringBitmap(this.keys.slice(0, this.containers.length), this.containers.map((container) => container.share()))
  }

  equals(other: RoaringBitmap): boolean {
    if (this.containers.length !== other.containers.length) return false
    return this.containers.every((container, i) => this.keys[i] === other.keys[i] && equalContainers(container, other.containers[i]!))
  }

  /** How many members are at most `value`. */
  rank(value: number): number {
    const key = value >>> 16
    let count = 0
    for (let i = 0; i < this.containers.length && this.keys[i]! <= key; i++) {
      const container = this.containers[i]!
      count += this.keys[i] === key ? container.rank(value & 0xffff) : container.cardinality
    }
    return count
  }

  /** Calls back with each member plus `base`, ascending. */
  forEach(callback: (value: number) => void, base: number): void {
    for (let i = 0; i < this.containers.length; i++) eachOf(this.containers[i]!, base + this.keys[i]! * 65_536, callback)
  }

  /** Writes the members of one container plus `base` into `block`, which holds 65,536, and tells how many they are. */
  fillBlock(block: Float64Array, index: number, base: number): number {
    const container = this.containers[index]!
    fill(container, base + this.keys[index]! * 65_536, block)
    return container.cardinality
  }

  /** Clears `mask[v - first]` for each member `v` in `[first, first + count)`. */
  removeFrom(mask: Uint8Array, first: number, count: number): void {
    const end = first + count
    const firstKey = Math.floor(first / 65_536)
    const found = this.#find(firstKey)
    for (let i = found < 0 ? -1 - found : found; i < this.containers.length; i++) {
      const base = this.keys[i]! * 65_536
      if (base >= end) return
      clearMask(this.containers[i]!, { mask, offset: base - first, from: Math.max(first - base, 0), to: Math.min(end - base, 65_536) })
    }
  }

  /** The index of a key, or -1 minus where it would go. */
  #find(key: number): number {
    const { keys } = this
    const length = this.containers.length
    // Rows are numbered from 0, so a key mostly is its own index, or comes after all others
    if (key < length && keys[key] === key) return key
    if (length === 0 || keys[length - 1]! < key) return -1 - length
    const index = lowerBound(keys, 0, length, key)
    return keys[index] === key ? index : -1 - index
  }

  #containerFor(key: number): Container {
    const index = this.#find(key)
    if (index >= 0) return this.containers[index]!
    const container = new Container()
    this.#insert(-1 - index, key, container)
    return container
  }

  #insert(index: number, key: number, container: Container): void {
    const length = this.containers.length
    if (length === this.keys.length) {
      const grown = new Uint16Array(Math.max(4, 2 * length))
      grown.set(this.keys)
      this.keys = grown
    }
    if (index < length) this.keys.copyWithin(index + 1, index, length)
    this.keys[index] = key
    if (index === length) this.containers.push(container)
    else this.containers.splice(index, 0, container)
  }
}

function eachOf(container: Container, base: number, callback: (value: number) => void): void {
  const { values, start } = container
  if (container.kind === ARRAY) {
    for (let at = start, end = start + container.cardinality; at < end; at++) callback(base + values[at]!)
  } else if (container.kind === BITMAP) {
    const { words, wordStart } = container
    for (let i = 0; i < BITMAP_WORDS; i++) {
      const from = base + 32 * i
      for (let word = words[wordStart + i]!; word !== 0; word &= word - 1) callback(from + 31 - Math.clz32(word & -word))
    }
  } else {
    for (let at = start, end = start + 2 * container.runCount; at < end; at += 2) {
      const first = base + values[at]!
      for (let value = first, last = first + values[at + 1]!; value <= last; value++) callback(value)
    }
  }
}

function fill(container: Container, base: number, block: Float64Array): void {
  const { values, start } = container
  let count = 0
  if (container.kind === ARRAY) {
    for (let at = start, end = start + container.cardinality; at < end; at++) block[count++] = base + values[at]!
  } else if (container.kind === BITMAP) {
    const { words, wordStart } = container
    for (let i = 0; i < BITMAP_WORDS; i++) {
      const from = base + 32 * i
      for (let word = words[wordStart + i]!; word !== 0; word &= word - 1) block[count++] = from + 31 - Math.clz32(word & -word)
    }
  } else {
    for (let at = start, end = start + 2 * container.runCount; at < end; at += 2) {
      const first = base + values[at]!
      for (let value = first, last = first + values[at + 1]!; value <= last; value++) block[count++] = value
    }
  }
}

interface MaskWindow {
  readonly mask: Uint8Array
  /** The index in the mask of the container's value 0, which may lie before the mask. */
  readonly offset: number
  /** The values in `[from, to)` lie in the mask. */
  readonly from: number
  readonly to: number
}

function clearMask(container: Container, window: MaskWindow): void {
  if (container.kind === ARRAY) clearArray(container, window)
  else if (container.kind === BITMAP) clearBitmap(container, window)
  else clearRuns(container, window)
}

function clearArray({ values, start, cardinality }: Container, { mask, offset, from, to }: MaskWindow): void {
  const end = start + cardinality
  for (let at = from === 0 ? start : lowerBound(values, start, end, from); at < end; at++) {
    const value = values[at]!
    if (value >= to) return
    mask[offset + value] = 0
  }
}

function clearBitmap({ words, wordStart }: Container, { mask, offset, from, to }: MaskWindow): void {
  for (let i = from >>> 5; 32 * i < to; i++) {
    let word = words[wordStart + i]!
    if (32 * i < from) word &= 0xffff_ffff << (from & 31)
    if (to < 32 * i + 32) word &= 0xffff_ffff >>> (32 - (to & 31))
    const base = offset + 32 * i + 31
    for (; word !== 0; word &= word - 1) mask[base - Math.clz32(word & -word)] = 0
  }
}

function clearRuns(container: Container, { mask, offset, from, to }: MaskWindow): void {
  const { values, start, runCount } = container
  for (let run = Math.max(container.runBefore(from), 0); run < runCount; run++) {
    const first = values[start + 2 * run]!
    if (first >= to) return
    const end = Math.min(first + values[start + 2 * run + 1]! + 1, to)
    if (end > from) mask.fill(0, offset + Math.max(first, from), offset + end)
  }
}
