import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Table, tableToIPC } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rowReader } from '../../src/arrow/row-values.js'
import type { Schema } from '../../src/schema/schema.js'
import type { NestedField } from '../../src/schema/type.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import { printTypeName } from '../../src/schema/type-name.js'
import { CsvParser } from '../../src/table/input-files/csv-records.js'
import type { CsvRecord } from '../../src/table/input-files/csv-records.js'
import type { ReadFilesOptions } from '../../src/table/input-files/input-file.js'
import { readFiles, readParquetFiles, schemaOfFile } from '../../src/table/input-files/read-files.js'
import { batchOf, writeFile } from '../parquet/parquet-file.js'
import { everyRow, everyType } from '../arrow/every-type.js'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'floe-input-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function all(location: string | readonly string[], options: ReadFilesOptions = {}): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of readFiles(location, options)) items.push(item)
  return items
}

async function typesOf(location: string, options: ReadFilesOptions = {}): Promise<Record<string, string>> {
  const { schema: found } = await schemaOfFile(location, options)
  return Object.fromEntries(found.fields.map((field) => [field.name, printTypeName(field.type)]))
}

async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('CSV', () => {
  it('tells an empty field, which is null, from a quoted empty one, which is the empty string', async () => {
    expect(await all(file('empty.csv', 'a,b,c\n,"",x\n'))).toEqual([{ a: null, b: '', c: 'x' }])
  })

  it('keeps quotes, delimiters and line ends of quoted fields, whatever the chunks', async () => {
    const text = 'id,"na""me",note\r\n1,"a,b","two\r\nlines"\r\n2,"""",é\n\n3,"",last'
    const expected = [
      { id: '1', 'na"me': 'a,b', note: 'two\r\nlines' },
      { id: '2', 'na"me': '"', note: 'é' },
      { id: '3', 'na"me': '', note: 'last' },
    ]
    for (const size of [1, 2, 3, 5, 1000]) {
      expect(await all('-', { format: 'csv', stdin: chunksOf(text, size) })).toEqual(expected)
    }
  })

  it('gives back any text that was quoted, whatever the line ends and chunks', () => {
    const cell = fc.oneof(fc.constant(null), fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') }))
    const field = (text: string | null): string => (text === null ? '' : `"${text.replaceAll('"', '""')}"`)
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\r'), fc.integer({ min: 1, max: 9 }), (rows, end, size) => {
        const text = rows.map((row) => row.map(field).join(',')).join(end)
        const parser = new CsvParser()
        const records: CsvRecord[] = []
        for (let at = 0; at < text.length; at += size) records.push(...parser.push(text.slice(at, at + size)))
        expect([...records, ...parser.finish()]).toEqual(rows)
      }),
    )
  })

  it('reads its sample again when the schema was asked for before the rows, and drops a byte order mark', async () => {
    const path = file('bom.csv', '\ufeffa;b\n1;2\n')
    expect(await typesOf(path, { delimiter: ';' })).toEqual({ a: 'long', b: 'long' })
    expect(await all(path, { delimiter: ';' })).toEqual([{ a: '1', b: '2' }])
  })

  it('infers the narrowest type that takes every sampled value, and leaves codes with leading zeros as text', async () => {
    const text = [
      'flag,count,ratio,day,at,instant,zip,mixed,nothing,huge',
      'true,1,1,2024-02-29,2024-02-29T12:00:00,2024-02-29T12:00:00Z,00501,1,,99999999999999999999',
      'false,-9007199254740993,2.5e3,,2024-02-29 13:00,2024-02-29T12:00:00+02:00,10001,x,,1',
    ].join('\n')
    expect(await typesOf(file('types.csv', text))).toEqual({
      flag: 'boolean',
      count: 'long',
      ratio: 'double',
      day: 'date',
      at: 'timestamp',
      instant: 'timestamptz',
      zip: 'string',
      mixed: 'string',
      nothing: 'string',
      huge: 'string',
    })
  })

  it('has a column called __proto__ like any other', async () => {
    const [row] = (await all(file('proto.csv', '__proto__,b\nx,y\n'))) as object[]
    expect(Object.entries(row!)).toEqual([['__proto__', 'x'], ['b', 'y']])
  })

  for (const [problem, text, message] of [
    ['a record of another width', 'a,b\n1,2\n3\n', /Record 3 has 1 fields where the header names 2 columns/],
    ['a quote that is never closed', 'a,b\n1,"2\n', /CSV record 2 opens a quote that is never closed/],
    ['text after a closing quote', 'a,b\n1,"2"3\n4,5\n', /CSV record 2 has text after a closing quote/],
    ['two columns of one name', 'a,a\n1,2\n', /Two columns are named "a"/],
    ['a column without a name', 'a,\n1,2\n', /Column 2 has no name/],
  ] as const) {
    it(`is refused for ${problem}`, async () => {
      await expect(all(file('bad.csv', text))).rejects.toThrow(message)
    })
  }

  it('is refused when it is not UTF-8, instead of replacing characters', async () => {
    await expect(all(file('latin.csv', Buffer.from('a\ncaf\xe9\n', 'latin1')))).rejects.toMatchObject({ code: 'CORRUPT' })
  })
})

