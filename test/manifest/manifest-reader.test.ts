import { describe, expect, it } from 'vitest'
import { decompressBlockAsync } from '../../src/avro/block-codec.js'
import { AvroOutput } from '../../src/avro/avro-output.js'
import { readContainer } from '../../src/avro/container.js'
import type { AvroValue } from '../../src/avro/avro-schema.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { withEntryCounts } from '../../src/manifest/entry-counts.js'
import { decodeManifestBlocks, inlineManifestFile } from '../../src/manifest/manifest-reader.js'
import type { StructType, Type } from '../../src/schema/type.js'
import { isFloeError } from '../../src/util/errors.js'
import { dataFile, decode, fileFields, manifestFile, rawManifest, SNAPSHOT_ID, tupleType, writerOf, type RawRecord } from './manifest-fixture.js'

/** A v2 entry as the writer's schema orders it; `null` sequence numbers. */
const rawEntry = (status: number, file: AvroValue[] = rawFile()): AvroValue[] => [status, null, null, null, file]
const rawFile = (changes: Readonly<Record<number, AvroValue>> = {}): AvroValue[] => {
  const file: AvroValue[] = [0, 's3://b/a', 'PARQUET', ['x'], 10, 1000, ...Array.from({ length: 11 }, () => null)]
  for (const [index, value] of Object.entries(changes)) file[Number(index)] = value
  return file
}

describe('sequence number inheritance', () => {
  it('gives added files the sequence numbers and the snapshot of their manifest (trap 47)', () => {
    const read = decode(rawManifest([rawEntry(1)]))
    expect(read.entry(0)).toMatchObject({ snapshotId: SNAPSHOT_ID, sequenceNumber: 7n, fileSequenceNumber: 7n })
  })

  it('never gives existing files the sequence number of a manifest that rewrote them (trap 47)', () => {
    const message = 'Entry 1 of the manifest is existing but has no sequence number (file s3://b/metadata/m0.avro)'
    expect(() => decode(rawManifest([rawEntry(1), rawEntry(0)]))).toThrow(message)
    const explicit = decode(rawManifest([[0, 5n, 3n, 4n, rawFile()]]))
    expect(explicit.entry(0)).toMatchObject({ snapshotId: 5n, sequenceNumber: 3n, fileSequenceNumber: 4n })
  })

  it('reads the deleted entry of an old writer that stored no sequence numbers', () => {
    expect(decode(rawManifest([rawEntry(2)])).entry(0)).toMatchObject({ status: 'deleted', fileSequenceNumber: undefined })
  })

  it('keeps an explicit 0 apart from null', () => {
    const read = decode(rawManifest([[1, 0n, 0n, null, rawFile()]]))
    expect(read.entry(0)).toMatchObject({ snapshotId: 0n, sequenceNumber: 0n, fileSequenceNumber: 7n })
  })

  it('is exact over 64 bits, below zero as well', () => {
    const longs = [-1n, -(2n ** 63n), 2n ** 63n - 1n, -(2n ** 32n) - 5n, 2n ** 53n + 1n]
    const read = decode(rawManifest(longs.map((long) => [1, long, long, long, rawFile()])))
    expect([...read.snapshotId]).toEqual(longs)
    expect([...read.sequenceNumber]).toEqual(longs)
    expect(longs.map((_, i) => read.fileSequenceNumber(i))).toEqual(longs)
  })

  it('reads manifests of v1, which have no sequence numbers, as 0 in every status (trap 46)', () => {
    const writer = writerOf({ formatVersion: 1 })
    writer.added(dataFile())
    writer.existing({ status: 'existing', snapshotId: 1n, sequenceNumber: 0n, fileSequenceNumber: 0n, dataFile: dataFile() })
    writer.deleted({ status: 'existing', snapshotId: 1n, sequenceNumber: 0n, fileSequenceNumber: 0n, dataFile: dataFile() })
    const { bytes } = writer.finish('m')
    expect(readContainer(bytes).schemaText).not.toContain('sequence_number')
    const read = decode(bytes, { sequenceNumber: 0n })
    for (let i = 0; i < 3; i++) expect(read.entry(i)).toMatchObject({ sequenceNumber: 0n, fileSequenceNumber: 0n, dataFile: { content: 'data' } })
    expect([...read.snapshotId]).toEqual([SNAPSHOT_ID, 1n, SNAPSHOT_ID])
  })
})

