import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAvroSchema } from '../../src/avro/avro-schema-json.js'
import { readContainer } from '../../src/avro/container.js'
import { ContainerWriter } from '../../src/avro/container-writer.js'
import type { ManifestFile } from '../../src/manifest/data-file.js'
import { decodeManifestList, encodeManifestList, type EncodeManifestListOptions } from '../../src/manifest/manifest-list.js'
import { addManifestBlocks } from '../../src/manifest/manifest-list-blocks.js'
import { manifestFile, SNAPSHOT_ID } from './manifest-fixture.js'

const HEADER = { snapshotId: SNAPSHOT_ID, parentSnapshotId: undefined, sequenceNumber: 7n, firstRowId: 0n } as const
const FORMS = ([1, 2, 3] as const).flatMap((formatVersion) =>
  (['gzip', 'zstd', 'snappy', 'uncompressed'] as const).map((codec) => ({ formatVersion, compression: { codec } })),
)

/** A manifest whose name is as random as a real one. */
function listed(n: number, table = 0): ManifestFile {
  const name = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(table + 1, 0x85ebca6b)
  return manifestFile({
    manifestPath: `s3://b/${table}/metadata/${(name >>> 0).toString(16)}-m0.avro`, manifestLengthBytes: n, firstRowId: BigInt(n),
    partitions: [{ containsNull: n % 2 === 0, containsNan: undefined, lowerBound: Uint8Array.of(n), upperBound: Uint8Array.of(n, n) }],
  })
}

/** What is encoded by a process that has not seen any of the manifests. */
function encodeAnew(manifests: readonly ManifestFile[], options: EncodeManifestListOptions): Uint8Array {
  return encodeManifestList(manifests.map((manifest) => ({ ...manifest })), options)
}

/** Which manifests are made into records for the list. */
function encodedFor(manifests: readonly ManifestFile[], key = 'form'): readonly ManifestFile[] {
  const writer = new ContainerWriter(parseAvroSchema('"string"'), { blockBytes: Infinity })
  const encoded: ManifestFile[] = []
  const add = (manifest: ManifestFile): void => {
    encoded.push(manifest)
    writer.add(manifest.manifestPath)
  }
  addManifestBlocks(writer, manifests, { key, add })
  return encoded
}

describe('blocks of a manifest list', () => {
  it('are the same bytes whatever was encoded before: several tables that grow, shrink and merge, in every version and codec', () => {
    const few = fc.oneof(fc.nat(1), fc.nat(1), fc.nat(300))
    const step = fc.record({ table: fc.nat(2), at: fc.oneof(fc.constant(0), fc.nat(600)), removed: few, added: few, other: fc.nat(7) })
    const forms = fc.tuple(fc.nat(FORMS.length - 1), fc.nat(FORMS.length - 1))
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 20 }), forms, (steps, [usual, other]) => {
        const tables = [0, 1, 2].map((table): readonly ManifestFile[] => Array.from({ length: 400 }, (_, n) => listed(n, table)))
        steps.forEach(({ table, at, removed, added, other: turn }, i) => {
          const before = tables[table]!
          const start = at % (before.length + 1)
          const made = Array.from({ length: added }, (_, n) => listed(1000 * (i + 1) + n, table))
          const list = [...before.slice(0, start), ...made, ...before.slice(start + removed)]
          tables[table] = list
          const options = { ...HEADER, ...FORMS[turn === 0 ? other : usual]! }
          const bytes = encodeManifestList(list, options)
          expect(Buffer.compare(bytes, encodeAnew(list, options))).toBe(0)
          const versioned = list.map((manifest) => ({
            ...manifest, firstRowId: options.formatVersion === 3 ? manifest.firstRowId : undefined,
            ...(options.formatVersion === 1 ? { sequenceNumber: 0n, minSequenceNumber: 0n } : {}),
          }))
          expect(decodeManifestList(bytes)).toEqual(versioned)
        })
      }),
      { numRuns: 25 },
    )
  })

  it('are made again only where manifests came or went', () => {
    const old = Array.from({ length: 3000 }, (_, n) => listed(n))
    expect(encodedFor(old)).toHaveLength(3000)
    expect(encodedFor(old)).toHaveLength(0)
    const [first, middle] = [listed(5000), listed(5001)]
    expect(encodedFor([first, ...old]).length).toBeLessThan(600)
    const changed = encodedFor([first, ...old.slice(0, 1500), middle, ...old.slice(1501)])
    expect(changed).toContain(middle)
    expect(changed).not.toContain(first)
    expect(changed.length).toBeLessThan(600)
  })

  it('are made again in another form, and of other objects of equal content', () => {
    const manifests = Array.from({ length: 10 }, (_, n) => listed(n))
    expect(encodedFor(manifests)).toHaveLength(10)
    expect(encodedFor(manifests, 'other form')).toHaveLength(10)
    expect(encodedFor(manifests.map((manifest) => ({ ...manifest })), 'other form')).toHaveLength(10)
  })

  it('stay few over thousands of small commits, and none is kept twice', () => {
    let list: readonly ManifestFile[] = []
    let encoded = 0
    for (let n = 0; n < 2000; n++) {
      list = [listed(n), ...list]
      encoded += encodedFor(list).length
    }
    expect(encoded / 2000).toBeLessThan(400)
    const { blocks } = readContainer(encodeManifestList(list, { ...HEADER, formatVersion: 2 }))
    expect(blocks.reduce((sum, block) => sum + block.count, 0)).toBe(2000)
    expect(blocks.length).toBeLessThan(40)
    // The first block of the list before has made room for the one it is part of now.
    expect(encodedFor(list.slice(1))).not.toHaveLength(0)
  })

  it('end after 1,024 manifests whose names never say so, counted from the end', () => {
    const same = Array.from({ length: 2100 }, () => manifestFile())
    const counts = (manifests: readonly ManifestFile[]) => {
      const { blocks } = readContainer(encodeManifestList(manifests, { ...HEADER, formatVersion: 2 }))
      return blocks.map((block) => block.count)
    }
    expect(counts(same)).toEqual([52, 1024, 1024])
    expect(counts([manifestFile(), ...same])).toEqual([53, 1024, 1024])
    encodedFor(same)
    expect(encodedFor([manifestFile(), ...same])).toHaveLength(53)
  })
})
