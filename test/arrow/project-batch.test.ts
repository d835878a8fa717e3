import { Dictionary, Field, Int32, LargeUtf8, List, Schema as ArrowSchema, Struct, Utf8 } from 'apache-arrow'
import { Binary, DateDay, Float32, Int64, StructRow, TimestampMillisecond, TimestampNanosecond, makeData } from 'apache-arrow'
import type { Data, DataType, RecordBatch } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { columnsOf, fixedChunk, listChunk, makeBatch, structChunk } from '../../src/arrow/arrow-data.js'
import type { Chunk } from '../../src/arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../../src/arrow/arrow-schema.js'
import { batchProjector } from '../../src/arrow/project-batch.js'
import type { ProjectionOptions } from '../../src/arrow/project-batch.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type, Value } from '../../src/schema/type.js'
import { vectorOf } from '../support/arrow-vectors.js'

const file = 's3://bucket/t/data/1.parquet'

function field(id: number, name: string, type: Type, more: Partial<NestedField> = {}): NestedField {
  return { id, name, type, required: false, ...more }
}

function idField(id: number | undefined, name: string, type: DataType): Field {
  return new Field(name, type, true, id === undefined ? null : new Map([['PARQUET:field_id', String(id)]]))
}

function batchOf(columns: readonly (readonly [Field, Chunk])[]): RecordBatch {
  return makeBatch(new ArrowSchema(columns.map(([f]) => f)), columns[0]![1].length, columns.map(([, chunk]) => chunk))
}

function chunkOf(values: readonly unknown[], type: DataType): Chunk {
  return vectorOf(values, type).data[0] as Chunk
}

function project(batch: RecordBatch, fields: readonly NestedField[], more: Partial<ProjectionOptions> = {}): RecordBatch {
  const result = batchProjector({ projection: new Schema(fields), source: batch.schema, file, ...more }).project(batch)
  expect(result.schema).toEqual(arrowSchema(fields))
  expect(columnsOf(result).map((column) => column.length)).toEqual(fields.map(() => batch.numRows))
  return result
}

function values(batch: RecordBatch, name: string): unknown[] {
  return Array.from({ length: batch.numRows }, (_, i) => {
    const value: unknown = batch.getChild(name)!.get(i)
    return value instanceof StructRow ? value.toJSON() : value
  })
}

const int = chunkOf([1, null, -3], new Int32())
const text = chunkOf(['a', '', null], new Utf8())

