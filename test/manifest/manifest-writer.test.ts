import { describe, expect, it } from 'vitest'
import { printAvroSchema } from '../../src/avro/avro-schema-json.js'
import { metadataText, readContainer, readRecords } from '../../src/avro/container.js'
import type { DataFile, ManifestEntry } from '../../src/manifest/data-file.js'
import { UNASSIGNED_SEQUENCE_NUMBER } from '../../src/manifest/manifest-list.js'
import { manifestEntrySchema } from '../../src/manifest/manifest-schema.js'
import { parsePartitionFields } from '../../src/partition/partition-spec-json.js'
import { parseSchema } from '../../src/schema/schema-json.js'
import { Schema } from '../../src/schema/schema.js'
import { parseJson } from '../../src/util/json.js'
import { goldenSchemas } from './golden-schemas.js'
import { dataFile, decode, schema, SNAPSHOT_ID, spec, tupleType, unpartitioned, writerOf } from './manifest-fixture.js'

const full: DataFile = dataFile({
  columnSizes: new Map([[1, 100], [2, 2 ** 40]]),
  valueCounts: new Map([[1, 10], [2, 10]]),
  nullValueCounts: new Map([[1, 0], [2, 3]]),
  nanValueCounts: new Map(),
  lowerBounds: new Map([[1, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)], [2, new Uint8Array(0)]]),
  upperBounds: new Map([[2, Uint8Array.of(0xc3, 0xa9)]]),
  keyMetadata: Uint8Array.of(1, 2, 3),
  splitOffsets: [4, 2 ** 33],
  sortOrderId: 0,
})

const entry = (changes: Partial<ManifestEntry> = {}): ManifestEntry => ({
  status: 'existing', snapshotId: 5n, sequenceNumber: 3n, fileSequenceNumber: 4n, dataFile: full, ...changes,
})

