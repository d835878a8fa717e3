import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSchema, printSchema } from '../../src/schema/schema-json.js'
import { JsonObject, parseJson, printJson } from '../../src/util/json.js'
import type { JsonMembers, JsonValue } from '../../src/util/json.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

const TABLES = new URL('../golden/tables/', import.meta.url).pathname

/** The reference writes the bytes of defaults in upper-case digits, the specification has lower-case ones. */
const UPPER_CASE_HEX = /-default"\s*:\s*"[0-9A-F]+"/g

function lowerCase(text: string): string {
  return text.toLowerCase()
}

// Spec: Appendix C › Schemas, the example of a struct
const example = {
  type: 'struct',
  'schema-id': 1,
  'identifier-field-ids': [1],
  fields: [
    {
      id: 1, name: 'id', required: true, type: 'uuid', doc: 'key',
      'initial-default': '0db3e2a8-9d1d-42b9-aa7b-74ebe558dceb', 'write-default': 'ec5911be-b0a7-458c-8438-c9a3e53cffae',
    },
    { id: 2, name: 'data', required: false, type: { type: 'list', 'element-id': 3, element: 'string', 'element-required': false } },
  ],
}

function withField(column: Record<string, JsonValue>): JsonValue {
  return { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'a', required: false, type: 'int', ...column }] }
}

