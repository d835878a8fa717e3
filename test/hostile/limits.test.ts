/** Nesting without end, texts that inflate without end, lengths that are lies: a typed error in bounded time and memory. */
import { deflateRawSync, gzipSync } from 'node:zlib'
import { Field, Int32, List, Schema as ArrowSchema } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { and, eq, isIn, not, openCatalog, openTable, or, Schema, schema, t } from '../../src/index.js'
import type { Expression, Type } from '../../src/index.js'
import { schemaFromArrow } from '../../src/arrow/arrow-schema.js'
import { bind } from '../../src/expression/bind.js'
import { printExpression } from '../../src/expression/expression-json.js'
import { expressionText } from '../../src/expression/print.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { parseTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { compressSnappy, compressZstd, decompressSnappy, decompressZstd, gunzip, inflateRaw } from '../../src/util/compression.js'
import { FloeError } from '../../src/util/errors.js'

const ab = schema({ a: t.long, b: t.long })
const LEVELS = 20_000

function thrown(act: () => unknown): FloeError {
  try {
    act()
  } catch (error) {
    if (error instanceof FloeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('nesting', () => {
  const deepType = (levels: number): Type => {
    let type: Type = { kind: 'long' }
    for (let level = 0; level < levels; level++) type = { kind: 'list', elementId: level + 2, element: type, elementRequired: false }
    return type
  }
  const deepFilter = (levels: number): Expression => {
    let filter: Expression = eq('a', 1n)
    for (let level = 0; level < levels; level++) filter = level % 2 === 0 ? and(filter, eq('b', 2n)) : or(filter, eq('a', 3n))
    return filter
  }

  it('of types is refused by every way into a table', async () => {
    const catalog = await openCatalog('memory:', { parquet: { workers: 0 } })
    const deep = new Schema([{ id: 1, name: 'a', type: deepType(LEVELS), required: false }])
    await expect(catalog.createTable('a.deep', { schema: deep })).rejects.toMatchObject({ code: 'INVALID' })
    const table = await catalog.createTable('a.b', { schema: ab })
    await expect(table.updateSchema((update) => update.addColumn('c', deepType(LEVELS)))).rejects.toMatchObject({ code: 'INVALID' })
    await expect(table.updateSchema((update) => update.unionByNameWith(deep))).rejects.toMatchObject({ code: 'INVALID' })
    const allowed = await catalog.createTable('a.allowed', { schema: new Schema([{ id: 1, name: 'a', type: deepType(90), required: false }]) })
    expect(allowed.schema.highestFieldId()).toBe(91)
    await catalog.close()
  })

  it('of types in Arrow data is refused', () => {
    let type: DataType = new Int32()
    for (let level = 0; level < 150; level++) type = new List(new Field('element', type, true))
    expect(thrown(() => schemaFromArrow(new ArrowSchema([new Field('a', type, true)]))).code).toBe('INVALID')
  })

  it('of filters is refused by binding and printing, while long chains of one operation pass', () => {
    const filter = deepFilter(LEVELS)
    for (const walk of [() => bind(filter, ab), () => printExpression(filter), () => expressionText(filter)]) expect(thrown(walk).code).toBe('INVALID')
    let chain: Expression = eq('a', 0n)
    for (let value = 1n; value < 20_000n; value++) chain = or(chain, eq('a', value))
    expect(bind(chain, ab).op).toBe('or')
    let negations: Expression = eq('a', 1n)
    for (let level = 0; level < LEVELS; level++) negations = not(negations)
    expect(bind(negations, ab).op).toBe('eq')
  })

  it('of values in rows is refused, however deep or circular', async () => {
    const catalog = await openCatalog('memory:', { parquet: { workers: 0 } })
    const table = await catalog.createTable('a.b', { schema: schema({ a: t.long, tags: t.list(t.list(t.string)) }) })
    let deep: unknown = 'x'
    for (let level = 0; level < LEVELS; level++) deep = [deep]
    const circular: unknown[] = []
    circular.push(circular)
    for (const row of [{ a: deep }, { a: circular }, { tags: deep }, { tags: circular }]) {
      await expect(table.append([row])).rejects.toMatchObject({ code: 'INVALID' })
    }
    expect(table.currentSnapshot).toBeUndefined()
    await catalog.close()
  })

  it('is no matter of width: hundreds of thousands of literals are one set', () => {
    expect(bind(isIn('a', Array.from({ length: 200_000 }, (_, index) => BigInt(index))), ab).op).toBe('in')
  })
})

describe('bombs', () => {
  // 64 MiB of zeros in 64 KiB or less
  const zeros = Buffer.alloc(2 ** 26)
  const limit = 2 ** 20
  const bombs: readonly (readonly [name: string, inflate: (bytes: Uint8Array) => Uint8Array, bytes: Uint8Array])[] = [
    ['deflate', (bytes) => inflateRaw(bytes, limit), deflateRawSync(zeros)],
    ['gzip', (bytes) => gunzip(bytes, limit), gzipSync(zeros)],
    ['zstd', (bytes) => decompressZstd(bytes, limit), compressZstd(zeros)],
    ['snappy', (bytes) => decompressSnappy(bytes, limit), compressSnappy(zeros)],
  ]

  it.each(bombs)('of %s are refused at the limit, before memory for them is taken', (_, inflate, bytes) => {
    const before = process.memoryUsage().rss
    for (let round = 0; round < 20; round++) expect(thrown(() => inflate(bytes)).code).toBe('CORRUPT')
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28)
  })

  it('of many gzip members or zstd frames are refused by their sum', () => {
    // Half a gibibyte each, of parts of 16 MiB
    const part = Buffer.alloc(2 ** 24)
    const [member, frame] = [gzipSync(part), compressZstd(part)]
    const [members, frames] = [member, frame].map((bytes) => Buffer.concat(Array.from({ length: 32 }, () => bytes)))
    const peakBytes = (): number => process.resourceUsage().maxRSS * 1024
    const before = peakBytes()
    expect(thrown(() => gunzip(members!, limit)).code).toBe('CORRUPT')
    expect(thrown(() => decompressZstd(frames!, limit)).code).toBe('CORRUPT')
    expect(peakBytes() - before).toBeLessThan(2 ** 27)
  })

  it('in the place of gzipped metadata are refused at the limit', () => {
    const bomb = gzipSync(zeros)
    expect(thrown(() => parseTableMetadata(bomb, { location: 's3://b/t/metadata/v1.gz.metadata.json', maxInflatedBytes: limit }))).toMatchObject({
      code: 'CORRUPT',
      file: 's3://b/t/metadata/v1.gz.metadata.json',
    })
  })

  it('that declare the size of the universe and hold nothing are refused at once', () => {
    // A snappy block and a zstd frame whose headers declare 4 GiB and 16 EiB
    const snappy = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0x00)
    const zstd = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00, 0x00)
    expect(thrown(() => decompressSnappy(snappy, 2 ** 30)).code).toBe('CORRUPT')
    expect(thrown(() => decompressZstd(zstd, 2 ** 30)).code).toBe('CORRUPT')
  })
})

