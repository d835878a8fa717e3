/** Random schemas, rows and filters over small domains, so that literals hit values, bounds and their neighbours. */
import fc from 'fast-check'
import type { Expression, LiteralInput, PredicateOperation, Term } from '../../src/expression/expression.js'
import { parseTransform } from '../../src/partition/transform.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, PrimitiveType, Type, Value } from '../../src/schema/type.js'
import type { Row } from './naive-filter.js'

export interface ArbitraryTable {
  readonly schema: Schema
  readonly rows: readonly Row[]
}

const DAY_MICROS = 86_400_000_000n

const longs = (unit: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.tuple(fc.integer({ min: -40, max: 40 }), fc.constantFrom(-1n, 0n, 1n)).map(([count, delta]) => BigInt(count) * unit + delta),
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n),
  )
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\u{10ffff}', '\uffff', '😀'), maxLength: 5 }),
  fc.constantFrom('', 'aa', 'ab', 'aab', 'abc', 'a😀b'),
)
const bytes = (lengths: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ ...lengths, max: 255 }).map((value) => value.map((byte) => [0, 1, 127, 255][byte % 4]!))

const DOMAINS: readonly (readonly [PrimitiveType, fc.Arbitrary<Value>])[] = [
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'int' }, fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1))],
  [{ kind: 'long' }, longs(3n)],
  [{ kind: 'float' }, fc.constantFrom(-1.5, -0, 0, 0.5, 1, 2.5, NaN, Infinity, -Infinity)],
  [{ kind: 'double' }, fc.constantFrom(-1.5, -0, 0, 0.1, 1, 2.5, NaN, Infinity, -Infinity)],
  [{ kind: 'decimal', precision: 9, scale: 2 }, fc.bigInt({ min: -300n, max: 300n })],
  [{ kind: 'date' }, fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -800, max: 800 }))],
  [{ kind: 'time' }, fc.bigInt({ min: 0n, max: 20n })],
  [{ kind: 'timestamp' }, longs(DAY_MICROS)],
  [{ kind: 'timestamptz' }, longs(DAY_MICROS / 12n)],
  [{ kind: 'timestamp_ns' }, longs(DAY_MICROS * 1000n)],
  [{ kind: 'timestamptz_ns' }, longs(1000n)],
  [{ kind: 'string' }, texts],
  [{ kind: 'uuid' }, fc.constantFrom(...['0', '7', 'f'].map((digit) => `${digit}79c3e09-677c-4bbd-a479-3f349cb785e7`))],
  [{ kind: 'fixed', length: 2 }, bytes({ minLength: 2, maxLength: 2 })],
  [{ kind: 'binary' }, bytes({ minLength: 0, maxLength: 4 })],
]

/** Values of a type, null apart. */
export function valuesOf(type: Type): fc.Arbitrary<Value> {
  return DOMAINS.find(([candidate]) => candidate.kind === type.kind)![1]
}

/** A table of 1 to 3 columns, one of them maybe inside a struct, and up to 8 rows. */
export const tables: fc.Arbitrary<ArbitraryTable> = fc
  .array(
    fc.record({ type: fc.constantFrom(...DOMAINS.map(([type]) => type)), required: fc.boolean(), nested: fc.boolean() }),
    { minLength: 1, maxLength: 3 },
  )
  .chain((columns) => {
    const fields = columns.map((column, index): NestedField => {
      const leaf: NestedField = { id: index + 1, name: `c${index + 1}`, type: column.type, required: column.required }
      if (!column.nested) return leaf
      return { id: index + 11, name: `s${index + 1}`, type: { kind: 'struct', fields: [leaf] }, required: column.required }
    })
    const row = fc.tuple(...columns.map((column) => nullable(valuesOf(column.type), column.required)))
    return fc.array(row, { maxLength: 8 }).map((rows) => ({
      schema: new Schema(fields),
      rows: rows.map((values) => new Map(values.map((value, index) => [index + 1, value]))),
    }))
  })

function nullable(values: fc.Arbitrary<Value>, required: boolean): fc.Arbitrary<Value> {
  return required ? values : fc.oneof({ weight: 4, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) })
}

/** The fields of a table's leaf columns. */
export function leavesOf(schema: Schema): readonly NestedField[] {
  return schema.fields.map((field) => (field.type.kind === 'struct' ? field.type.fields[0]! : field))
}

const COMPARISONS = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'] as const

/** Filters on the columns of a schema, on transforms of them too, with negations anywhere. */
export function filtersOn(schema: Schema): fc.Arbitrary<Expression> {
  const predicate = fc.constantFrom(...leavesOf(schema)).chain((field) => predicatesOn(field, schema.pathOf(field.id)!))
  return fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      { weight: 3, arbitrary: predicate },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('not' as const), child: tie('tree') }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('and' as const, 'or' as const), left: tie('tree'), right: tie('tree') }) },
    ),
  })).tree
}

function predicatesOn(field: NestedField, column: string): fc.Arbitrary<Expression> {
  const transforms = ['bucket[3]', 'truncate[2]', 'year', 'month', 'day', 'hour'].filter((text) => parseTransform(text).accepts(field.type))
  const plain = operationsOn({ column }, field.type, literalsOf(field.type))
  if (transforms.length === 0) return plain
  const transformed = fc.constantFrom(...transforms).chain((text) => {
    const transform = parseTransform(text)
    const apply = transform.apply(field.type)
    const type = transform.resultType(field.type)
    return operationsOn({ column, transform: text }, type, valuesOf(field.type).map((value) => asLiteral(type, apply(value))))
  })
  return fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: transformed })
}

function operationsOn(term: Term, type: Type, literal: fc.Arbitrary<LiteralInput>): fc.Arbitrary<Expression> {
  const predicate = (op: PredicateOperation, rest: object): Expression => ({ op, term, ...rest }) as Expression
  const literals = fc.array(fc.oneof({ weight: 9, arbitrary: literal }, { weight: 1, arbitrary: fc.constant(null) }), { maxLength: 4 })
  const options: fc.Arbitrary<Expression>[] = [
    fc.tuple(fc.constantFrom(...COMPARISONS), literal).map(([op, value]) => predicate(op, { literal: value })),
    fc.tuple(fc.constantFrom('in' as const, 'not-in' as const), literals).map(([op, values]) => predicate(op, { literals: values })),
    fc.constantFrom('is-null' as const, 'not-null' as const).map((op) => predicate(op, {})),
  ]
  if (type.kind === 'float' || type.kind === 'double') options.push(fc.constantFrom('is-nan' as const, 'not-nan' as const).map((op) => predicate(op, {})))
  if (type.kind === 'string') {
    options.push(fc.tuple(fc.constantFrom('starts-with' as const, 'not-starts-with' as const), texts).map(([op, value]) => predicate(op, { literal: value })))
  }
  return fc.oneof(...options)
}

function literalsOf(type: Type): fc.Arbitrary<LiteralInput> {
  return valuesOf(type)
    .filter((value) => !Number.isNaN(value))
    .map((value) => asLiteral(type, value))
}

function asLiteral(type: Type, value: Value): LiteralInput {
  return type.kind === 'decimal' ? new Decimal(value as bigint, type.scale) : (value as LiteralInput)
}