describe('JSON lines', () => {
  it('keeps every digit of integers', async () => {
    expect(await all(file('big.jsonl', '{"id":9007199254740993,"n":1.5}\n\n{"id":-1}'))).toEqual([{ id: 9_007_199_254_740_993n, n: 1.5 }, { id: -1 }])
  })

  it('joins lines that are cut by chunks', async () => {
    const text = '{"a":"é1"}\n{"a":"2"}\r\n{"a":"3"}'
    for (const size of [1, 4, 7]) {
      expect(await all('-', { format: 'jsonl', stdin: chunksOf(text, size) })).toEqual([{ a: 'é1' }, { a: '2' }, { a: '3' }])
    }
  })

  it('infers nested types, and numbers as double once one has a fraction', async () => {
    const text = '{"id":1,"at":"2024-01-01T00:00:00Z","tags":["a"],"addr":{"zip":"1"}}\n{"id":2.5,"tags":[],"addr":{"city":null}}\n'
    const { schema: found, basis, sampledRows } = await schemaOfFile(file('nested.jsonl', text))
    expect({ basis, sampledRows }).toEqual({ basis: 'sampled', sampledRows: 2 })
    expect(found.fields.map(({ id, name, type }) => `${id} ${name} ${printTypeName(type)}`)).toEqual([
      '1 id double',
      '2 at timestamptz',
      '3 tags list<string>',
      '4 addr struct<6: zip: optional string, 7: city: optional string>',
    ])
  })

  it('is refused with its line number when a line is not JSON, and when a column changes its type', async () => {
    await expect(all(file('bad.jsonl', '{"a":1}\n{"a":\n'))).rejects.toThrow(/Line 2: Not JSON/)
    await expect(all(file('array.jsonl', '[1]\n'))).rejects.toThrow(/Line 1 holds no JSON object/)
    await expect(schemaOfFile(file('mixed.jsonl', '{"a":1}\n{"a":"x"}\n'))).rejects.toMatchObject({ code: 'INVALID', column: 'a' })
  })
})

describe('Arrow IPC', () => {
  const rows = Array.from({ length: 20 }, (_, i) => everyRow(i + 1))
  const table = new Table([batchOf(everyType, rows.slice(0, 12)), batchOf(everyType, rows.slice(12))])

  for (const kind of ['file', 'stream'] as const) {
    it(`is read from a ${kind} batch by batch, with its schema`, async () => {
      const path = file(`${kind}.arrow`, tableToIPC(table, kind))
      const batches = (await all(path)) as RecordBatch[]
      expect(batches.map((batch) => batch.numRows)).toEqual([12, 8])
      expect(batches.flatMap((batch) => rowReader(everyType)(batch))).toEqual(rows)
      expect((await schemaOfFile(path)).schema.fields.map((field) => field.name)).toEqual(everyType.fields.map((field) => field.name))
    })
  }

  it('is read from standard input', async () => {
    const bytes = tableToIPC(table, 'stream')
    const items = (await all('-', { format: 'arrow', stdin: once(bytes) })) as RecordBatch[]
    expect(items.map((batch) => batch.numRows)).toEqual([12, 8])
  })

  it('is refused with a typed error when it is something else, or cut short', async () => {
    await expect(all(file('no.arrow', 'this is no arrow file at all, not even close'))).rejects.toMatchObject({ name: 'FloeError', code: 'CORRUPT' })
    const bytes = tableToIPC(table, 'file')
    await expect(all(file('cut.arrow', bytes.subarray(0, bytes.length - 40)))).rejects.toMatchObject({ name: 'FloeError' })
  })
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

describe('Parquet', () => {
  const columns = schema({ id: t.long.required, at: t.timestamptz, tags: t.list(t.string), key: t.uuid })
  const row = { id: 7n, at: 1_700_000_000_000_000n, tags: ['a', null], key: '00010203-0405-0607-0809-0a0b0c0d0e0f' }

  async function parquet(name: string, of: Schema, rows: readonly object[]): Promise<string> {
    const { io, location } = await writeFile(of, [batchOf(of, rows as never)])
    return file(name, await io.read(location))
  }

  it('is read with the schema and the field ids of the file', async () => {
    const path = await parquet('ids.parquet', columns, [row])
    const { schema: found, basis } = await schemaOfFile(path)
    expect(basis).toBe('declared')
    const described = ({ id, name, type }: NestedField): object => ({ id, name, type })
    expect(found.fields.map(described)).toEqual(columns.fields.map(described))
    const batches = (await all(path)) as RecordBatch[]
    expect(rowReader(found)(batches[0]!)).toEqual([row])
  })

  it('is read one file after another', async () => {
    const paths = [await parquet('one.parquet', columns, [row]), await parquet('two.parquet', columns, [row, row])]
    const counts: number[] = []
    for await (const batch of readParquetFiles(paths)) counts.push(batch.numRows)
    expect(counts).toEqual([1, 2])
  })

  it('cannot come from standard input, and a missing file is named', async () => {
    await expect(all('-', { format: 'parquet' })).rejects.toThrow(/cannot be read from standard input/)
    await expect(all(join(folder, 'none.parquet'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(all(join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(all(join(folder, 'none.arrow'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

it('a file whose name does not tell its format is refused with the formats there are', async () => {
  await expect(all('rows.txt')).rejects.toThrow(/name the format, one of parquet, arrow, jsonl and csv/)
})
