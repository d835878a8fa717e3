/** Filter, sort, gather, projection and canonical rows over one batch, in rows per second. */
import { BatchBuilder } from '../src/arrow/batch-builder.js'
import { canonicalRowWriter } from '../src/arrow/canonical-row.js'
import { batchConformer } from '../src/arrow/conform-batch.js'
import { compileBatchFilter } from '../src/arrow/filter-batch.js'
import { batchProjector } from '../src/arrow/project-batch.js'
import { filterBatch } from '../src/arrow/row-mask.js'
import { sortPermutation } from '../src/arrow/sort-batches.js'
import { takeBatch } from '../src/arrow/take.js'
import { bind } from '../src/expression/bind.js'
import { and, eq, gtEq, isIn, lt, or, startsWith } from '../src/expression/predicates.js'
import type { Expression } from '../src/expression/expression.js'
import { Schema } from '../src/schema/schema.js'
import type { NestedField, Type } from '../src/schema/type.js'

const kinds: readonly (readonly [string, Type])[] = [
  ['id', { kind: 'long' }],
  ['ts', { kind: 'timestamptz' }],
  ['kind', { kind: 'string' }],
  ['amount', { kind: 'double' }],
  ['count', { kind: 'int' }],
]
const fields = kinds.map(([name, type], i): NestedField => ({ id: i + 1, name, type, required: false }))
const schema = new Schema(fields)
const builder = new BatchBuilder(schema)
const rowCount = 1_000_000
for (let start = 0; start < rowCount; start += 10_000) {
  builder.append(
    Array.from({ length: 10_000 }, (_, i) => {
      const mixed = Math.imul(start + i, 0x9e37_79b1) >>> 0
      return {
        id: BigInt(mixed) * 1_000_003n,
        ts: 1_700_000_000_000_000n + BigInt(start + i),
        kind: mixed % 3 === 0 ? 'click' : `page view ${mixed % 1000}`,
        amount: mixed % 10 === 0 ? null : mixed / 7,
        count: mixed % 1000,
      }
    }),
  )
}
const batch = builder.finish()

function measure(name: string, action: () => unknown): void {
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    // Time on the processor, so that a busy machine does not distort it
    const start = process.cpuUsage()
    action()
    const used = process.cpuUsage(start)
    best = Math.min(best, (used.user + used.system) / 1000)
  }
  console.log(`${name.padEnd(34)} ${(rowCount / best / 1000).toFixed(1).padStart(8)} M rows/s`)
}

const filters: Readonly<Record<string, Expression>> = {
  'count < 500': lt('count', 500),
  'id >= 2^40': gtEq('id', 2n ** 40n),
  'amount < 1e8': lt('amount', 1e8),
  "kind = 'click'": eq('kind', 'click'),
  "kind starts with 'page view 1'": startsWith('kind', 'page view 1'),
  'id in 3': isIn('id', [0n, 5n, 7n]),
  'and/or of four': or(and(lt('count', 500), eq('kind', 'click')), and(gtEq('id', 2n ** 40n), lt('amount', 1e8))),
}
for (const [name, expression] of Object.entries(filters)) {
  const filter = compileBatchFilter(bind(expression, schema), schema)
  measure(`filter ${name}`, () => filter(batch))
}
const half = compileBatchFilter(bind(lt('count', 500), schema), schema)(batch)
measure('gather half of the rows', () => filterBatch(batch, half))
const order = (sourceId: number) => ({
  orderId: 1,
  fields: [{ sourceIds: [sourceId], transform: 'identity', direction: 'asc' as const, nullOrder: 'nulls-first' as const }],
})
measure('sort by long', () => sortPermutation(batch, schema, order(1)))
measure('sort by string', () => sortPermutation(batch, schema, order(3)))
const permutation = sortPermutation(batch, schema, order(1))!
measure('gather all, permuted', () => takeBatch(batch, permutation))
const widened = new Schema(fields.map((field) => (field.name === 'count' ? { ...field, type: { kind: 'long' } } : field)))
const projector = batchProjector({ projection: widened, source: batch.schema, file: 'memory' })
measure('project, one int to long', () => projector.project(batch))
const conform = batchConformer(schema)
measure('conform canonical input', () => conform(batch))
const write = canonicalRowWriter(schema)
measure('canonical rows', () => write(batch))
