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
