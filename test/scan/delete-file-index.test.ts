import { describe, expect, it } from 'vitest'
import type { DataFile, ManifestEntry } from '../../src/manifest/data-file.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { DeleteFileIndex } from '../../src/scan/delete-file-index.js'
import { DELETE_FILE_PATH_FIELD } from '../../src/schema/reserved-fields.js'
import { Schema } from '../../src/schema/schema.js'
import { encodeValue } from '../../src/schema/single-value.js'
import type { Type, Value } from '../../src/schema/type.js'
import { fileStats } from '../support/file-stats.js'
import type { ColumnStats } from '../support/file-stats.js'

const unpartitioned: PartitionSpec = { specId: 0, fields: [] }
const byKind: PartitionSpec = { specId: 1, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [1], transform: 'identity' }] }
const voided: PartitionSpec = { specId: 2, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [1], transform: 'void' }] }
const specs = [unpartitioned, byKind, voided]

function entry(sequenceNumber: bigint, file: Partial<DataFile>): ManifestEntry {
  const dataFile: DataFile = {
    content: 'equality-deletes', filePath: 'd', fileFormat: 'parquet', specId: 1, partition: ['a'], recordCount: 1, fileSizeBytes: 1, ...file,
  }
  return { status: 'added', snapshotId: 1n, sequenceNumber, fileSequenceNumber: sequenceNumber, dataFile }
}

const names = (index: DeleteFileIndex, sequenceNumber: bigint, partition: string | null = 'a', filePath = 'f'): string[] =>
  index.deletesFor({ filePath, specId: 1, partition: [partition], sequenceNumber }).map((file) => file.filePath)

