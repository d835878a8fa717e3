/** Array blocks that declare their size in bytes: the count in front of it is still only a claim. */
import { describe, expect, it } from 'vitest'
import { inflateBlock, readContainer } from '../../src/avro/container.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { decodeManifestBlocks } from '../../src/manifest/manifest-reader.js'
import type { ManifestEntries } from '../../src/manifest/manifest-entries.js'
import { ManifestWriter } from '../../src/manifest/manifest-writer.js'
import { partitionType } from '../../src/partition/partition-type.js'
import { Schema } from '../../src/schema/schema.js'
import { FloeError } from '../../src/util/errors.js'

const schema = new Schema([{ id: 1, name: 'a', type: { kind: 'long' }, required: false }])
const spec = { specId: 0, fields: [] }

/** A manifest of one file, its map of value counts (one pair: field 1, 77 values) replaced by `block`. */
function decodeWith(block: readonly number[]): ManifestEntries {
  const writer = new ManifestWriter({ formatVersion: 2, content: 'data', spec, schema, snapshotId: 1n })
  const file: DataFile = {
    content: 'data', filePath: 's3://b/f.parquet', fileFormat: 'parquet', specId: 0, partition: [], recordCount: 77, fileSizeBytes: 100,
    valueCounts: new Map([[1, 77]]),
  }
  writer.added(file)
  const { bytes, manifestFile } = writer.finish('s3://b/m.avro')
  const container = readContainer(bytes, 's3://b/m.avro')
  const entry = Buffer.from(inflateBlock(container, container.blocks[0]!))
  const onePair = Buffer.from([0x02, 0x02, 0x9a, 0x01, 0x00])
  const at = entry.indexOf(onePair)
  expect(at).toBeGreaterThan(0)
  const changed = Buffer.concat([entry.subarray(0, at), Buffer.from(block), entry.subarray(at + onePair.length)])
  return decodeManifestBlocks({ ...manifestFile, sequenceNumber: 1n }, container, [changed], { partitionType: partitionType(spec, schema) })
}

const pair = [0x02, 0x9a, 0x01]

describe('a map whose block declares its size', () => {
  it('is read like one that does not', () => {
    const entries = decodeWith([0x01, 0x06, ...pair, 0x00])
    expect(entries.dataFile(0).valueCounts).toEqual(new Map([[1, 77]]))
    expect(entries.stats(0).valueCount(1)).toBe(77)
  })

  it('is refused at once when it claims 2^39 pairs in three bytes', () => {
    expect(() => decodeWith([0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x06, ...pair, 0x00])).toThrow(FloeError)
  })

  it.each([
    ['more pairs than its size holds', [0x03, 0x06, ...pair, 0x00]],
    ['fewer pairs than its size holds', [0x01, 0x0c, ...pair, ...pair, 0x00]],
    ['a size past the end', [0x01, 0xfe, 0x7f, ...pair, 0x00]],
  ])('is refused when it claims %s', (_, block) => {
    expect(() => decodeWith(block)).toThrow(FloeError)
  })
})
