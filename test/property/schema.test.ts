import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareValues } from '../../src/schema/compare-values.js'
import { assignFreshFieldIds } from '../../src/schema/fresh-ids.js'
import { toValue } from '../../src/schema/literal.js'
import { createNameMapping, parseNameMapping, printNameMapping } from '../../src/schema/name-mapping.js'
import { SchemaUpdate } from '../../src/schema/schema-evolution.js'
import { parseSchema, printSchema } from '../../src/schema/schema-json.js'
import { Schema } from '../../src/schema/schema.js'
import { valueFromJson, valueToJson } from '../../src/schema/single-value-json.js'
import { decodeValue, encodeValue } from '../../src/schema/single-value.js'
import { typesEqual } from '../../src/schema/type-equality.js'
import { parseTypeName, printTypeName } from '../../src/schema/type-name.js'
import type { NestedField, PrimitiveType, StructType, Type, Value } from '../../src/schema/type.js'
import { isFloeError } from '../../src/util/errors.js'
import { parseJson, printJson } from '../../src/util/json.js'

const prototypeKeys = Reflect.ownKeys(Object.prototype)

interface TypedValues {
  readonly type: PrimitiveType
  readonly values: fc.Arbitrary<Value>
}

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const bytes = (length: fc.SizeForArbitrary | number): fc.Arbitrary<Uint8Array> =>
  typeof length === 'number' ? fc.uint8Array({ minLength: length, maxLength: length }) : fc.uint8Array({ maxLength: 20 })
const decimals = fc.integer({ min: 1, max: 38 }).chain((precision) =>
  fc.integer({ min: 0, max: precision }).map((scale): TypedValues => {
    const bound = 10n ** BigInt(precision) - 1n
    return { type: { kind: 'decimal', precision, scale }, values: fc.bigInt({ min: -bound, max: bound }) }
  }),
)

/** Types with a binary and a JSON form, with their values. */
const typed: fc.Arbitrary<TypedValues> = fc.oneof(
  fc.constantFrom<TypedValues>(
    { type: { kind: 'boolean' }, values: fc.boolean() },
    { type: { kind: 'int' }, values: fc.integer() },
    { type: { kind: 'long' }, values: long },
    { type: { kind: 'float' }, values: fc.float() },
    { type: { kind: 'double' }, values: fc.double() },
    { type: { kind: 'date' }, values: fc.integer() },
    { type: { kind: 'time' }, values: fc.bigInt({ min: 0n, max: 86_399_999_999n }) },
    { type: { kind: 'timestamp' }, values: long },
    { type: { kind: 'timestamptz' }, values: long },
    { type: { kind: 'timestamp_ns' }, values: long },
    { type: { kind: 'timestamptz_ns' }, values: long },
    { type: { kind: 'string' }, values: fc.string({ unit: 'binary' }) },
    { type: { kind: 'uuid' }, values: fc.uuid() },
    { type: { kind: 'binary' }, values: bytes('medium') },
    { type: { kind: 'fixed', length: 5 }, values: bytes(5) },
  ),
  decimals,
)

const crs = fc.constantFrom('OGC:CRS84', 'EPSG:4326', 'srid:0', 'projjson:my.crs')
const leaf: fc.Arbitrary<Type> = fc.oneof(
  typed.map(({ type }): Type => type),
  fc.constantFrom<Type>({ kind: 'variant' }, { kind: 'unknown' }),
  crs.map((name): Type => ({ kind: 'geometry', crs: name })),
  fc.record({ kind: fc.constant('geography' as const), crs, algorithm: fc.constantFrom('spherical', 'karney') }),
)
const name = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }), fc.constantFrom('__proto__', 'constructor', 'toString', 'element', 'key', 'a'))
const { type: anyType, struct: anyStruct } = fc.letrec<{ type: Type; struct: StructType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    tie('struct'),
    fc.record({ kind: fc.constant('list' as const), elementId: fc.constant(0), element: tie('type'), elementRequired: fc.boolean() }),
    fc.record({
      kind: fc.constant('map' as const), keyId: fc.constant(0), key: tie('type'), valueId: fc.constant(0), value: tie('type'), valueRequired: fc.boolean(),
    }),
  ),
  struct: fc.record({
    kind: fc.constant('struct' as const),
    fields: fc.uniqueArray(fc.record({ id: fc.constant(0), name, type: tie('type'), required: fc.boolean() }), {
      minLength: 1, maxLength: 4, selector: (field) => field.name,
    }),
  }),
}))
const anySchema: fc.Arbitrary<Schema> = anyStruct.map(({ fields }) => {
  let last = 0
  return new Schema(assignFreshFieldIds(fields.map(withoutRequiredUnknown), () => ++last), { schemaId: 3 })
})