describe('the deletes of a data file', () => {
  it('trap 33: an equality delete applies to strictly older data, a position delete to data of its own commit too', () => {
    const index = new DeleteFileIndex(
      [entry(5n, { filePath: 'eq' }), entry(5n, { filePath: 'pos', content: 'position-deletes' })],
      specs,
    )
    expect(names(index, 4n)).toEqual(['eq', 'pos'])
    expect(names(index, 5n)).toEqual(['pos'])
    expect(names(index, 6n)).toEqual([])
  })

  it('trap 34: an equality delete is global only under an unpartitioned spec', () => {
    const index = new DeleteFileIndex(
      [
        entry(5n, { filePath: 'here' }),
        entry(5n, { filePath: 'there', partition: ['b'] }),
        entry(5n, { filePath: 'null', partition: [null] }),
        entry(5n, { filePath: 'global', specId: 0, partition: [] }),
        entry(5n, { filePath: 'void', specId: 2, partition: [null] }),
      ],
      specs,
    )
    expect(names(index, 1n)).toEqual(['global', 'void', 'here'])
    expect(names(index, 1n, null)).toEqual(['global', 'void', 'null'])
  })

  it('a vector stands for every position delete of its file, and only for that file', () => {
    const vector = { filePath: 'p.puffin', content: 'position-deletes', fileFormat: 'puffin', referencedDataFile: 'f' } as const
    const index = new DeleteFileIndex([entry(5n, vector), entry(4n, { filePath: 'pos', content: 'position-deletes' })], specs)
    expect(names(index, 1n)).toEqual(['p.puffin'])
    expect(names(index, 1n, 'a', 'other')).toEqual(['pos'])
  })

  it('a position delete file that references one data file leaves the others alone', () => {
    const index = new DeleteFileIndex([entry(5n, { filePath: 'pos', content: 'position-deletes', referencedDataFile: 'f' })], specs)
    expect(names(index, 1n)).toEqual(['pos'])
    expect(names(index, 1n, 'a', 'g')).toEqual([])
  })

  it('two live vectors for one data file are refused', () => {
    const vector = { content: 'position-deletes', fileFormat: 'puffin', referencedDataFile: 'f' } as const
    expect(() => new DeleteFileIndex([entry(5n, vector), entry(6n, vector)], specs)).toThrow(expect.objectContaining({ code: 'CORRUPT', file: 'f' }))
  })

  it('position deletes whose bounds name one data file apply to that file alone', () => {
    const path = Buffer.from('f')
    const bounds = { lowerBounds: new Map([[DELETE_FILE_PATH_FIELD.id, path]]), upperBounds: new Map([[DELETE_FILE_PATH_FIELD.id, path]]) }
    const index = new DeleteFileIndex([entry(5n, { filePath: 'pos', content: 'position-deletes', ...bounds })], specs)
    expect(names(index, 1n)).toEqual(['pos'])
    expect(index.deletesFor({ filePath: 'f', specId: 1, partition: ['a'], sequenceNumber: 1n })[0]!.referencedDataFile).toBe('f')
    expect(names(index, 1n, 'a', 'g')).toEqual([])
  })

  it('trap 43, fault 34: a vector, or position deletes of one file, under another partition than their data file are refused', () => {
    for (const fileFormat of ['puffin', 'parquet'] as const) {
      const deletes = { filePath: 'd', content: 'position-deletes', fileFormat, referencedDataFile: 'f' } as const
      const moved = new DeleteFileIndex([entry(5n, { ...deletes, partition: ['b'] })], specs)
      expect(() => names(moved, 1n)).toThrow(expect.objectContaining({ code: 'CORRUPT', file: 'f' }))
      const respecced = new DeleteFileIndex([entry(5n, { ...deletes, specId: 2 })], specs)
      expect(() => names(respecced, 1n)).toThrow(expect.objectContaining({ code: 'CORRUPT', file: 'f' }))
      expect(names(respecced, 1n, 'a', 'other')).toEqual([])
    }
  })

  it('trap 40: vectors that share a Puffin file are told apart by the data files that they name', () => {
    const vector = (referencedDataFile: string, contentOffset: number) =>
      entry(5n, { filePath: 'p.puffin', content: 'position-deletes', fileFormat: 'puffin', referencedDataFile, contentOffset, contentSizeBytes: 40 })
    const index = new DeleteFileIndex([vector('f', 4), vector('g', 44)], specs)
    const offsetsOf = (filePath: string) => index.deletesFor({ filePath, specId: 1, partition: ['a'], sequenceNumber: 1n }).map((file) => file.contentOffset)
    expect([offsetsOf('f'), offsetsOf('g'), offsetsOf('h')]).toEqual([[4], [44], []])
  })

  it('trap 37: fifty thousand delete files are found at once, and listed once for data of one age', () => {
    const many = Array.from({ length: 50_000 }, (_, i) => entry(BigInt(i + 1), { filePath: `d${i}` })).reverse()
    const index = new DeleteFileIndex(many, specs)
    expect(names(index, 0n)).toHaveLength(50_000)
    expect(names(index, 49_999n)).toEqual(['d49999'])
    const of = (filePath: string) => index.deletesFor({ filePath, specId: 1, partition: ['a'], sequenceNumber: 0n })
    expect(of('f')).toBe(of('g'))
  })
})

