// What deletes cost a scan: the ratio to the clean table, in one run.
//   node bench/deletes.mjs <folder of sidecars> [rounds]
// The folder has scan.json (the clean table) and dv1, dv10, pd1 and pd10.json: the same rows, 1 % and 10 % of them deleted by vectors or
// position delete files; see peers/README.md. Fifty equality delete files, of 1 % of the ids in all, are made here, over the clean table.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [folder, rounds = '3', dist = '../dist/index.js'] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: deletes.mjs <folder of sidecars> [rounds]')
  process.exit(2)
}
const library = await import(dist)
const EQUALITY_FILES = 50
const names = ['scan', 'dv1', 'dv10', 'pd1', 'pd10', 'eq50']
const work = mkdtempSync(join(tmpdir(), 'floe-deletes-'))
try {
  const tables = await Promise.all(names.filter((name) => name !== 'eq50').map(async (name) => [name, await openSidecar(name)]))
  const scans = new Map(tables.map(([name, table]) => [name, () => table.scan()]))
  scans.set('eq50', await equalityScan(new Map(tables).get('scan')))
  const results = new Map()
  for (let round = 0; round < Number(rounds); round++) {
    for (const name of names) {
      const found = await measure(scans.get(name))
      const best = results.get(name)
      const { rows, ms, cpuMs } = found
      results.set(name, best === undefined ? found : { rows, ms: Math.min(best.ms, ms), cpuMs: Math.min(best.cpuMs, cpuMs) })
    }
  }
  const clean = results.get('scan')
  for (const [name, { rows, ms, cpuMs }] of results) {
    const ratios = { ratio: round2(ms / clean.ms), cpu_ratio: round2(cpuMs / clean.cpuMs) }
    console.log(JSON.stringify({ case: name, rows, ms: Math.round(ms), cpu_ms: Math.round(cpuMs), ...ratios }))
  }
} finally {
  rmSync(work, { recursive: true })
}
process.exit(0)

function round2(value) {
  return Math.round(value * 100) / 100
}

function openSidecar(name) {
  const { metadata } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
  return library.openTable(metadata, { allowedLocations: ['/'] })
}

async function measure(open) {
  const start = performance.now()
  const cpu = process.cpuUsage()
  let rows = 0
  for await (const batch of open()) rows += batch.numRows
  const used = process.cpuUsage(cpu)
  return { rows, ms: performance.now() - start, cpuMs: (used.user + used.system) / 1000 }
}

/** Fifty files of ids, written as data files of a table whose one column has the field id of the clean table's. */
async function equalityScan(table) {
  const id = table.scan().schema.findField('id')
  if (id === undefined || id.id !== 1) throw new Error('the clean table needs a first column id with field id 1')
  const { recordCount } = await table.scan().plan()
  const lake = await library.openCatalog(work)
  const keys = await lake.createTable('b.keys', { schema: library.schema({ id: library.t.long }) })
  const deletes = []
  const perFile = Math.floor(recordCount / 100 / EQUALITY_FILES)
  for (let file = 0; file < EQUALITY_FILES; file++) {
    const rows = Array.from({ length: perFile }, (_, i) => ({ id: BigInt((i * EQUALITY_FILES + file) * 100 + 7) }))
    await keys.append(rows, { branch: 'main' })
  }
  for (const file of (await keys.scan().plan()).files()) {
    const { filePath, fileSizeBytes, recordCount: count } = file
    const sequenceNumber = String(1000 + deletes.length)
    deletes.push({ content: 'equality-deletes', filePath, fileFormat: 'parquet', fileSizeBytes, recordCount: count, specId: 0, sequenceNumber, equalityIds: [id.id] })
  }
  await lake.close()
  return async function* () {
    const scan = table.scan()
    const tasks = [...(await scan.plan()).files()].map((file) => ({ ...file.task(), deletes }))
    yield* scan.read(tasks)
  }
}
