import { Binary, BinaryView, DateMillisecond, Decimal, Dictionary, Field, FixedSizeBinary, FixedSizeList, Float16, Float32, Float64 } from 'apache-arrow'
import { Int16, Int32, Int64, Int8, LargeBinary, LargeList, LargeUtf8, List, Map_, Null, Schema as ArrowSchema, Struct } from 'apache-arrow'
import { TimeMillisecond, TimestampMillisecond, TimestampNanosecond, TimestampSecond, Uint32, Uint64, Uint8, Utf8, Utf8View } from 'apache-arrow'
import { makeData } from 'apache-arrow'
import type { Data, DataType, RecordBatch } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { columnsOf, fixedChunk, listChunk, makeBatch, structChunk, variableChunk } from '../../src/arrow/arrow-data.js'
import type { Chunk } from '../../src/arrow/arrow-data.js'
import { arrowSchema } from '../../src/arrow/arrow-schema.js'
import type { RowProblem } from '../../src/arrow/batch-builder.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { batchConformer } from '../../src/arrow/conform-batch.js'
import type { ConformOptions } from '../../src/arrow/conform-batch.js'
import { rowReader } from '../../src/arrow/row-values.js'
import type { RowValue } from '../../src/arrow/row-values.js'
import { Decimal as DecimalValue } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { FloeError } from '../../src/util/errors.js'
import { everyRow, everyType } from './every-type.js'
import { tableOf, vectorOf } from '../support/arrow-vectors.js'

function field(id: number, name: string, type: Type, more: Partial<NestedField> = {}): NestedField {
  return { id, name, type, required: false, ...more }
}

function batchOf(columns: Readonly<Record<string, Chunk>>): RecordBatch {
  const entries = Object.entries(columns)
  const schema = new ArrowSchema(entries.map(([name, chunk]) => new Field(name, chunk.type as DataType, true)))
  return makeBatch(schema, entries[0]![1].length, entries.map(([, chunk]) => chunk))
}

function emptyBatch(...fields: Field[]): RecordBatch {
  return makeBatch(new ArrowSchema(fields), 0, fields.map(({ type }) => makeData({ type: type as Int32, length: 0 }) as Chunk))
}

function chunkOf(values: readonly unknown[], type: DataType): Chunk {
  return vectorOf(values, type).data[0] as Chunk
}

function conform(batch: RecordBatch, fields: readonly NestedField[], options?: ConformOptions): Record<string, RowValue>[] {
  const schema = new Schema(fields)
  const result = batchConformer(schema, options)(batch)
  expect(result.schema).toEqual(arrowSchema(schema))
  return rowReader(schema)(result)
}

function cast(chunk: Chunk, type: Type): RowValue[] {
  const whole = conform(batchOf({ c: chunk }), [field(1, 'c', type)]).map((row) => row.c!)
  if (chunk.length > 1) expect(conform(batchOf({ c: chunk }).slice(1), [field(1, 'c', type)]).map((row) => row.c!)).toEqual(whole.slice(1))
  return whole
}

function problem(action: () => unknown): RowProblem {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(FloeError)
    return (error as FloeError).cause as RowProblem
  }
  throw new Error('nothing was refused')
}

function longs(type: DataType, ...values: bigint[]): Chunk {
  return fixedChunk(type, values.length, BigInt64Array.from(values))
}

/** Views of any length: inline up to twelve bytes, else in a buffer. */
function views(type: DataType, texts: readonly string[]): Chunk {
  const bytes = new Uint8Array(texts.length * 16)
  const view = new DataView(bytes.buffer)
  const long = Buffer.from(texts.filter((text) => Buffer.byteLength(text) > 12).join(''))
  let at = 0
  texts.forEach((text, i) => {
    const utf8 = Buffer.from(text)
    view.setInt32(i * 16, utf8.length, true)
    if (utf8.length <= 12) bytes.set(utf8, i * 16 + 4)
    else {
      bytes.set(utf8.subarray(0, 4), i * 16 + 4)
      view.setInt32(i * 16 + 12, at, true)
      at += utf8.length
    }
  })
  return makeData({ type: type as Utf8View, views: bytes, variadicBuffers: [long] }) as Chunk
}

