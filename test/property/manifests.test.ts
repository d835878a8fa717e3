import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inflateBlock, readContainer } from '../../src/avro/container.js'
import type { DataFile, ManifestEntry, ManifestFile } from '../../src/manifest/data-file.js'
import { assignFirstRowIds, decodeManifestList, encodeManifestList } from '../../src/manifest/manifest-list.js'
import { decodeManifest, decodeManifestBlocks } from '../../src/manifest/manifest-reader.js'
import type { ManifestFormatVersion } from '../../src/manifest/manifest-schema.js'
import { ManifestWriter } from '../../src/manifest/manifest-writer.js'
import { compareValues } from '../../src/schema/compare-values.js'
import { Schema } from '../../src/schema/schema.js'
import { decodeValue } from '../../src/schema/single-value.js'
import type { StructType, Type, Value } from '../../src/schema/type.js'
import { isFloeError } from '../../src/util/errors.js'

const tupleTypes: readonly (readonly [Type, fc.Arbitrary<Value>])[] = [
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'int' }, fc.integer()],
  [{ kind: 'date' }, fc.integer()],
  [{ kind: 'long' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ kind: 'timestamptz_ns' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ kind: 'float' }, fc.float()],
  [{ kind: 'double' }, fc.double()],
  [{ kind: 'decimal', precision: 9, scale: 2 }, fc.bigInt({ min: -999_999_999n, max: 999_999_999n })],
  [{ kind: 'decimal', precision: 38, scale: 10 }, fc.bigInt({ min: 1n - 10n ** 38n, max: 10n ** 38n - 1n })],
  [{ kind: 'string' }, fc.string({ unit: 'binary', maxLength: 30 })],
  [{ kind: 'uuid' }, fc.uuid()],
  [{ kind: 'fixed', length: 3 }, fc.uint8Array({ minLength: 3, maxLength: 3 })],
  [{ kind: 'binary' }, fc.uint8Array({ maxLength: 20 })],
]
const partitionType: StructType = {
  kind: 'struct',
  fields: tupleTypes.map(([type], i) => ({ id: 1000 + i, name: i === 0 ? 'odd name!' : `p${i}`, type, required: false })),
}
const spec = { specId: 3, fields: partitionType.fields.map(({ id, name }, i) => ({ fieldId: id, name, sourceIds: [i + 1], transform: 'identity' })) }
const schema = new Schema(tupleTypes.map(([type], i) => ({ id: i + 1, name: `c${i}`, type, required: false })))

const count = fc.oneof(fc.nat(100), fc.nat(), fc.maxSafeNat())
const fieldId = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }))
const counts = optional(fc.array(fc.tuple(fieldId, count), { maxLength: 5 }).map((pairs) => new Map(pairs)))
const bounds = optional(fc.array(fc.tuple(fieldId, fc.uint8Array({ maxLength: 20 })), { maxLength: 5 }).map((pairs) => new Map(pairs)))
const long = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })

const dataFile: fc.Arbitrary<DataFile> = fc.record({
  content: fc.constant('data' as const),
  filePath: fc.string({ unit: 'binary', maxLength: 40 }),
  fileFormat: fc.constantFrom('parquet' as const, 'avro' as const, 'orc' as const),
  specId: fc.constant(3),
  partition: fc.tuple(...tupleTypes.map(([, value]) => fc.option(value))),
  recordCount: fc.nat(),
  fileSizeBytes: count,
  columnSizes: counts,
  valueCounts: counts,
  nullValueCounts: counts,
  nanValueCounts: counts,
  lowerBounds: bounds,
  upperBounds: bounds,
  keyMetadata: optional(fc.uint8Array({ maxLength: 10 })),
  splitOffsets: optional(fc.array(count, { minLength: 1, maxLength: 4 })),
  equalityIds: fc.constant(undefined),
  sortOrderId: optional(fc.integer()),
  firstRowId: optional(long),
  referencedDataFile: fc.constant(undefined),
  contentOffset: fc.constant(undefined),
  contentSizeBytes: fc.constant(undefined),
})
const entry: fc.Arbitrary<ManifestEntry> = fc.record({
  status: fc.constantFrom('added' as const, 'existing' as const, 'deleted' as const),
  snapshotId: long, sequenceNumber: long, fileSequenceNumber: long, dataFile,
})
const entries = fc.array(entry, { maxLength: 6 })
const version = fc.constantFrom<ManifestFormatVersion>(1, 2, 3)

