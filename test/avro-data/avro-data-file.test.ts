import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/arrow/row-values.js'
import type { AvroRecord } from '../../src/avro/avro-schema.js'
import { Decimal } from '../../src/schema/decimal.js'
import { createNameMapping, parseNameMapping } from '../../src/schema/name-mapping.js'
import { Schema } from '../../src/schema/schema.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../../src/schema/reserved-fields.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { anyRow } from '../arrow/random-rows.js'
import { failureOf } from '../support/lake.js'
import { avroBytes, fileOf, readBatches, readRows, writeAvroFile } from './avro-file.js'

const field = (id: number, name: string, type: Type, required = false): NestedField => ({ id, name, type, required })
const int: Type = { kind: 'int' }
const long: Type = { kind: 'long' }
const text: Type = { kind: 'string' }

function mapOf([keyId, key]: readonly [number, Type], [valueId, value]: readonly [number, Type]): Type {
  return { kind: 'map', keyId, key, valueId, value, valueRequired: false }
}

/** Nested every way there is, with maps whose keys are no text. */
const nested = new Schema([
  field(1, 'id', long, true),
  field(2, 'byDay', mapOf([3, { kind: 'date' }], [4, { kind: 'list', elementId: 5, element: text, elementRequired: false }])),
  field(6, 'points', {
    kind: 'list',
    elementId: 7,
    elementRequired: true,
    element: { kind: 'struct', fields: [field(8, 'x', { kind: 'double' }, true), field(9, 'tag', mapOf([10, text], [11, { kind: 'uuid' }]))] },
  }),
  field(12, 'v', { kind: 'variant' }),
])

describe('what an Avro data file holds', () => {
  it('reads every type, written with every codec, exactly', async () => {
    const nulls = Object.fromEntries(everyType.fields.map(({ name }) => [name, null]))
    const rows: Row[] = Array.from({ length: 50 }, (_, i) => (i % 7 === 3 ? nulls : everyRow(i + 1)))
    for (const codec of ['null', 'deflate', 'zstandard', 'snappy'] as const) {
      const file = await writeAvroFile(everyType, rows, { codec, blockBytes: 500 })
      expect(await readRows({ ...file, projection: everyType })).toEqual(rows)
    }
  })

  it('reads random rows of nested columns whatever the sizes of blocks and batches', async () => {
    const fields = [...everyType.fields, ...nested.fields.slice(1, 3).map((column) => ({ ...column, id: column.id + 200 }))]
    const schema = new Schema(fields.map((column, i) => ({ ...column, name: `c${i}`, type: withIds(column.type, 1000 * (i + 1)) })))
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow(schema.fields), { maxLength: 12 }), fc.nat(400), fc.nat(4), async (rows, blockBytes, rest) => {
        const file = await writeAvroFile(schema, rows, { codec: 'null', blockBytes: blockBytes + 1 })
        expect(await readRows({ ...file, projection: schema, batchRows: rest + 1 })).toEqual(rows)
      }),
      { numRuns: 100 },
    )
  })
})

