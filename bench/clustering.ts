/**
 * Files that filters of 1 % of the rows read, by the order of rows: simulated on 64 files of equal size.
 *
 *     npx esbuild bench/clustering.ts --bundle --packages=external --platform=node --format=esm --outdir=node_modules/.bench
 *     node node_modules/.bench/clustering.js [rows, default 1000000] [files, default 64]
 */
import { fixedChunk, makeBatch } from '../src/arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../src/arrow/arrow-schema.js'
import { curveKeyEncoder, thinOut } from '../src/compaction/order/curve-key-encoder.js'
import { sortKeyEncoder } from '../src/compaction/order/sort-key-encoder.js'
import type { SortKeys } from '../src/compaction/order/sort-keys.js'
import { sortedRows } from '../src/compaction/order/sorted-rows.js'
import { Schema } from '../src/schema/schema.js'

const ROWS = Number(process.argv[2] ?? 1_000_000)
const FILES = Number(process.argv[3] ?? 64)
const SELECTED = 0.01
const QUERIES = 400

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
/** Ranks of a Zipf distribution with exponent 1 over a million values, by inversion of its continuous form. */
const zipf = (random: () => number): number => Math.floor(Math.exp(random() * Math.log(1e6)))

const distributions: Readonly<Record<string, (random: () => number) => number>> = {
  uniform: (random) => Math.floor(random() * 1e9),
  'log-normal': (random) => Math.floor(1e6 * Math.exp(2 * normal(random))),
  'power 8': (random) => Math.floor(1e15 * random() ** 8),
  zipf,
  '5 values': (random) => Math.floor(random() * 5),
}

const schemaOf = (columns: number): Schema =>
  new Schema(Array.from({ length: columns }, (_, i) => ({ id: i + 1, name: `c${i}`, type: { kind: 'long' }, required: true })))

const data = [
  ['uniform', 'uniform'],
  ['log-normal', 'log-normal'],
  ['power 8', 'power 8'],
  ['zipf', 'zipf'],
  ['uniform', 'zipf'],
  ['uniform', '5 values'],
  ['uniform', 'uniform', 'uniform'],
  ['log-normal', 'log-normal', 'log-normal'],
  ['power 8', 'power 8', 'power 8'],
  ['zipf', 'zipf', 'zipf'],
  ['uniform', 'log-normal', 'zipf'],
]

/** Boxes that hold the same share of the rows in each column: together 1 % of all where columns are independent. */
function boxes(sorted: readonly Float64Array[], random: () => number): [number, number][][] {
  const share = SELECTED ** (1 / sorted.length)
  return Array.from({ length: QUERIES }, () =>
    sorted.map((values) => {
      const from = Math.floor(random() * (1 - share) * values.length)
      return [values[from]!, values[Math.min(values.length - 1, from + Math.floor(share * values.length))]!]
    }),
  )
}

function shareRead(columns: readonly Float64Array[], rows: Uint32Array, queries: readonly [number, number][][]): number {
  const bounds = Array.from({ length: FILES }, (_, file) => {
    const part = rows.subarray(Math.floor((file * rows.length) / FILES), Math.floor(((file + 1) * rows.length) / FILES))
    return columns.map((values) => {
      let [low, high] = [Infinity, -Infinity]
      for (const row of part) {
        if (values[row]! < low) low = values[row]!
        if (values[row]! > high) high = values[row]!
      }
      return [low, high] as const
    })
  })
  let read = 0
  for (const query of queries) {
    for (const file of bounds) if (file.every(([low, high], i) => low <= query[i]![1] && high >= query[i]![0])) read++
  }
  return read / (queries.length * FILES)
}

/** The reference's Z-order: the bits of the values' 8-byte big-endian forms in turn, whatever their distribution. */
function rawZOrder(columns: readonly Float64Array[]): SortKeys {
  const length = columns[0]!.length
  const words = Array.from({ length: columns.length * 2 }, () => new Uint32Array(length))
  for (let row = 0; row < length; row++) {
    let at = 0
    const values = columns.map((column) => BigInt(column[row]!) ^ (1n << 63n))
    for (let bit = 63n; bit >= 0n; bit--) for (const value of values) {
      if ((value >> bit) & 1n) words[at >> 5]![row]! |= 0x8000_0000 >>> (at & 31)
      at++
    }
  }
  return { length, words, rest: undefined }
}

const rowsOf = (keys: SortKeys): Uint32Array => sortedRows(keys) ?? Uint32Array.from({ length: keys.length }, (_, row) => row)

console.log('columns'.padEnd(36), ...['linear', 'raw Z', 'Z', 'Hilbert'].map((name) => name.padStart(8)))
for (const names of data) {
  const random = randomFrom(7)
  const columns = names.map((name) => Float64Array.from({ length: ROWS }, () => distributions[name]!(random)))
  const schema = schemaOf(names.length)
  const chunks = columns.map((column) => fixedChunk(arrowType({ kind: 'long' }), ROWS, BigInt64Array.from(column, (value) => BigInt(value))))
  const batch = makeBatch(arrowSchema(schema), ROWS, chunks)
  const queries = boxes(columns.map((column) => column.slice().sort()), random)
  const fieldIds = names.map((_, i) => i + 1)
  const sample = { schema, batch: thinOut(batch, 65_536) }
  const fields = fieldIds.map((id) => ({ sourceIds: [id], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }) as const)
  const keys = [
    sortKeyEncoder(schema, { orderId: 1, fields })(batch),
    rawZOrder(columns),
    curveKeyEncoder(schema, { type: 'zorder', fieldIds }, sample)(batch),
    curveKeyEncoder(schema, { type: 'hilbert', fieldIds }, sample)(batch),
  ]
  console.log(names.join(', ').padEnd(36), ...keys.map((key) => shareRead(columns, rowsOf(key), queries).toFixed(3).padStart(8)))
}
