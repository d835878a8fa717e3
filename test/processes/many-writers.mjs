/**
 * Processes that append to one table at the same time, and a look at what came of it: every acknowledged row is there once, every
 * acknowledged snapshot is in the table, and sequence numbers rise strictly. They begin together, once all of them have started.
 * Options: --processes N (64), --commits N each (25), --location PLACE, --s3 JSON of access. FLOE_BUILD names another build of the
 * package than that of `dist`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const build = process.env.FLOE_BUILD
const { openCatalog, schema, t } = await import(build === undefined ? '../../dist/index.js' : pathToFileURL(build).href)
const text = { type: 'string' }
const { values } = parseArgs({ options: { processes: text, commits: text, location: text, s3: text } })
const [processes, commits] = [Number(values.processes ?? 64), Number(values.commits ?? 25)]
const folder = mkdtempSync(join(tmpdir(), 'floe-writers-'))
const location = values.location ?? join(folder, 'lake')
const options = values.s3 === undefined ? {} : { s3: JSON.parse(values.s3) }

/** A process that has loaded the table: `run` lets it go, and resolves with what it was told of each of its commits. */
async function startWriter(writer) {
  const env = { ...process.env, FLOE_WAITS: '1', ...(values.s3 === undefined ? {} : { FLOE_S3: values.s3 }) }
  const child = spawn(process.execPath, [join(import.meta.dirname, '../interop/append-many.mjs'), location, 'race.t', String(writer), String(commits)], { env })
  const acknowledged = []
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const closed = new Promise((resolve) => child.once('close', resolve))
  await new Promise((ready, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'ready') ready()
      else acknowledged.push({ writer, id: line.split(' ')[0], ms: Number(line.split(' ')[1]) })
    })
    void closed.then(() => reject(new Error(`writer ${writer} did not start: ${errors}`)))
  })
  const run = async () => {
    child.stdin.end()
    if ((await closed) !== 0) throw new Error(`writer ${writer}: ${errors}`)
    return acknowledged
  }
  return { run }
}

const quantile = (numbers, q) => [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(q * numbers.length))]
/** Of a list `snap-<id>-<attempt>-<uuid>.avro`. */
const retriesOf = ({ manifestList }) => Number(/-(\d+)-[0-9a-f-]{36}\.avro$/.exec(manifestList)[1]) - 1

async function check(table, acknowledged) {
  const seen = new Map()
  for await (const { writer, index } of table.scan().rows()) seen.set(`${writer}/${index}`, (seen.get(`${writer}/${index}`) ?? 0) + 1)
  const wanted = processes * commits
  const twice = [...seen.values()].filter((count) => count > 1).length
  if (seen.size !== wanted || twice > 0) throw new Error(`${seen.size} of ${wanted} rows, ${twice} of them more than once`)
  const ids = new Set(table.snapshots.map(({ snapshotId }) => String(snapshotId)))
  const lost = acknowledged.filter(({ id }) => !ids.has(id)).length
  if (acknowledged.length !== wanted || lost > 0) throw new Error(`${acknowledged.length} of ${wanted} commits acknowledged, ${lost} of them not in the table`)
  const numbers = table.snapshots.map(({ sequenceNumber }) => sequenceNumber)
  if (numbers.some((number, i) => i > 0 && number <= numbers[i - 1])) throw new Error('sequence numbers do not rise')
}

/** Commits of the fastest and of the slowest writer at the moment when the first had made all of its own. */
function fairness(table, acknowledged) {
  const writerOf = new Map(acknowledged.map(({ id, writer }) => [id, writer]))
  const counts = new Array(processes).fill(0)
  for (const { snapshotId } of table.snapshots) {
    const writer = writerOf.get(String(snapshotId))
    if (++counts[writer] === commits) break
  }
  return `when the first writer was done, the slowest had made ${Math.min(...counts)} of its ${commits} commits, the median ${quantile(counts, 0.5)}`
}

try {
  const lake = await openCatalog(location, options)
  await lake.createTable('race.t', { schema: schema({ writer: t.int.required, index: t.int.required }) })
  const writers = await Promise.all(Array.from({ length: processes }, (_, writer) => startWriter(writer)))
  const began = performance.now()
  const acknowledged = (await Promise.all(writers.map(({ run }) => run()))).flat()
  const seconds = (performance.now() - began) / 1000
  const table = await lake.loadTable('race.t')
  await check(table, acknowledged)
  const retries = table.snapshots.map(retriesOf)
  const times = acknowledged.map(({ ms }) => ms)
  console.log(`${processes} processes, ${processes * commits} acknowledged appends, each row once, ${(acknowledged.length / seconds).toFixed(1)} commits a second`)
  console.log(`retries: median ${quantile(retries, 0.5)}, p99 ${quantile(retries, 0.99)}, most ${Math.max(...retries)}`)
  console.log(`milliseconds of a commit: median ${quantile(times, 0.5)}, p99 ${quantile(times, 0.99)}, most ${Math.max(...times)}`)
  console.log(fairness(table, acknowledged))
  console.log(table.metadataLocation)
  await lake.close()
} finally {
  if (values.location === undefined) rmSync(folder, { recursive: true, force: true })
}
