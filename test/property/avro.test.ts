import type Avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AvroInput } from '../../src/avro/avro-input.js'
import { AvroOutput } from '../../src/avro/avro-output.js'
import { parseAvroSchema, printAvroSchema } from '../../src/avro/avro-schema-json.js'
import { minEncodedBytes, type AvroField, type AvroSchema, type AvroValue } from '../../src/avro/avro-schema.js'
import { compileDecoder } from '../../src/avro/decoder.js'
import { compileEncoder } from '../../src/avro/encoder.js'
import { compileSkip } from '../../src/avro/skip.js'
import * as compression from '../../src/util/compression.js'
import { isFloeError } from '../../src/util/errors.js'
import { avsc, exactLong } from '../support/avsc-oracle.js'

interface Typed {
  readonly schema: AvroSchema
  readonly value: AvroValue
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', '__proto__', '\ufeff', 'constructor'))
const long = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -200n, max: 200n }))
const bytes = fc.uint8Array({ maxLength: 20 })

/** A schema and values of it, as deep as `depth`. `name` makes the names of its records unique. */
function arbitrarySchema(depth: number, name: string): fc.Arbitrary<{ schema: AvroSchema; value: fc.Arbitrary<AvroValue> }> {
  const leaves = [
    { schema: { kind: 'null' }, value: fc.constant(null) },
    { schema: { kind: 'boolean' }, value: fc.boolean() },
    { schema: { kind: 'int' }, value: fc.integer() },
    { schema: { kind: 'long' }, value: long },
    { schema: { kind: 'float' }, value: fc.float() },
    { schema: { kind: 'double' }, value: fc.double() },
    { schema: { kind: 'bytes' }, value: bytes },
    { schema: { kind: 'string' }, value: text },
    { schema: { kind: 'fixed', name: `f${name}`, size: 5 }, value: fc.uint8Array({ minLength: 5, maxLength: 5 }) },
    { schema: { kind: 'enum', name: `e${name}`, symbols: ['A', 'B', 'C'] }, value: fc.constantFrom('A', 'B', 'C') },
  ] as { schema: AvroSchema; value: fc.Arbitrary<AvroValue> }[]
  const leaf = fc.constantFrom(...leaves)
  if (depth === 0) return leaf
  const child = (index: number): ReturnType<typeof arbitrarySchema> => arbitrarySchema(depth - 1, `${name}_${index}`)
  return fc.oneof(
    leaf,
    child(0).map(({ schema, value }) => ({ schema: { kind: 'array', items: schema } as AvroSchema, value: fc.array(value, { maxLength: 4 }) })),
    child(0).map(({ schema, value }) => ({
      schema: { kind: 'map', values: schema } as AvroSchema,
      value: fc.array(fc.tuple(text, value), { maxLength: 3 }).map((entries) => new Map(entries)),
    })),
    child(0).map(({ schema, value }) =>
      schema.kind === 'null'
        ? { schema, value }
        : { schema: { kind: 'union', branches: [{ kind: 'null' }, schema] } as AvroSchema, value: fc.option(value) },
    ).filter(({ schema }) => schema.kind !== 'union' || schema.branches[1]!.kind !== 'union'),
    fc.tuple(child(0), child(1), child(2)).map((children) => ({
      schema: {
        kind: 'record', name: `r${name}`,
        fields: children.map(({ schema }, i): AvroField => ({ name: `c${i}`, schema, fieldId: i + 1 })),
      } as AvroSchema,
      value: fc.tuple(...children.map(({ value }) => value)) as fc.Arbitrary<AvroValue>,
    })),
  )
}

const typed: fc.Arbitrary<Typed> = arbitrarySchema(3, '').chain(({ schema, value }) => value.map((own) => ({ schema, value: own })))

function encode({ schema, value }: Typed): Uint8Array {
  const output = new AvroOutput()
  compileEncoder(schema)(output, value)
  return output.bytes().slice()
}

