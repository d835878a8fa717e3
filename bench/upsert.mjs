/**
 * An upsert of many keys, half of them new, into a table of many rows: floe by merge-on-read and by copy-on-write, PyIceberg, and
 * DuckDB that writes the files anew. All in one run, each on a table of its own with the same rows; the times are of the upsert alone.
 *   node bench/upsert.mjs [rows=10000000] [keys=1000000] [peers=pyiceberg,duckdb] [spread|recent]
 * `spread`: the old keys lie in every file; `recent`: in the last tenth of the table. PYTHON (default python3)
 * has pyiceberg, pyarrow, sqlalchemy and duckdb; a peer that is not there, or takes longer than PEER_SECONDS (default 600), is left out.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [rowsText = '10000000', keysText = '1000000', peersText = 'pyiceberg,duckdb', shape = 'spread'] = process.argv.slice(2)
const [rows, keys] = [Number(rowsText), Number(keysText)]
const fileRows = Math.ceil(rows / 10)
const work = mkdtempSync(join(process.env.BENCH_WORK ?? tmpdir(), 'floe-upsert-bench-'))
const root = join(import.meta.dirname, '..')

let peakBytes = 0
setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage().rss)), 20).unref()

/** The sources as one bundle, with the worker's file beside it. */
async function loadFloe() {
  const outDir = join(root, 'node_modules/.cache/floe-bench-upsert')
  const options = ['--no-config', '--format', 'esm', '--out-dir', outDir, '--silent', '--target', 'node20']
  const entries = ['src/index.ts', 'src/parquet/parquet-worker.ts']
  execFileSync(process.execPath, [join(root, 'node_modules/tsup/dist/cli-default.js'), ...entries, ...options], { cwd: root, stdio: 'inherit' })
  const name = existsSync(join(outDir, 'index.js')) ? 'index.js' : 'src/index.js'
  return import(pathToFileURL(join(outDir, name)).href)
}

/** Every `step`-th old id, and as many new ones. */
function keyOf(i) {
  const old = keys / 2
  if (i >= old) return rows + (i - old)
  const span = shape === 'recent' ? rows / 10 : rows
  return rows - span + Math.floor((i * span) / old)
}

async function generate(arrow, from, count, id, tag) {
  const ids = new BigInt64Array(count)
  const users = new Int32Array(count)
  const amounts = new Float64Array(count)
  const notes = new Array(count)
  for (let i = 0; i < count; i++) {
    const key = id(from + i)
    ids[i] = BigInt(key)
    users[i] = (key * 7919) % 100_003
    amounts[i] = (key % 10_007) / 4
    notes[i] = `${tag} ${key % 9973}`
  }
  const column = (type, data) => arrow.makeVector(new arrow.Data(type, 0, count, 0, [undefined, data, undefined]))
  return new arrow.Table({
    id: column(new arrow.Int64(), ids),
    user_id: column(new arrow.Int32(), users),
    amount: column(new arrow.Float64(), amounts),
    note: arrow.vectorFromArray(notes, new arrow.Utf8()),
  })
}

const PYTHON_COMMON = `
import sys, time, json, glob, os
import pyarrow.parquet as pq
work, rows, keys = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
files = sorted(glob.glob(os.path.join(work, 'source', '*.parquet')))
source = os.path.join(work, 'input.parquet')
def done(start, cpu, updated, inserted):
    print(json.dumps({'ms': (time.perf_counter() - start) * 1000, 'cpu_ms': (time.process_time() - cpu) * 1000, 'updated': updated, 'inserted': inserted}))
`
const PYTHON = {
  pyiceberg: `${PYTHON_COMMON}
from pyiceberg.catalog.sql import SqlCatalog
warehouse = os.path.join(work, 'pyiceberg'); os.makedirs(warehouse)
catalog = SqlCatalog('bench', uri='sqlite:///' + warehouse + '/c.db', warehouse='file://' + warehouse)
catalog.create_namespace('ns')
table = catalog.create_table('ns.t', pq.read_schema(files[0]))
for file in files: table.append(pq.read_table(file))
data = pq.read_table(source)
start, cpu = time.perf_counter(), time.process_time()
result = table.upsert(data, join_cols=['id'])
done(start, cpu, result.rows_updated, result.rows_inserted)
`,
  duckdb: `${PYTHON_COMMON}
import duckdb
out = os.path.join(work, 'duckdb'); os.makedirs(out)
db = duckdb.connect()
db.execute("SET memory_limit='8GB'")
start, cpu = time.perf_counter(), time.process_time()
db.execute(f"CREATE TABLE input AS SELECT * FROM read_parquet('{source}')")
updated = 0
# Files are what tables on an object store are made of: each that holds a key is written anew, the new rows go into one more
for i, file in enumerate(files):
    hit = db.execute(f"SELECT count(*) FROM read_parquet('{file}') JOIN input USING (id)").fetchone()[0]
    if hit == 0: continue
    updated += hit
    db.execute(f"""COPY (SELECT t.id, coalesce(i.user_id, t.user_id) user_id, CASE WHEN i.id IS NULL THEN t.amount ELSE i.amount END amount,
      CASE WHEN i.id IS NULL THEN t.note ELSE i.note END note FROM read_parquet('{file}') t LEFT JOIN input i USING (id))
      TO '{out}/{i}.parquet' (FORMAT parquet, COMPRESSION zstd)""")
db.execute(f"COPY (SELECT * FROM input WHERE id NOT IN (SELECT id FROM read_parquet({files!r}))) TO '{out}/new.parquet' (FORMAT parquet, COMPRESSION zstd)")
done(start, cpu, updated, keys - updated)
`,
}

