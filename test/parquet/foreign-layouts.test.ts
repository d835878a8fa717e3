import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/arrow/row-values.js'
import { convertedType, decodePageHeader, physicalType, repetition } from '../../src/parquet/file-metadata.js'
import type { FileMetaData, SchemaElement } from '../../src/parquet/file-metadata.js'
import { parseFileSchema, withFieldIds } from '../../src/parquet/parquet-schema.js'
import type { ParquetNode } from '../../src/parquet/parquet-schema.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { patchFile } from './patched-footer.js'
import { batchOf, readRows, writeFile } from './parquet-file.js'

const field = (id: number, name: string, type: Type): NestedField => ({ id, name, type, required: false })
const ints: Type = { kind: 'list', elementId: 10, element: { kind: 'int' }, elementRequired: true }
const counts: Type = { kind: 'map', keyId: 20, key: { kind: 'string' }, valueId: 21, value: { kind: 'int' }, valueRequired: false }
const point: Type = { kind: 'struct', fields: [field(30, 'x', { kind: 'int' }), field(31, 'y', { kind: 'string' })] }
const nested = new Schema([field(1, 'l', ints), field(2, 'm', counts), field(3, 's', point)])
const nestedRows: Row[] = [
  { l: [1, 2], m: new Map([['a', 1]]), s: { x: 1, y: 'a' } },
  { l: [], m: new Map(), s: { x: null, y: '' } },
  { l: null, m: null, s: null },
  { l: [3], m: new Map([['b', null]]), s: { x: 4, y: null } },
]

type WrittenFile = Awaited<ReturnType<typeof writeFile>>

const withElements = (change: (elements: readonly SchemaElement[]) => SchemaElement[]) => (footer: FileMetaData): FileMetaData => ({
  ...footer,
  schema: change(footer.schema),
})

async function nestedFile(change: (elements: readonly SchemaElement[]) => SchemaElement[]): Promise<WrittenFile> {
  return patchFile(await writeFile(nested, [batchOf(nested, nestedRows)]), withElements(change))
}

describe('files of other writers are read', () => {
  it('with lists of two levels', async () => {
    const file = await nestedFile((elements) =>
      elements
        .filter((element) => element.name !== 'list')
        .map((element) => (element.name === 'element' ? { ...element, name: 'array', repetitionType: repetition.repeated } : element)),
    )
    expect(await readRows({ ...file, projection: nested })).toEqual(nestedRows)
  })

  it('with maps whose entries have other names, and converted types only', async () => {
    const file = await nestedFile((elements) =>
      elements.map(({ logicalType: _logical, ...element }) => {
        if (element.name === 'key_value') return { ...element, name: 'entries' }
        return element.convertedType === convertedType.map ? { ...element, convertedType: convertedType.mapKeyValue } : element
      }),
    )
    expect(await readRows({ ...file, projection: nested })).toEqual(nestedRows)
  })

  it('without field ids, by a name mapping or else by position', async () => {
    const file = await nestedFile((elements) => elements.map(({ fieldId: _id, ...element }) => element))
    const nameMapping = [
      { names: ['gone', 'l'], fieldId: 1, fields: [{ names: ['element'], fieldId: 10, fields: [] }] },
      { names: ['m'], fieldId: 2, fields: [{ names: ['key'], fieldId: 20, fields: [] }, { names: ['value'], fieldId: 21, fields: [] }] },
      { names: ['s'], fieldId: 3, fields: [{ names: ['x'], fieldId: 30, fields: [] }] },
    ]
    const unmapped = nestedRows.map((row) => ({ ...row, s: row['s'] === null ? null : { ...(row['s'] as object), y: null } }))
    expect(await readRows({ ...file, projection: nested, nameMapping })).toEqual(unmapped)
    const flat = new Schema([field(7, 'x', { kind: 'int' }), field(1, 'y', { kind: 'int' })])
    const withoutIds = withElements((elements) => elements.map(({ fieldId: _id, ...element }) => element))
    const bare = await patchFile(await writeFile(flat, [batchOf(flat, [{ x: 1, y: 2 }])]), withoutIds)
    expect(await readRows({ ...bare, projection: new Schema([field(2, 'second', { kind: 'int' })]) })).toEqual([{ second: 2 }])
  })

  it('with INT96 instants, also before 1970 and beyond what nanoseconds reach', async () => {
    const raw = new Schema([field(1, 'ts', { kind: 'fixed', length: 12 })])
    const int96 = (micros: bigint): Uint8Array => {
      const bytes = new Uint8Array(12)
      const day = micros / 86_400_000_000n - (micros % 86_400_000_000n < 0n ? 1n : 0n)
      new DataView(bytes.buffer).setBigInt64(0, (micros - day * 86_400_000_000n) * 1000n, true)
      new DataView(bytes.buffer).setInt32(8, Number(day + 2_440_588n), true)
      return bytes
    }
    const instants = [0n, -1n, 253_402_300_799_999_999n, -62_135_596_800_000_000n]
    const rows = [...instants.map((micros) => ({ ts: int96(micros) })), { ts: null }]
    const file = await patchFile(await writeFile(raw, [batchOf(raw, rows)]), (footer) => ({
      ...footer,
      schema: footer.schema.map(({ typeLength: _length, ...element }) => {
        return element.type === undefined ? element : { ...element, type: physicalType.int96 }
      }),
      rowGroups: footer.rowGroups.map((group) => ({
        ...group,
        columns: group.columns.map((column) => ({ ...column, metaData: { ...column.metaData!, type: physicalType.int96 } })),
      })),
    }))
    const projection = new Schema([field(1, 'ts', { kind: 'timestamptz' })])
    expect(await readRows({ ...file, projection })).toEqual([...instants, null].map((ts) => ({ ts })))
  })

  it('with timestamps in milliseconds and narrow integers', async () => {
    const raw = new Schema([field(1, 'ts', { kind: 'long' }), field(2, 'small', { kind: 'int' }), field(3, 'wide', { kind: 'int' })])
    const annotations: Readonly<Record<string, Partial<SchemaElement>>> = {
      ts: { convertedType: convertedType.timestampMillis },
      small: { convertedType: convertedType.int8 },
      wide: { logicalType: { integer: { bitWidth: 32, isSigned: false } } },
    }
    const change = withElements((elements) => elements.map((element) => ({ ...element, ...annotations[element.name] })))
    const file = await patchFile(await writeFile(raw, [batchOf(raw, [{ ts: -1n, small: -128, wide: -1 }])]), change)
    const projection = new Schema([field(1, 'ts', { kind: 'timestamp' }), field(2, 'small', { kind: 'int' }), field(3, 'wide', { kind: 'long' })])
    expect(await readRows({ ...file, projection })).toEqual([{ ts: -1000n, small: -128, wide: 4_294_967_295n }])
  })
})

