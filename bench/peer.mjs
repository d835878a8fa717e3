// The library's side of the benchmark kit: one JSON line per repetition, `{"case","rep","ms","cpu_ms","n"}`; repetition 0 is cold.
//   plan <sidecar> full|day|bounds <reps>      files planned
//   scan <sidecar> full|cols2|sel <reps>       rows read as Arrow batches
//   write <sourcedir> <workdir> <reps>         rows of Parquet files into a table of 16 buckets
//   commit <metadata.json> <workdir> fast <commits> <committers>
// A sidecar names a table and its cases: `{"metadata", "cases": {case: {"filter": {"col", "lo", "hi"}, "columns"}}}`, lo <= col < hi.
import { readFileSync } from 'node:fs'

const [operation, ...rest] = process.argv.slice(2)
const operations = { plan, scan, write }
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
