// The library's side of the benchmark kit: one JSON line per repetition, `{"case","rep","ms","cpu_ms","n"}`; repetition 0 is cold.
//   plan <sidecar> full|day|bounds <reps>      files planned
//   scan <sidecar> full|cols2|sel <reps>       rows read as Arrow batches
//   write <sourcedir> <workdir> <reps>         rows of Parquet files into a table of 16 buckets
//   commit <metadata.json> <workdir> fast <commits> <committers>
//   compact <sidecar> <workdir> binpack|sort|zorder|hilbert <target_mb>
//   dv <n> <universe> <seed> <reps>             the bitmap of deletion vectors, operation by operation
// A sidecar names a table and its cases: `{"metadata", "cases": {case: {"filter": {"col", "lo", "hi"}, "columns"}}}`, lo <= col < hi.
import { readFileSync } from 'node:fs'

const [operation, ...rest] = process.argv.slice(2)
const operations = { plan, scan, write, compact, commit, dv }
if (operations[operation] === undefined) {
  console.error(`usage: peer.mjs ${Object.keys(operations).join('|')} …`)
  process.exit(2)
}
await operations[operation](...rest)

async function repeat(name, reps, work) {
  for (let rep = 0; rep < Number(reps); rep++) {
    const start = performance.now()
    const cpu = process.cpuUsage()
    const n = await work(rep)
    const used = process.cpuUsage(cpu)
    console.log(JSON.stringify({ case: name, rep, ms: performance.now() - start, cpu_ms: (used.user + used.system) / 1000, n }))
  }
}

function readCase(sidecar, name) {
  const { metadata, cases } = JSON.parse(readFileSync(sidecar, 'utf8'))
  return { metadata, ...cases[name] }
}

async function openScan(library, { metadata, filter, columns }) {
  const table = await library.openTable(metadata, { allowedLocations: ['/'] })
  let scan = table.scan()
  if (filter) scan = scan.filter(library.and(library.gtEq(filter.col, BigInt(filter.lo)), library.lt(filter.col, BigInt(filter.hi))))
  return columns ? scan.select(...columns) : scan
}

async function plan(sidecar, name, reps) {
  await repeat(name, reps, async () => {
    const library = await import('../dist/index.js')
    const scan = await openScan(library, readCase(sidecar, name))
    let files = 0
    for (const file of (await scan.plan()).files()) if (file.filePath.length > 0 && file.recordCount >= 0) files++
    return files
  })
}

async function scan(sidecar, name, reps) {
  await repeat(name, reps, async () => {
    const library = await import('../dist/index.js')
    let rows = 0
    for await (const batch of await openScan(library, readCase(sidecar, name))) rows += batch.numRows
    return rows
  })
  process.exit(0)
}

async function write(source, work, reps) {
  const { mkdtempSync, readdirSync, rmSync } = await import('node:fs')
  const { join } = await import('node:path')
  await repeat('bucket16', reps, async () => {
    const library = await import('../dist/index.js')
    const folder = mkdtempSync(join(work, 'floe-'))
    const lake = await library.openCatalog(folder)
    const { schema, t, bucket } = library
    const numbers = { id: t.long, ts: t.timestamp, user_id: t.long }
    const columns = { ...numbers, device: t.string, country: t.string, amount: t.double, qty: t.int, note: t.string }
    const table = await lake.createTable('bench.events', { schema: schema(columns), partitionBy: [bucket('user_id', 16)], formatVersion: 2 })
    const files = readdirSync(source).filter((name) => name.endsWith('.parquet')).sort()
    const snapshot = await table.append(library.readParquetFiles(files.map((name) => join(source, name))))
    await lake.close()
    rmSync(folder, { recursive: true })
    return Number(snapshot.summary.get('added-records'))
  })
  process.exit(0)
}

