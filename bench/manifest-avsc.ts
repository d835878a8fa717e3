/**
 * Why `src/avro/` is our own codec (docs/adr/0001): entries a second of one manifest, by avsc and by floe. The manifests are
 * ones that Spark wrote (`test/golden`), their blocks repeated; inflation, the same for both, is left out.
 *
 *     npx esbuild bench/manifest-avsc.ts --bundle --packages=external --platform=node --format=esm --outfile=/tmp/bench.mjs
 *     node /tmp/bench.mjs [entries]
 */
import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { inflateBlock, metadataText, readContainer } from '../src/avro/container.js'
import { decodeManifestBlocks, inlineManifestFile } from '../src/manifest/manifest-reader.js'
import { parsePartitionFields } from '../src/partition/partition-spec-json.js'
import { partitionType } from '../src/partition/partition-type.js'
import { parseSchema } from '../src/schema/schema-json.js'
import { parseJson } from '../src/util/json.js'

const ENTRIES = Number(process.argv[2] ?? 50_000)
const ROUNDS = 7
const manifests = [
  'rewrite_manifests/metadata/optimized-m-99c73f64-db71-463e-875b-aa53bf6b90ca.avro',
  'part_time/metadata/b6815840-190a-4061-8936-e2b25152767a-m0.avro',
]

/** avsc's own way to read 64-bit numbers exactly; without it a value over 2^53 throws. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64LE(value); return bytes },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

for (const name of manifests) {
  const location = `test/golden/tables/${name}`
  const bytes = readFileSync(location)
  const once = readContainer(bytes, location)
  const inflatedOnce = once.blocks.map((block) => inflateBlock(once, block))
  const perFile = once.blocks.reduce((sum, block) => sum + block.count, 0)
  const times = Math.ceil(ENTRIES / perFile)
  const container = { ...once, blocks: Array.from({ length: times }, () => once.blocks).flat() }
  const inflated = Array.from({ length: times }, () => inflatedOnce).flat()
  const count = perFile * times

  const schema = parseSchema(parseJson(metadataText(once, 'schema')!))
  const spec = { specId: 0, fields: parsePartitionFields(parseJson(metadataText(once, 'partition-spec')!)) }
  const options = { partitionType: partitionType(spec, schema) }
  const manifest = inlineManifestFile(location, bytes, 1n)
  const avroSchema = JSON.parse(once.schemaText) as avsc.Schema
  const exact = avsc.Type.forSchema(avroSchema, { registry: { long: exactLong } })
  const decodeAvsc = (type: avsc.Type): number => {
    let decoded = 0
    container.blocks.forEach((block, index) => {
      let offset = 0
      const buffer = Buffer.from(inflated[index]!)
      for (let k = 0; k < block.count; k += 1, decoded += 1) offset = type.decode(buffer, offset).offset
    })
    return decoded
  }

  console.log(`${name}: ${count} entries`)
  try {
    decodeAvsc(avsc.Type.forSchema(avroSchema))
  } catch (error) {
    console.log(`  avsc by default                            ${String(error)}`)
  }
  report('avsc, longs as bigints', count, () => decodeAvsc(exact))
  report('floe, to columns', count, () => decodeManifestBlocks(manifest, container, inflated, options).count)
  report('floe, to columns, every entry as a value', count, () => {
    const entries = decodeManifestBlocks(manifest, container, inflated, options)
    let files = 0
    for (let i = 0; i < entries.count; i += 1) files += entries.entry(i).dataFile.filePath.length > 0 ? 1 : 0
    return files
  })
}

function report(name: string, count: number, run: () => number): void {
  const seconds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    if (run() !== count) throw new Error(`${name} decoded another number of entries`)
    return (performance.now() - start) / 1000
  }).sort((a, b) => a - b)
  console.log(`  ${name.padEnd(42)} ${Math.round(count / seconds[ROUNDS >> 1]! / 1000)} k entries/s (median of ${ROUNDS})`)
}
