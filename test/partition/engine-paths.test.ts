/** Folders of partitions, as the reference engines named them when they wrote the golden tables. */
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeManifestList } from '../../src/manifest/manifest-list.js'
import { decodeManifest } from '../../src/manifest/manifest-reader.js'
import { parseTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { partitionPath } from '../../src/partition/partition-path.js'
import { partitionType } from '../../src/partition/partition-type.js'
import { goldenTables, readGolden } from '../golden/golden-tables.js'

/** The folder in which each file of each snapshot's manifests lies, and the one that its partition tuple gives. */
function folders(metadataLocation: string): { readonly actual: string; readonly expected: string }[] {
  const bytes = readGolden(metadataLocation)
  const metadata = parseTableMetadata(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes)
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
  const found: { actual: string; expected: string }[] = []
  for (const { manifestList } of metadata.snapshots) {
    if (manifestList === undefined) continue
    for (const manifest of decodeManifestList(readGolden(manifestList), manifestList)) {
      const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === manifest.partitionSpecId)!
      if (spec.fields.length === 0) continue
      const tuple = partitionType(spec, schema, metadata.schemas)
      const entries = decodeManifest(manifest, readGolden(manifest.manifestPath), { partitionType: tuple })
      for (let index = 0; index < entries.count; index++) {
        const { dataFile } = entries.entry(index)
        const path = /\/data\/(.*)\/[^/]*$/.exec(dataFile.filePath)
        if (path !== null) found.push({ actual: path[1]!, expected: partitionPath(spec, schema, dataFile.partition) })
      }
    }
  }
  return found
}

const partitioned = goldenTables.filter((golden) => golden['partition-specs'].some((spec) => spec.fields.length > 0))

describe('partition folders of the reference engines', () => {
  it.each(partitioned.map((golden) => [golden.table, golden] as const))('%s: each file lies in the folder of its tuple', (_, golden) => {
    for (const { actual, expected } of folders(golden.metadata)) {
      // The object storage layout puts a hash before the partition.
      expect(actual.endsWith(`/${expected}`) ? expected : actual).toBe(expected)
    }
  })

  it('there are folders of every kind to compare', () => {
    const names = new Set(partitioned.flatMap((golden) => folders(golden.metadata)).flatMap(({ actual }) => actual.split('/').map((part) => part.split('=')[0]!)))
    expect(names.size).toBeGreaterThan(20)
  })
})