function write(list: readonly ManifestEntry[], formatVersion: ManifestFormatVersion): { bytes: Uint8Array; manifestFile: ManifestFile } {
  const compression = { codec: 'gzip', level: 1 } as const
  const writer = new ManifestWriter({ formatVersion, content: 'data', spec, schema, partitionType, snapshotId: 1n, compression })
  for (const item of list) writer.add(item)
  return writer.finish('m')
}

describe('manifests', () => {
  it('give back every entry, in every version', () => {
    fc.assert(
      fc.property(entries, version, (list, formatVersion) => {
        const { bytes, manifestFile } = write(list, formatVersion)
        const manifest = { ...manifestFile, sequenceNumber: formatVersion === 1 ? 0n : 5n }
        const read = decodeManifest(manifest, bytes, { partitionType, committed: false })
        expect(read.count).toBe(list.length)
        expect(Array.from({ length: read.count }, (_, i) => read.entry(i))).toEqual(list.map((item) => expected(item, formatVersion)))
      }),
      { numRuns: 150 },
    )
  })

  it('say the same when they are compact, some entries or all, and give their blocks up', () => {
    fc.assert(
      fc.property(entries, version, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (list, formatVersion, chosen) => {
        const { bytes, manifestFile } = write(list, formatVersion)
        const container = readContainer(bytes, 'm')
        const blocks = container.blocks.map((block) => inflateBlock(container, block))
        const release = (given: readonly Uint8Array[]): void => given.forEach((block) => block.fill(0xff))
        const manifest = { ...manifestFile, sequenceNumber: formatVersion === 1 ? 0n : 5n }
        const decoded = decodeManifestBlocks(manifest, container, blocks, { partitionType, committed: false, release })
        const rows = Uint32Array.from(list.keys()).filter((i) => chosen[i]!)
        const compact = decoded.compact(rows)
        expect(compact.count).toBe(rows.length)
        expect(Array.from(rows, (_, i) => compact.entry(i))).toEqual(Array.from(rows, (row) => expected(list[row]!, formatVersion)))
        rows.forEach((row, i) => {
          for (const id of list[row]!.dataFile.lowerBounds?.keys() ?? []) {
            expect(compact.stats(i).lowerBound(id)).toEqual(list[row]!.dataFile.lowerBounds?.get(id))
          }
        })
      }),
      { numRuns: 150 },
    )
  })

  it('answer for one column what the whole maps say', () => {
    fc.assert(
      fc.property(entries, fieldId, (list, absent) => {
        const { bytes, manifestFile } = write(list, 2)
        const read = decodeManifest(manifestFile, bytes, { partitionType })
        list.forEach(({ dataFile: file }, i) => {
          const stats = read.stats(i)
          const keys = [file.valueCounts, file.lowerBounds, file.upperBounds].flatMap((map) => [...(map?.keys() ?? [])])
          const ids = new Set([absent, ...keys])
          for (const id of ids) {
            expect(stats.valueCount(id)).toBe(file.valueCounts?.get(id))
            expect(stats.nullCount(id)).toBe(file.nullValueCounts?.get(id))
            expect(stats.nanCount(id)).toBe(file.nanValueCounts?.get(id))
            expect(stats.lowerBound(id)).toEqual(file.lowerBounds?.get(id))
            expect(stats.upperBound(id)).toEqual(file.upperBounds?.get(id))
          }
        })
      }),
      { numRuns: 100 },
    )
  })

  it('have summaries that hold every tuple, tightly', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const { manifestFile } = write(list, 2)
        tupleTypes.forEach(([type], i) => {
          const values = list.map((item) => item.dataFile.partition[i] ?? null)
          const { containsNull, containsNan, lowerBound, upperBound } = manifestFile.partitions![i]!
          expect(containsNull).toBe(values.includes(null))
          expect(containsNan).toBe(values.some((value) => Number.isNaN(value)))
          const inRange = values.filter((value) => value !== null && !Number.isNaN(value)).sort(compareValues(type))
          expect(lowerBound && decodeValue(type, lowerBound)).toEqual(inRange[0])
          expect(upperBound && decodeValue(type, upperBound)).toEqual(inRange.at(-1))
        })
      }),
      { numRuns: 60 },
    )
  })

  it('overwritten anywhere give typed errors or other values', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), (list, where, byte) => {
        const compression = { codec: 'uncompressed' } as const
        const writer = new ManifestWriter({ formatVersion: 3, content: 'data', spec, schema, partitionType, snapshotId: 1n, compression })
        for (const item of list) writer.add(item)
        const { bytes, manifestFile } = writer.finish('m')
        const damaged = bytes.slice()
        // Within the data: the header of some 6 kB would take nearly every hit.
        damaged[bytes.length - 1 - (where % Math.min(bytes.length, 1_500))] = byte
        try {
          const read = decodeManifest(manifestFile, damaged, { partitionType })
          for (let i = 0; i < read.count; i++) read.entry(i)
        } catch (error) {
          if (!isFloeError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('manifest lists', () => {
  const fileCount = fc.nat()
  const rowCount = fc.bigInt({ min: 0n, max: 2n ** 40n })
  const summary = fc.record({
    containsNull: fc.boolean(), containsNan: optional(fc.boolean()),
    lowerBound: optional(fc.uint8Array({ maxLength: 9 })), upperBound: optional(fc.uint8Array({ maxLength: 9 })),
  })
  const manifest: fc.Arbitrary<ManifestFile> = fc.record({
    manifestPath: fc.string({ unit: 'binary' }), manifestLengthBytes: count, partitionSpecId: fc.nat(),
    content: fc.constantFrom('data' as const, 'deletes' as const),
    sequenceNumber: long, minSequenceNumber: long, addedSnapshotId: long,
    addedFilesCount: fileCount, existingFilesCount: fileCount, deletedFilesCount: fileCount,
    addedRowsCount: rowCount, existingRowsCount: rowCount, deletedRowsCount: long,
    partitions: optional(fc.array(summary, { maxLength: 3 })), keyMetadata: optional(fc.uint8Array({ maxLength: 5 })),
    firstRowId: optional(long),
  })
  const manifests = fc.array(manifest, { maxLength: 5 })
  const header = { snapshotId: 1n, parentSnapshotId: undefined, sequenceNumber: 3n, firstRowId: 0n } as const

  it('give back every manifest, in every version', () => {
    fc.assert(
      fc.property(manifests, (list) => {
        const { manifests: assigned } = assignFirstRowIds(list, 10n)
        expect(decodeManifestList(encodeManifestList(assigned, { ...header, formatVersion: 3 }))).toEqual(assigned)
        const v2 = list.map((item) => ({ ...item, firstRowId: undefined }))
        expect(decodeManifestList(encodeManifestList(v2, { ...header, formatVersion: 2 }))).toEqual(v2)
        const v1 = v2.filter((item) => item.content === 'data').map((item) => ({ ...item, sequenceNumber: 0n, minSequenceNumber: 0n }))
        expect(decodeManifestList(encodeManifestList(v1, { ...header, formatVersion: 1 }))).toEqual(v1)
      }),
      { numRuns: 100 },
    )
  })

  it('assign row id ranges that never overlap', () => {
    fc.assert(
      fc.property(manifests, fc.bigInt({ min: 0n, max: 2n ** 60n }), (list, firstRowId) => {
        const fresh = list.map((item) => ({ ...item, firstRowId: undefined }))
        const { manifests: assigned, nextRowId } = assignFirstRowIds(fresh, firstRowId)
        let next = firstRowId
        for (const item of assigned) {
          if (item.content === 'deletes') continue
          expect(item.firstRowId).toBe(next)
          next += item.addedRowsCount! + item.existingRowsCount!
        }
        expect(nextRowId).toBe(next)
        expect(assignFirstRowIds(assigned, nextRowId)).toEqual({ manifests: assigned, nextRowId })
      }),
    )
  })
})

/** What a version can hold of an entry. */
function expected(item: ManifestEntry, formatVersion: ManifestFormatVersion): ManifestEntry {
  if (formatVersion === 3) return item
  const dataFile = { ...item.dataFile, firstRowId: undefined }
  return formatVersion === 2 ? { ...item, dataFile } : { ...item, sequenceNumber: 0n, fileSequenceNumber: 0n, dataFile }
}

function optional<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined })
}
