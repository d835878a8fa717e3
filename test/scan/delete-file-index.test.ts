import { describe, expect, it } from 'vitest'
import type { DataFile, ManifestEntry } from '../../src/manifest/data-file.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { DeleteFileIndex } from '../../src/scan/delete-file-index.js'

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
})