describe('first row id inheritance', () => {
  type StatusAndId = readonly [status: number, firstRowId: bigint | null]
  const firstRowIds = (statuses: readonly StatusAndId[], manifestId: bigint | undefined, committed = true): (bigint | undefined)[] => {
    const writer = writerOf({ formatVersion: 3 })
    for (const [status, firstRowId] of statuses) {
      const file = dataFile({ firstRowId: firstRowId ?? undefined, recordCount: 50 })
      const name = (['existing', 'added', 'deleted'] as const)[status]!
      writer.add({ status: name, snapshotId: 1n, sequenceNumber: 1n, fileSequenceNumber: 1n, dataFile: file })
    }
    const read = decode(writer.finish('m').bytes, { firstRowId: manifestId }, { committed })
    return statuses.map((_, i) => read.firstRowId(i))
  }

  it('counts on from the manifest over live files without an id, existing ones as well (trap 51)', () => {
    expect(firstRowIds([[1, null], [0, null], [0, 7n], [1, null]], 1000n)).toEqual([1000n, 1050n, 7n, 1100n])
  })

  it('gives deleted entries no ids and leaves no room for them (trap 52)', () => {
    expect(firstRowIds([[2, null], [1, null], [2, 3n], [1, null]], 1000n)).toEqual([undefined, 1000n, 3n, 1050n])
  })

  it('starts at 0 as at any other id', () => {
    expect(firstRowIds([[1, null], [1, null]], 0n)).toEqual([0n, 50n])
  })

  it('is exact beyond 2^53', () => {
    expect(firstRowIds([[1, null], [1, null]], 2n ** 60n + 1n)).toEqual([2n ** 60n + 1n, 2n ** 60n + 51n])
  })

  it('gives no ids in a manifest that has none, unless it is not committed yet', () => {
    expect(firstRowIds([[0, 7n], [1, null]], undefined)).toEqual([undefined, undefined])
    expect(firstRowIds([[0, 7n], [1, null]], undefined, false)).toEqual([7n, undefined])
  })
})

describe('resolution by field id', () => {
  it('takes fields in any order, skips unknown ones of any type, and reads missing optional ones as null', () => {
    const change = (json: RawRecord): void => {
      const fields = fileFields(json)
      const keep = fields.filter((field) => field.name !== 'nan_value_counts' && field.name !== 'sort_order_id' && field.name !== 'split_offsets')
      const odd = { type: 'map', values: ['null', 'double', { type: 'array', items: { type: 'record', name: 'odd', fields: [{ name: 'f', type: 'float' }] } }] }
      fields.splice(0, fields.length, { name: 'strange', type: odd, 'field-id': 9001 }, ...keep.reverse())
      for (const field of fields) field.name = `renamed_${field.name}`
      json.fields.unshift({ name: 'extra', type: ['null', { type: 'fixed', name: 'fx', size: 3 }], 'field-id': 9000 })
      json.fields.reverse()
    }
    const file: AvroValue[] = [
      new Map<string, AvroValue>([['a', null], ['b', 1.5], ['c', [[0.5]]]]),
      's3://b/ref', null, null, [[2, Uint8Array.of(9)]], [[2, Uint8Array.of(1)]], [[2, 1]], [[2, 10]], null, 1000, 10, ['x'], 'PARQUET', 's3://b/a', 0,
    ]
    const read = decode(rawManifest([[file, null, null, null, 1, Uint8Array.of(1, 2, 3)]], change))
    expect(read.dataFile(0)).toMatchObject({
      filePath: 's3://b/a', fileFormat: 'parquet', partition: ['x'], recordCount: 10, fileSizeBytes: 1000,
      valueCounts: new Map([[2, 10]]), nullValueCounts: new Map([[2, 1]]), nanValueCounts: undefined,
      lowerBounds: new Map([[2, Uint8Array.of(1)]]), upperBounds: new Map([[2, Uint8Array.of(9)]]),
      splitOffsets: undefined, sortOrderId: undefined, referencedDataFile: 's3://b/ref',
    })
    expect(read.stats(0).lowerBound(2)).toEqual(Uint8Array.of(1))
  })

  it('reads past distinct counts, which old writers stored (trap 55)', () => {
    const distinct = { name: 'distinct_counts', type: ['null', mapType(123, 124, 'long')], 'field-id': 111 }
    const change = (json: RawRecord): void => void fileFields(json).splice(6, 0, distinct)
    const file = rawFile()
    file.splice(6, 0, [[1, 5n], [2, 6n]])
    expect(decode(rawManifest([rawEntry(1, file)], change)).filePath(0)).toBe('s3://b/a')
  })

  it('finds fields by name where a writer left the ids out', () => {
    const change = (json: RawRecord): void => {
      const tuple = (fileFields(json)[3]!.type as RawRecord).fields
      for (const field of [...json.fields, ...fileFields(json), ...tuple]) delete field['field-id']
    }
    const read = decode(rawManifest([rawEntry(1)], change))
    expect(read.entry(0)).toMatchObject({ status: 'added', dataFile: { filePath: 's3://b/a', partition: ['x'], recordCount: 10 } })
  })

  it.each([
    ['no path', (json: RawRecord) => void fileFields(json).splice(1, 1), 'no field file_path (id 100)'],
    ['a path that is a number', (json: RawRecord) => { fileFields(json)[1]!.type = 'long' }, 'file_path (id 100) of type long'],
    ['bounds that are counts', (json: RawRecord) => { fileFields(json)[10]!.type = mapType(126, 127, 'long') }, 'lower_bounds (id 125)'],
    ['one field twice', (json: RawRecord) => void fileFields(json).push({ name: 'again', type: 'string', 'field-id': 100 }), 'field id 100 twice'],
    ['no data file', (json: RawRecord) => void json.fields.pop(), 'no field data_file'],
  ])('refuses a schema with %s as CORRUPT', (_what, change, message) => {
    expect(() => decode(rawManifest([], change))).toThrow(message)
    expect(() => decode(rawManifest([], change))).toThrow(expect.objectContaining({ code: 'CORRUPT', file: 's3://b/metadata/m0.avro' }) as Error)
  })
})