describe('schema JSON', () => {
  it('reads and prints the example of the specification', () => {
    const schema = parseSchema(example)
    expect(schema.fields[0]).toEqual({
      id: 1, name: 'id', required: true, type: { kind: 'uuid' }, doc: 'key',
      initialDefault: '0db3e2a8-9d1d-42b9-aa7b-74ebe558dceb', writeDefault: 'ec5911be-b0a7-458c-8438-c9a3e53cffae',
    })
    expect(printJson(printSchema(schema))).toBe(JSON.stringify(example))
    expect(printJson(printSchema(parseSchema(JSON.stringify(example))))).toBe(JSON.stringify(example))
  })

  it('takes a schema of format version 1 without id as schema 0', () => {
    expect(parseSchema({ type: 'struct', fields: [] }).schemaId).toBe(0)
  })

  it('keeps unknown members of the schema and of its fields for the rewrite, bigints exact', () => {
    const text =
      '{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":false,"type":"int","x-tag":{"n":7893146874214087234},"__proto__":1}],"owner":"me"}'
    expect(printJson(printSchema(parseSchema(text)))).toBe(text)
  })

  it('takes zero, false and the empty string as defaults, and null as none (trap 5)', () => {
    expect(parseSchema(withField({ type: 'int', 'initial-default': 0 })).fields[0]).toHaveProperty('initialDefault', 0)
    expect(parseSchema(withField({ type: 'boolean', 'write-default': false })).fields[0]).toHaveProperty('writeDefault', false)
    expect(parseSchema(withField({ type: 'string', 'initial-default': '', doc: '' })).fields[0]).toMatchObject({ initialDefault: '', doc: '' })
    expect(parseSchema(withField({ 'initial-default': null })).fields[0]).not.toHaveProperty('initialDefault')
    const columns: Record<string, JsonValue>[] = [{ 'initial-default': 0 }, { type: 'string', doc: '', 'write-default': '' }]
    for (const column of columns) {
      expect(printJson(printSchema(parseSchema(withField(column))))).toBe(printJson(withField(column)))
    }
  })

  it('tells the default null of a struct from its default {} (trap 73)', () => {
    const struct = { type: 'struct', fields: [{ id: 2, name: 'x', required: false, type: 'int', 'initial-default': 7 }] }
    const empty = parseSchema(withField({ type: struct, 'initial-default': {} }))
    expect(empty.fields[0]!.initialDefault).toEqual(new Map())
    expect(printJson(printSchema(empty))).toContain('"initial-default":{}')
    expect(parseSchema(withField({ type: struct, 'initial-default': null })).fields[0]!.initialDefault).toBeUndefined()
    expect(thrownBy(() => parseSchema(withField({ type: struct, 'initial-default': { 2: 1 } }))).code).toBe('CORRUPT')
  })

  it.each([
    ['unknown', null], ['variant', null], ['geometry', null], ['geography', null],
  ])('lets a column of type %s default to null only', (type) => {
    expect(parseSchema(withField({ type, 'initial-default': null })).fields[0]).not.toHaveProperty('initialDefault')
    expect(thrownBy(() => parseSchema(withField({ type, 'write-default': 'x' })))).toMatchObject({ code: 'CORRUPT' })
  })

  it.each([
    [{ id: 1.5 }, '$.fields[0].id: expected a 32-bit integer, found 1.5'],
    [{ id: 2147483648 }, '$.fields[0].id: expected a 32-bit integer, found 2147483648'],
    [{ name: 7 }, '$.fields[0].name: expected a string, found 7'],
    [{ required: 'yes' }, '$.fields[0].required: expected true or false, found the string "yes"'],
    [{ type: 'decimal(50, 1)' }, '$.fields[0].type: "decimal(50, 1)"'],
    [{ type: null }, '$.fields[0].type: expected a type, found null'],
    [{ doc: 7 }, '$.fields[0].doc: expected a string, found 7'],
    [{ 'initial-default': 'x' }, '$.fields[0]: initial-default: "x" is not the JSON of a value of type int'],
  ])('names the path of what is wrong in %j', (column, message) => {
    expect(thrownBy(() => parseSchema(withField(column as Record<string, JsonValue>))).message).toContain(message)
  })

  it('refuses ids and names that stand twice', () => {
    const twice = (second: JsonValue): JsonValue => ({ type: 'struct', fields: [{ id: 1, name: 'a', required: true, type: 'int' }, second] })
    expect(codeThrownBy(() => parseSchema(twice({ id: 1, name: 'b', required: true, type: 'int' })))).toBe('CORRUPT')
    expect(codeThrownBy(() => parseSchema(twice({ id: 2, name: 'a', required: true, type: 'int' })))).toBe('CORRUPT')
    const list = { type: 'list', 'element-id': 1, element: 'int', 'element-required': true }
    expect(codeThrownBy(() => parseSchema(twice({ id: 2, name: 'b', required: true, type: list })))).toBe('CORRUPT')
  })

  it.each([null, [], 7, {}, { type: 'list' }, { type: 'struct' }, { type: 'struct', fields: {} }, { type: 'struct', fields: [1] }])('refuses %j as corrupt', (json) => {
    expect(codeThrownBy(() => parseSchema(json as JsonValue, { source: 'v1.metadata.json' }))).toBe('CORRUPT')
  })

  it('round-trips fields with hostile names', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', 'a.b', '"', '\u0000', '😀', ' ']
    const json = { type: 'struct', 'schema-id': 0, fields: names.map((name, index) => ({ id: index + 1, name, required: false, type: 'int' })) }
    const schema = parseSchema(json)
    expect(printJson(printSchema(schema))).toBe(JSON.stringify(json))
    for (const [index, name] of names.entries()) expect(schema.findField(name)?.id).toBe(index + 1)
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('reads and prints every schema of the golden tables unchanged', () => {
    const implied = { 'schema-id': 0, 'identifier-field-ids': [] }
    let count = 0
    const files = readdirSync(TABLES, { recursive: true, encoding: 'utf8' })
    for (const name of files.filter((file) => file.endsWith('.metadata.json') && !file.includes('.gz.'))) {
      const metadata = JsonObject.parse(readFileSync(join(TABLES, name), 'utf8').replaceAll(UPPER_CASE_HEX, lowerCase), { source: name })
      for (const schema of metadata.optionalArray('schemas') ?? [metadata.value('schema')!]) {
        const printed = parseJson(printJson(printSchema(parseSchema(schema, { source: name }))))
        expect({ ...implied, ...(printed as JsonMembers) }).toEqual({ ...implied, ...(schema as JsonMembers) })
        count++
      }
    }
    expect(count).toBeGreaterThan(100)
  })
})
