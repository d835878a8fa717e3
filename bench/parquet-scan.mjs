/**
 * Rows a second of full scans and of writes, against hyparquet when it can be found.
 *   node bench/parquet-scan.mjs scan|write|hyparquet DIR [files] [reps]
 * DIR holds Parquet files with the columns of `columns` below. Peers are looked up in NODE_PATH. FLOE_PARQUET_WORKERS sets the threads.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [mode = 'scan', folder = '.', count = '16', reps = '2'] = process.argv.slice(2)
const names = readdirSync(folder).filter((name) => name.endsWith('.parquet')).sort()
const files = names.slice(0, Number(count)).map((name) => join(folder, name))
const numbers = { id: 'long', ts: 'timestamp', user_id: 'long' }
const columns = { ...numbers, device: 'string', country: 'string', amount: 'double', qty: 'int', note: 'string' }

let peakBytes = 0
setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage().rss)), 20).unref()

async function measure(title, run) {
  const start = performance.now()
  const cpu = process.cpuUsage()
  const rows = await run()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  const rowsPerSecond = Math.round((rows / ms) * 1000)
  const figures = { title, rows, ms: Math.round(ms), rowsPerSecond, cpuMs: Math.round((user + system) / 1000) }
  console.log(JSON.stringify({ ...figures, peakMb: Math.round(peakBytes / 1e6) }))
}

/** The sources as one bundle, with the worker's file beside it. Built by another process, whose memory is not ours. */
async function loadFloe() {
  const root = join(import.meta.dirname, '..')
  const outDir = join(root, 'node_modules/.cache/floe-bench')
  const entries = ['parquet/parquet-wasm-engine', 'parquet/parquet-worker', 'io/local-file-io', 'schema/schema'].map((name) => `src/${name}.ts`)
  const options = ['--no-config', '--format', 'esm', '--out-dir', outDir, '--silent', '--target', 'node20']
  execFileSync(process.execPath, [join(root, 'node_modules/tsup/dist/cli-default.js'), ...entries, ...options], { cwd: root, stdio: 'inherit' })
  const load = (name) => import(pathToFileURL(join(outDir, `${name}.js`)).href)
  const names = ['parquet/parquet-wasm-engine', 'io/local-file-io', 'schema/schema']
  const [{ ParquetWasmEngine }, { LocalFileIO }, { Schema }] = await Promise.all(names.map(load))
  const schema = new Schema(Object.entries(columns).map(([name, kind], i) => ({ id: i + 1, name, type: { kind }, required: false })))
  const workerUrl = pathToFileURL(join(outDir, 'parquet/parquet-worker.js'))
  return { engine: new ParquetWasmEngine({ workerUrl }), io: new LocalFileIO(), schema }
}

async function* batchesOf({ engine, io, schema }, batchRows) {
  for (const location of files) {
    const options = { io, location, fileSizeBytes: statSync(location).size, projection: schema, batchRows }
    for await (const { batch } of engine.read(options)) yield batch
  }
}

async function scan(floe) {
  let rows = 0
  for await (const batch of batchesOf(floe)) rows += batch.numRows
  return rows
}

/** Writes everything into 16 files at once, as a bucket-partitioned append does. */
async function write(floe, target) {
  const settings = { compression: 'zstd', rowGroupSizeBytes: 2 ** 27, pageSizeBytes: 2 ** 20, pageRowLimit: 20_000, dictSizeBytes: 2 ** 21 }
  const { engine, io, schema } = floe
  const writers = Array.from({ length: 16 }, (_, i) => engine.createWriter({ io, schema, location: join(target, `${i}.parquet`), ...settings }))
  let next = 0
  for await (const batch of batchesOf(floe, 4096)) await writers[next++ % writers.length].write(batch)
  const results = await Promise.all(writers.map((writer) => writer.finish()))
  return results.reduce((sum, result) => sum + result.recordCount, 0)
}

async function hyparquet() {
  const peers = (process.env.NODE_PATH ?? '').split(':')[0]
  const { parquetRead } = await import(pathToFileURL(join(peers, 'hyparquet/src/node.js')).href)
  const { compressors } = await import(pathToFileURL(join(peers, 'hyparquet-compressors/src/index.js')).href)
  let rows = 0
  for (const path of files) {
    const bytes = readFileSync(path)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    await parquetRead({ file, compressors, onChunk: ({ columnName, columnData }) => (rows += columnName === 'id' ? columnData.length : 0) })
  }
  return rows
}

if (mode === 'hyparquet') for (let i = 0; i < Number(reps); i++) await measure('hyparquet columns', hyparquet)
if (mode === 'scan') {
  const floe = await loadFloe()
  for (let i = 0; i < Number(reps); i++) await measure('floe scan', () => scan(floe))
  await floe.engine.close()
}
if (mode === 'write') {
  const floe = await loadFloe()
  const target = mkdtempSync(join(tmpdir(), 'floe-bench-'))
  await measure('floe read + write, 16 files', () => write(floe, target)).finally(() => rmSync(target, { recursive: true }))
  await floe.engine.close()
}