describe('batchConformer', () => {
  it('shares the bytes of columns that are canonical, in any order', () => {
    const a = chunkOf([1n, null, 3n], new Int64())
    const b = chunkOf(['x', '', null], new Utf8())
    const schema = new Schema([field(1, 'a', { kind: 'long' }), field(2, 'b', { kind: 'string' })])
    const result = columnsOf(batchConformer(schema)(batchOf({ b, a })))
    expect([result[0]!.values, result[1]!.values]).toEqual([a.values, b.values])
    expect(result[0]!.values).toBe(a.values)
    expect(result[1]!.values).toBe(b.values)
  })

  it('leaves batches of its own types as they are, in every type', () => {
    const builder = new BatchBuilder(everyType)
    const rows = Array.from({ length: 9 }, (_, i) => (i === 4 ? {} : everyRow(i)))
    builder.append(rows)
    const batch = builder.finish()
    expect(rowReader(everyType)(batchConformer(everyType)(batch))).toEqual(rowReader(everyType)(batch))
    expect(rowReader(everyType)(batchConformer(everyType)(batch.slice(3, 7)))).toEqual(rowReader(everyType)(batch).slice(3, 7))
  })

  it.each([
    ['Int8', chunkOf([-1, null, 2], new Int8()), { kind: 'int' }, [-1, null, 2]],
    ['Int16', chunkOf([-1, null, 2], new Int16()), { kind: 'long' }, [-1n, null, 2n]],
    ['Uint8', chunkOf([255, 0], new Uint8()), { kind: 'int' }, [255, 0]],
    ['Int32', chunkOf([-(2 ** 31), null], new Int32()), { kind: 'long' }, [-(2n ** 31n), null]],
    ['Uint32', chunkOf([2 ** 32 - 1, 0], new Uint32()), { kind: 'long' }, [2n ** 32n - 1n, 0n]],
    ['Float32', chunkOf([0.5, null, NaN, -0], new Float32()), { kind: 'double' }, [0.5, null, NaN, -0]],
    ['Float16', fixedChunk(new Float16(), 4, Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001)), { kind: 'float' }, [1, -2, Infinity, 2 ** -24]],
    ['dictionary', chunkOf(['a', null, 'b', 'a'], new Dictionary(new Utf8(), new Int32())), { kind: 'string' }, ['a', null, 'b', 'a']],
    ['LargeUtf8', chunkOf(['a', null, '', 'é'], new LargeUtf8()), { kind: 'string' }, ['a', null, '', 'é']],
    ['Utf8View', views(new Utf8View(), ['short', '', 'more than twelve bytes', 'é and again more']), { kind: 'string' }, ['short', '', 'more than twelve bytes', 'é and again more']],
    ['LargeBinary', chunkOf([Uint8Array.of(1), null], new LargeBinary()), { kind: 'binary' }, [Uint8Array.of(1), null]],
    ['BinaryView', views(new BinaryView(), ['ab', 'abcdefghijklmnop']), { kind: 'binary' }, [...['ab', 'abcdefghijklmnop'].map((text) => new TextEncoder().encode(text))]],
    ['seconds', longs(new TimestampSecond(null), -1n, 2n), { kind: 'timestamp' }, [-1_000_000n, 2_000_000n]],
    ['milliseconds with zone', longs(new TimestampMillisecond('America/Lima'), -1n), { kind: 'timestamptz' }, [-1000n]],
    ['nanoseconds without rest', longs(new TimestampNanosecond(null), -3000n, 0n), { kind: 'timestamp' }, [-3n, 0n]],
    ['milliseconds', longs(new TimestampMillisecond(null), 9_000_000_000_000n), { kind: 'timestamp_ns' }, [9_000_000_000_000_000_000n]],
    ['Time32', chunkOf([1, null], new TimeMillisecond()), { kind: 'time' }, [1000n, null]],
    ['Date64', longs(new DateMillisecond(), -86_400_000n, 0n), { kind: 'date' }, [-1, 0]],
    ['narrow decimals', fixedChunk(new Decimal(1, 5, 128), 1, Uint32Array.of(15, 0, 0, 0)), { kind: 'decimal', precision: 9, scale: 2 }, [new DecimalValue(150n, 2)]],
    ['wide decimals', fixedChunk(new Decimal(2, 50, 256), 1, new Uint32Array(8).fill(0xffff_ffff)), { kind: 'decimal', precision: 9, scale: 2 }, [new DecimalValue(-1n, 2)]],
    ['UUID text', chunkOf(['00000000-0000-4000-8000-00000000000A', null], new Utf8()), { kind: 'uuid' }, ['00000000-0000-4000-8000-00000000000a', null]],
    ['binary of one length', chunkOf([Uint8Array.of(1, 2), null], new Binary()), { kind: 'fixed', length: 2 }, [Uint8Array.of(1, 2), null]],
    ['fixed bytes', chunkOf([Uint8Array.of(1, 2), null], new FixedSizeBinary(2)), { kind: 'binary' }, [Uint8Array.of(1, 2), null]],
    ['Null', makeData({ type: new Null(), length: 2 }) as Chunk, { kind: 'string' }, [null, null]],
    ['no values', chunkOf([null, null], new Utf8()), { kind: 'unknown' }, [null, null]],
  ] as [string, Chunk, Type, RowValue[]][])('takes %s where it is exact', (_name, chunk, type, expected) => {
    expect(cast(chunk, type)).toEqual(expected)
  })

  it.each([
    [new Int64(), { kind: 'int' }],
    [new Uint32(), { kind: 'int' }],
    [new Uint64(), { kind: 'long' }],
    [new Int32(), { kind: 'double' }],
    [new Float64(), { kind: 'float' }],
    [new Float64(), { kind: 'long' }],
    [new TimestampMillisecond(null), { kind: 'timestamptz' }],
    [new TimestampMillisecond('UTC'), { kind: 'timestamp' }],
    [new Utf8(), { kind: 'int' }],
    [new Binary(), { kind: 'string' }],
    [new Utf8(), { kind: 'binary' }],
    [new Struct([]), { kind: 'string' }],
    [new Utf8(), { kind: 'list', elementId: 2, element: { kind: 'string' }, elementRequired: false }],
  ] as [DataType, Type][])('refuses %s for %o', (arrow, type) => {
    const batch = emptyBatch(new Field('c', arrow, true))
    expect(() => conform(batch, [field(1, 'c', type)])).toThrow(/is not accepted for .*column c/)
  })

  it('names the first row whose value is not exact, counted over batches', () => {
    const conformer = batchConformer(new Schema([field(1, 'c', { kind: 'timestamp' })]))
    conformer(batchOf({ c: longs(new TimestampNanosecond(null), 1000n, 2000n) }))
    const refused = problem(() => conformer(batchOf({ c: longs(new TimestampNanosecond(null), 1000n, 1001n) })))
    expect(refused).toMatchObject({ rowIndex: 3, path: 'c', expected: 'timestamp' })
    expect(problem(() => cast(longs(new TimestampSecond(null), 2n ** 60n), { kind: 'timestamp' })).rowIndex).toBe(0)
    expect(problem(() => cast(longs(new DateMillisecond(), 0n, 1n), { kind: 'date' })).rowIndex).toBe(1)
    const decimal = fixedChunk(new Decimal(3, 9, 128), 1, Uint32Array.of(15, 0, 0, 0))
    expect(problem(() => cast(decimal, { kind: 'decimal', precision: 9, scale: 2 })).rowIndex).toBe(0)
    expect(problem(() => cast(chunkOf(['x'], new Utf8()), { kind: 'uuid' })).found).toBe('string "x"')
    expect(problem(() => cast(chunkOf([null, 'x'], new Utf8()), { kind: 'unknown' })).rowIndex).toBe(1)
  })

  it('refuses text that is not UTF-8', () => {
    const chunk = variableChunk(new Utf8(), Int32Array.of(0, 1, 3), Uint8Array.of(97, 0xc3, 0x28))
    expect(problem(() => cast(chunk, { kind: 'string' }))).toMatchObject({ rowIndex: 1, found: 'bytes that are not UTF-8' })
  })

  it('names columns that the schema lacks, and required ones that the data lacks', () => {
    const batch = batchOf({ Amount: chunkOf([1], new Int32()) })
    expect(() => conform(batch, [field(1, 'amount', { kind: 'int' })])).toThrow(/did you mean "amount".*column Amount/)
    const optional = [field(1, 'amount', { kind: 'int' }, { writeDefault: 0 })]
    expect(conform(batch, optional, { unknownColumns: 'ignore' })).toEqual([{ amount: 0 }])
    const required = [field(1, 'amount', { kind: 'int' }, { required: true })]
    expect(() => conform(batch, required, { unknownColumns: 'ignore' })).toThrow(/required column.*column amount/)
    const doubled = emptyBatch(new Field('c', new Int32(), true), new Field('c', new Int32(), true))
    expect(() => conform(doubled, [field(1, 'c', { kind: 'int' })])).toThrow(/two columns of this name/)
  })

  it('trap 73: a struct that is left out takes {} as its write default, with those of its fields', () => {
    const type: Type = { kind: 'struct', fields: [field(2, 'x', { kind: 'int' }, { writeDefault: 7, initialDefault: 1 })] }
    const batch = batchOf({ a: chunkOf([1], new Int32()) })
    expect(conform(batch, [field(3, 'a', { kind: 'int' }), field(1, 's', type, { writeDefault: new Map() })])).toEqual([{ a: 1, s: { x: 7 } }])
  })

  it('finds nulls of required fields at every level, but not below a null', () => {
    const x = chunkOf([1, null, 3], new Int32())
    const structType = new Struct([new Field('x', new Int32(), true)])
    const nullable = structChunk(structType, 3, [x], { bitmap: Uint8Array.of(0b101), nullCount: 1 })
    const required: Type = { kind: 'struct', fields: [field(2, 'x', { kind: 'int' }, { required: true })] }
    expect(cast(nullable, required)).toEqual([{ x: 1 }, null, { x: 3 }])
    expect(problem(() => cast(structChunk(structType, 3, [x]), required))).toMatchObject({ rowIndex: 1, path: 'c.x', found: 'null' })
    const list = new List(new Field('item', structType, true))
    const lists = listChunk(list, Int32Array.of(0, 1, 1, 3), nullable)
    const element: Type = { kind: 'list', elementId: 3, element: required, elementRequired: false }
    expect(cast(lists, element)).toEqual([[{ x: 1 }], [], [null, { x: 3 }]])
    expect(problem(() => cast(lists, { ...element, elementRequired: true }))).toMatchObject({ rowIndex: 2, path: 'c.element' })
    expect(problem(() => conform(batchOf({ c: x }), [field(1, 'c', { kind: 'int' }, { required: true })]))).toMatchObject({ rowIndex: 1, path: 'c' })
  })

  it('takes large and fixed-size lists, and maps with entries of any name, from any slice', () => {
    const list: Type = { kind: 'list', elementId: 2, element: { kind: 'long' }, elementRequired: false }
    const ints = chunkOf([1, 2, null, 4, 5, 6], new Int32())
    const fixed = makeData({ type: new FixedSizeList(2, new Field('item', new Int32(), true)), length: 3, child: ints as Data<Int32> }) as Chunk
    expect(cast(fixed, list)).toEqual([[1n, 2n], [null, 4n], [5n, 6n]])
    const largeType = new LargeList(new Field('item', new Int32(), true))
    const large = makeData({ type: largeType, length: 2, valueOffsets: BigInt64Array.of(1n, 3n, 6n), child: ints as Data<Int32> }) as Chunk
    expect(cast(large, list)).toEqual([[2n, null], [4n, 5n, 6n]])
    const entries = new Struct([new Field('k', new Utf8(), false), new Field('v', new Int32(), true)])
    const mapType = new Map_(new Field('pairs', entries, false) as never)
    const pairs = structChunk(entries, 3, [chunkOf(['a', 'b', '__proto__'], new Utf8()), chunkOf([1, null, 3], new Int32())])
    const map: Type = { kind: 'map', keyId: 2, key: { kind: 'string' }, valueId: 3, value: { kind: 'long' }, valueRequired: false }
    expect(cast(listChunk(mapType, Int32Array.of(0, 2, 3), pairs), map)).toEqual([new Map([['a', 1n], ['b', null]]), new Map([['__proto__', 3n]])])
  })

  it('takes the tables that apache-arrow makes of vectors, dictionaries included', () => {
    const table = tableOf({
      id: vectorOf([1, 2], new Int32()),
      name: vectorOf(['a', 'b'], new Dictionary(new Utf8(), new Int32())),
      score: vectorOf([0.5, NaN], new Float64()),
    })
    const fields = [field(1, 'id', { kind: 'long' }), field(2, 'name', { kind: 'string' }), field(3, 'score', { kind: 'double' })]
    expect(table.batches.flatMap((batch) => conform(batch, fields))).toEqual([
      { id: 1n, name: 'a', score: 0.5 },
      { id: 2n, name: 'b', score: NaN },
    ])
  })
})
