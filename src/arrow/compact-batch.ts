import { DataType } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { FloeError } from '../util/errors.js'
import {
  bytesOf,
  columnsOf,
  fixedChunk,
  fixedValues,
  listChunk,
  makeBatch,
  offsetsOf,
  structChunk,
  validityBitmap,
  variableChunk,
  withNullCount,
  wordsOf,
} from './arrow-data.js'
import type { Chunk, FixedValues, Validity } from './arrow-data.js'
import { nullChunk } from './constant-chunk.js'
import { isFixedWidth, sliceBatch, sliceChunk } from './take.js'

/** Stretches of rows that stay: first row and row after the last of each, ascending. */
interface RowRuns {
  /** Pairs, `count` of them. */
  readonly bounds: Int32Array
  readonly count: number
  /** Rows of all. */
  readonly rows: number
}

/** Elements from which a copy of memory pays for the view that it takes. */
const LONG_RUN = 48

/**
 * The rows of a batch where `mask`, one byte a row, is 1. Stretches of rows are copied together, which costs what a copy of memory
 * costs where few rows are left out; views of the same bytes where the selected rows follow each other.
 */
export function compactBatch(batch: RecordBatch, mask: Uint8Array): RecordBatch {
  const runs = runsOf(mask)
  if (runs.rows === batch.numRows) return batch
  if (runs.count === 0) return sliceBatch(batch, 0, 0)
  if (runs.count === 1) return sliceBatch(batch, runs.bounds[0]!, runs.rows)
  return makeBatch(batch.schema, runs.rows, columnsOf(batch).map((column) => compactChunk(column, runs)))
}

function runsOf(mask: Uint8Array): RowRuns {
  const bounds = new Int32Array(mask.length + 1)
  let [at, rows] = [0, 0]
  for (let row = 0, last = 0; row <= mask.length; row++) {
    const selected = row < mask.length ? mask[row]! : 0
    if (selected === last) continue
    bounds[at++] = row
    rows += selected === 1 ? -row : row
    last = selected
  }
  return { bounds, count: at >> 1, rows }
}

function compactChunk(chunk: Chunk, runs: RowRuns): Chunk {
  const type = chunk.type as DataType
  if (runs.rows === 0) return sliceChunk(chunk, 0, 0)
  if (DataType.isNull(type)) return nullChunk(type, runs.rows)
  const validity = compactValidity(chunk, runs)
  if (isFixedWidth(type)) return fixedChunk(type, runs.rows, compactFixed(fixedValues(chunk), chunk.stride, runs), validity)
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return compactVariable(chunk, runs, validity)
  if (DataType.isBool(type)) return fixedChunk(type, runs.rows, compactBits(fixedValues<Uint8Array>(chunk), chunk.offset, runs), validity)
  if (DataType.isStruct(type)) return structChunk(type, runs.rows, chunk.children.map((child) => compactChunk(child, runs)), validity)
  if (DataType.isList(type) || DataType.isMap(type)) {
    const source = offsetsOf(chunk)
    return listChunk(type, compactOffsets(source, runs), compactChunk(chunk.children[0]!, childRuns(source, runs)), validity)
  }
  throw new FloeError('UNSUPPORTED', `rows of Arrow type ${String(type)} cannot be gathered; cast the column first`)
}

function compactValidity(chunk: Chunk, runs: RowRuns): Validity | undefined {
  const source = validityBitmap(chunk)
  return source === undefined ? undefined : withNullCount(compactBits(source, chunk.offset, runs), runs.rows)
}

/** Up to eight bits at a time, wherever they begin. */
function compactBits(source: Uint8Array, offset: number, { bounds, count, rows }: RowRuns): Uint8Array {
  const bits = new Uint8Array((rows + 7) >> 3)
  let to = 0
  for (let run = 0; run < count; run++) {
    const end = offset + bounds[run * 2 + 1]!
    for (let from = offset + bounds[run * 2]!; from < end; ) {
      const taken = Math.min(8 - (to & 7), end - from)
      const index = from >> 3
      const pair = source[index]! | ((source[index + 1] ?? 0) << 8)
      bits[to >> 3]! |= ((pair >> (from & 7)) & ((1 << taken) - 1)) << (to & 7)
      from += taken
      to += taken
    }
  }
  return bits
}

function compactFixed(values: FixedValues, stride: number, runs: RowRuns): FixedValues {
  const width = values.BYTES_PER_ELEMENT * stride
  const kept = new (values.constructor as new (length: number) => FixedValues)(runs.rows * stride)
  // As integers: reading a NaN as a float, or 64 bits as a bigint, would change bits or allocate
  if (width % 4 === 0 && values.byteOffset % 4 === 0) copyRuns(wordsOf(values), wordsOf(kept), width >> 2, runs)
  else copyRuns(bytesOf(values), bytesOf(kept), width, runs)
  return kept
}

function copyRuns<T extends Int32Array | Uint8Array>(source: T, target: T, width: number, { bounds, count }: RowRuns): void {
  let to = 0
  for (let run = 0; run < count; run++) {
    const from = bounds[run * 2]! * width
    const end = bounds[run * 2 + 1]! * width
    if (end - from >= LONG_RUN) {
      target.set(source.subarray(from, end), to)
      to += end - from
    } else for (let i = from; i < end; i++) target[to++] = source[i]!
  }
}

function compactVariable(chunk: Chunk, runs: RowRuns, validity: Validity | undefined): Chunk {
  const source = offsetsOf(chunk)
  const offsets = compactOffsets(source, runs)
  const bytes = new Uint8Array(offsets[runs.rows]!)
  copyRuns(fixedValues<Uint8Array>(chunk), bytes, 1, childRuns(source, runs))
  return variableChunk(chunk.type as DataType, offsets, bytes, validity)
}

function compactOffsets(source: Int32Array, { bounds, count, rows }: RowRuns): Int32Array {
  const offsets = new Int32Array(rows + 1)
  let to = 0
  for (let run = 0; run < count; run++) {
    const [from, end] = [bounds[run * 2]!, bounds[run * 2 + 1]!]
    const moved = offsets[to]! - source[from]!
    for (let row = from; row < end; row++) offsets[++to] = source[row + 1]! + moved
  }
  return offsets
}

/** The stretches of bytes or children that stretches of rows consist of. */
function childRuns(source: Int32Array, { bounds, count }: RowRuns): RowRuns {
  const children = new Int32Array(count * 2)
  let rows = 0
  for (let i = 0; i < count * 2; i += 2) {
    children[i] = source[bounds[i]!]!
    children[i + 1] = source[bounds[i + 1]!]!
    rows += children[i + 1]! - children[i]!
  }
  return { bounds: children, count, rows }
}