/** As the peers do: the table's metadata in a folder of its own, over the same data files. */
async function compact(sidecar, work, mode, targetMb) {
  const { cpSync, mkdirSync, mkdtempSync, readFileSync: read, rmSync, writeFileSync } = await import('node:fs')
  const { basename, dirname, join } = await import('node:path')
  const { execFileSync } = await import('node:child_process')
  const { metadata, bytes, rows } = JSON.parse(read(sidecar, 'utf8'))
  mkdirSync(work, { recursive: true })
  const folder = mkdtempSync(join(work, 'floe-'))
  try {
    cpSync(dirname(metadata), join(folder, 't', 'metadata'), { recursive: true, filter: (name) => !name.endsWith('.crc') })
    const file = join(folder, 't', 'metadata', basename(metadata))
    const table = { ...JSON.parse(read(file, 'utf8')), location: join(folder, 't') }
    table.properties = { ...table.properties, 'write.parquet.compression-codec': 'zstd' }
    writeFileSync(file, JSON.stringify(table))
    const start = performance.now()
    const cpu = process.cpuUsage()
    const library = await import(process.env.FLOE_DIST ?? '../dist/index.js')
    const { sortBy, zOrder, hilbert } = library
    const strategy = { binpack: 'binpack', sort: sortBy('x', 'y'), zorder: zOrder('x', 'y'), hilbert: hilbert('x', 'y') }[mode]
    const opened = await library.openTable(join(folder, 't'), { allowedLocations: ['/'] })
    const result = await opened.compact({ strategy, rewriteAll: true, targetFileSizeBytes: Number(targetMb) * 2 ** 20 })
    const ms = performance.now() - start
    const used = process.cpuUsage(cpu)
    if (result.rows !== rows) throw new Error(`${result.rows} rows of ${rows}`)
    const files = (await opened.inspect.dataFiles()).map(({ file_path }) => file_path.replace(/^file:(\/\/)?/, ''))
    const kit = new URL('./peers/py', import.meta.url).pathname
    const measure = 'import json, sys; sys.path.insert(0, sys.argv[1]); from skipping import measure; print(json.dumps(measure(sys.argv[2:])))'
    const python = process.env.BENCH_PY
    const measured = () => JSON.parse(execFileSync(python, ['-c', measure, kit, ...files], { encoding: 'utf8' }))
    const skip = python === undefined || process.env.BENCH_NO_SKIP !== undefined ? undefined : measured()
    const cpuMs = (used.user + used.system) / 1000
    const figures = { case: mode, rep: 0, ms, cpu_ms: cpuMs, n: result.rows, files: files.length, bytes: result.addedBytes }
    console.log(JSON.stringify({ ...figures, in_mb_s: bytes / 1e3 / ms, skip }))
  } finally {
    rmSync(folder, { recursive: true })
  }
  process.exit(0)
}

/** Positions as the peers make them: SplitMix64, below `universe`. */
function randomPositions(n, universe, seed) {
  const mask = (1n << 64n) - 1n
  const positions = new Float64Array(n)
  let state = BigInt(seed)
  for (let i = 0; i < n; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & mask
    let mixed = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask
    positions[i] = Number((mixed ^ (mixed >> 31n)) % BigInt(universe))
  }
  return positions
}