describe('partition tuples', () => {
  const tuple = (written: unknown, value: AvroValue, type: Type): unknown => {
    const change = (json: RawRecord): void => {
      fileFields(json)[3]!.type = { type: 'record', name: 'r102', fields: [{ name: 'p', type: written, 'field-id': 1000 }] }
    }
    const partitionType: StructType = { kind: 'struct', fields: [{ id: 1000, name: 'p', type, required: false }] }
    return decode(rawManifest([rawEntry(1, rawFile({ 3: [value] }))], change), {}, { partitionType }).partition(0)[0]
  }

  it('accept a day as date and as int (trap 26)', () => {
    expect(tuple(['null', { type: 'int', logicalType: 'date' }], -5, { kind: 'date' })).toBe(-5)
    expect(tuple(['null', 'int'], -5, { kind: 'date' })).toBe(-5)
    expect(tuple(['null', { type: 'int', logicalType: 'date' }], -5, { kind: 'int' })).toBe(-5)
  })

  it('are promoted with their column (trap 10)', () => {
    expect(tuple(['null', 'int'], 5, { kind: 'long' })).toBe(5n)
    expect(tuple(['null', 'float'], 0.5, { kind: 'double' })).toBe(0.5)
    expect(tuple(['null', { type: 'int', logicalType: 'date' }], -1, { kind: 'timestamp' })).toBe(-86_400_000_000n)
    expect(tuple('int', 1, { kind: 'timestamptz_ns' })).toBe(86_400_000_000_000n)
    const narrow = { type: 'fixed', name: 'd', size: 2, logicalType: 'decimal', precision: 4, scale: 2 }
    expect(tuple(['null', narrow], -300n, { kind: 'decimal', precision: 20, scale: 2 })).toBe(-300n)
  })

  it('keep null apart from empty and zero (trap 5)', () => {
    expect(tuple(['null', 'string'], null, { kind: 'string' })).toBe(null)
    expect(tuple(['null', 'string'], '', { kind: 'string' })).toBe('')
    expect(tuple(['string', 'null'], '', { kind: 'string' })).toBe('')
    expect(tuple(['null', 'int'], 0, { kind: 'int' })).toBe(0)
    expect(tuple(['null', 'boolean'], false, { kind: 'boolean' })).toBe(false)
    expect(tuple(['null', 'bytes'], new Uint8Array(0), { kind: 'binary' })).toEqual(new Uint8Array(0))
  })

  it('read UUIDs from fixed bytes, with or without the logical type, and from text', () => {
    const uuid = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
    const bytes = Uint8Array.from(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
    expect(tuple(['null', { type: 'fixed', name: 'u', size: 16, logicalType: 'uuid' }], uuid, { kind: 'uuid' })).toBe(uuid)
    expect(tuple(['null', { type: 'fixed', name: 'u', size: 16 }], bytes, { kind: 'uuid' })).toBe(uuid)
    expect(tuple(['null', { type: 'string', logicalType: 'uuid' }], uuid.toUpperCase(), { kind: 'uuid' })).toBe(uuid)
  })

  it('read fixed and binary from each other, and a lost column as it was written', () => {
    const fixed = { type: 'fixed', name: 'f', size: 2 }
    expect(tuple(['null', fixed], Uint8Array.of(1, 2), { kind: 'binary' })).toEqual(Uint8Array.of(1, 2))
    expect(tuple(['null', 'bytes'], Uint8Array.of(1, 2), { kind: 'fixed', length: 2 })).toEqual(Uint8Array.of(1, 2))
    expect(tuple(['null', 'long'], 5n, { kind: 'unknown' })).toBe(5n)
    expect(tuple('null', null, { kind: 'string' })).toBe(null)
  })

  it('have null for a field that the writer did not know, and no place for one that the spec lost', () => {
    const partitionType: StructType = {
      kind: 'struct',
      fields: [
        { id: 1001, name: 'later', type: { kind: 'int' }, required: false },
        { id: 1000, name: 'name', type: { kind: 'string' }, required: false },
      ],
    }
    expect(decode(rawManifest([rawEntry(1)]), {}, { partitionType }).partition(0)).toEqual([null, 'x'])
    expect(decode(rawManifest([rawEntry(1)]), {}, { partitionType: { kind: 'struct', fields: [] } }).partition(0)).toEqual([])
  })

  it('refuse a value that cannot be of the expected type', () => {
    expect(() => tuple(['null', 'string'], 'x', { kind: 'int' })).toThrow(expect.objectContaining({ code: 'CORRUPT' }) as Error)
  })
})

describe('arrays', () => {
  it('of every length and width are stepped over to the byte', () => {
    const widths = [1, 100, 20_000, 2 ** 21, 2 ** 40]
    const files = widths.flatMap((width) => Array.from({ length: 12 }, (_, length) => dataFile({
      splitOffsets: Array.from({ length: length + 1 }, (_unused, i) => (i % 3 === 0 ? width : 5)),
      valueCounts: new Map(Array.from({ length }, (_unused, i) => [i + 60, i % 2 === 0 ? 0 : width])),
      sortOrderId: length,
    })))
    const writer = writerOf()
    for (const file of files) writer.added(file)
    const read = decode(writer.finish('m').bytes)
    expect(files.map((_, i) => read.dataFile(i))).toMatchObject(files)
  })

  it('that carry the sizes of their blocks are stepped over by them', () => {
    const output = new AvroOutput()
    for (const varint of [1, 0, 0, 0, 0]) output.writeInt(varint)
    for (const text of ['s3://b/a', 'PARQUET']) output.writeString(text)
    output.writeInt(1)
    output.writeString('x')
    for (const count of [10, 1000]) output.writeLong(count)
    const sizedCounts = [1, -2, 4, 1, 5, 2, 6, 0]
    const sizedBounds = [1, -1, 3, 7, 1, 9, 0]
    for (const varint of [...sizedCounts, 0, 0, 0, ...sizedBounds, 0, 0, 0, 0, 0, 0]) output.writeInt(varint)
    const container = readContainer(rawManifest([rawEntry(1)]))
    const block = output.bytes().slice()
    const lists = { ...container, blocks: [{ count: 1, bytes: block }] }
    const file = decodeManifestBlocks(manifestFile(), lists, [block], { partitionType: tupleType }).dataFile(0)
    expect(file.columnSizes).toEqual(new Map([[1, 5], [2, 6]]))
    expect([...file.lowerBounds!.keys()]).toEqual([7])
  })
})

describe('statistics', () => {
  const stats = (changes: Partial<DataFile>): ReturnType<ReturnType<typeof decode>['stats']> => {
    const writer = writerOf()
    writer.added(dataFile(changes))
    return decode(writer.finish('m').bytes).stats(0)
  }

  it('tell an empty bound and a count of 0 from none (trap 5)', () => {
    const read = stats({ lowerBounds: new Map([[2, new Uint8Array(0)]]), nullValueCounts: new Map([[2, 0]]) })
    expect(read.lowerBound(2)).toEqual(new Uint8Array(0))
    expect(read.nullCount(2)).toBe(0)
    expect(read.lowerBound(1)).toBe(undefined)
    expect(read.upperBound(2)).toBe(undefined)
    expect(read.nullCount(1)).toBe(undefined)
    expect(read.nanCount(2)).toBe(undefined)
  })

  it('find large field ids and large values', () => {
    const ids = [1, 63, 64, 8191, 8192, 2 ** 20, 2 ** 31 - 1]
    const upperBounds = new Map(ids.map((id) => [id, new Uint8Array(id % 300)]))
    const read = stats({ valueCounts: new Map(ids.map((id) => [id, id * 2 ** 20])), upperBounds })
    for (const id of ids) {
      expect(read.valueCount(id)).toBe(id * 2 ** 20)
      expect(read.upperBound(id)).toEqual(new Uint8Array(id % 300))
    }
  })

  it('hand bounds on as they were written, before any promotion of their column (trap 10)', () => {
    expect(stats({ lowerBounds: new Map([[1, Uint8Array.of(1, 0, 0, 0)]]) }).lowerBound(1)).toEqual(Uint8Array.of(1, 0, 0, 0))
  })

  it('take negative counts of old writers as not recorded (trap 57)', () => {
    const read = decode(rawManifest([rawEntry(1, rawFile({ 4: -1, 7: [[1, -1n], [2, 5n]], 13: [] }))]))
    expect(read.stats(0).valueCount(1)).toBe(undefined)
    expect(read.stats(0).valueCount(2)).toBe(5)
    expect(read.stats(0).recordCount).toBe(-1)
    expect(read.dataFile(0).valueCounts).toEqual(new Map([[2, 5]]))
    expect(read.splitOffsets(0)).toBe(undefined)
  })
})

describe('corrupt manifests', () => {
  const writer = writerOf({ compression: { codec: 'uncompressed' } })
  for (let i = 0; i < 3; i++) {
    writer.added(dataFile({
      filePath: `s3://b/data/${i}`, splitOffsets: [4], valueCounts: new Map([[1, 10]]),
      lowerBounds: new Map([[1, Uint8Array.of(i)]]), upperBounds: new Map([[1, Uint8Array.of(9, 9)]]),
    }))
  }
  const { bytes } = writer.finish('m')
  const exercise = (candidate: Uint8Array): void => {
    const read = decode(candidate)
    for (let i = 0; i < read.count; i++) {
      read.entry(i)
      read.stats(i).lowerBound(1)
      read.stats(i).valueCount(1)
    }
  }

  it('cut anywhere give a typed error, or the entries of whole blocks', () => {
    for (let length = 0; length < bytes.length; length++) {
      try {
        exercise(bytes.subarray(0, length))
      } catch (error) {
        if (!isFloeError(error, 'CORRUPT')) throw error
        continue
      }
      expect(readContainer(bytes.subarray(0, length)).blocks).toEqual([])
    }
  })

  it('with any bit flipped give a typed error or values', () => {
    const start = bytes.length - readContainer(bytes).blocks[0]!.bytes.length - 16
    for (let bit = (start - 4) * 8; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      try {
        exercise(damaged)
      } catch (error) {
        if (!isFloeError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
      }
    }
  })

  it.each([
    ['a status of 3', [3, null, null, null, rawFile()]],
    ['a negative status', [-1, null, null, null, rawFile()]],
    ['a content of 3', rawEntry(1, rawFile({ 0: 3 }))],
    ['a row count over 2^53', rawEntry(1, rawFile({ 4: 2n ** 60n }))],
  ])('with %s are CORRUPT', (_what, record) => {
    expect(() => decode(rawManifest([record]))).toThrow(expect.objectContaining({ code: 'CORRUPT' }) as Error)
  })

  it('that inflate to more than they may are CORRUPT', () => {
    expect(() => decode(bytes, {}, { maxInflatedBytes: 100 })).toThrow('more than')
  })

  it('that claim more entries than their blocks can hold are CORRUPT before columns are allocated', () => {
    const container = readContainer(bytes)
    const lying = { ...container, blocks: [{ ...container.blocks[0]!, count: 2 ** 40 }] }
    expect(() => decodeManifestBlocks(manifestFile(), lying, [container.blocks[0]!.bytes], { partitionType: tupleType })).toThrow('claims')
  })

  it('that claim fewer entries than their blocks hold are CORRUPT', () => {
    const container = readContainer(bytes)
    const lying = { ...container, blocks: [{ ...container.blocks[0]!, count: 2 }] }
    const blocks = [container.blocks[0]!.bytes]
    expect(() => decodeManifestBlocks(manifestFile(), lying, blocks, { partitionType: tupleType })).toThrow('after the last entry')
  })

  it('that inflate to more than they may over several blocks are CORRUPT', () => {
    const many = writerOf({ compression: { codec: 'gzip' } })
    for (let i = 0; i < 2_000; i++) many.added(dataFile({ filePath: `s3://b/data/${i}/${'x'.repeat(100)}` }))
    const { bytes: long } = many.finish('m')
    const sizes = readContainer(long).blocks.length
    expect(sizes).toBeGreaterThan(2)
    expect(() => decode(long, {}, { maxInflatedBytes: 130_000 })).toThrow('more than')
  })
})

describe('decodeManifestBlocks', () => {
  it('gives what decodeManifest gives, from blocks that were inflated elsewhere', async () => {
    const writer = writerOf({ compression: { codec: 'gzip' } })
    const lowerBounds = new Map([[1, new Uint8Array(20)]])
    for (let i = 0; i < 2_000; i++) writer.added(dataFile({ filePath: `s3://b/data/part-${i}.parquet`, lowerBounds }))
    const { bytes } = writer.finish('m')
    const container = readContainer(bytes)
    expect(container.blocks.length).toBeGreaterThan(1)
    const blocks = await Promise.all(container.blocks.map((block) => decompressBlockAsync(container.codec, block.bytes, 2 ** 20)))
    const read = decodeManifestBlocks(manifestFile(), container, blocks, { partitionType: tupleType })
    const whole = decode(bytes)
    expect(read.count).toBe(2_000)
    for (let i = 0; i < read.count; i += 97) expect(read.entry(i)).toEqual(whole.entry(i))
    // The reader of one entry must not disturb another's.
    const stats = read.stats(1_999)
    read.entry(0)
    expect(stats.lowerBound(1)).toEqual(new Uint8Array(20))
  })
})

describe('a manifest that v1 metadata names inline', () => {
  it('tells its spec and its counts itself (trap 46)', () => {
    const writer = writerOf({ formatVersion: 1 })
    writer.added(dataFile({ recordCount: 3 }))
    writer.deleted({ status: 'existing', snapshotId: 1n, sequenceNumber: 0n, fileSequenceNumber: 0n, dataFile: dataFile({ partition: [null] }) })
    const { bytes } = writer.finish('m')
    const inline = inlineManifestFile('s3://b/m', bytes, 99n)
    expect(inline).toMatchObject({ manifestLengthBytes: bytes.length, partitionSpecId: 2, content: 'data', addedSnapshotId: 99n, addedFilesCount: undefined })
    expect(withEntryCounts(inline, decode(bytes), tupleType)).toMatchObject({
      addedFilesCount: 1, existingFilesCount: 0, deletedFilesCount: 1, addedRowsCount: 3n, existingRowsCount: 0n, deletedRowsCount: 10n,
      partitions: [{ containsNull: true, containsNan: false, lowerBound: Uint8Array.of(0x78), upperBound: Uint8Array.of(0x78) }],
    })
  })
})

function mapType(keyId: number, valueId: number, values: string): object {
  const fields = [{ name: 'key', type: 'int', 'field-id': keyId }, { name: 'value', type: values, 'field-id': valueId }]
  return { type: 'array', items: { type: 'record', name: `k${keyId}_v${valueId}`, fields }, logicalType: 'map' }
}
