/**
 * The portable form of 32-bit roaring bitmaps, read strictly: what this accepts has one meaning only, and no byte of it is ignored.
 * Source: RoaringFormatSpec › General layout
 */
import { FloeError } from '../util/errors.js'
import { RoaringBitmap } from './roaring-bitmap.js'
import { BITMAP_BYTES, Container, countBits, MAX_ARRAY_VALUES } from './roaring-container.js'
import { roaringKernel, type RoaringKernel } from './roaring-kernel.js'

/** The first number when no container is made of runs. */
export const COOKIE_WITHOUT_RUNS = 12346
/** The lower half of the first number when one may be; the upper half is the number of containers less one. */
export const COOKIE_WITH_RUNS = 12347
/** With runs, fewer containers than this have no list of offsets. */
export const MIN_CONTAINERS_WITH_OFFSETS = 4
const MAX_CONTAINERS = 65_536
/** In the kernel's memory, the values of arrays and runs are checked behind the bits of the bitmap that is counted. */
const WINDOW_ADDRESS = BITMAP_BYTES
/** Many small arrays, or any one. */
const WINDOW_BYTES = 16_384

/** Bytes under a cursor, and where they come from. */
export interface RoaringInput {
  readonly bytes: Uint8Array
  readonly view: DataView
  position: number
  readonly file: string | undefined
}

/** Throws the `CORRUPT` error for a bitmap. */
export function rejectBitmap(input: Pick<RoaringInput, 'file'>, problem: string): never {
  throw new FloeError('CORRUPT', `The bitmap of deleted positions is damaged: ${problem}. Restore the file, or rewrite its deletes`, {
    ...(input.file === undefined ? {} : { file: input.file }),
  })
}

/** Throws unless `length` bytes remain. */
export function requireBytes(input: RoaringInput, length: number, what: string): void {
  const remaining = input.bytes.length - input.position
  if (length > remaining) rejectBitmap(input, `${what} take ${length} bytes at offset ${input.position}, but ${remaining} remain`)
}

/** Reads one bitmap at the cursor. It keeps views of the input's bytes where they are aligned. */
export function decodeRoaring(input: RoaringInput): RoaringBitmap {
  const { view, bytes } = input
  const start = input.position
  requireBytes(input, 8, 'the first numbers of a bitmap')
  const cookie = view.getUint32(start, true)
  const hasRuns = (cookie & 0xffff) === COOKIE_WITH_RUNS
  if (!hasRuns && cookie !== COOKIE_WITHOUT_RUNS) rejectBitmap(input, `it begins with ${cookie} at offset ${start}, which is no cookie`)
  const count = hasRuns ? (cookie >>> 16) + 1 : view.getUint32(start + 4, true)
  if (count > MAX_CONTAINERS) rejectBitmap(input, `it claims ${count} containers, and ${MAX_CONTAINERS} is the most`)
  const flags = start + 4
  const headers = hasRuns ? flags + ((count + 7) >>> 3) : start + 8
  const hasOffsets = !hasRuns || count >= MIN_CONTAINERS_WITH_OFFSETS
  requireBytes(input, headers - start + count * (hasOffsets ? 8 : 4), `the headers of ${count} containers`)
  if (hasRuns && (count & 7) !== 0 && bytes[headers - 1]! >>> (count & 7) !== 0) rejectBitmap(input, 'a flag beyond the last container is set')
  input.position = headers + count * (hasOffsets ? 8 : 4)

  const source = new ContainerSource(input)
  const keys = new Uint16Array(count)
  const containers = new Array<Container>(count)
  let previousKey = -1
  for (let i = 0; i < count; i++) {
    const key = view.getUint16(headers + 4 * i, true)
    if (key <= previousKey) rejectBitmap(input, `container key ${key} follows ${previousKey}`)
    keys[i] = previousKey = key
    if (hasOffsets && view.getUint32(headers + 4 * count + 4 * i, true) !== input.position - start) {
      rejectBitmap(input, `container ${i} is not at the offset that the header tells`)
    }
    const cardinality = view.getUint16(headers + 4 * i + 2, true) + 1
    const isRuns = hasRuns && ((bytes[flags + (i >>> 3)]! >>> (i & 7)) & 1) !== 0
    if (isRuns) containers[i] = source.runs(cardinality)
    else containers[i] = cardinality > MAX_ARRAY_VALUES ? source.bitmap(cardinality) : source.array(cardinality)
  }
  return new RoaringBitmap(keys, containers)
}

/** Cuts containers out of the bytes from the cursor on, without copying them where 16-bit numbers are aligned. */
class ContainerSource {
  readonly #input: RoaringInput
  /** The input from `#base` on. */
  readonly #values: Uint16Array
  readonly #base: number
  #words: Uint32Array | undefined
  /** The input in `[#windowStart, #windowEnd)` lies in the kernel's memory. */
  #windowStart = 0
  #windowEnd = 0

  constructor(input: RoaringInput) {
    this.#input = input
    this.#base = input.position
    const rest = input.bytes.subarray(input.position)
    // Not slice, which copies nothing of a Buffer
    const aligned = rest.byteOffset % 2 === 0 ? rest : new Uint8Array(rest)
    this.#values = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 1)
  }

