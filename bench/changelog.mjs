/**
 * The changelog of a 1 % change against the full scan of the same table, in one run: deletion vectors spread over every page of every
 * file, over one stretch of every file, a vector of one file, and a copy-on-write update of one file.
 *   node bench/changelog.mjs [rows=5000000] [files=10]
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [rowsText = '5000000', filesText = '10'] = process.argv.slice(2)
const [rows, files] = [Number(rowsText), Number(filesText)]
const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(process.env.BENCH_WORK ?? tmpdir(), 'floe-changelog-bench-'))

let peakBytes = 0
setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage().rss)), 20).unref()

/** The sources as one bundle, with the worker's file beside it. */
async function loadFloe() {
  const outDir = join(root, 'node_modules/.cache/floe-bench-changelog')
  const options = ['--no-config', '--format', 'esm', '--out-dir', outDir, '--silent', '--target', 'node20']
  const entries = ['src/index.ts', 'src/parquet/parquet-worker.ts']
  execFileSync(process.execPath, [join(root, 'node_modules/tsup/dist/cli-default.js'), ...entries, ...options], { cwd: root, stdio: 'inherit' })
  const name = existsSync(join(outDir, 'index.js')) ? 'index.js' : 'src/index.js'
  return import(pathToFileURL(join(outDir, name)).href)
}

async function measure(title, scan) {
  const best = { ms: Infinity, cpuMs: Infinity }
  let count = 0
  for (let run = 0; run < 3; run++) {
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    count = 0
    for await (const batch of scan()) count += batch.numRows
    const { user, system } = process.cpuUsage(cpu)
    best.ms = Math.min(best.ms, performance.now() - start)
    best.cpuMs = Math.min(best.cpuMs, (user + system) / 1000)
  }
  const { ms, cpuMs } = best
  console.log(JSON.stringify({ title, rows: count, ms: Math.round(ms), cpuMs: Math.round(cpuMs), peakMb: Math.round(peakBytes / 1e6) }))
  return best
}

function* rowsOf(from, to) {
  for (let id = from; id < to; id++) {
    const part = Math.floor((id * 100) / rows)
    yield { id: BigInt(id), part, user_id: (id * 7919) % 100_003, amount: (id % 10_007) / 4, note: `n ${id % 9973}` }
  }
}

const { openCatalog, schema, t, and, or, gtEq, lt } = await loadFloe()

/** Filters for ids in the middle of each file. */
function stretches(length) {
  const starts = Array.from({ length: files }, (_, file) => ((file + 0.5) * rows) / files)
  return starts.map((from) => and(gtEq('id', from), lt('id', from + length)))
}

const lake = await openCatalog(pathToFileURL(join(work, 'lake')).href)
try {
  const columns = schema({ id: t.long.required, part: t.int, user_id: t.int, amount: t.double, note: t.string })
  const table = await lake.createTable('bench.changes', { schema: columns, formatVersion: 3 })
  for (let file = 0; file < files; file++) await table.append(rowsOf((file * rows) / files, ((file + 1) * rows) / files))
  const before = table.currentSnapshot.snapshotId
  const state = () => table.currentSnapshot.snapshotId
  const full = await measure('full scan', () => table.scan())

  const changes = [
    ['1 % scattered over every file, by vectors', () => table.delete(and(gtEq('amount', 0), lt('amount', 25)), { mode: 'merge-on-read' })],
    [
      '1 % in one stretch of each file, by vectors',
      () => table.delete(or(...stretches((rows / files) * 0.01)), { mode: 'merge-on-read' }),
    ],
    ['1 % of the table by a vector of one file', () => table.delete(and(gtEq('id', 0), lt('id', rows / 100)), { mode: 'merge-on-read' })],
    [
      '1 % of the table in one file, rewritten by a copy-on-write update',
      () => table.update(and(gtEq('id', rows / 2), lt('id', rows / 2 + rows / 100)), { note: 'changed' }, { mode: 'copy-on-write' }),
    ],
  ]
  for (const [title, change] of changes) {
    const from = state()
    await change()
    const to = state()
    const { ms, cpuMs } = await measure(`changes: ${title}`, () => table.scanChanges({ from, to }))
    const share = (a, b) => Number((a / b).toFixed(2))
    console.log(JSON.stringify({ title, ofFullScan: share(ms, full.ms), ofItsCpuTime: share(cpuMs, full.cpuMs) }))
  }
  await measure('net changes of all three', () => table.scanChanges({ from: before, net: true }))
  await measure('full scan with the deletes', () => table.scan())
} finally {
  await lake.close()
  rmSync(work, { recursive: true, force: true })
}
process.exit(0)