describe('metadata that lies', () => {
  const LOCATION = 's3://b/t/metadata/v1.metadata.json'
  const base = {
    'format-version': 2,
    'table-uuid': '9c12d441-03fe-4693-9a96-a0705ddf69c1',
    location: 's3://b/t',
    'last-sequence-number': 1,
    'last-updated-ms': 1_602_638_573_590,
    'last-column-id': 1,
    'current-schema-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'a', required: false, type: 'long' }] }],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'last-partition-id': 999,
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'current-snapshot-id': 1,
    snapshots: [
      {
        'snapshot-id': 1,
        'timestamp-ms': 1_602_638_573_590,
        'sequence-number': 1,
        'schema-id': 0,
        'manifest-list': 's3://b/t/m.avro',
        summary: { operation: 'append' },
      },
    ],
    refs: { main: { type: 'branch', 'snapshot-id': 1 } },
  }
  const parse = (change: object): unknown => parseTableMetadata(Buffer.from(JSON.stringify({ ...base, ...change })), { location: LOCATION })

  it('is read as it is without a lie', () => {
    expect(parse({})).toMatchObject({ currentSnapshotId: 1n })
  })

  it('with a snapshot of a schema that is not there can be read, but for that snapshot', async () => {
    const io = new MemoryFileIO()
    await io.write(LOCATION, Buffer.from(JSON.stringify({ ...base, snapshots: [{ ...snapshot, 'schema-id': 7 }] })))
    const table = await openTable(LOCATION, { io, parquet: { workers: 0 } })
    expect(table.scan().schema.fields).toHaveLength(1)
    expect(thrown(() => table.scan().useSnapshot(1n).schema).code).toBe('CORRUPT')
  })

  it('with an id beyond 64 bits is refused', () => {
    const text = JSON.stringify(base).replace('"snapshot-id":1', '"snapshot-id":36893488147419103232')
    expect(thrown(() => parseTableMetadata(Buffer.from(text), { location: LOCATION }))).toMatchObject({ code: 'CORRUPT', file: LOCATION })
  })

  const [snapshot] = base.snapshots
  const column = (name: string, type: string, id = 1): object => ({ id, name, required: false, type })
  const columns = (...fields: object[]): object => ({ schemas: [{ ...base.schemas[0], fields }] })
  const lies: Record<string, object> = {
    'a current schema that is not there': { 'current-schema-id': 7 },
    'a default spec that is not there': { 'default-spec-id': 7 },
    'a default order that is not there': { 'default-sort-order-id': 7 },
    'a current snapshot that is not there': { 'current-snapshot-id': 7 },
    'a reference to a snapshot that is not there': { refs: { main: { type: 'branch', 'snapshot-id': 7 } } },
    'two schemas of one id': { schemas: [base.schemas[0], base.schemas[0]] },
    'two snapshots of one id': { snapshots: [snapshot, snapshot] },
    'two columns of one id': columns(column('a', 'long'), column('b', 'int')),
    'a sequence number beyond the last': { snapshots: [{ ...snapshot, 'sequence-number': 9 }] },
    'a sequence number that is no integer': { 'last-sequence-number': 1.5 },
    'an id that is no number': { snapshots: [{ ...snapshot, 'snapshot-id': '@' }] },
    'a transform that is no text': { 'partition-specs': [{ 'spec-id': 0, fields: [{ name: 'p', transform: 5, 'source-id': 1, 'field-id': 1000 }] }] },
    'a transform of nonsense': { 'partition-specs': [{ 'spec-id': 0, fields: [{ name: 'p', transform: 'bucket[0]', 'source-id': 1, 'field-id': 1000 }] }] },
    'a partition field without a source': { 'partition-specs': [{ 'spec-id': 0, fields: [{ name: 'p', transform: 'identity', 'field-id': 1000 }] }] },
    'a format version of the future': { 'format-version': 99 },
    'a location that is a number': { location: 5 },
    'schemas that are no list': { schemas: {} },
    'properties whose values are no texts': { properties: { a: 1 } },
    'a summary whose values are no texts': { snapshots: [{ ...snapshot, summary: { operation: 'append', 'added-records': 5 } }] },
    'a decimal of more digits than there are': columns(column('a', 'decimal(99999999999, 2)')),
    'a fixed type of a petabyte': columns(column('a', 'fixed[1125899906842624]')),
  }
  it.each(Object.entries(lies))('%s is refused by an error that names the file', (_, change) => {
    const error = thrown(() => parse(change))
    expect(error.file).toBe(LOCATION)
    expect(['CORRUPT', 'UNSUPPORTED']).toContain(error.code)
  })
})