  array(cardinality: number): Container {
    const input = this.#input
    requireBytes(input, 2 * cardinality, 'the values of a container')
    const isAscending = this.#isAscending(cardinality)
    const start = (input.position - this.#base) >>> 1
    input.position += 2 * cardinality
    const values = this.#values
    if (!isAscending) rejectBitmap(input, 'the values of a container are not in ascending order')
    const container = Container.array(values, cardinality)
    container.start = start
    container.isOwned = false
    return container
  }

  bitmap(cardinality: number): Container {
    const input = this.#input
    requireBytes(input, BITMAP_BYTES, 'the bits of a container')
    const counted = countBytesBits(input.bytes.subarray(input.position, input.position + BITMAP_BYTES))
    if (counted !== cardinality) rejectBitmap(input, `a container has ${counted} values, and its header says ${cardinality}`)
    const start = (input.position - this.#base) >>> 1
    input.position += BITMAP_BYTES
    const byteOffset = this.#values.byteOffset + 2 * start
    const words = this.#wordsAt(byteOffset)
    const container = Container.bitmap(words, cardinality)
    container.wordStart = words === this.#words ? (byteOffset - words.byteOffset) >>> 2 : 0
    container.isOwned = false
    return container
  }

  runs(cardinality: number): Container {
    const input = this.#input
    requireBytes(input, 2, 'the number of runs of a container')
    const runCount = input.view.getUint16(input.position, true)
    input.position += 2
    requireBytes(input, 4 * runCount, 'the runs of a container')
    const start = (input.position - this.#base) >>> 1
    input.position += 4 * runCount
    const values = this.#values
    if (this.#countApart(input.position - 4 * runCount, runCount) !== cardinality) {
      const touching = this.#checkRuns(start, runCount, cardinality)
      if (touching > 0) return joinRuns(values.subarray(start, start + 2 * runCount), touching, cardinality)
    }
    const container = Container.runs(values, runCount, cardinality)
    container.start = start
    container.isOwned = false
    return container
  }

  /** How many values the runs at a position have; -1 when they may not be in order, apart and within the container. */
  #countApart(position: number, runCount: number): number {
    const kernel = roaringKernel()
    if (kernel === undefined || runCount === 0 || 4 * runCount > WINDOW_BYTES) return -1
    const address = this.#load(kernel, position, 4 * runCount)
    const following = kernel.measureRuns(address, address + 4 * runCount)
    return following < 0 ? -1 : following + runCount
  }

  /** Refuses runs that are not valid, and tells how many of them touch the one before. */
  #checkRuns(start: number, runCount: number, cardinality: number): number {
    const values = this.#values
    const input = this.#input
    let counted = 0
    let next = 0
    let touching = 0
    for (let at = start, end = start + 2 * runCount; at < end; at += 2) {
      const first = values[at]!
      const length = values[at + 1]!
      if (first < next) rejectBitmap(input, 'the runs of a container are not in ascending order, or overlap')
      if (first === next && at > start) touching++
      next = first + length + 1
      counted += length + 1
    }
    if (next > 65_536) rejectBitmap(input, 'a run of a container goes beyond the container')
    if (counted !== cardinality) rejectBitmap(input, `a container has ${counted} values, and its header says ${cardinality}`)
    return touching
  }

  /** Whether the next so many values are in ascending order. */
  #isAscending(cardinality: number): boolean {
    const kernel = roaringKernel()
    const { position } = this.#input
    if (kernel === undefined) {
      const start = (position - this.#base) >>> 1
      return isAscending(this.#values.subarray(start, start + cardinality))
    }
    const address = this.#load(kernel, position, 2 * cardinality)
    return kernel.findDisorder(address, address + 2 * cardinality) === 0
  }

  /** The address in the kernel's memory of so many bytes at a position, `WINDOW_BYTES` at most. */
  #load(kernel: RoaringKernel, position: number, length: number): number {
    if (position < this.#windowStart || position + length > this.#windowEnd) {
      const { bytes } = this.#input
      this.#windowStart = position
      this.#windowEnd = Math.min(position + WINDOW_BYTES, bytes.length)
      kernel.bytes.set(bytes.subarray(position, this.#windowEnd), WINDOW_ADDRESS)
    }
    return WINDOW_ADDRESS + position - this.#windowStart
  }

  /** Words from a byte offset on: a view that the containers share, or the bits alone where words are not aligned. */
  #wordsAt(byteOffset: number): Uint32Array {
    const { buffer } = this.#values
    if (byteOffset % 4 !== 0) return new Uint32Array(buffer.slice(byteOffset, byteOffset + BITMAP_BYTES))
    return (this.#words ??= new Uint32Array(buffer, byteOffset, (this.#values.byteOffset + this.#values.byteLength - byteOffset) >>> 2))
  }
}

function isAscending(values: Uint16Array): boolean {
  let disorder = 0
  // Negative, in its sign bit, unless each value is larger than the one before
  for (let i = 1; i < values.length; i++) disorder |= values[i]! - values[i - 1]! - 1
  return disorder >= 0
}

/** How many bits of a bitmap's bytes are set, wherever they lie. */
function countBytesBits(bytes: Uint8Array): number {
  const kernel = roaringKernel()
  if (kernel === undefined) return countBits(new Uint32Array(bytes.slice().buffer), 0)
  kernel.bytes.set(bytes)
  return kernel.countBits(bytes.length)
}

/** Runs that touch each other mean the same as one, which is what all other code expects. */
function joinRuns(pairs: Uint16Array, touching: number, cardinality: number): Container {
  const joined = new Uint16Array(pairs.length - 2 * touching)
  let at = -2
  let next = -1
  for (let i = 0; i < pairs.length; i += 2) {
    const first = pairs[i]!
    const length = pairs[i + 1]!
    if (first === next) joined[at + 1]! += length + 1
    else {
      joined[at += 2] = first
      joined[at + 1] = length
    }
    next = first + length + 1
  }
  return Container.runs(joined, joined.length / 2, cardinality)
}