function withoutRequiredUnknown(field: NestedField): NestedField {
  return field.type.kind === 'unknown' ? { ...field, required: false } : field
}

describe('types and schemas', () => {
  it('type strings round-trip', () => {
    fc.assert(
      fc.property(leaf, (type) => {
        expect(typesEqual(parseTypeName(printTypeName(type)), type)).toBe(true)
        expect(printTypeName(parseTypeName(printTypeName(type).toUpperCase()))).toHaveLength(printTypeName(type).length)
      }),
    )
  })

  it('schemas round-trip through JSON text', () => {
    fc.assert(
      fc.property(anySchema, (schema) => {
        const printed = printJson(printSchema(schema))
        const parsed = parseSchema(parseJson(printed))
        expect(parsed.fields).toEqual(schema.fields)
        expect(printJson(printSchema(parsed))).toBe(printed)
      }),
    )
  })

  it('arbitrary JSON is a schema or a FloeError, nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          parseSchema(json as never)
        } catch (error) {
          expect(isFloeError(error, 'CORRUPT', 'UNSUPPORTED')).toBe(true)
        }
      }),
    )
  })

  it('name mappings of schemas round-trip', () => {
    fc.assert(
      fc.property(anySchema, (schema) => {
        const mapping = createNameMapping(schema)
        expect(parseNameMapping(printNameMapping(mapping))).toEqual(mapping)
      }),
    )
  })

  it('every field is found by its path, but where a path is another field\'s too', () => {
    fc.assert(
      fc.property(anySchema, (schema) => {
        const ids = [...schema.fieldIds()]
        for (const id of ids) {
          const path = schema.pathOf(id)!
          if (ids.filter((other) => schema.pathOf(other) === path).length === 1) expect(schema.findField(path)?.id).toBe(id)
        }
      }),
    )
  })

  it('selecting any fields keeps them, with all around them and nothing else on their level', () => {
    fc.assert(
      fc.property(anySchema, fc.infiniteStream(fc.boolean()), (schema, coins) => {
        const chosen = [...schema.fieldIds()].filter(() => coins.next().value === true)
        const selected = new Set(schema.selectIds(chosen).fieldIds())
        for (const id of chosen) {
          expect(selected.has(id)).toBe(true)
          for (const ancestor of schema.ancestorsOf(id)) expect(selected.has(ancestor.id)).toBe(true)
        }
        for (const field of schema.fields) {
          const wanted = chosen.some((id) => id === field.id || schema.ancestorsOf(id).some((ancestor) => ancestor.id === field.id))
          expect(selected.has(field.id)).toBe(wanted)
        }
      }),
    )
  })
})

