import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { canonicalRowWriter, canonicalRows } from '../../src/arrow/canonical-row.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type } from '../../src/schema/type.js'
import { everyRow, everyType } from './every-type.js'

function line(type: Type, value: unknown): string {
  const schema = new Schema([{ id: 1, name: 'c', type, required: false }])
  const builder = new BatchBuilder(schema)
  // Not the first row, so that positions matter
  builder.append([{ c: null }, { c: value }])
  const lines = canonicalRows(schema, builder.finish())
  expect(lines[0]).toBe('{"c":null}')
  return lines[1]!.slice('{"c":'.length, -1)
}

const decimal: Type = { kind: 'decimal', precision: 38, scale: 2 }

describe('canonicalRows', () => {
  it.each([
    [{ kind: 'boolean' }, true, 'true'],
    [{ kind: 'boolean' }, false, 'false'],
    [{ kind: 'int' }, -(2 ** 31), '-2147483648'],
    [{ kind: 'long' }, 2n ** 63n - 1n, '"9223372036854775807"'],
    [{ kind: 'long' }, -(2n ** 63n), '"-9223372036854775808"'],
    [{ kind: 'long' }, 2n ** 53n + 1n, '"9007199254740993"'],
    [{ kind: 'long' }, 0n, '"0"'],
    [{ kind: 'long' }, -1n, '"-1"'],
    [{ kind: 'long' }, -(2n ** 32n), '"-4294967296"'],
    [{ kind: 'float' }, 0.1, '"0.10000000149011612"'],
    [{ kind: 'float' }, -0, '"-0"'],
    [{ kind: 'double' }, 0.1, '"0.1"'],
    [{ kind: 'double' }, NaN, '"NaN"'],
    [{ kind: 'double' }, Infinity, '"Infinity"'],
    [{ kind: 'double' }, -Infinity, '"-Infinity"'],
    [{ kind: 'double' }, -0, '"-0"'],
    [{ kind: 'double' }, 1e21, '"1e+21"'],
    [{ kind: 'double' }, 5e-324, '"5e-324"'],
    [decimal, new Decimal(-1n, 2), '"-0.01"'],
    [decimal, 0, '"0.00"'],
    [decimal, '123456789012345678901234567890.12', '"123456789012345678901234567890.12"'],
    [{ kind: 'decimal', precision: 5, scale: 0 }, -7, '"-7"'],
    [{ kind: 'date' }, -1, '-1'],
    [{ kind: 'time' }, 86_399_999_999n, '"86399999999"'],
    [{ kind: 'timestamp' }, -1n, '"-1"'],
    [{ kind: 'timestamptz' }, 1_700_000_000_000_000n, '"1700000000000000"'],
    [{ kind: 'timestamp_ns' }, 1_700_000_000_000_000_001n, '"1700000000000000001"'],
    [{ kind: 'timestamptz_ns' }, -1n, '"-1"'],
    [{ kind: 'string' }, '', '""'],
    [{ kind: 'string' }, 'é"\\\n\u0001😀\u2028\u007F', '"é\\"\\\\\\n\\u0001😀\u2028\u007F"'],
    [{ kind: 'uuid' }, '00112233-4455-6677-8899-AABBCCDDEEFF', '"00112233-4455-6677-8899-aabbccddeeff"'],
    [{ kind: 'binary' }, new Uint8Array(0), '""'],
    [{ kind: 'binary' }, Uint8Array.of(0, 255, 16), '"00ff10"'],
    [{ kind: 'fixed', length: 2 }, Uint8Array.of(10, 11), '"0a0b"'],
    [{ kind: 'geometry', crs: undefined }, Uint8Array.of(1), '"01"'],
    [{ kind: 'unknown' }, null, 'null'],
    [{ kind: 'list', elementId: 2, element: { kind: 'long' }, elementRequired: false }, [1n, null], '["1",null]'],
    [{ kind: 'list', elementId: 2, element: { kind: 'int' }, elementRequired: false }, [], '[]'],
    [{ kind: 'struct', fields: [] }, {}, '{}'],
    [
      { kind: 'struct', fields: [{ id: 2, name: 'b', type: { kind: 'int' }, required: false }, { id: 3, name: '__proto__', type: { kind: 'string' }, required: false }] },
      Object.fromEntries([['b', 1], ['__proto__', 'p']]),
      '{"b":1,"__proto__":"p"}',
    ],
  ] as [Type, unknown, string][])('writes %o %s as %s', (type, value, expected) => {
    expect(line(type, value)).toBe(expected)
  })

  it('sorts the pairs of a map by the bytes of the keys\' JSON', () => {
    const byText: Type = { kind: 'map', keyId: 2, key: { kind: 'string' }, valueId: 3, value: { kind: 'int' }, valueRequired: false }
    expect(line(byText, new Map([['😀', 1], ['\uFFFD', null], ['b', 3], ['a', 4]]))).toBe('[["a",4],["b",3],["\uFFFD",null],["😀",1]]')
    const byLong: Type = { ...byText, key: { kind: 'long' } }
    expect(line(byLong, new Map([[10n, 1], [9n, 2]]))).toBe('[["10",1],["9",2]]')
  })

  it('trap 45: quotes names and keeps the order of the schema, whatever the names are', () => {
    const names = ['pos', 'file_path', '__proto__', '"', '1', '0', 'a.b', '']
    const schema = new Schema(names.map((name, i) => ({ id: i + 1, name, type: { kind: 'int' }, required: false })))
    const builder = new BatchBuilder(schema)
    builder.append([Object.fromEntries(names.map((name, i) => [name, i]))])
    const [text] = canonicalRows(schema, builder.finish())
    expect(text).toBe('{"pos":0,"file_path":1,"__proto__":2,"\\"":3,"1":4,"0":5,"a.b":6,"":7}')
  })

  it('writes slices of every type as the same rows of the whole', () => {
    const builder = new BatchBuilder(everyType)
    builder.append(Array.from({ length: 20 }, (_, i) => (i % 4 === 0 ? {} : everyRow(i))))
    const batch = builder.finish()
    const write = canonicalRowWriter(everyType)
    const whole = write(batch)
    expect(write(sliceBatch(batch, 3, 11))).toEqual(whole.slice(3, 14))
    expect(new Set(whole).size).toBe(16)
    expect(write(sliceBatch(batch, 3, 0))).toEqual([])
  })

  it('writes rows that its own text form builds again', () => {
    const fields = everyType.fields.filter((field) => field.type.kind !== 'unknown')
    const schema = new Schema(fields)
    const builder = new BatchBuilder(schema, { parseText: true, unknownColumns: 'ignore' })
    builder.append(Array.from({ length: 20 }, (_, i) => everyRow(i)))
    const lines = canonicalRows(schema, builder.finish())
    builder.append(lines.map((text): unknown => JSON.parse(text)))
    expect(canonicalRows(schema, builder.finish())).toEqual(lines)
  })
})
