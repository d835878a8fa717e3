import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import type { FieldSummary } from '../../src/expression/expression.js'
import { parseExpression, printExpression } from '../../src/expression/expression-json.js'
import { compileInclusiveMetrics } from '../../src/expression/inclusive-metrics.js'
import { compileManifestEvaluator } from '../../src/expression/manifest-evaluator.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { expressionText } from '../../src/expression/print.js'
import { compilePartitionFilter, projectInclusive, projectStrict } from '../../src/expression/projection.js'
import { compileResidual } from '../../src/expression/residual.js'
import { rewriteNot } from '../../src/expression/rewrite-not.js'
import { compileRowFilter } from '../../src/expression/row-evaluator.js'
import { compileStrictMetrics } from '../../src/expression/strict-metrics.js'
import { partitionKey } from '../../src/partition/partition-key.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { partitionType } from '../../src/partition/partition-type.js'
import { parseTransform } from '../../src/partition/transform.js'
import type { Schema } from '../../src/schema/schema.js'
import type { Value } from '../../src/schema/type.js'
import { parseJson, printJson } from '../../src/util/json.js'
import { filtersOn, leavesOf, tables } from '../support/arbitrary-tables.js'
import { statsOfRows, summaryOf } from '../support/file-stats.js'
import { truthOf } from '../support/naive-filter.js'
import type { Row } from '../support/naive-filter.js'

const filteredTables = tables.chain((table) => filtersOn(table.schema).map((filter) => ({ ...table, filter })))
const choices = fc.array(
  fc.record({ counts: fc.boolean(), nanCount: fc.boolean(), bounds: fc.boolean(), width: fc.integer({ min: 1, max: 3 }) }),
  { minLength: 1, maxLength: 3 },
)

const TRANSFORMS = ['identity', 'bucket[4]', 'truncate[1]', 'truncate[3]', 'truncate[10]', 'year', 'month', 'day', 'hour', 'void', 'mystery']
const specsOn = (schema: Schema): fc.Arbitrary<PartitionSpec> =>
  fc.array(fc.tuple(fc.constantFrom(...leavesOf(schema)), fc.constantFrom(...TRANSFORMS)), { maxLength: 3 }).map((pairs) => ({
    specId: 0,
    fields: pairs
      .filter(([field, transform]) => parseTransform(transform).accepts(field.type))
      .map(([field, transform], index) => ({ fieldId: 1000 + index, name: `p${index}`, sourceIds: [field.id], transform })),
  }))

const valueOf = (row: Row) => (fieldId: number): Value => row.get(fieldId) ?? null

function tuplePrinter(spec: PartitionSpec, schema: Schema): (row: Row) => readonly Value[] {
  const fields = spec.fields.map((field) => {
    const source = schema.fieldById(field.sourceIds[0]!)!
    const transform = parseTransform(field.transform)
    return { id: source.id, apply: transform.kind === 'unknown' ? () => null : transform.apply(source.type) }
  })
  return (row) => fields.map(({ id, apply }) => apply(row.get(id) ?? null))
}

function partitionsOf(rows: readonly Row[], tupleOf: (row: Row) => readonly Value[]): (readonly [readonly Value[], readonly Row[]])[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = partitionKey(tupleOf(row))
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()].map((group) => [tupleOf(group[0]!), group])
}

describe('filters', () => {
  it('rewriting negations keeps true, false and unknown for every row (trap 17)', () => {
    fc.assert(
      fc.property(filteredTables, ({ schema, rows, filter }) => {
        const rewritten = rewriteNot(filter)
        for (const row of rows) expect(truthOf(rewritten, schema, row)).toBe(truthOf(filter, schema, row))
      }),
      { numRuns: 300 },
    )
  })

  it('a bound filter selects the rows for which the unbound one is true', () => {
    fc.assert(
      fc.property(filteredTables, ({ schema, rows, filter }) => {
        const selects = compileRowFilter(bind(filter, schema))
        for (const row of rows) expect(selects(valueOf(row))).toBe(truthOf(filter, schema, row) === true)
      }),
      { numRuns: 500 },
    )
  })

  it('a bound filter survives JSON and text', () => {
    fc.assert(
      fc.property(filteredTables, ({ schema, filter }) => {
        const bound = bind(filter, schema)
        expect(bind(parseExpression(parseJson(printJson(printExpression(bound)))), schema)).toEqual(bound)
        const text = expressionText(bound, { full: true })
        // Nothing but single-value JSON writes infinite numbers.
        if (!text.includes('Infinity')) expect(bind(parseWhere(text), schema)).toEqual(bound)
      }),
      { numRuns: 300 },
    )
  })
})

