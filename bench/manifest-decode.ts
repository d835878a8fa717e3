/**
 * How long the manifests of a large table take to decode: 100 manifests of 1,000 data files with metrics of 16 columns each.
 * Times inflation and decoding apart, since inflation can run on the thread pool while the main thread decodes.
 *
 *     npx esbuild bench/manifest-decode.ts --bundle --packages=external --platform=node --format=esm --outfile=/tmp/bench.mjs
 *     node /tmp/bench.mjs [manifests] [files per manifest]
 */
import { inflateBlock, inflateBlocksAsync, readContainer } from '../src/avro/container.js'
import type { DataFile, ManifestFile } from '../src/manifest/data-file.js'
import { ManifestWriter } from '../src/manifest/manifest-writer.js'
import { decodeManifest, decodeManifestBlocks } from '../src/manifest/manifest-reader.js'
import { partitionType } from '../src/partition/partition-type.js'
import { encodeValue } from '../src/schema/single-value.js'
import { Schema } from '../src/schema/schema.js'
import type { NestedField, Type } from '../src/schema/type.js'

const MANIFESTS = Number(process.argv[2] ?? 100)
const FILES = Number(process.argv[3] ?? 1000)
const ROUNDS = 7

const kinds: readonly Type[] = [{ kind: 'long' }, { kind: 'string' }, { kind: 'double' }, { kind: 'timestamptz' }]
const fields = Array.from({ length: 16 }, (_, i): NestedField => ({ id: i + 1, name: `c${i}`, type: kinds[i % 4]!, required: false }))
const schema = new Schema(fields)
const spec = { specId: 0, fields: [{ fieldId: 1000, name: 'c3_day', sourceIds: [4], transform: 'day' }] }
const options = { partitionType: partitionType(spec, schema) }

// A fixed linear congruential generator: the same table on every run.
let seed = 42
const random = (below: number): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % below

const manifests = Array.from({ length: MANIFESTS }, (_, m) => writeManifest(m))
const megabytes = manifests.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6
console.log(`${MANIFESTS} manifests × ${FILES} files, ${megabytes.toFixed(1)} MB compressed`)

measure('split into blocks', () => void manifests.map(({ bytes }) => readContainer(bytes)))
const containers = manifests.map(({ bytes }) => readContainer(bytes))
measure('inflate, one thread', () => void containers.map((container) => container.blocks.map((block) => inflateBlock(container, block))))
await measureAsync('inflate, thread pool', () =>
  Promise.all(containers.map((container) => inflateBlocksAsync(container))),
)
const inflated = containers.map((container) => container.blocks.map((block) => inflateBlock(container, block)))
const inflatedMegabytes = inflated.flat().reduce((sum, block) => sum + block.length, 0) / 1e6
console.log(`  ${inflated.flat().length} blocks, ${inflatedMegabytes.toFixed(1)} MB inflated`)
const decodeAll = () => manifests.map(({ manifestFile }, m) => decodeManifestBlocks(manifestFile, containers[m]!, inflated[m]!, options))
measure('decode to columns', () => void decodeAll())
const decoded = decodeAll()
measure('evaluate bounds of one column', () => {
  let kept = 0
  for (const entries of decoded) {
    for (let i = 0; i < entries.count; i++) {
      const stats = entries.stats(i)
      if (stats.nullCount(9) !== stats.valueCount(9) && stats.lowerBound(9) !== undefined && stats.upperBound(9) !== undefined) kept++
    }
  }
  return kept
})
measure('all file paths', () => decoded.reduce((sum, entries) => sum + sumOver(entries.count, (i) => entries.filePath(i).length), 0))
measure('all partition tuples', () => decoded.reduce((sum, entries) => sum + sumOver(entries.count, (i) => entries.partition(i).length), 0))
measure('all entries as values', () => decoded.reduce((sum, entries) => sum + sumOver(entries.count, (i) => entries.entry(i).dataFile.recordCount), 0))
measure('bytes to columns, one thread', () => void manifests.map(({ manifestFile, bytes }) => decodeManifest(manifestFile, bytes, options)))
await measureAsync('bytes to columns, thread pool', () =>
  Promise.all(
    manifests.map(async ({ manifestFile, bytes }) => {
      const container = readContainer(bytes, manifestFile.manifestPath)
      return decodeManifestBlocks(manifestFile, container, await inflateBlocksAsync(container), options)
    }),
  ),
)

function sumOver(count: number, value: (i: number) => number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += value(i)
  return sum
}

function measure(name: string, run: () => unknown): void {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  report(name, times)
}

async function measureAsync(name: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
  }
  report(name, times)
}

function report(name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  console.log(`  ${name.padEnd(32)} first ${times[0]!.toFixed(0).padStart(5)} ms, best ${sorted[0]!.toFixed(1).padStart(7)} ms, median ${sorted[ROUNDS >> 1]!.toFixed(1).padStart(7)} ms`)
}

function writeManifest(index: number): { bytes: Uint8Array; manifestFile: ManifestFile } {
  const writer = new ManifestWriter({ formatVersion: 2, content: 'data', spec, schema, snapshotId: BigInt(index + 1), compression: { codec: 'gzip', level: 6 } })
  for (let i = 0; i < FILES; i++) writer.added(dataFile(index, i))
  const finished = writer.finish(`s3://bench/metadata/m${index}.avro`)
  return { ...finished, manifestFile: { ...finished.manifestFile, sequenceNumber: BigInt(index + 1) } }
}

function dataFile(manifest: number, index: number): DataFile {
  const columnSizes = new Map<number, number>()
  const valueCounts = new Map<number, number>()
  const nullValueCounts = new Map<number, number>()
  const nanValueCounts = new Map<number, number>()
  const lowerBounds = new Map<number, Uint8Array>()
  const upperBounds = new Map<number, Uint8Array>()
  const rows = 100_000 + random(50_000)
  for (const { id, type } of fields) {
    columnSizes.set(id, 10_000 + random(1_000_000))
    valueCounts.set(id, rows)
    nullValueCounts.set(id, random(3) === 0 ? random(100) : 0)
    if (type.kind === 'double') nanValueCounts.set(id, 0)
    lowerBounds.set(id, bound(type, random(1_000_000)))
    upperBounds.set(id, bound(type, 1_000_000 + random(1_000_000)))
  }
  const uuid = Array.from({ length: 4 }, () => random(2 ** 32).toString(16).padStart(8, '0')).join('-')
  const day = 19_000 + (manifest % 365)
  return {
    content: 'data',
    filePath: `s3://bench-bucket/warehouse/db/events/data/c3_day=${day}/${String(index).padStart(5, '0')}-${index}-${uuid}-00001.parquet`,
    fileFormat: 'parquet', specId: 0, partition: [day], recordCount: rows, fileSizeBytes: 10_000_000 + random(100_000_000),
    columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds,
    splitOffsets: [4, 134_217_728], sortOrderId: 0,
  }
}

function bound(type: Type, value: number): Uint8Array {
  if (type.kind === 'double') return encodeValue(type, value / 7)
  return type.kind === 'string' ? encodeValue(type, `value-${value}-abc`) : encodeValue(type, BigInt(value) * 1_000_003n)
}