describe('Avro values', () => {
  it('round-trip, take at least the least size, and are skipped whole', () => {
    fc.assert(
      fc.property(typed, (sample) => {
        const encoded = encode(sample)
        const input = new AvroInput(encoded)
        expect(compileDecoder(sample.schema)(input)).toEqual(sample.value)
        expect(input.remaining).toBe(0)
        expect(encoded.length).toBeGreaterThanOrEqual(minEncodedBytes(sample.schema))
        input.position = 0
        compileSkip(sample.schema)(input)
        expect(input.remaining).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('have schemas that round-trip as JSON', () => {
    fc.assert(
      fc.property(typed, ({ schema }) => {
        expect(parseAvroSchema(printAvroSchema(schema))).toEqual(schema)
      }),
    )
  })

  it.skipIf(avsc === undefined)('have the bytes that avsc gives them, and avsc reads ours', () => {
    const long = exactLong(avsc!)
    fc.assert(
      fc.property(typed, (sample) => {
        fc.pre(!hasKeyThatAvscCannotKeep(sample.value))
        const json = JSON.parse(printAvroSchema(sample.schema)) as Avsc.Schema
        const type = avsc!.Type.forSchema(json, { registry: { long }, wrapUnions: 'never' })
        const encoded = encode(sample)
        const theirs = toAvsc(sample.schema, sample.value)
        expect(Buffer.compare(type.toBuffer(theirs), encoded)).toBe(0)
        expect(Buffer.compare(type.toBuffer(type.fromBuffer(Buffer.from(encoded))), encoded)).toBe(0)
      }),
      { numRuns: 200 },
    )
  })

  it('cut short or overwritten are typed errors or other values, never anything else', () => {
    fc.assert(
      fc.property(typed, fc.nat(), fc.nat(255), (sample, where, byte) => {
        const encoded = encode(sample)
        if (encoded.length === 0) return
        const cut = encoded.subarray(0, where % encoded.length)
        const overwritten = encoded.slice()
        overwritten[where % encoded.length] = byte
        for (const damaged of [cut, overwritten]) {
          try {
            compileDecoder(sample.schema)(new AvroInput(damaged))
          } catch (error) {
            if (!isFloeError(error, 'CORRUPT')) throw error
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('Avro schemas', () => {
  it('that are arbitrary JSON are parsed or refused with a typed error', () => {
    const names = fc.constantFrom('type', 'name', 'fields', 'items', 'values', 'symbols', 'size', 'field-id', 'default', '__proto__')
    const words = fc.constantFrom('record', 'array', 'map', 'enum', 'fixed', 'int', 'null', 'string', 'r', '')
    const json = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        words, fc.integer(), fc.constant(null), fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(names, tie('node'), { maxKeys: 5 }),
      ),
    })).node
    fc.assert(
      fc.property(json, (candidate) => {
        try {
          parseAvroSchema(JSON.stringify(candidate))
        } catch (error) {
          if (!isFloeError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('codecs', () => {
  it('give back what they compressed, and typed errors for noise', () => {
    const runs = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 400 })), { maxLength: 30 })
    const repetitive = runs.map((list) => Uint8Array.from(list.flatMap(([byte, count]) => Array<number>(count).fill(byte))))
    const input = fc.oneof(fc.uint8Array({ maxLength: 300 }), repetitive)
    const pairs = [
      [compression.deflateRaw, compression.inflateRaw],
      [compression.gzip, compression.gunzip],
      [compression.compressZstd, compression.decompressZstd],
      [compression.compressSnappy, compression.decompressSnappy],
    ] as const
    fc.assert(
      fc.property(input, (original) => {
        for (const [compress, decompress] of pairs) {
          expect(Buffer.compare(decompress(compress(original), original.length), original)).toBe(0)
          try {
            decompress(original, 10_000)
          } catch (error) {
            if (!isFloeError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
          }
        }
      }),
      { numRuns: 150 },
    )
  })
})

/** Our value in the form that avsc takes. */
function toAvsc(schema: AvroSchema, value: AvroValue): unknown {
  switch (schema.kind) {
    case 'record':
      return Object.fromEntries(schema.fields.map((field, i) => [field.name, toAvsc(field.schema, (value as readonly AvroValue[])[i]!)]))
    case 'array':
      return (value as readonly AvroValue[]).map((item) => toAvsc(schema.items, item))
    case 'map':
      return mapToAvsc(schema.values, value as ReadonlyMap<string, AvroValue>)
    case 'union':
      return value === null ? null : toAvsc(schema.branches[1]!, value)
    default:
      return value instanceof Uint8Array ? Buffer.from(value) : value
  }
}

function mapToAvsc(values: AvroSchema, map: ReadonlyMap<string, AvroValue>): object {
  return Object.fromEntries([...map].map(([key, value]) => [key, toAvsc(values, value)])) as object
}

/** avsc keeps maps in plain objects: it loses `__proto__` and moves integers to the front. */
function hasKeyThatAvscCannotKeep(value: AvroValue): boolean {
  if (value instanceof Map) {
    return [...value.keys()].some((key) => key === '__proto__' || /^\d+$/.test(key)) || [...value.values()].some(hasKeyThatAvscCannotKeep)
  }
  return Array.isArray(value) && (value as readonly AvroValue[]).some(hasKeyThatAvscCannotKeep)
}