/** The bitmap is internal: it is bundled from the sources. */
async function loadBitmap() {
  const { build } = await import('esbuild')
  const { mkdtempSync, rmSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(join(tmpdir(), 'floe-bench-'))
  try {
    const outfile = join(folder, 'bitmap.mjs')
    const entry = new URL('../src/deletes/position-bitmap.ts', import.meta.url).pathname
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', target: 'node20', outfile, logLevel: 'error' })
    return (await import(outfile)).PositionBitmap
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function dv(count, universe, seed, reps) {
  const PositionBitmap = await loadBitmap()
  const n = Number(count)
  const [first, other, probes] = [0, 7, 13].map((shift) => randomPositions(n, universe, Number(seed) + shift))
  const sorted = first.slice().sort()
  for (let rep = 0; rep < Number(reps); rep++) {
    const timed = (name, work) => {
      const start = performance.now()
      const [result, check] = work()
      console.log(JSON.stringify({ case: name, rep, ms: performance.now() - start, n, check }))
      return result
    }
    const added = (positions) => {
      const bitmap = new PositionBitmap()
      for (let i = 0; i < n; i++) bitmap.add(positions[i])
      return [bitmap, bitmap.cardinality]
    }
    timed('add-random', () => added(first))
    const bitmap = timed('add-sorted', () => added(sorted))
    const bytes = timed('serialize', () => {
      const encoded = bitmap.encode()
      return [encoded, encoded.length]
    })
    const decoded = timed('deserialize', () => {
      const read = PositionBitmap.decode(bytes)
      return [read, read.cardinality]
    })
    timed('contains', () => {
      let hits = 0
      for (let i = 0; i < n; i++) if (decoded.contains(probes[i])) hits++
      return [undefined, hits]
    })
    const united = added(other)[0]
    timed('union', () => {
      decoded.addAll(united)
      return [undefined, decoded.cardinality]
    })
    timed('iterate', () => {
      let sum = 0
      bitmap.forEach((position) => (sum += position))
      return [undefined, sum]
    })
  }
}

/** Appends of one file each, by their entries alone, to a table with a history: made anew for every run. */
async function commit(metadata, work, _mode, commits, committers) {
  const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  const library = await import('../dist/index.js')

  mkdirSync(work, { recursive: true })
  const warehouse = mkdtempSync(join(work, 'floe-'))
  const folder = join(warehouse, 'b', 't')
  mkdirSync(join(folder, 'metadata'), { recursive: true })
  const text = JSON.parse(readFileSync(metadata, 'utf8'))
  text.location = folder
  text.properties = { ...text.properties, 'commit.manifest-merge.enabled': 'false' }
  writeFileSync(join(folder, 'metadata', 'v1.metadata.json'), JSON.stringify(text))
  writeFileSync(join(folder, 'metadata', 'version-hint.text'), '1')
  const [perWriter, writers] = [Math.floor(Number(commits) / Number(committers)), Number(committers)]
  // Writers of one catalog share commits; those of catalogs of their own, as other processes have them, race.
  for (const grouped of writers > 1 ? [true, false] : [true]) {
    const shared = grouped ? await library.openCatalog(warehouse, { allowedLocations: ['/'] }) : undefined
    const latencies = []
    let failed = 0
    const bound = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])
    const fileOf = (name) => ({
      content: 'data',
      filePath: join(folder, 'data', `${name}.parquet`),
      fileFormat: 'parquet',
      specId: 0,
      partition: [],
      recordCount: 10,
      fileSizeBytes: 1000,
      columnSizes: new Map([[1, 80], [2, 80]]),
      valueCounts: new Map([[1, 10], [2, 10]]),
      nullValueCounts: new Map([[1, 0], [2, 0]]),
      nanValueCounts: new Map([[2, 0]]),
      lowerBounds: new Map([[1, bound], [2, bound]]),
      upperBounds: new Map([[1, bound], [2, bound]]),
    })
    const writer = async (k) => {
      const lake = shared ?? (await library.openCatalog(warehouse, { allowedLocations: ['/'] }))
      const table = await lake.loadTable('b.t')
      for (let i = 0; i < perWriter; i++) {
        const began = performance.now()
        for (;;) {
          try {
            await table.appendFiles([fileOf(`${grouped}-w${k}-${i}`)])
            break
          } catch (error) {
            if (failed++ === 0) console.error(String(error).slice(0, 200))
            await table.refresh()
            if (failed > 2000) throw error
          }
        }
        latencies.push(performance.now() - began)
      }
    }
    const start = performance.now()
    const cpu = process.cpuUsage()
    await Promise.all(Array.from({ length: writers }, (_, k) => writer(k)))
    const ms = performance.now() - start
    const used = process.cpuUsage(cpu)
    latencies.sort((a, b) => a - b)
    const at = (share) => latencies[Math.floor(latencies.length * share)]
    const name = writers === 1 ? 'fast-c1' : grouped ? `fast-c${writers}` : `fast-c${writers}-apart`
    const [n, perSecond] = [latencies.length, (latencies.length / ms) * 1000]
    const figures = { ms, cpu_ms: (used.user + used.system) / 1000, n, failed, p50: at(0.5), p95: at(0.95), per_s: perSecond }
    console.log(JSON.stringify({ case: name, rep: 0, ...figures }))
  }
  rmSync(warehouse, { recursive: true })
  process.exit(0)
}
