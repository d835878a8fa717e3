/** Which requests serve a set of byte ranges: near ones travel together. A plan is data; nothing is fetched here. */
import { FloeError } from '../util/errors.js'
import { quoteLocation } from './location.js'
import type { ByteRange } from './file-io.js'

export interface RangePlanOptions {
  /** Ranges that are at most this far apart share a request. Default 1 MiB. */
  readonly maxGapBytes?: number
  /** No request grows beyond this by joining ranges; one range may be larger. Default 64 MiB. */
  readonly maxRequestBytes?: number
}

export interface PlannedRequest {
  readonly range: ByteRange
  /** Indexes of the asked ranges that lie inside `range`. */
  readonly serves: readonly number[]
}

const DEFAULT_GAP_BYTES = 2 ** 20
const DEFAULT_REQUEST_BYTES = 64 * 2 ** 20

/**
 * The requests that fetch every range, in the order of their offsets. Suffix ranges (negative offsets) each keep a
 * request of their own, for their place is unknown; empty ranges need none.
 */
export function planRanges(ranges: readonly ByteRange[], options: RangePlanOptions = {}): readonly PlannedRequest[] {
  const { maxGapBytes = DEFAULT_GAP_BYTES, maxRequestBytes = DEFAULT_REQUEST_BYTES } = options
  const indexes = ranges.map((_, index) => index).filter((index) => ranges[index]!.length > 0 || ranges[index]!.offset < 0)
  const suffixes = indexes.filter((index) => ranges[index]!.offset < 0)
  const placed = indexes.filter((index) => ranges[index]!.offset >= 0).sort((a, b) => ranges[a]!.offset - ranges[b]!.offset)
  const requests: PlannedRequest[] = suffixes.map((index) => ({ range: ranges[index]!, serves: [index] }))
  let start = 0
  let end = -1
  let serves: number[] = []
  const flush = (): void => {
    if (serves.length > 0) requests.push({ range: { offset: start, length: end - start }, serves })
  }
  for (const index of placed) {
    const { offset, length } = ranges[index]!
    const joined = Math.max(end, offset + length)
    if (serves.length > 0 && offset - end <= maxGapBytes && (offset + length <= end || joined - start <= maxRequestBytes)) {
      serves.push(index)
      end = joined
    } else {
      flush()
      serves = [index]
      start = offset
      end = offset + length
    }
  }
  flush()
  return requests
}

/** Cuts the answers of a plan's requests into the ranges asked for, in their order; views, not copies. */
export function sliceAnswers(ranges: readonly ByteRange[], plan: readonly PlannedRequest[], answers: readonly Uint8Array[]): Uint8Array[] {
  const results: Uint8Array[] = ranges.map(() => new Uint8Array(0))
  plan.forEach((request, i) => {
    const bytes = answers[i]!
    for (const index of request.serves) {
      const { offset, length } = ranges[index]!
      const start = offset - request.range.offset
      results[index] = offset < 0 ? bytes : bytes.subarray(start, start + length)
    }
  })
  return results
}

/** Throws `INVALID` for a range that no object can have: fractions, negative lengths, beyond 2^53. */
export function checkRange(range: ByteRange, location: string): void {
  const { offset, length } = range
  const placed = offset < 0 || (length >= 0 && Number.isSafeInteger(length) && Number.isSafeInteger(offset + length))
  if (!Number.isSafeInteger(offset) || !placed) {
    throw new FloeError('INVALID', `A byte range at ${offset} of ${length} bytes cannot be read`, { file: location })
  }
}

/**
 * Where `range` lies in an object of `sizeBytes`. A suffix longer than the object is the whole object; a range past the
 * end throws `CORRUPT`, for whoever asked took its place from damaged data.
 */
export function resolveRange(range: ByteRange, sizeBytes: number, location: string): { readonly start: number; readonly end: number } {
  checkRange(range, location)
  if (range.offset < 0) return { start: Math.max(0, sizeBytes + range.offset), end: sizeBytes }
  const end = range.offset + range.length
  if (end > sizeBytes) throw rangePastEnd(range, sizeBytes, location)
  return { start: range.offset, end }
}

/** The typed form of a range that the object does not have. */
export function rangePastEnd(range: ByteRange, sizeBytes: number | undefined, location: string): FloeError {
  const size = sizeBytes === undefined ? 'the object ends before' : `the object has ${sizeBytes} bytes`
  return new FloeError(
    'CORRUPT',
    `Cannot read ${range.length} bytes at offset ${range.offset}: ${size}. The file is truncated, or what points into it is damaged`,
    { file: location },
  )
}

/** The typed form of an object that is not there. */
export function objectNotFound(location: string, cause?: unknown): FloeError {
  return new FloeError('NOT_FOUND', `There is no object at ${quoteLocation(location)}`, { file: location, cause })
}
