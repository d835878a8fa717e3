/**
 * A table of three million flights from nothing: created, filled month by month, its schema and its partitioning changed on
 * the way, then queried and read as it was. Every count is checked against the source. Run it with: npm run demo
 *
 *   --keep DIR   keep the table in DIR, to look at with the command line
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { and, bucket, eq, gt, gtEq, lt, month, openCatalog, schema, t } from 'floe'
import { count, heading, line, megabytes, progress, seconds } from './display.mjs'
import { countFlights, flightsByMonth, withLateness } from './flights-source.mjs'

const { values: options } = parseArgs({ options: { keep: { type: 'string' } } })
const folder = options.keep === undefined ? mkdtempSync(join(tmpdir(), 'floe-demo-')) : resolve(options.keep)
const EVOLVE_BEFORE = '2001-04'
const QUERY = { airport: 'DEN', longDelay: 120n }
const NAMES = ['January', 'February', 'March', 'April', 'May', 'June', 'July']

const started = performance.now()
try {
  await run()
} finally {
  if (options.keep === undefined) rmSync(folder, { recursive: true, force: true })
}

async function run() {
  heading('Source')
  const { months, matching } = await countFlights(QUERY)
  const total = [...months.values()].reduce((sum, rows) => sum + rows, 0)
  line(`flights-3m.parquet: ${count(total)} flights in ${months.size} months`)

  const lake = await openCatalog(join(folder, 'lake'))
  const flights = await lake.createTable('demo.flights', {
    schema: schema({ date: t.timestamp, delay: t.long, distance: t.long, origin: t.string, destination: t.string }),
    partitionBy: [month('date'), bucket('origin', 4)],
  })
  const beforeChange = await fill(flights, months, total)
  await query(flights, matching)
  await travel(flights, beforeChange, months)
  await summary(flights, total)
  await lake.close()
}

/** Appends month after month; answers the last snapshot of the old schema. */
async function fill(flights, months, total) {
  heading('Append month by month, partitioned by month(date) and bucket(origin, 4)')
  let rows = 0
  let last
  let beforeChange
  for await (const [name, batches] of flightsByMonth()) {
    const isEvolved = name >= EVOLVE_BEFORE
    if (isEvolved && beforeChange === undefined) {
      beforeChange = last
      await evolve(flights)
    }
    const label = NAMES[Number(name.slice(5)) - 1]
    const before = rows
    const input = isEvolved ? mapped(batches, withLateness) : batches
    last = await flights.append(input, { onProgress: (done) => progress(label, before + done.rows, total) })
    rows += months.get(name)
    const { files, bytes, added } = sizes(last)
    line(`${label.padEnd(9)} ${count(added).padStart(9)} rows  ${String(files).padStart(2)} files  ${megabytes(bytes).padStart(7)}`)
    check(`rows appended in ${label}`, added, months.get(name))
    check(`rows in the table after ${label}`, await flights.scan().count(), rows)
  }
  return beforeChange
}

async function evolve(flights) {
  await flights.updateSchema((s) => s.renameColumn('delay', 'delay_minutes').addColumn('late', t.boolean))
  await flights.updateSpec((s) => s.removeField(bucket('origin', 4)).addField(bucket('origin', 8)))
  line('- schema:    delay is now delay_minutes; late, a boolean, is new')
  line('- partition: bucket(origin, 8) from here on; older files stay as they are')
}

async function query(flights, expected) {
  const { airport, longDelay } = QUERY
  heading(`Query: flights from ${airport} in February, over ${longDelay} minutes late`)
  const filter = and(
    eq('origin', airport),
    gtEq('date', new Date('2001-02-01')),
    lt('date', new Date('2001-03-01')),
    gt('delay_minutes', longDelay),
  )
  const scan = flights.scan().filter(filter)
  const { report } = await scan.plan({ explain: true })
  const skippedManifests = report.manifests.skipped
  line(`${report.manifests.total - skippedManifests} of ${report.manifests.total} manifests read; the others hold other months:`)
  for (const reason of reasons(report, 'manifest', 2)) line(`  ${reason}`)
  line(`${report.files.total - report.files.skipped} of ${report.files.total} files in them read, ${megabytes(report.readBytes)}:`)
  for (const reason of reasons(report, 'file', 2)) line(`  ${reason}`)
  const start = performance.now()
  const rows = await scan.select('date', 'destination', 'delay_minutes').rows().toArray()
  line(`${count(rows.length)} flights found in ${Math.round(performance.now() - start)} ms, by a column that was called delay when written`)
  check('flights found', rows.length, expected)
}

/** A few of the different reasons for what was skipped. */
function reasons(report, kind, most) {
  const skipped = report.decisions.filter((decision) => decision.kind === kind && !decision.read)
  return [...new Set(skipped.map(({ reason }) => reason))].slice(0, most).map((reason) => (reason.length > 74 ? `${reason.slice(0, 73)}…` : reason))
}

async function travel(flights, snapshot, months) {
  heading(`Back to snapshot ${snapshot.snapshotId}, before the change`)
  const then = flights.scan().useSnapshot(snapshot.snapshotId)
  const rows = await then.count()
  line(`${count(rows)} rows; columns ${then.schema.fields.map((field) => field.name).join(', ')}`)
  line(`now: ${flights.schema.fields.map((field) => field.name).join(', ')}`)
  const expected = [...months].filter(([name]) => name < EVOLVE_BEFORE).reduce((sum, [, count]) => sum + count, 0)
  check('rows at the earlier snapshot', rows, expected)
}

async function summary(flights, total) {
  let rows = 0
  for await (const batch of flights.scan().select('origin')) rows += batch.numRows
  check('rows read back', rows, total)
  const files = await flights.inspect.files()
  const bytes = files.reduce((sum, file) => sum + file.file_size_in_bytes, 0)
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  heading('Done: every count agrees with the source')
  line(`${count(rows)} rows, ${flights.snapshots.length} snapshots, ${files.length} files, ${megabytes(bytes)}`)
  line(`${seconds(performance.now() - started)} (CPU ${seconds((userCPUTime + systemCPUTime) / 1000)}), ${Math.round(maxRSS / 1024)} MiB of memory at most`)
  if (options.keep !== undefined) line(`look at it: node dist/cli.js inspect '${join(folder, 'lake')}#demo.flights' files`)
}

function sizes({ summary }) {
  const [added, files, bytes] = ['added-records', 'added-data-files', 'added-files-size'].map((name) => Number(summary.get(name)))
  return { added, files, bytes }
}

async function* mapped(batches, change) {
  for await (const batch of batches) yield change(batch)
}

function check(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: ${count(found)}, but the source has ${count(expected)}`)
}