describe('which columns are read', () => {
  const rows: Row[] = [
    {
      id: 1n,
      byDay: new Map([[19_000, ['a', null]], [-1, null]]),
      points: [{ x: 0.5, tag: new Map([['k', '00000000-0000-4000-8000-000000000001']]) }, { x: -0, tag: null }],
      v: { metadata: Uint8Array.of(1, 0, 0), value: Uint8Array.of(12, 5) },
    },
    { id: -(2n ** 63n), byDay: null, points: [], v: null },
  ]

  it('are the wanted ones at every level, in the order of the projection, the others passed over', async () => {
    const file = await writeAvroFile(nested, rows, { blockBytes: 1 })
    const projection = new Schema([
      field(12, 'renamed', { kind: 'variant' }),
      field(6, 'p', { kind: 'list', elementId: 7, elementRequired: true, element: { kind: 'struct', fields: [field(77, 'added', text), field(8, 'y', { kind: 'double' })] } }),
    ])
    expect(await readRows({ ...file, projection })).toEqual([
      { renamed: rows[0]!.v, p: [{ added: null, y: 0.5 }, { added: null, y: -0 }] },
      { renamed: null, p: [] },
    ])
    expect(await readRows({ ...file, projection: new Schema([]) })).toEqual([{}, {}])
    const emptied = new Schema([field(6, 'p', { kind: 'list', elementId: 7, elementRequired: true, element: { kind: 'struct', fields: [] } })])
    expect(await readRows({ ...file, projection: emptied })).toEqual([{ p: [{}, {}] }, { p: [] }])
  })

  it('take a constant before what is stored, then an initial default, then null; zero and empty are values (trap 5)', async () => {
    const file = await writeAvroFile(new Schema([field(1, 'a', int), field(2, 'b', text)]), [{ a: 1, b: 'stored' }])
    const projection = new Schema([
      field(1, 'a', int),
      { ...field(3, 'zero', int, true), initialDefault: 0 },
      { ...field(4, 'empty', text), initialDefault: '' },
      { ...field(5, 'money', { kind: 'decimal', precision: 9, scale: 2 }), initialDefault: -150n },
      field(6, 'none', { kind: 'unknown' }),
      field(7, 'part', text),
    ])
    expect(await readRows({ ...file, projection, constants: new Map<number, number | string>([[1, 0], [7, 'p']]) })).toEqual([
      { a: 0, zero: 0, empty: '', money: new Decimal(-150n, 2), none: null, part: 'p' },
    ])
    const failure = await failureOf(readRows({ ...file, projection: new Schema([field(9, 'gone', int, true)]) }))
    expect(failure).toMatchObject({ code: 'CORRUPT', column: 'gone', file: file.location })
  })

  it('are promoted to the types that they have by now', async () => {
    const written = [int, { kind: 'float' }, { kind: 'decimal', precision: 4, scale: 1 }, { kind: 'date' }, { kind: 'date' }] as const
    const now: readonly Type[] = [long, { kind: 'double' }, { kind: 'decimal', precision: 30, scale: 1 }, { kind: 'timestamp' }, { kind: 'timestamp_ns' }]
    const columns = (types: readonly Type[]): Schema => new Schema(types.map((type, i) => field(i + 1, `c${i}`, type)))
    const file = await writeAvroFile(columns(written), [{ c0: -7, c1: 0.5, c2: new Decimal(-9_999n, 1), c3: -1, c4: 1 }])
    expect(await readRows({ ...file, projection: columns(now) })).toEqual([
      { c0: -7n, c1: 0.5, c2: new Decimal(-9_999n, 1), c3: -86_400_000_000n, c4: 86_400_000_000_000n },
    ])
    const failure = await failureOf(readRows({ ...file, projection: columns([text]) }))
    expect(failure).toMatchObject({ code: 'CORRUPT', column: 'c0', file: file.location })
  })

  it('are found by the name mapping in a file without ids, by the names of the projection for lack of one', async () => {
    const record: AvroRecord = {
      kind: 'record',
      name: 'r',
      fields: [
        { name: 'old', schema: { kind: 'union', branches: [{ kind: 'int' }, { kind: 'null' }] } },
        { name: 'tags', schema: { kind: 'array', items: { kind: 'record', name: 'tag', fields: [{ name: 'k', schema: { kind: 'string' } }] } } },
        { name: 'attributes', schema: { kind: 'map', values: { kind: 'long' } } },
      ],
    }
    const file = await fileOf(avroBytes(record, [[5, [['x']], new Map([['y', 6n]])], [null, [], new Map()]]))
    const attributes = mapOf([11, text], [12, long])
    const projection = new Schema([
      field(7, 'fresh', int),
      field(8, 'tags', { kind: 'list', elementId: 9, elementRequired: true, element: { kind: 'struct', fields: [field(10, 'k', text)] } }),
      field(13, 'attributes', attributes),
    ])
    const both = [{ k: 'x' }]
    const map = new Map([['y', 6n]])
    const named = [{ fresh: null, tags: both, attributes: map }, { fresh: null, tags: [], attributes: new Map() }]
    expect(await readRows({ ...file, projection })).toEqual(named)
    const names = createNameMapping(projection).map((mapped) => (mapped.fieldId === 7 ? { ...mapped, names: ['old', 'fresh'] } : mapped))
    expect((await readRows({ ...file, projection, nameMapping: names })).map((row) => row.fresh)).toEqual([5, null])
    const nothing = parseNameMapping('[]')
    expect((await readRows({ ...file, projection, nameMapping: nothing }))[0]).toEqual({ fresh: null, tags: null, attributes: null })
  })

  it('are those of position delete files and of row lineage as well', async () => {
    const deletes = new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD])
    const rows: Row[] = [{ file_path: 's3://b/é.parquet', pos: 2n ** 40n }]
    const file = await writeAvroFile(deletes, rows)
    expect(await readRows({ ...file, projection: deletes })).toEqual(rows)
    const lineage = new Schema([field(1, 'a', int), ROW_ID_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD])
    const tracked: Row[] = [{ a: 1, _row_id: 3n, _last_updated_sequence_number: null }]
    expect(await readRows({ ...(await writeAvroFile(lineage, tracked)), projection: lineage })).toEqual(tracked)
  })

  it('keep the values of other writers: milliseconds, enums, decimals of any length, unannotated decimals refused', async () => {
    const record: AvroRecord = {
      kind: 'record',
      name: 'r',
      fields: [
        { name: 'at', fieldId: 1, schema: { kind: 'long', logicalType: 'timestamp-millis' } },
        { name: 'time', fieldId: 2, schema: { kind: 'int', logicalType: 'time-millis' } },
        { name: 'e', fieldId: 3, schema: { kind: 'enum', name: 'e', symbols: ['A', 'É'] } },
        { name: 'd', fieldId: 4, schema: { kind: 'bytes', logicalType: 'decimal', precision: 38, scale: 2 } },
        { name: 'other', fieldId: 5, schema: { kind: 'union', branches: [{ kind: 'int' }, { kind: 'string' }] } },
      ],
    }
    const decimals = [0n, -1n, 127n, -128n, 10n ** 38n - 1n, 1n - 10n ** 38n]
    const file = await fileOf(avroBytes(record, decimals.map((unscaled) => [-1n, 1, 'É', unscaled, 7])))
    const projection = new Schema([
      field(1, 'at', { kind: 'timestamptz' }),
      field(2, 'time', { kind: 'time' }),
      field(3, 'e', text),
      field(4, 'd', { kind: 'decimal', precision: 38, scale: 2 }),
    ])
    expect(await readRows({ ...file, projection })).toEqual(decimals.map((unscaled) => ({ at: -1000n, time: 1000n, e: 'É', d: new Decimal(unscaled, 2) })))
    expect(await failureOf(readRows({ ...file, projection: new Schema([field(5, 'other', int)]) }))).toMatchObject({ code: 'UNSUPPORTED', column: 'other' })
  })
})