describe('single values', () => {
  const pairs = typed.chain(({ type, values }) => fc.record({ type: fc.constant(type), value: values }))

  it('binary values round-trip, bit for bit', () => {
    fc.assert(
      fc.property(pairs, ({ type, value }) => {
        expect(decodeValue(type, encodeValue(type, value))).toEqual(value)
      }),
    )
  })

  it('JSON values round-trip through text', () => {
    fc.assert(
      fc.property(pairs, ({ type, value }) => {
        expect(valueFromJson(type, parseJson(printJson(valueToJson(type, value))))).toEqual(value)
      }),
    )
  })

  it('arbitrary bytes are a value or a FloeError, nothing else', () => {
    fc.assert(
      fc.property(leaf, fc.uint8Array({ maxLength: 40 }), (type, encoded) => {
        try {
          decodeValue(type, encoded)
        } catch (error) {
          expect(isFloeError(error, 'CORRUPT')).toBe(true)
        }
      }),
    )
  })

  it('the order of values is total, and that of bytes where bytes have one', () => {
    const triples = typed.chain(({ type, values }) => fc.record({ type: fc.constant(type), items: fc.tuple(values, values, values) }))
    fc.assert(
      fc.property(triples, ({ type, items }) => {
        const compare = compareValues(type)
        const [a, b, c] = [...items].sort(compare) as [Value, Value, Value]
        expect(compare(a, a)).toBe(0)
        expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0)
        expect(compare(a, c)).toBeLessThanOrEqual(0)
        if (type.kind === 'string' || type.kind === 'uuid' || type.kind === 'binary' || type.kind === 'fixed') {
          expect(Math.sign(Buffer.compare(encodeValue(type, a), encodeValue(type, c)))).toBe(Math.sign(compare(a, c)))
        }
        if (type.kind !== 'float' && type.kind !== 'double') expect(compare(a, b) === 0).toBe(Buffer.compare(encodeValue(type, a), encodeValue(type, b)) === 0)
      }),
    )
  })

  it('values are literals of themselves, decimals by their text', () => {
    fc.assert(
      fc.property(pairs, ({ type, value }) => {
        fc.pre(!Number.isNaN(value))
        const literal = type.kind === 'decimal' ? (valueToJson(type, value) as string) : value!
        expect(toValue(type, literal)).toEqual(value)
      }),
    )
  })
})

describe('schema evolution', () => {
  type Step = { readonly add: Type } | { readonly drop: number } | { readonly rename: number }

  const step: fc.Arbitrary<Step> = fc.oneof(
    anyType.map((add) => ({ add })),
    fc.nat().map((drop) => ({ drop })),
    fc.nat().map((rename) => ({ rename })),
  )

  function apply(schema: Schema, lastColumnId: number, change: Step, serial: number): { schema: Schema; lastColumnId: number } {
    const update = new SchemaUpdate(schema, { lastColumnId, formatVersion: 3 })
    const pick = (index: number): NestedField | undefined => schema.fields[index % Math.max(1, schema.fields.length)]
    const field = 'drop' in change ? pick(change.drop) : 'rename' in change ? pick(change.rename) : undefined
    if ('add' in change) update.addColumn(`added ${serial}`, change.add)
    else if (field !== undefined && schema.findField(field.name) === field) {
      if ('drop' in change) update.deleteColumn(field.name)
      else update.renameColumn(field.name, `renamed ${serial}`)
    }
    return update.changes()
  }

  it('never uses an id twice, whatever was deleted before (trap 70)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        let schema = new Schema([])
        let lastColumnId = 0
        const everUsed = new Set<number>()
        for (const [serial, change] of steps.entries()) {
          const before = new Set(schema.fieldIds())
          try {
            ;({ schema, lastColumnId } = apply(schema, lastColumnId, change, serial))
          } catch (error) {
            expect(isFloeError(error, 'INVALID')).toBe(true)
            continue
          }
          for (const id of schema.fieldIds()) {
            if (before.has(id)) continue
            expect(everUsed.has(id)).toBe(false)
            everUsed.add(id)
          }
          expect(schema.highestFieldId()).toBeLessThanOrEqual(lastColumnId)
        }
      }),
    )
  })
})

it('Object.prototype is as it was after all of this', () => {
  expect(Reflect.ownKeys(Object.prototype)).toEqual(prototypeKeys)
})
