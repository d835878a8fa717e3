import { describe, expect, it } from 'vitest'
import { nestedValueFromJson, valueFromJson, valueToJson } from '../../src/schema/single-value-json.js'
import type { NestedValue } from '../../src/schema/single-value-json.js'
import type { Type, Value } from '../../src/schema/type.js'
import { parseJson, printJson } from '../../src/util/json.js'
import type { JsonValue } from '../../src/util/json.js'
import { codeThrownBy } from '../support/thrown.js'

const micros = 1_510_871_468_123_456n
const struct: Type = {
  kind: 'struct',
  fields: [{ id: 1, name: 'a', required: true, type: { kind: 'int' } }, { id: 2, name: 'b', required: false, type: { kind: 'string' } }],
}
const list: Type = { kind: 'list', elementId: 3, element: { kind: 'int' }, elementRequired: false }
const map: Type = { kind: 'map', keyId: 4, key: { kind: 'string' }, valueId: 5, value: { kind: 'long' }, valueRequired: false }

// Spec: Appendix D › JSON single-value serialization
const examples: readonly [Type, Value, string][] = [
  [{ kind: 'boolean' }, true, 'true'],
  [{ kind: 'int' }, 34, '34'],
  [{ kind: 'long' }, 34n, '34'],
  [{ kind: 'long' }, 9223372036854775807n, '9223372036854775807'],
  [{ kind: 'long' }, -9007199254740993n, '-9007199254740993'],
  [{ kind: 'float' }, 1, '1.0'],
  [{ kind: 'float' }, Math.fround(0.1), '0.1'],
  [{ kind: 'float' }, -0, '-0.0'],
  [{ kind: 'double' }, 1, '1.0'],
  [{ kind: 'double' }, -0, '-0.0'],
  [{ kind: 'double' }, 1e300, '1e+300'],
  [{ kind: 'double' }, NaN, '"NaN"'],
  [{ kind: 'double' }, -Infinity, '"-Infinity"'],
  [{ kind: 'decimal', precision: 9, scale: 2 }, 1420n, '"14.20"'],
  [{ kind: 'decimal', precision: 9, scale: 2 }, -1n, '"-0.01"'],
  [{ kind: 'decimal', precision: 38, scale: 0 }, 10n ** 38n - 1n, `"${'9'.repeat(38)}"`],
  [{ kind: 'date' }, 17486, '"2017-11-16"'],
  [{ kind: 'date' }, 0, '"1970-01-01"'],
  [{ kind: 'time' }, 81_068_123_456n, '"22:31:08.123456"'],
  [{ kind: 'time' }, 0n, '"00:00:00"'],
  [{ kind: 'timestamp' }, micros, '"2017-11-16T22:31:08.123456"'],
  [{ kind: 'timestamptz' }, micros, '"2017-11-16T22:31:08.123456+00:00"'],
  [{ kind: 'timestamp_ns' }, micros * 1000n + 789n, '"2017-11-16T22:31:08.123456789"'],
  [{ kind: 'timestamptz_ns' }, micros * 1000n + 789n, '"2017-11-16T22:31:08.123456789+00:00"'],
  [{ kind: 'timestamp' }, -1n, '"1969-12-31T23:59:59.999999"'],
  [{ kind: 'timestamp_ns' }, -9223372036854775808n, '"1677-09-21T00:12:43.145224192"'],
  [{ kind: 'string' }, 'iceberg', '"iceberg"'],
  [{ kind: 'string' }, '', '""'],
  [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', '"f79c3e09-677c-4bbd-a479-3f349cb785e7"'],
  [{ kind: 'fixed', length: 4 }, new Uint8Array([0, 1, 2, 255]), '"000102ff"'],
  [{ kind: 'binary' }, new Uint8Array([0, 1, 2, 255]), '"000102ff"'],
  [{ kind: 'binary' }, new Uint8Array(0), '""'],
  [struct, new Map<number, Value>([[1, 1], [2, 'bar']]), '{"1":1,"2":"bar"}'],
  [struct, new Map(), '{}'],
]

describe('JSON single values', () => {
  it.each(examples)('prints and reads as the specification has it (case %#)', (type, value, text) => {
    expect(printJson(valueToJson(type, value))).toBe(text)
    expect(valueFromJson(type, parseJson(text))).toEqual(value)
  })

  it.each<[Type, NestedValue, string]>([
    [list, [1, null, 3], '[1,null,3]'],
    [map, { keys: ['a', 'b'], values: [1n, 2n ** 60n] }, '{"keys":["a","b"],"values":[1,1152921504606846976]}'],
    [{ ...list, element: struct }, [new Map([[1, 5]])], '[{"1":5}]'],
  ])('lists and maps print and read too (case %#)', (type, value, text) => {
    expect(printJson(valueToJson(type, value))).toBe(text)
    expect(nestedValueFromJson(type, parseJson(text))).toEqual(value)
  })

  it('null is the null of every type', () => {
    for (const [type] of examples) {
      expect(valueToJson(type, null)).toBeNull()
      expect(valueFromJson(type, null)).toBeNull()
    }
  })

  it.each<[Type, string, Value]>([
    [{ kind: 'float' }, '1', 1],
    [{ kind: 'double' }, '3', 3],
    [{ kind: 'timestamptz' }, '"2017-11-16T22:31:08Z"', 1_510_871_468_000_000n],
    [{ kind: 'timestamp' }, '"2017-11-16T22:31"', 1_510_871_460_000_000n],
    [{ kind: 'timestamp_ns' }, '"1970-01-01T00:00:00.1"', 100_000_000n],
    [{ kind: 'timestamp' }, '"1970-01-01T00:00:00.000001000"', 1n],
    [{ kind: 'binary' }, '"00FF"', new Uint8Array([0, 255])],
    [{ kind: 'uuid' }, '"F79C3E09-677C-4BBD-A479-3F349CB785E7"', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
  ])('%j reads %s as other writers have it (trap 14)', (type, text, value) => {
    expect(valueFromJson(type, parseJson(text))).toEqual(value)
  })

  it.each<[Type, JsonValue]>([
    [{ kind: 'boolean' }, 1], [{ kind: 'int' }, 1.5], [{ kind: 'int' }, 2147483648], [{ kind: 'int' }, '1'], [{ kind: 'long' }, 2n ** 63n], [{ kind: 'long' }, 1.5],
    [{ kind: 'double' }, 'x'], [{ kind: 'double' }, true], [{ kind: 'decimal', precision: 9, scale: 2 }, '1.2'], [{ kind: 'decimal', precision: 3, scale: 2 }, '12.34'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 1.25], [{ kind: 'date' }, '2017-02-29'], [{ kind: 'date' }, 17486], [{ kind: 'time' }, '24:00:00'],
    [{ kind: 'timestamp' }, '2017-11-16T22:31:08+00:00'], [{ kind: 'timestamptz' }, '2017-11-16T22:31:08'], [{ kind: 'timestamptz' }, '2017-11-16T22:31:08+01:00'],
    [{ kind: 'timestamp' }, '1970-01-01T00:00:00.0000001'], [{ kind: 'timestamp_ns' }, '9999-01-01T00:00:00'], [{ kind: 'uuid' }, 'f79c3e09'],
    [{ kind: 'fixed', length: 4 }, '0001'], [{ kind: 'binary' }, '0'], [{ kind: 'binary' }, 'zz'], [{ kind: 'string' }, 1], [struct, []], [struct, 'x'],
  ])('refuses what is no value of the type as corrupt (case %#)', (type, json) => {
    expect(codeThrownBy(() => valueFromJson(type, json))).toBe('CORRUPT')
  })

  it('refuses malformed lists and maps', () => {
    for (const json of [{}, { keys: [1] }, { keys: ['a'], values: [] }, { keys: [null], values: [1] }, []] as JsonValue[]) {
      expect(codeThrownBy(() => nestedValueFromJson(map, json))).toBe('CORRUPT')
    }
    expect(codeThrownBy(() => nestedValueFromJson(list, {}))).toBe('CORRUPT')
  })

  it.each<[Type, NestedValue]>([
    [{ kind: 'int' }, 1n], [{ kind: 'long' }, 1], [{ kind: 'long' }, 2n ** 63n], [{ kind: 'date' }, 1.5], [{ kind: 'string' }, 1], [{ kind: 'uuid' }, 'x'],
    [{ kind: 'fixed', length: 4 }, new Uint8Array(3)], [struct, 'x'], [list, 'x'], [map, []], [{ kind: 'boolean' }, 0],
  ])('refuses to print what is no value of the type (case %#)', (type, value) => {
    expect(codeThrownBy(() => valueToJson(type, value))).toBe('INVALID')
  })

  it('has no JSON form for variants and geometries', () => {
    expect(codeThrownBy(() => valueToJson({ kind: 'variant' }, new Uint8Array(1)))).toBe('UNSUPPORTED')
    expect(codeThrownBy(() => valueFromJson({ kind: 'geometry', crs: undefined }, 'POINT (30 10)'))).toBe('UNSUPPORTED')
  })
})
