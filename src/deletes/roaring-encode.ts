/** The portable form of 32-bit roaring bitmaps, written as the reference writes them after run-length encoding. */
import type { RoaringBitmap } from './roaring-bitmap.js'
import { ARRAY, BITMAP, BITMAP_BYTES, BITMAP_WORDS, type Container, countRuns, efficientRuns, RUNS, toRuns } from './roaring-container.js'
import { COOKIE_WITH_RUNS, COOKIE_WITHOUT_RUNS, MIN_CONTAINERS_WITH_OFFSETS } from './roaring-decode.js'

/** A bitmap whose containers have the kinds they are written in. */
export interface EncodableRoaring {
  readonly keys: Uint16Array
  readonly containers: readonly Container[]
  readonly hasRuns: boolean
  readonly sizeBytes: number
}

/**
 * Decides the kind of each container.
 *
 * Runs are kept where an array of the same values would be kept too: the bytes then depend on how the values came in, as in the
 * reference. Source: Java `RoaringBitmap.runOptimize`
 */
export function prepareRoaring(bitmap: RoaringBitmap): EncodableRoaring {
  const containers = bitmap.containers.map(optimized)
  const hasRuns = containers.some((container) => container.kind === RUNS)
  let sizeBytes = headerBytes(containers.length, hasRuns)
  for (const container of containers) sizeBytes += bodyBytes(container)
  return { keys: bitmap.keys, containers, hasRuns, sizeBytes }
}

/** Writes a bitmap at `start`, where its `sizeBytes` are free. */
export function encodeRoaring(bitmap: EncodableRoaring, bytes: Uint8Array, start: number): void {
  const { keys, containers, hasRuns } = bitmap
  const count = containers.length
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bitmap.sizeBytes)
  let headers = 8
  if (hasRuns) {
    view.setUint32(0, COOKIE_WITH_RUNS + (count - 1) * 65_536, true)
    for (let i = 0; i < count; i++) if (containers[i]!.kind === RUNS) bytes[start + 4 + (i >>> 3)]! |= 1 << (i & 7)
    headers = 4 + ((count + 7) >>> 3)
  } else {
    view.setUint32(0, COOKIE_WITHOUT_RUNS, true)
    view.setUint32(4, count, true)
  }
  let at = headerBytes(count, hasRuns)
  for (let i = 0; i < count; i++) {
    const container = containers[i]!
    view.setUint16(headers + 4 * i, keys[i]!, true)
    view.setUint16(headers + 4 * i + 2, container.cardinality - 1, true)
    if (hasOffsets(count, hasRuns)) view.setUint32(headers + 4 * count + 4 * i, at, true)
    if (container.kind === RUNS) view.setUint16(at, container.runCount, true)
    const data = dataBytes(container)
    at += bodyBytes(container)
    bytes.set(data, start + at - data.length)
  }
}

function optimized(container: Container): Container {
  if (container.kind === RUNS) return efficientRuns(container)
  const runCount = countRuns(container)
  const size = container.kind === ARRAY ? 2 * container.cardinality : BITMAP_BYTES
  return size > 2 + 4 * runCount ? toRuns(container, runCount) : container
}

function hasOffsets(count: number, hasRuns: boolean): boolean {
  return !hasRuns || count >= MIN_CONTAINERS_WITH_OFFSETS
}

function headerBytes(count: number, hasRuns: boolean): number {
  return (hasRuns ? 4 + ((count + 7) >>> 3) : 8) + count * (hasOffsets(count, hasRuns) ? 8 : 4)
}

function bodyBytes(container: Container): number {
  if (container.kind === BITMAP) return BITMAP_BYTES
  return container.kind === ARRAY ? 2 * container.cardinality : 2 + 4 * container.runCount
}

function dataBytes(container: Container): Uint8Array {
  const { kind, values, start, words, wordStart } = container
  if (kind === BITMAP) return bytesOf(words.subarray(wordStart, wordStart + BITMAP_WORDS))
  return bytesOf(values.subarray(start, start + (kind === ARRAY ? container.cardinality : 2 * container.runCount)))
}

function bytesOf(numbers: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}
