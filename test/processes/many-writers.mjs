/**
 * Processes that append to one table at the same time, and a look at what came of it: every acknowledged row is there once, and
 * sequence numbers rise strictly. Options: --processes N (64), --commits N each (25), --location PLACE, --s3 JSON of access.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { openCatalog, schema, t } from '../../dist/index.js'

const text = { type: 'string' }
const { values } = parseArgs({ options: { processes: text, commits: text, location: text, s3: text } })
const [processes, commits] = [Number(values.processes ?? 64), Number(values.commits ?? 25)]
const folder = mkdtempSync(join(tmpdir(), 'floe-writers-'))
const location = values.location ?? join(folder, 'lake')
const options = values.s3 === undefined ? {} : { s3: JSON.parse(values.s3) }

function runWriter(writer) {
  const env = values.s3 === undefined ? process.env : { ...process.env, FLOE_S3: values.s3 }
  const script = join(import.meta.dirname, '../interop/append-many.mjs')
  const began = performance.now()
  const child = spawn(process.execPath, [script, location, 'race.t', String(writer), String(commits)], { env })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  return new Promise((resolve, reject) =>
    child.once('close', (code) => (code === 0 ? resolve((performance.now() - began) / 1000) : reject(new Error(`writer ${writer}: ${errors}`)))),
  )
}

try {
  const lake = await openCatalog(location, options)
  await lake.createTable('race.t', { schema: schema({ writer: t.int.required, index: t.int.required }) })
  const began = performance.now()
  const seconds = await Promise.all(Array.from({ length: processes }, (_, writer) => runWriter(writer)))
  const elapsed = (performance.now() - began) / 1000
  const table = await lake.loadTable('race.t')
  const seen = new Map()
  for await (const { writer, index } of table.scan().rows()) seen.set(`${writer}/${index}`, (seen.get(`${writer}/${index}`) ?? 0) + 1)
  const wanted = processes * commits
  const twice = [...seen.values()].filter((count) => count > 1).length
  if (seen.size !== wanted || twice > 0) throw new Error(`${seen.size} of ${wanted} rows, ${twice} of them more than once`)
  const numbers = table.snapshots.map(({ sequenceNumber }) => sequenceNumber)
  if (numbers.some((number, i) => i > 0 && number <= numbers[i - 1])) throw new Error('sequence numbers do not rise')
  const fair = `the first writer was done after ${Math.min(...seconds).toFixed(1)} s, the last after ${Math.max(...seconds).toFixed(1)} s`
  console.log(`${processes} processes, ${wanted} acknowledged appends, each row once, ${(wanted / elapsed).toFixed(1)} commits a second; ${fair}`)
  console.log(table.metadataLocation)
  await lake.close()
} finally {
  if (values.location === undefined) rmSync(folder, { recursive: true, force: true })
}
