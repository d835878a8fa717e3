import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { canonicalRows } from '../../src/arrow/canonical-row.js'
import { equalRows } from '../../src/arrow/equal-rows.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { schema, t } from '../../src/index.js'

const table = schema({
  a: t.int,
  b: t.string,
  c: t.boolean,
  d: t.double,
  e: t.list(t.string),
  f: t.struct({ x: t.long, y: t.decimal(30, 2) }),
  g: t.uuid,
  h: t.map(t.string, t.int),
})

const rows = fc.array(
  fc.record({
    a: fc.option(fc.integer({ min: 0, max: 1 })),
    b: fc.option(fc.constantFrom('', 'a', 'ab')),
    c: fc.option(fc.boolean()),
    d: fc.option(fc.constantFrom(0, -0, NaN, 1)),
    e: fc.option(fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 })),
    f: fc.option(fc.record({ x: fc.option(fc.constantFrom(1n, 2n)), y: fc.constant(null) })),
    g: fc.option(fc.constant('00000000-0000-0000-0000-000000000001')),
    h: fc.option(fc.constantFrom({}, { k: 1 })),
  }),
  { minLength: 20, maxLength: 20 },
)

describe('rows of two batches', () => {
  it('are equal when their canonical texts are, wherever in their buffers they lie', () => {
    fc.assert(
      fc.property(rows, rows, fc.nat(9), fc.nat(9), fc.boolean(), (left, right, i, j, same) => {
        const [a, b] = [left, same ? left : right].map((all) => {
          const builder = new BatchBuilder(table)
          builder.append(all)
          return builder.finish()
        })
        const [x, y] = [sliceBatch(a!, i, 10), sliceBatch(b!, same ? i : j, 10)]
        const texts = [canonicalRows(table, x), canonicalRows(table, y)] as const
        expect([...equalRows(table, x, y)]).toEqual(texts[0].map((text, row) => Number(text === texts[1][row])))
      }),
      { numRuns: 60 },
    )
  })
})