function runPeer(name) {
  const python = process.env.PYTHON ?? 'python3'
  const script = join(work, `peer_${name}.py`)
  writeFileSync(script, PYTHON[name])
  const seconds = Number(process.env.PEER_SECONDS ?? 600)
  const { status, stdout, stderr, error } = spawnSync(python, [script, work, String(rows), String(keys)], { timeout: seconds * 1000, encoding: 'utf8' })
  if (error?.code === 'ETIMEDOUT') return { skipped: `more than ${seconds} s, building its table included` }
  if (status !== 0) return { skipped: stderr.trim().split('\n').at(-1) }
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

function report(name, figures, base) {
  const { ms, skipped } = figures
  if (skipped !== undefined) return console.log(`${name.padEnd(22)} left out: ${skipped}`)
  const ratio = base === undefined ? '' : `${(ms / base).toFixed(2)} × floe's merge-on-read`
  const counts = `${figures.updated} updated, ${figures.inserted} inserted`
  console.log(`${name.padEnd(22)} ${(ms / 1000).toFixed(2).padStart(8)} s  ${((figures.cpu_ms ?? 0) / 1000).toFixed(2).padStart(8)} s CPU  ${counts}  ${ratio}`)
}

try {
  const floe = await loadFloe()
  const arrow = await import('apache-arrow')
  const { schema, t } = floe
  const columns = schema({ id: t.long.required, user_id: t.int, amount: t.double, note: t.string })
  mkdirSync(join(work, 'lake'))
  mkdirSync(join(work, 'source'))
  const catalog = await floe.openCatalog(`file://${work}/lake`)
  const modes = ['merge-on-read', 'copy-on-write']
  const tables = []
  for (const mode of modes) {
    const properties = { 'write.merge.mode': mode, 'write.parquet.compression-codec': 'zstd' }
    tables.push(await catalog.createTable(`ns.${mode.replaceAll('-', '_')}`, { schema: columns, formatVersion: 3, properties }))
  }
  for (let from = 0; from < rows; from += fileRows) {
    const batch = await generate(arrow, from, Math.min(fileRows, rows - from), (i) => i, 'old note')
    for (const table of tables) await table.append(batch)
  }
  const { copyFileSync } = await import('node:fs')
  const { fileURLToPath } = await import('node:url')
  const dataFiles = await tables[0].inspect.files()
  dataFiles.forEach((file, i) => copyFileSync(localPath(file.file_path, fileURLToPath), join(work, 'source', `${String(i).padStart(3, '0')}.parquet`)))
  const input = await generate(arrow, 0, keys, keyOf, 'new note')
  const inputTable = await catalog.createTable('ns.input', { schema: columns, formatVersion: 3 })
  await inputTable.append(input)
  copyFileSync(localPath((await inputTable.inspect.files())[0].file_path, fileURLToPath), join(work, 'input.parquet'))
  console.log(`${rows} rows, ${keys} keys, half of them new, ${shape}; node ${process.version}`)
  let base
  for (const [i, mode] of modes.entries()) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    const result = await tables[i].upsert(input, ['id'])
    const ms = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    report(`floe ${mode}`, { ms, cpu_ms: (user + system) / 1000, updated: result.updatedRows, inserted: result.insertedRows }, base)
    base ??= ms
  }
  console.log(`floe's peak memory      ${Math.round(peakBytes / 1e6)} MB, generating the rows included`)
  await catalog.close()
  for (const name of peersText.split(',').filter((peer) => PYTHON[peer] !== undefined)) report(name, runPeer(name), base)
} finally {
  rmSync(work, { recursive: true, force: true })
}
process.exit(0)

function localPath(location, fileURLToPath) {
  return location.startsWith('file:') ? fileURLToPath(location) : location
}
