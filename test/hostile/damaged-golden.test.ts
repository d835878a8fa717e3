/**
 * Golden files with seeded damage. A decoder gives a value or a `FloeError` that names the file; it never throws anything else,
 * never runs away, never takes memory in proportion to a declared length.
 * `FLOE_SEED=<n>` replays one seed, `FLOE_ROUNDS=<n>` runs longer.
 */
import { deflateRawSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflateBlock, readContainer } from '../../src/avro/container.js'
import { decodeManifestList } from '../../src/manifest/manifest-list.js'
import { decodeManifest, decodeManifestBlocks } from '../../src/manifest/manifest-reader.js'
import type { ManifestFile } from '../../src/manifest/data-file.js'
import { parseTableMetadata, printTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { partitionType } from '../../src/partition/partition-type.js'
import type { StructType } from '../../src/schema/type.js'
import { FloeError } from '../../src/util/errors.js'
import { goldenTables, readGolden } from '../golden/golden-tables.js'
import { mutate, seeded } from './mutate.js'

const seeds = process.env['FLOE_SEED'] === undefined
  ? Array.from({ length: Number(process.env['FLOE_ROUNDS'] ?? 40) }, (_, index) => index + 1)
  : [Number(process.env['FLOE_SEED'])]

/** Runs `decode` on damaged bytes for every seed; reports the first outcome that is neither a value nor a `FloeError`. */
function survives(name: string, bytes: Buffer, decode: (damaged: Buffer) => unknown): string[] {
  return seeds.flatMap((seed) => {
    const damaged = mutate(bytes, seeded(seed * 7919 + name.length))
    const before = process.memoryUsage().rss
    try {
      decode(damaged)
    } catch (error) {
      if (!(error instanceof FloeError)) return [`${name}, FLOE_SEED=${seed}: ${String(error)}`]
      if (!['CORRUPT', 'INVALID', 'UNSUPPORTED', 'NOT_FOUND'].includes(error.code)) return [`${name}, FLOE_SEED=${seed}: ${error.code}`]
    }
    const grown = process.memoryUsage().rss - before
    return grown > 256 * 2 ** 20 ? [`${name}, FLOE_SEED=${seed}: took ${grown} bytes`] : []
  })
}

interface GoldenManifest {
  readonly manifest: ManifestFile
  readonly tuple: StructType
}

/** Every manifest list of the golden tables, and the manifests in it with the type of their tuples. */
const lists = goldenTables.flatMap((golden) => {
  const bytes = readGolden(golden.metadata)
  const metadata = parseTableMetadata(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes)
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
  const list = metadata.snapshots.at(-1)?.manifestList
  if (list === undefined) return []
  const manifests = decodeManifestList(readGolden(list), list).map((manifest): GoldenManifest => ({
    manifest,
    tuple: partitionType(metadata.partitionSpecs.find((spec) => spec.specId === manifest.partitionSpecId)!, schema, metadata.schemas),
  }))
  return [{ table: golden.table, list, manifests }]
})

describe('damaged golden files', () => {
  it('metadata is refused or read, never anything else', () => {
    const failures = goldenTables.flatMap((golden) => {
      const bytes = readGolden(golden.metadata)
      const text = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes
      return survives(golden.metadata, text, (damaged) => printTableMetadata(parseTableMetadata(damaged, { location: golden.metadata })))
    })
    expect(failures).toEqual([])
  })

  it('manifest lists are refused or read, never anything else', () => {
    const failures = lists.flatMap(({ list }) => survives(list, readGolden(list), (damaged) => decodeManifestList(damaged, list)))
    expect(failures).toEqual([])
  })

  it('manifests are refused or read to the last field of every entry, never anything else', () => {
    const failures = lists.flatMap(({ manifests }) => manifests.slice(0, 2).flatMap(({ manifest, tuple }) =>
      survives(manifest.manifestPath, readGolden(manifest.manifestPath), (damaged) => {
        const entries = decodeManifest(manifest, damaged, { partitionType: tuple, maxInflatedBytes: 2 ** 24 })
        for (let index = 0; index < entries.count; index += 1) entries.entry(index)
      }),
    ))
    expect(failures).toEqual([])
  })

  it('entries damaged inside of an intact block are refused or read, never anything else', () => {
    const failures = lists.flatMap(({ manifests }) => manifests.slice(0, 2).flatMap(({ manifest, tuple }) => {
      const container = readContainer(readGolden(manifest.manifestPath), manifest.manifestPath)
      return container.blocks.slice(0, 1).flatMap((block) =>
        survives(manifest.manifestPath, Buffer.from(inflateBlock(container, block)), (damaged) => {
          const entries = decodeManifestBlocks(manifest, { ...container, blocks: [block] }, [damaged], { partitionType: tuple })
          for (let index = 0; index < entries.count; index += 1) entries.entry(index)
        }),
      )
    }))
    expect(failures).toEqual([])
  })

  it('a manifest whose block inflates without end is refused at the bound', () => {
    const { manifest, tuple } = lists.flatMap((list) => list.manifests)[0]!
    const bytes = readGolden(manifest.manifestPath)
    // The sync marker closes the header and every block: between two of them are the counts and the deflated entries.
    const sync = bytes.subarray(-16)
    const header = bytes.subarray(0, bytes.indexOf(sync) + 16)
    const bomb = deflateRawSync(Buffer.alloc(2 ** 28))
    const length = Buffer.from(zigzag(BigInt(bomb.length)))
    const damaged = Buffer.concat([header, Buffer.from(zigzag(1000n)), length, bomb, sync])
    expect(() => decodeManifest(manifest, damaged, { partitionType: tuple, maxInflatedBytes: 2 ** 20 })).toThrow(FloeError)
  })
})

function zigzag(value: bigint): number[] {
  const out: number[] = []
  for (let rest = value << 1n; ; rest >>= 7n) {
    if (rest < 128n) return [...out, Number(rest)]
    out.push(Number(rest & 127n) | 128)
  }
}