describe('batchProjector', () => {
  const batch = batchOf([
    [idField(1, 'a', new Int32()), int],
    [idField(2, 'b', new Utf8()), text],
  ])

  it('selects by field id, renames and reorders without copying, and fills what is missing with null', () => {
    const fields = [field(3, 'measurement', { kind: 'double' }), field(2, 'name', { kind: 'string' }), field(1, 'b', { kind: 'int' })]
    const result = project(batch, fields)
    expect(values(result, 'name')).toEqual(['a', '', null])
    expect(values(result, 'b')).toEqual([1, null, -3])
    expect(values(result, 'measurement')).toEqual([null, null, null])
    expect(columnsOf(result)[1]!.values).toBe(text.values)
    expect(columnsOf(result)[2]!.values).toBe(int.values)
  })

  it('names the top-level columns it needs', () => {
    const needs = (fields: readonly NestedField[]): readonly number[] =>
      batchProjector({ projection: new Schema(fields), source: batch.schema, file, constants: new Map([[1, 7]]) }).sourceColumns
    expect(needs([field(2, 'b', { kind: 'string' })])).toEqual([1])
    expect(needs([field(1, 'a', { kind: 'int' })])).toEqual([])
  })

  it('keeps the number of rows when no column is asked for', () => {
    expect(project(batch, []).numRows).toBe(3)
  })

  it('trap 18: takes the initial default of a column that the file lacks, falsy ones included', () => {
    const fields = [
      field(8, 'zero', { kind: 'int' }, { initialDefault: 0 }),
      field(9, 'no', { kind: 'boolean' }, { initialDefault: false, required: true }),
      field(10, 'empty', { kind: 'string' }, { initialDefault: '' }),
      field(11, 'long', { kind: 'long' }, { initialDefault: 2n ** 62n + 1n }),
    ]
    const result = project(batch, fields)
    expect(values(result, 'zero')).toEqual([0, 0, 0])
    expect(values(result, 'no')).toEqual([false, false, false])
    expect(values(result, 'empty')).toEqual(['', '', ''])
    expect(values(result, 'long')).toEqual([2n ** 62n + 1n, 2n ** 62n + 1n, 2n ** 62n + 1n])
  })

  it('trap 73: a struct default of {} is a struct with its fields\' defaults, and null is null', () => {
    const children = [field(21, 'x', { kind: 'int' }, { initialDefault: 5 }), field(22, 'y', { kind: 'string' })]
    const type: Type = { kind: 'struct', fields: children }
    const result = project(batch, [field(20, 's', type, { initialDefault: new Map<number, Value>(), required: true }), field(30, 'n', type)])
    expect(values(result, 's')).toEqual([{ x: 5, y: null }, { x: 5, y: null }, { x: 5, y: null }])
    expect(values(result, 'n')).toEqual([null, null, null])
  })

  it('replaces what the file holds by a constant, null included', () => {
    const fields = [field(1, 'a', { kind: 'long' }), field(2, 'b', { kind: 'string' })]
    const result = project(batch, fields, { constants: new Map<number, Value>([[1, 9n], [2, null]]) })
    expect(values(result, 'a')).toEqual([9n, 9n, 9n])
    expect(values(result, 'b')).toEqual([null, null, null])
  })

  it.each([
    [{ kind: 'boolean' }, true],
    [{ kind: 'int' }, -7],
    [{ kind: 'long' }, -(2n ** 63n)],
    [{ kind: 'float' }, 0.5],
    [{ kind: 'double' }, -0],
    [{ kind: 'date' }, -1],
    [{ kind: 'string' }, 'é😀'],
  ] as [Type, Value][])('repeats a constant of %o over batches of any size', (type, value) => {
    const projector = batchProjector({ projection: new Schema([field(5, 'c', type)]), source: batch.schema, file, constants: new Map([[5, value]]) })
    for (const rows of [1, 3, 0, 2]) {
      const result = projector.project(batch.slice(0, rows))
      const expected = type.kind === 'date' ? -86_400_000 : value
      expect(values(result, 'c')).toEqual(Array.from({ length: rows }, () => expected))
    }
  })

  it('repeats decimals, uuids and bytes as constants exactly', () => {
    const fields = [
      field(5, 'd', { kind: 'decimal', precision: 38, scale: 2 }),
      field(6, 'u', { kind: 'uuid' }),
      field(7, 'x', { kind: 'fixed', length: 2 }),
      field(8, 'bin', { kind: 'binary' }),
    ]
    const constants = new Map<number, Value>([
      [5, -(10n ** 30n)],
      [6, '00112233-4455-6677-8899-aabbccddeeff'],
      [7, Uint8Array.of(1, 255)],
      [8, new Uint8Array(0)],
    ])
    const result = project(batch, fields, { constants })
    const words = columnsOf(result)[0]!.values as Uint32Array
    expect(new BigInt64Array(words.buffer)[5]! * 2n ** 64n + new BigUint64Array(words.buffer)[4]!).toBe(-(10n ** 30n))
    expect(Buffer.from(columnsOf(result)[1]!.values as Uint8Array).toString('hex')).toBe('00112233445566778899aabbccddeeff'.repeat(3))
    expect(columnsOf(result)[2]!.values).toEqual(Uint8Array.of(1, 255, 1, 255, 1, 255))
    expect(values(result, 'bin')).toEqual([new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)])
  })

  it('refuses a file without a required column that has no default, naming both', () => {
    expect(() => project(batch, [field(3, 'id', { kind: 'long' }, { required: true })])).toThrow(
      /lacks a required column.*file s3:\/\/bucket\/t\/data\/1\.parquet, column id/,
    )
  })

  it('refuses a type that no promotion reaches', () => {
    expect(() => project(batch, [field(2, 'b', { kind: 'long' })])).toThrow(/Utf8 cannot be read as long.*column b/)
    expect(() => project(batch, [field(1, 'a', { kind: 'double' })])).toThrow(/Int32 cannot be read as double/)
  })
})

