/** Two processes append to one table at the same time; every acknowledged row is there once. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openCatalog, schema, t } from '../../src/index.js'
import { oracle } from './oracle.js'
import type { S3Access } from './oracle.js'
import { requireTool } from './tools.js'
import { startVersitygw } from './versitygw.js'
import { makeWarehouse } from './warehouse.js'

const APPENDS = 200
const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

/** `openCatalog`'s form of access to an S3 server that is not Amazon's. */
const s3Options = (s3: S3Access): object => ({
  endpoint: s3.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
})

interface Outcome {
  /** `writer/index` of every row, sorted. */
  readonly rows: readonly string[]
  readonly metadata: string
}

async function race(location: string, s3?: S3Access): Promise<Outcome> {
  const options = s3 === undefined ? {} : { s3: s3Options(s3) }
  const lake = await openCatalog(location, options)
  // No properties: being overtaken is no failure as long as the table does not set a number of retries.
  await lake.createTable('race.t', { schema: schema({ writer: t.int.required, index: t.int.required }) })
  await Promise.all([1, 2].map((writer) => runWriter(location, writer, s3)))
  const table = await lake.loadTable('race.t')
  const rows = await table.scan().rows().toArray()
  return { rows: rows.map((row) => `${row['writer'] as number}/${row['index'] as number}`).sort(), metadata: table.metadataLocation }
}

async function runWriter(location: string, writer: number, s3?: S3Access): Promise<void> {
  const env = s3 === undefined ? process.env : { ...process.env, FLOE_S3: JSON.stringify(s3Options(s3)) }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'append-many.mjs'), location, 'race.t', String(writer), String(APPENDS)], { env })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`writer ${writer} ended with ${String(code)}: ${errors}`)
}

const expectedLines = [1, 2].flatMap((writer) => Array.from({ length: APPENDS }, (_, index) => `{"writer":${writer},"index":${index}}`))
const everyRow = [1, 2].flatMap((writer) => Array.from({ length: APPENDS }, (_, index) => `${writer}/${index}`)).sort()
const isBuilt = existsSync(resolve(import.meta.dirname, '../../dist/index.js'))

it('on local disk, 2 × 200 appends leave 400 rows', async (context) => {
  if (!isBuilt) context.skip('the package is not built: npm run build')
  const { rows, metadata } = await race(warehouse.location)
  expect(rows).toEqual(everyRow)
  requireTool(context, 'python', 'spark')
  const report = await oracle().describe({ metadata })
  expect(report.errors).toEqual([])
}, 600_000)

it('on an S3 server, 2 × 200 appends leave 400 rows', async (context) => {
  requireTool(context, 'versitygw')
  if (!isBuilt) context.skip('the package is not built: npm run build')
  const server = await startVersitygw(join(warehouse.folder, 's3'), 'lake')
  try {
    const { rows, metadata } = await race(`s3://${server.bucket}/warehouse`, server)
    expect(rows).toEqual(everyRow)
    requireTool(context, 'python', 'spark')
    const answers = await oracle().check({ metadata, s3: server }, expectedLines, ['java', 'pyiceberg'])
    expect(answers.map(({ engine, message }) => `${engine}: ${message}`)).toEqual(['java: ok 400 rows', 'pyiceberg: ok 400 rows'])
  } finally {
    await server.stop()
  }
}, 600_000)
