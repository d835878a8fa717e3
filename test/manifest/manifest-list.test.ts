import { describe, expect, it } from 'vitest'
import type { AvroValue } from '../../src/avro/avro-schema.js'
import { parseAvroSchema, printAvroSchema } from '../../src/avro/avro-schema-json.js'
import { metadataText, readContainer } from '../../src/avro/container.js'
import { ContainerWriter } from '../../src/avro/container-writer.js'
import type { ManifestFile } from '../../src/manifest/data-file.js'
import { assignFirstRowIds, decodeManifestList, encodeManifestList, UNASSIGNED_SEQUENCE_NUMBER } from '../../src/manifest/manifest-list.js'
import { manifestListSchema } from '../../src/manifest/manifest-schema.js'
import { isFloeError } from '../../src/util/errors.js'
import { goldenSchemas } from './golden-schemas.js'
import { manifestFile, SNAPSHOT_ID, type RawRecord } from './manifest-fixture.js'

const options = { formatVersion: 2, snapshotId: SNAPSHOT_ID, parentSnapshotId: 5n, sequenceNumber: 9n } as const

const summaries = [
  { containsNull: true, containsNan: false, lowerBound: new Uint8Array(0), upperBound: Uint8Array.of(0xc3, 0xa9) },
  { containsNull: false, containsNan: undefined, lowerBound: undefined, upperBound: undefined },
]

describe('a manifest list', () => {
  it.each([1, 2, 3] as const)('of version %d gives back its manifests', (formatVersion) => {
    const assigned = { 1: { sequenceNumber: 0n, minSequenceNumber: 0n }, 2: {}, 3: { firstRowId: 2n ** 60n } }[formatVersion]
    const manifests = [
      manifestFile({ partitions: summaries, keyMetadata: Uint8Array.of(1), ...assigned }),
      manifestFile({ manifestPath: 'm1', addedFilesCount: 0, deletedFilesCount: 3, minSequenceNumber: 0n, ...assigned }),
      manifestFile({ manifestPath: 'm2', addedRowsCount: 2n ** 62n, ...assigned }),
    ]
    const bytes = encodeManifestList(manifests, { ...options, formatVersion, firstRowId: 0n })
    expect(decodeManifestList(bytes)).toEqual(manifests)
  })

  it('keeps every manifest in order, those with nothing but deleted entries as well (trap 49)', () => {
    const empty = { addedFilesCount: 0, existingFilesCount: 0, addedRowsCount: 0n }
    const manifests = [manifestFile({ ...empty, deletedFilesCount: 1 }), manifestFile(), manifestFile({ ...empty, content: 'deletes' })]
    expect(decodeManifestList(encodeManifestList(manifests, options))).toEqual(manifests)
    expect(decodeManifestList(encodeManifestList([], options))).toEqual([])
  })

  it('carries the header of the reference', () => {
    const text = (bytes: Uint8Array, key: string): string | undefined => metadataText(readContainer(bytes), key)
    const v3 = encodeManifestList([], { ...options, formatVersion: 3, firstRowId: 11n })
    const keys = ['snapshot-id', 'parent-snapshot-id', 'sequence-number', 'first-row-id', 'format-version']
    expect(keys.map((key) => text(v3, key))).toEqual(['9007199254740993', '5', '9', '11', '3'])
    const v1 = encodeManifestList([], { ...options, formatVersion: 1, parentSnapshotId: undefined })
    expect(keys.map((key) => text(v1, key))).toEqual(['9007199254740993', 'null', undefined, undefined, '1'])
  })

  it.each([1, 2, 3] as const)('has the Avro schema of the reference, byte for byte, in version %d', (formatVersion) => {
    expect(goldenSchemas(formatVersion, (name) => name.startsWith('snap-'))).toContain(printAvroSchema(manifestListSchema(formatVersion)))
  })

  it('gives new manifests the sequence number of the commit, and only those', () => {
    const fresh = manifestFile({ sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER, minSequenceNumber: UNASSIGNED_SEQUENCE_NUMBER })
    const rewritten = manifestFile({ sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER, minSequenceNumber: 0n })
    const listed = decodeManifestList(encodeManifestList([fresh, rewritten, manifestFile()], options))
    expect(listed.map((manifest) => [manifest.sequenceNumber, manifest.minSequenceNumber])).toEqual([[9n, 9n], [9n, 0n], [7n, 7n]])
    expect(() => encodeManifestList([{ ...fresh, addedSnapshotId: 1n }], options)).toThrow('never given a sequence number')
  })

  it('of an old v1 writer is read by field ids, whatever the names (trap 46)', () => {
    const renames: Readonly<Record<string, string>> = {
      added_files_count: 'added_data_files_count', existing_files_count: 'existing_data_files_count', deleted_files_count: 'deleted_data_files_count',
    }
    const schema = JSON.parse(printAvroSchema(manifestListSchema(1))) as RawRecord
    for (const field of schema.fields) field.name = renames[field.name] ?? field.name
    const fields = schema.fields.filter((field) => !field.name.endsWith('_rows_count') && field.name !== 'key_metadata')
    const without = { type: 'record', name: 'manifest_file', fields }
    const writer = new ContainerWriter(parseAvroSchema(JSON.stringify(without)))
    writer.add(['m', 100, 0, 5n, 1, 2, null, null])
    expect(decodeManifestList(writer.finish())).toEqual([
      {
        manifestPath: 'm', manifestLengthBytes: 100, partitionSpecId: 0, content: 'data',
        sequenceNumber: 0n, minSequenceNumber: 0n, addedSnapshotId: 5n,
        addedFilesCount: 1, existingFilesCount: 2, deletedFilesCount: undefined,
        addedRowsCount: undefined, existingRowsCount: undefined, deletedRowsCount: undefined,
        partitions: undefined, keyMetadata: undefined, firstRowId: undefined,
      },
    ])
  })

  it('takes negative counts as not recorded (trap 57)', () => {
    const writer = new ContainerWriter(manifestListSchema(1))
    writer.add(['m', 100, 0, 5n, -1, 0, 1, null, -1n, 0n, 1n, null])
    expect(decodeManifestList(writer.finish())[0]).toMatchObject({
      addedFilesCount: undefined, existingFilesCount: 0, deletedFilesCount: 1,
      addedRowsCount: undefined, existingRowsCount: 0n, deletedRowsCount: 1n,
    })
  })

  it.each([
    ['deletes in version 1', [manifestFile({ content: 'deletes' })], { ...options, formatVersion: 1 }],
    ['a manifest without counts after version 1', [manifestFile({ addedRowsCount: undefined })], options],
    ['a data manifest without a first row id in version 3', [manifestFile()], { ...options, formatVersion: 3, firstRowId: 0n }],
    ['version 3 without the first row id of the snapshot', [], { ...options, formatVersion: 3 }],
  ] as const)('refuses %s as INVALID', (_what, manifests, wrong) => {
    expect(() => encodeManifestList(manifests, wrong)).toThrow(expect.objectContaining({ code: 'INVALID' }) as Error)
  })

  it.each([
    ['a content that there is not', 3, 2],
    ['a negative length', 1, -1],
    ['a length over 2^53', 1, 2n ** 60n],
  ] as const)('with %s is CORRUPT', (_what, index, value) => {
    const record: AvroValue[] = ['m', 100, 0, 0, 1n, 1n, 5n, 1, 0, 0, 1n, 0n, 0n, null, null]
    record[index] = value
    const writer = new ContainerWriter(manifestListSchema(2))
    writer.add(record)
    expect(() => decodeManifestList(writer.finish(), 's3://b/snap.avro')).toThrow('file s3://b/snap.avro')
  })

  it('cut anywhere is CORRUPT, or a list of whole blocks', () => {
    const bytes = encodeManifestList([manifestFile({ partitions: summaries })], { ...options, compression: { codec: 'uncompressed' } })
    const start = bytes.length - readContainer(bytes).blocks[0]!.bytes.length - 16
    for (let length = 0; length < bytes.length; length++) {
      try {
        expect(decodeManifestList(bytes.subarray(0, length))).toEqual([])
      } catch (error) {
        if (!isFloeError(error, 'CORRUPT')) throw error
      }
    }
    for (let bit = start * 8; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      try {
        decodeManifestList(damaged)
      } catch (error) {
        if (!isFloeError(error, 'CORRUPT')) throw error
      }
    }
  })
})

