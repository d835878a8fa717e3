import { describe, expect, it } from 'vitest'
import { parseType, printType } from '../../src/schema/type-json.js'
import { parseTypeName, printTypeName } from '../../src/schema/type-name.js'
import type { Type } from '../../src/schema/type.js'
import { codeThrownBy } from '../support/thrown.js'

// Spec: Appendix C › Schemas
const canonical: readonly [string, Type][] = [
  ['unknown', { kind: 'unknown' }],
  ['boolean', { kind: 'boolean' }],
  ['int', { kind: 'int' }],
  ['long', { kind: 'long' }],
  ['float', { kind: 'float' }],
  ['double', { kind: 'double' }],
  ['date', { kind: 'date' }],
  ['time', { kind: 'time' }],
  ['timestamp', { kind: 'timestamp' }],
  ['timestamptz', { kind: 'timestamptz' }],
  ['timestamp_ns', { kind: 'timestamp_ns' }],
  ['timestamptz_ns', { kind: 'timestamptz_ns' }],
  ['string', { kind: 'string' }],
  ['uuid', { kind: 'uuid' }],
  ['fixed[16]', { kind: 'fixed', length: 16 }],
  ['binary', { kind: 'binary' }],
  ['decimal(9, 2)', { kind: 'decimal', precision: 9, scale: 2 }],
  ['decimal(38, 38)', { kind: 'decimal', precision: 38, scale: 38 }],
  ['variant', { kind: 'variant' }],
  ['geometry(srid:4326)', { kind: 'geometry', crs: 'srid:4326' }],
  ['geography(srid:4326, spherical)', { kind: 'geography', crs: 'srid:4326', algorithm: 'spherical' }],
]

describe('type strings', () => {
  it.each(canonical)('%s reads and prints as the specification spells it', (text, type) => {
    expect(parseTypeName(text)).toEqual(type)
    expect(printTypeName(type)).toBe(text)
  })

  it.each([
    ['decimal(9,2)', 'decimal(9, 2)'],
    ['decimal( 9 ,\t2 )', 'decimal(9, 2)'],
    ['DECIMAL(9,2)', 'decimal(9, 2)'],
    ['Timestamp', 'timestamp'],
    ['fixed[ 16 ]', 'fixed[16]'],
    ['geometry', 'geometry(OGC:CRS84)'],
    ['Geometry ( EPSG:4326 )', 'geometry(EPSG:4326)'],
    ['geography', 'geography(OGC:CRS84, spherical)'],
    ['geography(ogc:crs84)', 'geography(ogc:crs84, spherical)'],
    ['geography(EPSG:4326 , KARNEY)', 'geography(EPSG:4326, karney)'],
    ['geometry(projjson:[crs])', 'geometry(projjson:[crs])'],
  ])('%s is read leniently and printed as %s', (text, printed) => {
    expect(printTypeName(parseTypeName(text))).toBe(printed)
  })

  it.each([
    'decimal', 'decimal(9)', 'decimal(9,2,1)', 'decimal(39,2)', 'decimal(0,0)', 'decimal(9,-1)', 'decimal(9,39)', 'decimal[9,2]', 'decimal(9,2', 'decimal(9,2)x',
    'decimal(99999999999999999999,2)', 'fixed', 'fixed[]', 'fixed[x]', 'fixed[2147483648]', 'fixed(16)', 'geometry()', 'geometry(a)b)', 'geography()',
    'geography(a, )', 'geography(a, flat)', 'geography(a, karney, b)',
  ])('%s is refused as corrupt', (text) => {
    expect(codeThrownBy(() => parseTypeName(text))).toBe('CORRUPT')
  })

  it.each(['', 'interval', 'struct', '__proto__', 'toString', 'constructor', 'long ', ' long'])('%j is an unknown type', (text) => {
    expect(codeThrownBy(() => parseTypeName(text))).toBe('UNSUPPORTED')
  })

  it.each([
    `decimal(${'1'.repeat(1_000_000)}`, `decimal(${' '.repeat(1_000_000)}`, `geography(${','.repeat(1_000_000)})`, `fixed[${' '.repeat(1_000_000)}]`, '('.repeat(1_000_000),
    `geometry${' '.repeat(1_000_000)}(`,
  ])('a hostile text of a million characters is refused in short (case %#)', (text) => {
    let message = ''
    try {
      parseTypeName(text)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message.length).toBeGreaterThan(0)
    expect(message.length).toBeLessThan(300)
  })
})

describe('type JSON', () => {
  const list = { type: 'list', 'element-id': 3, element: 'string', 'element-required': true }
  const map = { type: 'map', 'key-id': 4, key: 'string', 'value-id': 5, value: 'double', 'value-required': false }
  const struct = { type: 'struct', fields: [{ id: 1, name: 'id', required: true, type: 'uuid', doc: 'key' }, { id: 2, name: '__proto__', required: false, type: list }] }

  it.each([list, map, struct])('nested types read and print unchanged (case %#)', (json) => {
    expect(printType(parseType(json))).toEqual(json)
  })

  it('errors name the path', () => {
    expect(() => parseType({ ...map, value: { ...struct, fields: [{ id: 1, name: 'a', required: true, type: 'decimal(99,1)' }] } }, '$.schemas[2]')).toThrow(
      '$.schemas[2].value.fields[0].type: "decimal(99,1)"',
    )
    expect(() => parseType({ type: 'list', 'element-id': 3, 'element-required': true })).toThrow('$.element: expected a type, found nothing')
    expect(() => parseType({ type: 'tuple' })).toThrow('$.type: expected struct, list or map, found the string "tuple"')
    expect(() => parseType({ ...struct, fields: [struct.fields[0]!, struct.fields[0]!] })).toThrow('a second field is named "id"')
    expect(codeThrownBy(() => parseType(7))).toBe('CORRUPT')
    expect(codeThrownBy(() => parseType(null))).toBe('CORRUPT')
  })

  it('nesting over 100 levels is refused', () => {
    let json: unknown = 'int'
    for (let level = 0; level < 200; level++) json = { type: 'list', 'element-id': level, element: json, 'element-required': true }
    expect(codeThrownBy(() => parseType(json as never))).toBe('CORRUPT')
  })
})
