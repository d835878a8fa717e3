import fc from 'fast-check'
import type { RowValue } from '../../src/arrow/row-values.js'
import { Decimal } from '../../src/schema/decimal.js'
import type { NestedField, Type, Value } from '../../src/schema/type.js'

const long = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 32n, -(2n ** 32n), 2n ** 53n + 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
)
const double = fc.oneof(fc.constantFrom(0, -0, NaN, 1.5, -1.5, Infinity, -Infinity), fc.double())
const text = fc.oneof(fc.constantFrom('', 'a', 'ab', 'b', 'é', '\uFFFD', '😀', '\uE000', 'a\u0000'), fc.string({ unit: 'binary', maxLength: 20 }))
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })

/** Values of a primitive type as floe holds them, never null; small pools meet each other often. */
export function anyValue(type: Type): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int':
    case 'date':
      return fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer())
    case 'float':
      return double.map(Math.fround)
    case 'double':
      return double
    case 'decimal':
      return fc.oneof(fc.constantFrom(0n, 1n, -1n), fc.bigInt(-(10n ** BigInt(type.precision)) + 1n, 10n ** BigInt(type.precision) - 1n))
    case 'time':
      return fc.bigInt(0n, 86_399_999_999n)
    case 'string':
      return text
    case 'uuid':
      return fc.oneof(fc.constantFrom('00000000-0000-4000-8000-000000000000', 'ffffffff-ffff-4fff-8fff-ffffffffffff'), fc.uuid())
    case 'fixed':
      return fc.oneof(fc.constant(new Uint8Array(type.length)), bytes(type.length))
    case 'binary':
    case 'geometry':
    case 'geography':
      return fc.oneof(fc.constantFrom(Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(255)), fc.uint8Array({ maxLength: 20 }))
    default:
      return long
  }
}

/** Values of any type as rows hold them, nulls where the type allows. */
export function anyRowValue(type: Type, required: boolean): fc.Arbitrary<RowValue> {
  if (type.kind === 'unknown') return fc.constant(null)
  const present = presentRowValue(type)
  return required ? present : fc.option(present, { freq: 4 })
}

function presentRowValue(type: Type): fc.Arbitrary<RowValue> {
  switch (type.kind) {
    case 'struct':
      return anyRow(type.fields)
    case 'list':
      return fc.array(anyRowValue(type.element, type.elementRequired), { maxLength: 4 })
    case 'map': {
      const pair = fc.tuple(anyRowValue(type.key, true), anyRowValue(type.value, type.valueRequired))
      return fc.uniqueArray(pair, { maxLength: 4, selector: ([key]) => String(key) }).map((pairs) => new Map(pairs))
    }
    case 'decimal':
      return anyValue(type).map((value) => new Decimal(value as bigint, type.scale))
    default:
      return anyValue(type) as fc.Arbitrary<RowValue>
  }
}

/** Rows of some columns, every column present. */
export function anyRow(fields: readonly NestedField[]): fc.Arbitrary<Record<string, RowValue>> {
  return fc
    .tuple(...fields.map((field) => anyRowValue(field.type, field.required)))
    .map((values) => Object.fromEntries(fields.map((field, i) => [field.name, values[i]!])))
}
