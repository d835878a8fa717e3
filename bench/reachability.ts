/**
 * Walking a table of many files, and holding a listing against it: time, and the heap that is in use beside the table's own bytes.
 *
 *     npx esbuild bench/reachability.ts --bundle --packages=external --platform=node --format=esm --outfile=/tmp/bench.mjs
 *     node --expose-gc /tmp/bench.mjs [appends] [files per append]
 */
import { MemoryCatalog } from '../src/catalog/memory-catalog.js'
import { appendFiles } from '../src/commit/append-files.js'
import { commitTable } from '../src/commit/commit-table.js'
import { MemoryFileIO } from '../src/io/memory-file-io.js'
import { expireSnapshots } from '../src/maintenance/expire/expire-snapshots.js'
import { ReachablePlaces } from '../src/maintenance/orphans/reachable-places.js'
import { reachableFiles } from '../src/maintenance/reachability.js'
import type { DataFile } from '../src/manifest/data-file.js'
import { schema, t } from '../src/schema/schema-builder.js'
import { systemRuntime as runtime } from '../src/util/runtime.js'

const [appends = 100, perAppend = 5000] = process.argv.slice(2).map(Number)
const identifier = { namespace: ['b'], name: 't' }
const io = new MemoryFileIO()
const backend = new MemoryCatalog({ io })
await backend.createNamespace(['b'])
const layout = { schema: schema({ id: t.long }), spec: { specId: 0, fields: [] }, sortOrder: { orderId: 0, fields: [] } }
let table = await backend.createTable(identifier, { ...layout, formatVersion: 2, properties: new Map() })

const file = (append: number, i: number): DataFile => ({
  content: 'data',
  filePath: `${table.metadata.location}/data/part=${i % 50}/00000-${append}-0b4f5a1e-8c1d-4a53-9a55-${String(i).padStart(12, '0')}-00001.parquet`,
  fileFormat: 'parquet',
  specId: 0,
  partition: [],
  recordCount: 1000,
  fileSizeBytes: 100_000,
})

for (let append = 0; append < appends; append++) {
  const files = Array.from({ length: perAppend }, (_, i) => file(append, i))
  table = (await commitTable(backend, table, appendFiles(files, { mode: 'fast' }, runtime), { runtime })).table
}

/** Prints time and the most heap that was in use, sampled, above what there was before. */
async function measure(name: string, run: (sample: () => void) => Promise<number>): Promise<void> {
  globalThis.gc?.()
  const base = process.memoryUsage()
  let [heap, outside, count] = [0, 0, 0]
  const sample = (): void => {
    if (++count % 20_000 !== 0) return
    const now = process.memoryUsage()
    heap = Math.max(heap, now.heapUsed - base.heapUsed)
    outside = Math.max(outside, now.arrayBuffers - base.arrayBuffers)
  }
  const start = process.hrtime.bigint()
  const result = await run(sample)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  console.log(`${name}: ${result} files, ${seconds.toFixed(2)} s, heap +${Math.round(heap / 2 ** 20)} MiB, buffers +${Math.round(outside / 2 ** 20)} MiB`)
}

await measure('walk', async (sample) => {
  let files = 0
  for await (const { type } of reachableFiles(table)) {
    if (type === 'data') files++
    sample()
  }
  return files
})
await measure('places', async (sample) => {
  const places = new ReachablePlaces([table.metadata.location], {})
  await places.add(table, { onFile: sample })
  let reachable = 0
  for (let append = 0; append < appends; append++) {
    for (let i = 0; i < perAppend; i++) if (places.standingOf(file(append, i).filePath) === 'reachable') reachable++
  }
  return reachable
})
await measure('expiry of all but the head', async () => {
  const { result } = await expireSnapshots({ backend, loaded: table, runtime }, { olderThan: Number.MAX_SAFE_INTEGER })
  return result.files.length
})
