/** Rows to batches and back, in rows per second. */
import { BatchBuilder } from '../src/arrow/batch-builder.js'
import { rowsOf } from '../src/arrow/row-values.js'
import { Schema } from '../src/schema/schema.js'
import type { NestedField, Type } from '../src/schema/type.js'

const kinds: readonly (readonly [string, Type])[] = [
  ['id', { kind: 'long' }],
  ['ts', { kind: 'timestamptz' }],
  ['kind', { kind: 'string' }],
  ['amount', { kind: 'double' }],
  ['count', { kind: 'int' }],
]
const schema = new Schema(kinds.map(([name, type], i): NestedField => ({ id: i + 1, name, type, required: false })))
const rows = Array.from({ length: 200_000 }, (_, i) => ({
  id: BigInt(i) * 1_000_003n,
  ts: 1_700_000_000_000_000n + BigInt(i),
  kind: i % 3 === 0 ? 'click' : `page view ${i}`,
  amount: i / 7,
  count: i,
}))

/** Processor time in milliseconds, so that a busy machine does not distort it. */
function timed<T>(action: () => T): { readonly result: T; readonly ms: number } {
  const start = process.cpuUsage()
  const result = action()
  const used = process.cpuUsage(start)
  return { result, ms: (used.user + used.system) / 1000 }
}

const rate = (ms: number): string => `${(rows.length / ms / 1000).toFixed(2)} M rows/s`
for (let round = 0; round < 8; round++) {
  const built = timed(() => {
    const builder = new BatchBuilder(schema)
    builder.append(rows)
    return builder.finish()
  })
  const read = timed(() => {
    let count = 0
    for (const row of rowsOf([built.result], schema)) if (row.id !== null) count++
    return count
  })
  console.log(`rows → batch ${rate(built.ms)}   batch → rows ${rate(read.ms)}   ${read.result}`)
}