describe('assignFirstRowIds', () => {
  const data = (added: bigint, existing: bigint, firstRowId?: bigint): ManifestFile =>
    manifestFile({ addedRowsCount: added, existingRowsCount: existing, firstRowId })

  it('advances by added and existing rows, and keeps ids that are there (trap 51)', () => {
    const manifests = [data(5n, 0n, 3n), data(10n, 20n), manifestFile({ content: 'deletes', addedRowsCount: 99n }), data(1n, 0n), data(0n, 0n)]
    const { manifests: assigned, nextRowId } = assignFirstRowIds(manifests, 100n)
    expect(assigned.map((manifest) => manifest.firstRowId)).toEqual([3n, 100n, undefined, 130n, 131n])
    expect(nextRowId).toBe(131n)
    expect(manifests.map((manifest) => manifest.firstRowId)).toEqual([3n, undefined, undefined, undefined, undefined])
  })

  it('keeps an id of 0', () => {
    expect(assignFirstRowIds([data(5n, 0n, 0n)], 100n)).toMatchObject({ manifests: [{ firstRowId: 0n }], nextRowId: 100n })
  })

  it('takes ids off delete manifests (trap 51)', () => {
    expect(assignFirstRowIds([manifestFile({ content: 'deletes', firstRowId: 5n })], 1n).manifests[0]!.firstRowId).toBe(undefined)
  })

  it('refuses a manifest whose rows nobody counted', () => {
    expect(() => assignFirstRowIds([manifestFile({ existingRowsCount: undefined })], 1n)).toThrow('withEntryCounts')
  })
})