describe('ManifestWriter', () => {
  it.each([1, 2, 3] as const)('gives back every field of a data file in version %d', (formatVersion) => {
    const writer = writerOf({ formatVersion })
    writer.added(formatVersion === 3 ? { ...full, firstRowId: 77n } : full)
    const read = decode(writer.finish('m').bytes, formatVersion === 3 ? { firstRowId: 0n } : formatVersion === 1 ? { sequenceNumber: 0n } : {})
    const sequenceNumber = formatVersion === 1 ? 0n : 7n
    expect(read.entry(0)).toEqual({
      status: 'added', snapshotId: SNAPSHOT_ID, sequenceNumber, fileSequenceNumber: sequenceNumber,
      dataFile: { ...full, firstRowId: formatVersion === 3 ? 77n : undefined },
    })
    expect(read.entry(0, { stats: false }).dataFile.lowerBounds).toBe(undefined)
  })

  it('writes delete files with all that identifies what they delete (trap 44)', () => {
    const writer = writerOf({ formatVersion: 3, content: 'deletes' })
    const vector = dataFile({
      content: 'position-deletes', fileFormat: 'puffin', referencedDataFile: 's3://b/data/a.parquet', contentOffset: 4, contentSizeBytes: 40,
    })
    const equality = dataFile({ content: 'equality-deletes', equalityIds: [2, 1], sortOrderId: 1 })
    writer.added(vector)
    writer.added(equality)
    const { bytes, manifestFile } = writer.finish('m')
    expect(manifestFile.content).toBe('deletes')
    expect(metadataText(readContainer(bytes), 'content')).toBe('deletes')
    expect(readContainer(bytes).schemaText).toContain('"items":"int","element-id":136')
    const read = decode(bytes, { content: 'deletes' })
    expect(read.dataFile(0)).toMatchObject(vector)
    expect(read.dataFile(1)).toMatchObject(equality)
  })

  it('stores in its header the table schema and only the fields of the spec (trap 56)', () => {
    const bytes = writerOf().finish('m').bytes
    const container = readContainer(bytes)
    const text = (key: string): string => metadataText(container, key)!
    expect(parseSchema(parseJson(text('schema'))).fields).toEqual(schema.fields)
    expect(text('schema-id')).toBe('4')
    expect(parsePartitionFields(parseJson(text('partition-spec')))).toEqual(spec.fields)
    expect(text('partition-spec')).toBe('[{"name":"name","transform":"identity","source-id":2,"field-id":1000}]')
    expect([text('partition-spec-id'), text('format-version'), text('content')]).toEqual(['2', '2', 'data'])
    expect(metadataText(readContainer(writerOf({ formatVersion: 1 }).finish('m').bytes), 'content')).toBe(undefined)
  })

  it.each([1, 2, 3] as const)('uses the Avro schema of the reference, byte for byte, in version %d', (formatVersion) => {
    const ours = printAvroSchema(manifestEntrySchema(formatVersion, { kind: 'struct', fields: [] }))
    expect(goldenSchemas(formatVersion, (name) => !name.startsWith('snap-'))).toContain(ours)
  })

  it('never writes distinct counts (trap 55)', () => {
    for (const formatVersion of [1, 2, 3] as const) {
      const text = printAvroSchema(manifestEntrySchema(formatVersion, tupleType))
      expect(text).not.toContain('distinct')
      expect(text).not.toContain('"field-id":111')
    }
  })

  it('spells names of partition fields as the reference does (trap 58)', () => {
    const odd = { specId: 2, fields: [{ fieldId: 1000, name: 'a.b 😎', sourceIds: [2], transform: 'identity' }] }
    const writer = writerOf({ spec: odd })
    writer.added(dataFile())
    const { bytes } = writer.finish('m')
    expect(readContainer(bytes).schemaText).toContain('{"name":"a_x2Eb_x20_xD83D_xDE0E","type":["null","string"],"default":null,"iceberg-field-name":"a.b 😎","field-id":1000}')
    expect(decode(bytes).partition(0)).toEqual(['x'])
  })

  it('writes decimals of a tuple in their declared width, and of a summary in the fewest bytes (trap 9)', () => {
    const decimals = new Schema([{ id: 1, name: 'd', type: { kind: 'decimal', precision: 9, scale: 2 }, required: false }])
    const byDecimal = { specId: 2, fields: [{ fieldId: 1000, name: 'd', sourceIds: [1], transform: 'identity' }] }
    const writer = writerOf({ schema: decimals, spec: byDecimal })
    for (const unscaled of [32768n, -1n]) writer.added(dataFile({ partition: [unscaled] }))
    const { bytes, manifestFile } = writer.finish('m')
    expect(readContainer(bytes).schemaText).toContain('"name":"decimal_9_2","size":4,"logicalType":"decimal","precision":9,"scale":2')
    const raw = readRecords(readContainer(bytes)) as readonly (readonly unknown[])[]
    expect(raw.map((record) => (record[4] as readonly unknown[])[3])).toEqual([[32768n], [-1n]])
    expect(manifestFile.partitions).toEqual([
      { containsNull: false, containsNan: false, lowerBound: Uint8Array.of(0xff), upperBound: Uint8Array.of(0x00, 0x80, 0x00) },
    ])
  })

  it('counts files and rows by status, and takes the least sequence number of live files', () => {
    const writer = writerOf()
    writer.added(dataFile({ recordCount: 1 }))
    writer.existing(entry({ sequenceNumber: 9n, dataFile: dataFile({ recordCount: 20 }) }))
    writer.existing(entry({ sequenceNumber: 8n, dataFile: dataFile({ recordCount: 30 }) }))
    writer.deleted(entry({ sequenceNumber: 1n, dataFile: dataFile({ recordCount: 400 }) }))
    const { bytes, manifestFile } = writer.finish('s3://b/m.avro')
    expect(manifestFile).toMatchObject({
      manifestPath: 's3://b/m.avro', manifestLengthBytes: bytes.length, partitionSpecId: 2, addedSnapshotId: SNAPSHOT_ID,
      sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER, minSequenceNumber: 8n,
      addedFilesCount: 1, existingFilesCount: 2, deletedFilesCount: 1, addedRowsCount: 1n, existingRowsCount: 50n, deletedRowsCount: 400n,
    })
    expect(writer.entryCount).toBe(4)
  })

  it('keeps a least sequence number of 0 (trap 47)', () => {
    const writer = writerOf()
    writer.existing(entry({ sequenceNumber: 0n, fileSequenceNumber: 0n }))
    writer.added(dataFile())
    expect(writer.finish('m').manifestFile.minSequenceNumber).toBe(0n)
    const added = writerOf()
    added.added(dataFile())
    expect(added.finish('m').manifestFile.minSequenceNumber).toBe(UNASSIGNED_SEQUENCE_NUMBER)
  })

  it('gives a deleted entry the deleting snapshot and keeps its sequence numbers (trap 48)', () => {
    const writer = writerOf()
    writer.deleted(entry({ status: 'added' }))
    writer.existing(entry({ status: 'added' }))
    const read = decode(writer.finish('m').bytes)
    expect(read.entry(0)).toMatchObject({ status: 'deleted', snapshotId: SNAPSHOT_ID, sequenceNumber: 3n, fileSequenceNumber: 4n })
    expect(read.entry(1)).toMatchObject({ status: 'existing', snapshotId: 5n, sequenceNumber: 3n, fileSequenceNumber: 4n })
  })

  it('writes an explicit data sequence number of an added file and lets its file sequence number be inherited (trap 53)', () => {
    const writer = writerOf()
    writer.added(dataFile(), 2n)
    const { bytes, manifestFile } = writer.finish('m')
    expect(manifestFile.minSequenceNumber).toBe(2n)
    expect(decode(bytes).entry(0)).toMatchObject({ sequenceNumber: 2n, fileSequenceNumber: 7n })
  })

  it('writes no empty list of split offsets (trap 57)', () => {
    const writer = writerOf()
    writer.added(dataFile({ splitOffsets: [] }))
    const raw = readRecords(readContainer(writer.finish('m').bytes)) as readonly (readonly unknown[])[]
    expect((raw[0]![4] as unknown[])[13]).toBe(null)
  })

  it.each([
    ['an existing file without sequence numbers', () => { writerOf().existing({ ...entry(), sequenceNumber: undefined as unknown as bigint }) }],
    ['a deleted file without a file sequence number', () => { writerOf().deleted(entry({ fileSequenceNumber: undefined })) }],
    ['a file of another spec (trap 31)', () => { writerOf().added(dataFile({ specId: 1 })) }],
    ['a tuple of the wrong size', () => { writerOf().added(dataFile({ partition: [] })) }],
    ['a tuple value of the wrong type', () => { writerOf().added(dataFile({ partition: [5] })) }],
    ['a delete file among data', () => { writerOf().added(dataFile({ content: 'position-deletes' })) }],
    ['data among deletes', () => { writerOf({ content: 'deletes' }).added(dataFile()) }],
    ['equality deletes without ids', () => { writerOf({ content: 'deletes' }).added(dataFile({ content: 'equality-deletes', equalityIds: [] })) }],
    ['a row count over 2^53', () => { writerOf().added(dataFile({ recordCount: 2 ** 53 })) }],
    ['a file size over 2^53', () => { writerOf().added(dataFile({ fileSizeBytes: 2 ** 60 })) }],
    ['deletes in version 1', () => { writerOf({ formatVersion: 1, content: 'deletes' }) }],
  ])('refuses %s as INVALID', (_what, run) => {
    expect(run).toThrow(expect.objectContaining({ code: 'INVALID' }) as Error)
  })

  it('leaves a refused file out of everything', () => {
    const writer = writerOf()
    writer.added(dataFile())
    expect(() => { writer.added(dataFile({ fileSizeBytes: 0.5 })) }).toThrow('file_size_in_bytes, which is long (file s3://b/data/a.parquet)')
    const { bytes, manifestFile } = writer.finish('m')
    expect(manifestFile.addedFilesCount).toBe(1)
    expect(decode(bytes).count).toBe(1)
  })

  it.each(['gzip', 'zstd', 'snappy', 'uncompressed'] as const)('compresses with %s', (codec) => {
    const writer = writerOf({ compression: { codec } })
    for (let i = 0; i < 200; i++) writer.added(dataFile({ filePath: `s3://b/data/${i}.parquet` }))
    const estimate = writer.estimatedBytes
    const { bytes } = writer.finish('m')
    expect(estimate).toBeGreaterThan(bytes.length / 8)
    const read = decode(bytes)
    expect(Array.from({ length: 200 }, (_, i) => read.filePath(i))).toEqual(Array.from({ length: 200 }, (_, i) => `s3://b/data/${i}.parquet`))
  })

  it('writes unpartitioned tables, and nothing at all', () => {
    const writer = writerOf({ spec: unpartitioned })
    writer.added(dataFile({ specId: 0, partition: [] }))
    const { bytes, manifestFile } = writer.finish('m')
    expect(manifestFile.partitions).toEqual([])
    const emptyTuple = { partitionType: { kind: 'struct', fields: [] } } as const
    expect(decode(bytes, { partitionSpecId: 0 }, emptyTuple).partition(0)).toEqual([])
    expect(decode(writerOf().finish('m').bytes).count).toBe(0)
  })
})