describe('promotions', () => {
  it('widens int to long and float to double, also from the middle of a batch', () => {
    const source = batchOf([
      [idField(1, 'i', new Int32()), chunkOf([5, -1, null, 2 ** 31 - 1, -(2 ** 31)], new Int32())],
      [idField(2, 'f', new Float32()), chunkOf([0, 1.5, null, -0, NaN], new Float32())],
    ]).slice(1)
    const result = project(source, [field(1, 'i', { kind: 'long' }), field(2, 'f', { kind: 'double' })])
    expect(values(result, 'i')).toEqual([-1n, null, 2n ** 31n - 1n, -(2n ** 31n)])
    expect(values(result, 'f')).toEqual([1.5, null, -0, NaN])
  })

  it('turns dates into timestamps, and refuses those that overflow nanoseconds', () => {
    const source = batchOf([[idField(1, 'd', new DateDay()), fixedChunk(new DateDay(), 3, Int32Array.of(0, -1, 106_751))]])
    const raw = (type: Type): BigInt64Array => columnsOf(project(source, [field(1, 'd', type)]))[0]!.values as BigInt64Array
    expect([...raw({ kind: 'timestamp' })]).toEqual([0n, -86_400_000_000n, 106_751n * 86_400_000_000n])
    expect([...raw({ kind: 'timestamp_ns' })]).toEqual([0n, -86_400_000_000_000n, 106_751n * 86_400_000_000_000n])
    const far = batchOf([[idField(1, 'd', new DateDay()), fixedChunk(new DateDay(), 2, Int32Array.of(0, 106_752))]])
    expect(() => project(far, [field(1, 'd', { kind: 'timestamp_ns' })])).toThrow(/row 1 .*106752.*out of the range.*timestamp_ns.*column d/)
    expect(() => project(source, [field(1, 'd', { kind: 'timestamptz' })])).toThrow(/cannot be read as timestamptz/)
  })

  it('widens decimals and reads narrow ones from files that declared more digits', () => {
    const type = arrowType({ kind: 'decimal', precision: 9, scale: 2 })
    const source = batchOf([[idField(1, 'd', type), fixedChunk(type, 2, Uint32Array.of(5, 0, 0, 0, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff))]])
    const result = project(source, [field(1, 'd', { kind: 'decimal', precision: 12, scale: 2 })])
    expect(columnsOf(result)[0]!.values).toBe(columnsOf(source)[0]!.values)
    const narrow = project(source, [field(1, 'd', { kind: 'decimal', precision: 1, scale: 2 })])
    expect(columnsOf(narrow)[0]!.values).toEqual(columnsOf(source)[0]!.values)
    const large = batchOf([[idField(1, 'd', type), fixedChunk(type, 1, Uint32Array.of(10, 0, 0, 0))]])
    expect(() => project(large, [field(1, 'd', { kind: 'decimal', precision: 1, scale: 2 })])).toThrow(/decimal\(1, 2\)/)
  })

  it('reads milliseconds, and nanoseconds without zone as INT96 leaves them, as microseconds; rounding down', () => {
    const ms = fixedChunk(new TimestampMillisecond(null), 3, BigInt64Array.of(-1n, 1_700_000_000_123n, 9_000_000_000_000_000n))
    const ns = fixedChunk(new TimestampNanosecond(null), 3, BigInt64Array.of(-1n, 1_999n, 5_000n))
    const source = batchOf([
      [idField(1, 'ms', new TimestampMillisecond(null)), ms],
      [idField(2, 'ns', new TimestampNanosecond(null)), ns],
    ])
    const result = project(source, [field(1, 'ms', { kind: 'timestamp' }), field(2, 'ns', { kind: 'timestamptz' })])
    expect([...(columnsOf(result)[0]!.values as BigInt64Array)]).toEqual([-1000n, 1_700_000_000_123_000n, 9_000_000_000_000_000_000n])
    expect([...(columnsOf(result)[1]!.values as BigInt64Array)]).toEqual([-1n, 1n, 5n])
  })

  it('reads dictionaries, large strings and unannotated bytes as strings', () => {
    const dictionary = chunkOf(['x', null, 'y', 'x'], new Dictionary(new Utf8(), new Int32()))
    const large = chunkOf(['long', null, '', 'é'], new LargeUtf8())
    const bytes = chunkOf([Uint8Array.of(104), null, new Uint8Array(0), Uint8Array.of(105)], new Binary())
    const source = batchOf([
      [idField(1, 'a', dictionary.type as DataType), dictionary],
      [idField(2, 'b', new LargeUtf8()), large],
      [idField(3, 'c', new Binary()), bytes],
    ]).slice(1)
    const result = project(source, [1, 2, 3].map((id) => field(id, `c${id}`, { kind: 'string' })))
    expect(values(result, 'c1')).toEqual([null, 'y', 'x'])
    expect(values(result, 'c2')).toEqual([null, '', 'é'])
    expect(values(result, 'c3')).toEqual([null, '', 'i'])
  })
})

