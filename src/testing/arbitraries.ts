/** Random tables, rows and filters for the tests of services that use them. The caller's own fast-check is passed in. */
import type { RecordBatch } from 'apache-arrow'
import type * as fastCheck from 'fast-check'
import { BatchBuilder } from '../arrow/batch-builder.js'
import type { Row, RowValue } from '../arrow/row-values.js'
import type { Expression, LiteralInput, PredicateOperation, Term } from '../expression/expression.js'
import { bucket, identity, truncate, type PartitionTerm } from '../partition/spec-builder.js'
import { Decimal } from '../schema/decimal.js'
import { Schema } from '../schema/schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { planSimulation, type PlanLimits, type SimulationPlan } from './simulation-plan.js'

/** The module, version 3.15 or later: `import fc from 'fast-check'`. */
export type FastCheck = typeof fastCheck.default
type Arbitrary<T> = fastCheck.Arbitrary<T>

export interface SchemaLimits {
  /** Default 4. */
  readonly maxColumns?: number
  /** Lists, maps and structs too. Default true. */
  readonly nested?: boolean
  /** Columns that may be null. Default true. */
  readonly optional?: boolean
}

export interface RowLimits {
  readonly minRows?: number
  /** Default 20. */
  readonly maxRows?: number
}

/** What a table may be made of and hold. */
export interface TableSample {
  readonly schema: Schema
  readonly formatVersion: 1 | 2 | 3
  readonly partitionBy: readonly PartitionTerm[]
  readonly rows: readonly Row[]
}

/** Every generator shrinks to small schemas, few rows and small values. */
export interface Arbitraries {
  /** Columns `c1`, `c2`, … of any type but variant, geometry and geography. */
  schemas(limits?: SchemaLimits): Arbitrary<Schema>
  /** A value of a column, as rows have it; never null. */
  values(type: Type): Arbitrary<RowValue>
  /** Rows that fit the schema, for `append`. */
  rows(schema: Schema, limits?: RowLimits): Arbitrary<readonly Row[]>
  /** The same as Arrow batches in canonical types, cut anywhere. */
  batches(schema: Schema, limits?: RowLimits): Arbitrary<readonly RecordBatch[]>
  /** Filters on the schema's primitive columns with literals of their types. */
  expressions(schema: Schema): Arbitrary<Expression>
  /** A schema, a format version, a partitioning and rows, for `createTable` and `append`. */
  tables(limits?: SchemaLimits & RowLimits): Arbitrary<TableSample>
  /** Runs for `simulate`. */
  simulationPlans(limits?: PlanLimits): Arbitrary<SimulationPlan>
}

/** Makes the generators with the caller's fast-check, which floe does not depend on. */
export function arbitraries(fc: FastCheck): Arbitraries {
  if (typeof (fc as Partial<FastCheck> | undefined)?.property !== 'function') {
    throw new FloeError('INVALID', "arbitraries takes fast-check: import fc from 'fast-check'")
  }
  const make = new ArbitraryMaker(fc)
  return {
    schemas: (limits) => make.schemas(limits),
    values: (type) => make.values(type),
    rows: (schema, limits) => make.rows(schema, limits),
    batches: (schema, limits) => make.batches(schema, limits),
    expressions: (schema) => make.expressions(schema),
    tables: (limits) => make.tables(limits),
    simulationPlans: (limits) => fc.integer({ min: 1, max: 2 ** 31 - 1 }).map((seed) => planSimulation(seed, limits)),
  }
}

const PRIMITIVES: readonly Type[] = [
  { kind: 'long' }, { kind: 'string' }, { kind: 'int' }, { kind: 'double' }, { kind: 'boolean' }, { kind: 'timestamptz' }, { kind: 'date' },
  { kind: 'decimal', precision: 12, scale: 2 }, { kind: 'timestamp' }, { kind: 'float' }, { kind: 'time' }, { kind: 'uuid' },
  { kind: 'binary' }, { kind: 'fixed', length: 3 },
]
const MICROS_PER_DAY = 86_400_000_000n
const MAX_INT = 2 ** 31 - 1
const COMPARISONS = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'] as const
const BUCKETED: ReadonlySet<string> = new Set(['int', 'long', 'string', 'uuid', 'date', 'timestamp', 'timestamptz', 'decimal'])

class ArbitraryMaker {
  readonly #fc: FastCheck

  constructor(fc: FastCheck) {
    this.#fc = fc
  }

  schemas({ maxColumns = 4, nested = true, optional = true }: SchemaLimits = {}): Arbitrary<Schema> {
    if (!Number.isSafeInteger(maxColumns) || maxColumns < 1) throw new FloeError('INVALID', 'A schema has at least one column: maxColumns is from 1')
    const fc = this.#fc
    const primitive = fc.constantFrom(...PRIMITIVES)
    const shape = nested ? fc.constantFrom('plain', 'plain', 'plain', 'list', 'map', 'struct') : fc.constant('plain')
    const column = fc.record({ type: primitive, shape, isRequired: optional ? fc.boolean() : fc.constant(true) })
    return fc.array(column, { minLength: 1, maxLength: maxColumns }).map((columns) => {
      let nextId = columns.length
      const fields = columns.map(({ type, shape: outer, isRequired: required }, i): NestedField => {
        const ids = [++nextId, ++nextId] as const
        return { id: i + 1, name: `c${i + 1}`, type: shaped(type, outer, ids), required }
      })
      return new Schema(fields)
    })
  }

