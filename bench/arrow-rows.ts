/** Rows to batches and back, in rows per second. Run: `npx tsx bench/arrow-rows.ts` or with Node's type stripping. */
import { BatchBuilder } from '../src/arrow/batch-builder.js'
import { rowReader } from '../src/arrow/row-values.js'
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

for (let round = 0; round < 6; round++) {
  const builder = new BatchBuilder(schema)
  const start = performance.now()
  builder.append(rows)
  const batch = builder.finish()
  const built = performance.now()
  const read = rowReader(schema)
  const back = read(batch)
  const end = performance.now()
  const rate = (ms: number): string => `${(rows.length / ms / 1000).toFixed(2)} M rows/s`
  console.log(`rows → batch ${rate(built - start)}   batch → rows ${rate(end - built)}   ${back.length}`)
}