describe('pruning is sound', () => {
  it('no file with a selected row is skipped by its metrics, whatever they leave out (trap 5, trap 8, trap 18; fault 48)', () => {
    fc.assert(
      fc.property(filteredTables, choices, ({ schema, rows, filter }, choice) => {
        const test = compileInclusiveMetrics(bind(filter, schema))
        const stats = statsOfRows(rows, leavesOf(schema), choice)
        if (rows.some((row) => truthOf(filter, schema, row) === true)) expect(test.mayMatch(stats)).toBe(true)
        expect(test.explain(stats) === undefined).toBe(test.mayMatch(stats))
      }),
      { numRuns: 1500 },
    )
  })

  it('a file that is said to match as a whole has no row that is not selected (trap 16)', () => {
    fc.assert(
      fc.property(filteredTables, choices, ({ schema, rows, filter }, choice) => {
        const matchesAll = compileStrictMetrics(bind(filter, schema))
        if (!matchesAll(statsOfRows(rows, leavesOf(schema), choice))) return
        for (const row of rows) expect(truthOf(filter, schema, row)).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  it('projections keep every partition with a selected row, and strict ones admit only whole partitions (trap 15; fault 48)', () => {
    fc.assert(
      fc.property(
        filteredTables.chain((table) => specsOn(table.schema).map((spec) => ({ ...table, spec }))),
        ({ schema, rows, filter, spec }) => {
          const bound = bind(filter, schema)
          const inclusive = compilePartitionFilter(projectInclusive(bound, spec, schema), spec)
          const strict = compilePartitionFilter(projectStrict(bound, spec, schema), spec)
          for (const [tuple, group] of partitionsOf(rows, tuplePrinter(spec, schema))) {
            if (group.some((row) => truthOf(filter, schema, row) === true)) expect(inclusive.mayMatch(tuple)).toBe(true)
            if (strict.mayMatch(tuple)) expect(group.every((row) => truthOf(filter, schema, row) === true)).toBe(true)
            expect(inclusive.explain(tuple) === undefined).toBe(inclusive.mayMatch(tuple))
          }
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('the residual selects the same rows of its partition as the filter', () => {
    fc.assert(
      fc.property(
        filteredTables.chain((table) => specsOn(table.schema).map((spec) => ({ ...table, spec }))),
        ({ schema, rows, filter, spec }) => {
          const residualFor = compileResidual(bind(filter, schema), spec, schema)
          const tupleOf = tuplePrinter(spec, schema)
          for (const row of rows) {
            const selects = compileRowFilter(residualFor(tupleOf(row)))
            expect(selects(valueOf(row))).toBe(truthOf(filter, schema, row) === true)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('no manifest with a selected row is skipped by its summaries', () => {
    fc.assert(
      fc.property(
        filteredTables.chain((table) => specsOn(table.schema).map((spec) => ({ ...table, spec }))),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        ({ schema, rows, filter, spec }, width, nanKnown) => {
          const test = compileManifestEvaluator(projectInclusive(bind(filter, schema), spec, schema), spec)
          const tuples = rows.map(tuplePrinter(spec, schema))
          const { fields } = partitionType(spec, schema)
          const summaries = fields.map((field, index): FieldSummary => {
            const summary = summaryOf(field.type, tuples.map((tuple) => tuple[index]!), width)
            return nanKnown ? summary : { ...summary, containsNan: undefined }
          })
          if (rows.some((row) => truthOf(filter, schema, row) === true)) expect(test.mayMatch(summaries)).toBe(true)
          expect(test.explain(summaries) === undefined).toBe(test.mayMatch(summaries))
          expect(test.explain(undefined) === undefined).toBe(test.mayMatch(undefined))
        },
      ),
      { numRuns: 1000 },
    )
  })
})