describe('nested projection', () => {
  const inner = new Struct([idField(11, 'old', new Int32()), idField(12, 'gone', new Utf8())])
  const innerChunk = structChunk(inner, 3, [int, text], { bitmap: Uint8Array.of(0b011), nullCount: 1 })
  const listType = new List(idField(10, 'array', inner))
  const source = batchOf([
    [idField(1, 's', inner), innerChunk],
    [idField(2, 'l', listType), listChunk(listType, Int32Array.of(0, 2, 2, 3), innerChunk, { bitmap: Uint8Array.of(0b101), nullCount: 1 })],
  ])
  const wanted: Type = {
    kind: 'struct',
    fields: [field(13, 'added', { kind: 'string' }, { initialDefault: 'd' }), field(11, '__proto__', { kind: 'long' })],
  }

  it('projects structs by id, promotes inside them and keeps null structs null', () => {
    const s = columnsOf(project(source, [field(1, 's', wanted)]))[0]!
    expect([s.nullCount, s.getValid(2)]).toEqual([1, false])
    expect([...(s.children[1]!.values as BigInt64Array)].slice(0, 1)).toEqual([1n])
    expect(values(batchOf([[idField(undefined, 'c', new Utf8()), s.children[0]!]]), 'c')).toEqual(['d', 'd', 'd'])
  })

  it('projects structs inside lists, from any part of the batch', () => {
    const type: Type = { kind: 'list', elementId: 10, element: wanted, elementRequired: false }
    const cases = [[0, [0, 2, 2, 3]], [2, [0, 1]]] as const
    for (const [start, offsets] of cases) {
      const l = columnsOf(project(source.slice(start), [field(2, 'l', type)]))[0]!
      expect([...l.valueOffsets]).toEqual(offsets)
      expect(l.children[0]!.length).toBe(offsets.at(-1))
      expect(l.children[0]!.children.map((child: Data) => child.length)).toEqual([offsets.at(-1), offsets.at(-1)])
    }
  })

  it('does not refuse an overflow below a null struct', () => {
    const days = new Struct([idField(11, 'd', new DateDay())])
    const values = fixedChunk(new DateDay(), 2, Int32Array.of(1, 2 ** 30))
    const chunk = structChunk(days, 2, [values], { bitmap: Uint8Array.of(1), nullCount: 1 })
    const type: Type = { kind: 'struct', fields: [field(11, 'd', { kind: 'timestamp_ns' })] }
    const s = columnsOf(project(batchOf([[idField(1, 's', days), chunk]]), [field(1, 's', type)]))[0]!
    expect(s.children[0]!.nullCount).toBe(1)
  })

  it('names the row of the table and the path when a nested value overflows', () => {
    const list = new List(idField(10, 'element', new DateDay()))
    const chunk = listChunk(list, Int32Array.of(0, 0, 2, 3), fixedChunk(new DateDay(), 3, Int32Array.of(1, 2 ** 30, 3)))
    const type: Type = { kind: 'list', elementId: 10, element: { kind: 'timestamp_ns' }, elementRequired: false }
    expect(() => project(batchOf([[idField(1, 'l', list), chunk]]), [field(1, 'l', type)])).toThrow(/row 1 .*column l\.element/)
  })
})

describe('files without field ids', () => {
  const inner = new Struct([idField(undefined, 'x', new Int32())])
  const batch = batchOf([
    [idField(undefined, 'a', new Int32()), int],
    [idField(undefined, 's', inner), structChunk(inner, 3, [int])],
  ])
  const fields = [field(7, 'renamed', { kind: 'int' }), field(8, 's', { kind: 'struct', fields: [field(9, 'y', { kind: 'int' })] })]

  it('are read through the name mapping at every level', () => {
    const nameMapping = [
      { names: ['other', 'a'], fieldId: 7, fields: [] },
      { names: ['s'], fieldId: 8, fields: [{ names: ['x'], fieldId: 9, fields: [] }] },
    ]
    const result = project(batch, fields, { nameMapping })
    expect(values(result, 'renamed')).toEqual([1, null, -3])
    expect(values(result, 's')).toEqual([{ y: 1 }, { y: null }, { y: -3 }])
  })

  it('are told by having none: one that has ids needs no mapping, and gets none', () => {
    const source = batchOf([
      [idField(1, 'a', new Int32()), int],
      [idField(undefined, 's', inner), structChunk(inner, 3, [int])],
    ])
    expect(values(project(source, fields, { nameMapping: [{ names: ['a'], fieldId: 7, fields: [] }] }), 'renamed')).toEqual([null, null, null])
    expect(values(project(source, [field(2, 's', { kind: 'int' })]), 's')).toEqual([null, null, null])
  })

  it('have the ids of their positions when there is no mapping', () => {
    const result = project(batch, [field(1, 'first', { kind: 'int' }), field(2, 's', { kind: 'struct', fields: [field(9, 'y', { kind: 'int' })] })])
    expect(values(result, 'first')).toEqual([1, null, -3])
    expect(values(result, 's')).toEqual([{ y: null }, { y: null }, { y: null }])
  })

  it('do not match columns that a mapping leaves out', () => {
    expect(values(project(batch, fields.slice(0, 1), { nameMapping: [] }), 'renamed')).toEqual([null, null, null])
  })
})

it('reads zero-length batches with every layout', () => {
  const data = makeData({ type: new Int64(), length: 0 }) as Chunk
  expect(project(batchOf([[idField(1, 'a', new Int64()), data]]), [field(1, 'a', { kind: 'long' })]).numRows).toBe(0)
})