  values(type: Type): Arbitrary<RowValue> {
    const fc = this.#fc
    switch (type.kind) {
      case 'boolean':
        return fc.boolean()
      case 'int':
        return fc.integer({ min: -MAX_INT - 1, max: MAX_INT })
      case 'long':
        return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      case 'float':
        return fc.float()
      case 'double':
        return fc.double()
      case 'decimal': {
        const most = 10n ** BigInt(type.precision) - 1n
        return fc.bigInt({ min: -most, max: most }).map((unscaled) => new Decimal(unscaled, type.scale))
      }
      case 'date':
        return fc.integer({ min: -100_000, max: 100_000 })
      case 'time':
        return fc.bigInt({ min: 0n, max: MICROS_PER_DAY - 1n })
      case 'timestamp':
      case 'timestamptz':
      case 'timestamp_ns':
      case 'timestamptz_ns':
        return fc.bigInt({ min: -100_000n * MICROS_PER_DAY, max: 100_000n * MICROS_PER_DAY })
      case 'string':
        return fc.string({ maxLength: 12 })
      case 'uuid':
        return fc.uuid()
      case 'binary':
        return fc.uint8Array({ maxLength: 8 })
      case 'fixed':
        return fc.uint8Array({ minLength: type.length, maxLength: type.length })
      default:
        return this.#nestedValues(type)
    }
  }

  rows(schema: Schema, { minRows = 0, maxRows = 20 }: RowLimits = {}): Arbitrary<readonly Row[]> {
    return this.#fc.array(this.#struct(schema.fields), { minLength: minRows, maxLength: maxRows })
  }

  batches(schema: Schema, limits: RowLimits = {}): Arbitrary<readonly RecordBatch[]> {
    const fc = this.#fc
    return fc.tuple(this.rows(schema, limits), fc.integer({ min: 1, max: limits.maxRows ?? 20 })).map(([rows, size]) => {
      const builder = new BatchBuilder(schema)
      const batches: RecordBatch[] = []
      for (let start = 0; start < rows.length; start += size) {
        builder.append(rows.slice(start, start + size))
        batches.push(builder.finish())
      }
      return batches
    })
  }

  expressions(schema: Schema): Arbitrary<Expression> {
    const fc = this.#fc
    const leaves = schema.fields.filter(({ type }) => PRIMITIVES.some(({ kind }) => kind === type.kind))
    if (leaves.length === 0) return fc.constant<Expression>({ op: 'true' })
    const predicate = fc.constantFrom(...leaves).chain((field) => this.#predicates(field))
    return fc.letrec<{ tree: Expression }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        { weight: 3, arbitrary: predicate },
        { weight: 1, arbitrary: fc.record({ op: fc.constant('not' as const), child: tie('tree') }) },
        { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('and' as const, 'or' as const), left: tie('tree'), right: tie('tree') }) },
      ),
    })).tree
  }

  tables(limits: SchemaLimits & RowLimits = {}): Arbitrary<TableSample> {
    const fc = this.#fc
    return this.schemas(limits).chain((schema) =>
      fc.record({
        schema: fc.constant(schema),
        formatVersion: fc.constantFrom(2 as const, 3 as const, 1 as const),
        partitionBy: fc.oneof(fc.constant<readonly PartitionTerm[]>([]), ...schema.fields.map((field) => fc.constant(termsOf(field)))),
        rows: this.rows(schema, limits),
      }),
    )
  }

  #predicates({ name, type }: NestedField): Arbitrary<Expression> {
    const fc = this.#fc
    const term: Term = { column: name }
    const make = (op: PredicateOperation, rest: object): Expression => ({ op, term, ...rest }) as Expression
    const literal = this.values(type).filter((value) => !Number.isNaN(value)) as Arbitrary<LiteralInput>
    return fc.oneof(
      fc.tuple(fc.constantFrom(...COMPARISONS), literal).map(([op, value]) => make(op, { literal: value })),
      fc.tuple(fc.constantFrom('in' as const, 'not-in' as const), fc.array(literal, { maxLength: 4 })).map(([op, literals]) => make(op, { literals })),
      fc.constantFrom('is-null' as const, 'not-null' as const).map((op) => make(op, {})),
    )
  }

  #nestedValues(type: Type): Arbitrary<RowValue> {
    const fc = this.#fc
    switch (type.kind) {
      case 'struct':
        return this.#struct(type.fields)
      case 'list':
        return fc.array(this.#nullable(type.element, type.elementRequired), { maxLength: 3 })
      case 'map': {
        const entry = fc.tuple(this.values(type.key), this.#nullable(type.value, type.valueRequired))
        return fc.uniqueArray(entry, { maxLength: 3, selector: ([key]) => String(key) }).map((entries) => new Map(entries))
      }
      default:
        throw new FloeError('UNSUPPORTED', `There is no generator of values of type ${type.kind}`)
    }
  }

  #struct(fields: readonly NestedField[]): Arbitrary<Row> {
    return this.#fc.record(Object.fromEntries(fields.map(({ name, type, required }) => [name, this.#nullable(type, required)])))
  }

  #nullable(type: Type, required: boolean): Arbitrary<RowValue> {
    return required ? this.values(type) : this.#fc.option(this.values(type), { nil: null, freq: 5 })
  }
}

function shaped(type: Type, shape: string, [first, second]: readonly [number, number]): Type {
  if (shape === 'list') return { kind: 'list', elementId: first, element: type, elementRequired: false }
  if (shape === 'struct') return { kind: 'struct', fields: [{ id: first, name: 'inner', type, required: false }] }
  if (shape !== 'map') return type
  return { kind: 'map', keyId: first, key: { kind: 'string' }, valueId: second, value: type, valueRequired: false }
}

function termsOf({ name, type }: NestedField): readonly PartitionTerm[] {
  if (type.kind === 'string') return [truncate(name, 2)]
  if (type.kind === 'boolean') return [identity(name)]
  return BUCKETED.has(type.kind) ? [bucket(name, 4)] : []
}