describe('blocks and positions', () => {
  const schema = new Schema([field(1, 'n', int, true)])
  const rows: Row[] = Array.from({ length: 1000 }, (_, n) => ({ n }))
  const numbers = (batches: Awaited<ReturnType<typeof readBatches>>): { first: number; values: number[] }[] =>
    batches.map(({ batch, firstPosition }) => ({ first: firstPosition, values: [...(batch.getChildAt(0)!.toArray() as Int32Array)] }))

  it('give each row its ordinal in the file, whatever the batches', async () => {
    const file = await writeAvroFile(schema, rows, { blockBytes: 150 })
    const batches = numbers(await readBatches({ ...file, projection: schema, batchRows: 64 }))
    expect(batches.map(({ values }) => values.length)).toEqual([...Array.from({ length: 15 }, () => 64), 40])
    for (const { first, values } of batches) expect(values).toEqual(Array.from(values, (_, i) => first + i))
  })

  it('are each read by exactly one of the splits of a file, at their positions (trap 39)', async () => {
    const file = await writeAvroFile(schema, rows, { blockBytes: 150, codec: 'deflate' })
    for (const length of [16, 100, 999, 10_000]) {
      const seen: number[] = []
      for (let offset = 0; offset < file.fileSizeBytes; offset += length) {
        for (const { first, values } of numbers(await readBatches({ ...file, projection: schema, split: { offset, length } }))) {
          expect(values[0]).toBe(first)
          seen.push(...values)
        }
      }
      expect(seen).toEqual(rows.map((row) => row.n))
    }
  })

  it('are fetched in pieces, over chunks of the file and headers of any size', async () => {
    const wide = new Schema([field(1, 'n', int, true), field(2, 'pad', { kind: 'binary' })])
    const padded: Row[] = Array.from({ length: 60 }, (_, n) => ({ n, pad: new Uint8Array(n === 30 ? 3_000_000 : 60_000).fill(n) }))
    const file = await writeAvroFile(wide, padded, { codec: 'null', metadata: new Map([['note', 'x'.repeat(300_000)]]) })
    const read = await readRows({ ...file, projection: wide })
    expect(read.map((row, n) => Buffer.compare(row.pad as Uint8Array, padded[n]!.pad as Uint8Array))).toEqual(padded.map(() => 0))
    const split = { offset: file.fileSizeBytes - 200_000, length: 200_000 }
    const late = numbers(await readBatches({ ...file, projection: schema, split }))
    expect(late.flatMap(({ values }) => values).at(-1)).toBe(59)
    expect(late[0]!.first).toBe(late[0]!.values[0])
  })

  it('end a batch early when rows are large', async () => {
    const wide = new Schema([field(2, 'pad', { kind: 'binary' })])
    const file = await writeAvroFile(wide, Array.from({ length: 5 }, () => ({ pad: new Uint8Array(9_000_000) })))
    expect((await readBatches({ ...file, projection: wide })).map(({ batch }) => batch.numRows)).toEqual([2, 2, 1])
  })
})

/** The same type with ids of its own. */
function withIds(type: Type, from: number): Type {
  let next = from
  const visit = (inner: Type): Type => {
    switch (inner.kind) {
      case 'struct':
        return { ...inner, fields: inner.fields.map((child) => ({ ...child, id: ++next, type: visit(child.type) })) }
      case 'list':
        return { ...inner, elementId: ++next, element: visit(inner.element) }
      case 'map':
        return { ...inner, keyId: ++next, key: visit(inner.key), valueId: ++next, value: visit(inner.value) }
      default:
        return inner
    }
  }
  return visit(type)
}
