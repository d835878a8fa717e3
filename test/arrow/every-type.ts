import type { RowValue } from '../../src/arrow/row-values.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'

const primitives: Readonly<Record<string, Type>> = {
  b: { kind: 'boolean' },
  i: { kind: 'int' },
  n: { kind: 'long' },
  f: { kind: 'float' },
  d: { kind: 'double' },
  dec: { kind: 'decimal', precision: 9, scale: 2 },
  big: { kind: 'decimal', precision: 38, scale: 10 },
  day: { kind: 'date' },
  t: { kind: 'time' },
  ts: { kind: 'timestamp' },
  tz: { kind: 'timestamptz' },
  tsn: { kind: 'timestamp_ns' },
  tzn: { kind: 'timestamptz_ns' },
  str: { kind: 'string' },
  u: { kind: 'uuid' },
  fx: { kind: 'fixed', length: 3 },
  bin: { kind: 'binary' },
  unk: { kind: 'unknown' },
  geo: { kind: 'geometry', crs: undefined },
  gg: { kind: 'geography', crs: undefined, algorithm: undefined },
}

const nested: Readonly<Record<string, Type>> = {
  l: { kind: 'list', elementId: 100, element: { kind: 'long' }, elementRequired: false },
  m: { kind: 'map', keyId: 101, key: { kind: 'string' }, valueId: 102, value: { kind: 'int' }, valueRequired: false },
  s: {
    kind: 'struct',
    fields: [
      { id: 103, name: 'x', type: { kind: 'int' }, required: true },
      { id: 104, name: '__proto__', type: { kind: 'string' }, required: false },
      {
        id: 105,
        name: 'deep',
        type: {
          kind: 'list',
          elementId: 106,
          element: { kind: 'struct', fields: [{ id: 107, name: 'p', type: { kind: 'decimal', precision: 20, scale: 3 }, required: false }] },
          elementRequired: false,
        },
        required: false,
      },
    ],
  },
}

/** One optional column of each type but variant, nested ones included. */
export const everyType = new Schema(
  Object.entries({ ...primitives, ...nested }).map(([name, type], i): NestedField => ({ id: i + 1, name, type, required: false })),
)

/** Values of a row of {@link everyType}, different for each `i`, in the form that rows are read back in. */
export function everyRow(i: number): Record<string, RowValue> {
  const odd = i % 2 === 1
  return {
    b: odd,
    i: -i,
    n: BigInt(i) * 2n ** 40n,
    f: i / 4,
    d: odd ? -0 : i / 3,
    dec: new Decimal(BigInt(-i), 2),
    big: new Decimal(BigInt(i) * 10n ** 30n, 10),
    day: i - 20,
    t: BigInt(i) * 1_000_001n,
    ts: BigInt(-i),
    tz: 1_700_000_000_000_000n + BigInt(i),
    tsn: BigInt(-i) - 1n,
    tzn: 1_700_000_000_000_000_000n + BigInt(i),
    str: odd ? 'é😀'.repeat(i) : '',
    u: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    fx: Uint8Array.of(i, 0, 255),
    bin: new Uint8Array(i % 5).fill(i),
    unk: null,
    geo: Uint8Array.of(1),
    gg: new Uint8Array(0),
    l: Array.from({ length: i % 4 }, (_, j) => (j === 1 ? null : BigInt(i))),
    m: new Map<RowValue, RowValue>([[`k${i}`, i], ['', null]]),
    s: Object.fromEntries<RowValue>([
      ['x', i],
      ['__proto__', odd ? 'p' : null],
      ['deep', odd ? null : [{ p: new Decimal(BigInt(i), 3) }, null, { p: null }]],
    ]),
  }
}