describe('a projection', () => {
  it('reads nested leaves alone, and keeps structs null of which no leaf is left', async () => {
    const file = await writeFile(nested, [batchOf(nested, nestedRows)])
    const some = new Schema([field(3, 's', { kind: 'struct', fields: [field(31, 'renamed', { kind: 'string' })] })])
    const renamed = ['a', '', undefined, null].map((text) => ({ s: text === undefined ? null : { renamed: text } }))
    expect(await readRows({ ...file, projection: some })).toEqual(renamed)
    const none = new Schema([field(3, 's', { kind: 'struct', fields: [field(99, 'added', { kind: 'int' })] })])
    expect(await readRows({ ...file, projection: none })).toEqual(renamed.map(({ s }) => ({ s: s === null ? null : { added: null } })))
  })

  it('fetches the chunks of its columns only', async () => {
    const file = await writeFile(nested, [batchOf(nested, nestedRows)])
    const ranges: number[] = []
    const readMany = file.io.readMany.bind(file.io)
    file.io.readMany = (location, asked, options) => {
      ranges.push(...asked.map((range) => range.offset))
      return readMany(location, asked, options)
    }
    await readRows({ ...file, projection: new Schema([nested.fields[2]!]) })
    const chunks = (await readFooter(file)).rowGroups[0]!.columns.filter((column) => column.metaData!.pathInSchema[0] === 's')
    expect(ranges).toEqual(chunks.map((column) => column.metaData!.dictionaryPageOffset ?? column.metaData!.dataPageOffset))
  })
})

describe('the schema of a written file', () => {
  it('has field ids at every level and the names that the reference writes', async () => {
    const file = await writeFile(nested, [batchOf(nested, nestedRows)])
    const footer = await readFooter(file)
    expect(footer.schema.map((element) => element.name)).toEqual(['table', 'l', 'list', 'element', 'm', 'key_value', 'key', 'value', 's', 'x', 'y'])
    expect(footer.schema.map((element) => element.fieldId)).toEqual([undefined, 1, undefined, 10, 2, undefined, 20, 21, 3, 30, 31])
    const ids = (node: ParquetNode): unknown => [node.fieldId, 'element' in node && node.kind === 'list' ? ids(node.element) : node.kind]
    expect(withFieldIds(parseFileSchema(footer.schema), undefined).fields.map(ids)).toEqual([[1, [10, 'leaf']], [2, 'map'], [3, 'struct']])
    expect(footer.createdBy).toMatch(/^floe version /)
  })

  it('has statistics, page indexes and checksums, but no bounds of geometries', async () => {
    const shapes = new Schema([field(1, 'id', { kind: 'uuid' }), field(2, 'geo', { kind: 'geometry', crs: undefined })])
    const rows = [{ id: '00000000-0000-4000-8000-000000000001', geo: Uint8Array.of(1) }]
    const file = await writeFile(shapes, [batchOf(shapes, rows)])
    const [id, geo] = (await readFooter(file)).rowGroups[0]!.columns
    expect(id!.metaData!.statistics!.minValue).toEqual(Uint8Array.from([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]))
    expect(id!.columnIndexOffset).toBeGreaterThan(0)
    expect(id!.offsetIndexOffset).toBeGreaterThan(0)
    expect(geo!.metaData!.statistics).toEqual({ nullCount: 0 })
    expect(geo!.columnIndexOffset).toBeUndefined()
    const bytes = await file.io.read(file.location)
    const { header } = decodePageHeader(bytes, id!.metaData!.dictionaryPageOffset ?? id!.metaData!.dataPageOffset)
    expect(header.crc).toBeTypeOf('number')
  })
})