describe('equality deletes that cannot match', () => {
  const key = (type: Type, required = false): Schema => new Schema([{ id: 1, name: 'k', type, required }])
  interface Metrics extends Omit<ColumnStats, 'lower' | 'upper'> {
    readonly from?: Value
    readonly to?: Value
  }
  const encoded = (type: Type, value: Value | undefined): Uint8Array | undefined =>
    value === undefined ? undefined : encodeValue(type, value)
  const mapOf = <T>(value: T | undefined): ReadonlyMap<number, T> | undefined => (value === undefined ? undefined : new Map([[1, value]]))

  /** Whether a delete file with some metrics is applied to a data file with others. */
  function applies(schema: Schema, deleted: Metrics, data: Metrics): boolean {
    const { type } = schema.fields[0]!
    const file: Partial<DataFile> = {
      equalityIds: [1],
      valueCounts: mapOf(deleted.values),
      nullValueCounts: mapOf(deleted.nulls),
      nanValueCounts: mapOf(deleted.nans),
      lowerBounds: mapOf(encoded(type, deleted.from)),
      upperBounds: mapOf(encoded(type, deleted.to)),
    }
    const index = new DeleteFileIndex([entry(5n, file)], specs, [schema])
    const stats = fileStats(10, { 1: { ...data, lower: encoded(type, data.from), upper: encoded(type, data.to) } })
    return index.deletesFor({ filePath: 'f', specId: 1, partition: ['a'], sequenceNumber: 1n, stats }).length > 0
  }

  const int: Type = { kind: 'int' }
  const double: Type = { kind: 'double' }
  const known = { values: 10, nulls: 0, nans: 0 }

  it('are left out where bounds do not meet, and kept where they do or are not known', () => {
    expect(applies(key(int), { ...known, from: 1, to: 4 }, { ...known, from: 5, to: 9 })).toBe(false)
    expect(applies(key(int), { ...known, from: 10, to: 14 }, { ...known, from: 5, to: 9 })).toBe(false)
    expect(applies(key(int), { ...known, from: 1, to: 5 }, { ...known, from: 5, to: 9 })).toBe(true)
    expect(applies(key(int), { ...known }, { ...known, from: 5, to: 9 })).toBe(true)
    expect(applies(key(int), { ...known, from: 1, to: 4 }, { ...known })).toBe(true)
    expect(applies(key({ kind: 'string' }), { ...known, from: 'a', to: 'b' }, { ...known, from: '\ufffd', to: '\u{1f600}' })).toBe(false)
    expect(applies(key(double), { ...known, from: -0, to: -0 }, { ...known, from: 0, to: 0 })).toBe(true)
  })

  it('trap 8: nulls meet nulls whatever the bounds, and a count that is not known is not zero', () => {
    const apart = [{ values: 10, nulls: 1, from: 1, to: 4 }, { values: 10, nulls: 1, from: 5, to: 9 }] as const
    expect(applies(key(int), ...apart)).toBe(true)
    expect(applies(key(int, true), ...apart)).toBe(false)
    expect(applies(key(int), { ...apart[0], nulls: undefined }, apart[1])).toBe(true)
    expect(applies(key(int), { ...apart[0], nulls: 0 }, apart[1])).toBe(false)
    expect(applies(key(int), { values: 10, nulls: 10 }, { values: 10, nulls: 0, from: 5, to: 9 })).toBe(false)
    expect(applies(key(int), { values: 10, nulls: 0, from: 5, to: 9 }, { values: 10, nulls: 10 })).toBe(false)
    expect(applies(key(int), { values: 10, nulls: 0, from: 5, to: 9 }, { values: 10 })).toBe(true)
  })

  it('trap 7: NaN, which bounds leave out, meets NaN', () => {
    const apart = [{ ...known, nans: 1, from: 1, to: 4 }, { ...known, nans: 1, from: 5, to: 9 }] as const
    expect(applies(key(double), ...apart)).toBe(true)
    expect(applies(key(double), { ...apart[0], nans: undefined }, { ...apart[1], nans: undefined })).toBe(true)
    expect(applies(key(double), { ...apart[0], nans: 0 }, apart[1])).toBe(false)
  })

  it('a required key in an optional struct may be null', () => {
    const nested = new Schema([{ id: 2, name: 's', required: false, type: { kind: 'struct', fields: [{ id: 1, name: 'k', type: int, required: true }] } }])
    const ones = new Map([[1, 1]])
    const index = new DeleteFileIndex([entry(5n, { equalityIds: [1], nullValueCounts: ones, valueCounts: ones })], specs, [nested])
    const stats = fileStats(10, { 1: { values: 10, nulls: 3 } })
    expect(index.deletesFor({ filePath: 'f', specId: 1, partition: ['a'], sequenceNumber: 1n, stats })).toHaveLength(1)
  })
})
