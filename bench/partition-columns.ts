/**
 * Rows a second of the column transforms, and files a second of the metrics evaluator.
 *
 *     npx esbuild bench/partition-columns.ts --bundle --packages=external --platform=node --format=esm --outfile=/tmp/bench.mjs
 *     node /tmp/bench.mjs
 */
import { bind } from '../src/expression/bind.js'
import { compileInclusiveMetrics } from '../src/expression/inclusive-metrics.js'
import { parseWhere } from '../src/expression/parse-where.js'
import { bucketLongs, bucketNanos, bucketUtf8 } from '../src/partition/bucket-columns.js'
import { dayOfMicros, hourOfMicros, monthOfMicros } from '../src/partition/time-columns.js'
import { parseTransform } from '../src/partition/transform.js'
import { Schema } from '../src/schema/schema.js'
import { encodeValue } from '../src/schema/single-value.js'
import type { Value } from '../src/schema/type.js'

const ROWS = 2_000_000

function measure(name: string, count: number, run: () => unknown): void {
  run()
  const started = performance.now()
  const rounds = 5
  for (let round = 0; round < rounds; round++) run()
  const seconds = (performance.now() - started) / 1000
  console.log(`${name.padEnd(44)} ${(((count * rounds) / seconds) / 1e6).toFixed(1).padStart(8)} M/s`)
}

const longs = BigInt64Array.from({ length: ROWS }, (_, row) => BigInt(row) * 1_000_003n)
const micros = BigInt64Array.from({ length: ROWS }, (_, row) => 1_700_000_000_000_000n + BigInt(row) * 1_000_003n)
const text = new TextEncoder().encode(Array.from({ length: ROWS }, (_, row) => `user-${String(row).padStart(7, '0')}`).join(''))
const offsets = Int32Array.from({ length: ROWS + 1 }, (_, row) => row * 12)

measure('bucket[16] over a column of longs', ROWS, () => bucketLongs(longs, 16))
measure('bucket[16] over a column of nanoseconds', ROWS, () => bucketNanos(micros, 16))
measure('bucket[16] over a column of 12-byte strings', ROWS, () => bucketUtf8(text, offsets, 16))
measure('day over a column of microseconds', ROWS, () => dayOfMicros(micros))
measure('hour over a column of microseconds', ROWS, () => hourOfMicros(micros))
measure('month over a column of microseconds', ROWS, () => monthOfMicros(micros))

const scalar = (transform: string, kind: 'long' | 'timestamp' | 'string', values: readonly Value[]): void => {
  const apply = parseTransform(transform).apply({ kind })
  measure(`${transform} of ${kind}, value by value`, values.length, () => {
    for (const value of values) apply(value)
  })
}
const some = Array.from(micros.subarray(0, 200_000))
scalar('bucket[16]', 'long', some)
scalar('day', 'timestamp', some)
scalar('bucket[16]', 'string', some.map((value) => `user-${value % 10_000_000n}`))

const schema = new Schema([
  { id: 1, name: 'ts', type: { kind: 'timestamptz' }, required: false },
  { id: 2, name: 'kind', type: { kind: 'string' }, required: false },
  { id: 3, name: 'id', type: { kind: 'long' }, required: false },
])
const test = compileInclusiveMetrics(bind(parseWhere("ts >= timestamp '2023-11-15T00:00:00Z' and kind in ('click', 'view') and id <> 5"), schema))
const files = Array.from({ length: 1000 }, (_, index) => {
  const lower = new Map([[1, encodeValue({ kind: 'timestamptz' }, micros[index]!)], [2, encodeValue({ kind: 'string' }, 'a')], [3, encodeValue({ kind: 'long' }, 1n)]])
  const upper = new Map([[1, encodeValue({ kind: 'timestamptz' }, micros[index * 1000]!)], [2, encodeValue({ kind: 'string' }, 'z')], [3, encodeValue({ kind: 'long' }, 9n)]])
  return {
    recordCount: 100,
    valueCount: () => 100,
    nullCount: () => 0,
    nanCount: () => undefined,
    lowerBound: (id: number) => lower.get(id),
    upperBound: (id: number) => upper.get(id),
  }
})
measure('metrics of files against three predicates', files.length * 100, () => {
  for (let round = 0; round < 100; round++) for (const file of files) test.mayMatch(file)
})
