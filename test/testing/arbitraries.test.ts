/** The generators that `floe/testing` gives to the tests of others. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowReader } from '../../src/arrow/row-values.js'
import { bind } from '../../src/expression/bind.js'
import { openCatalog, type Row } from '../../src/index.js'
import { arbitraries, simulate } from '../../src/testing/main.js'

const any = arbitraries(fc)
const text = (rows: Iterable<Row>): string[] =>
  [...rows].map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' || value instanceof Uint8Array ? String(value) : value instanceof Map ? [...value] : value))).sort()

describe('arbitraries', () => {
  it('of tables are taken by createTable and append, and come back as they were', async () => {
    let number = 0
    const lake = await openCatalog('memory:///lake')
    await fc.assert(
      fc.asyncProperty(any.tables({ maxRows: 5, maxColumns: 3 }), async ({ rows, ...options }) => {
        const table = await lake.createTable(`t${++number}`, { ...options, partitionBy: [...options.partitionBy] })
        if (rows.length > 0) await table.append(rows)
        expect(text(await table.scan().rows().toArray())).toEqual(text(rows))
      }),
      { numRuns: 15 },
    )
  }, 60_000)

  it('of batches hold the rows that fit the schema, cut anywhere', () => {
    const cases = any.schemas().chain((schema) => any.batches(schema, { minRows: 1, maxRows: 9 }).map((batches) => ({ schema, batches })))
    fc.assert(
      fc.property(cases, ({ schema, batches }) => {
        const rows = batches.flatMap((batch) => rowReader(schema)(batch))
        expect(rows.length).toBeGreaterThan(0)
        for (const { name, required } of schema.fields) if (required) expect(rows.map((row) => row[name])).not.toContain(null)
      }),
      { numRuns: 40 },
    )
  })

  it('of expressions can be bound to their schema', () => {
    const cases = any.schemas().chain((schema) => any.expressions(schema).map((expression) => ({ schema, expression })))
    fc.assert(fc.property(cases, ({ schema, expression }) => void bind(expression, schema)), { numRuns: 200 })
  })

  it('of simulations are plans that run and keep every rule', async () => {
    await fc.assert(
      fc.asyncProperty(any.simulationPlans({ maxActors: 2, maxOperations: 1 }), async (plan) => {
        expect((await simulate(plan)).violations).toEqual([])
      }),
      { numRuns: 5 },
    )
  })
})
