/**
 * Processes that append to one table at the same time, on disk and on an S3 server; Spark reads what they leave. FLOE_PROCESSES and
 * FLOE_COMMITS say how many, and how often each; by default few.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { oracle } from './oracle.js'
import type { S3Access } from './oracle.js'
import { requireTool } from './tools.js'
import { startVersitygw } from './versitygw.js'
import { makeWarehouse } from './warehouse.js'

const processes = Number(process.env['FLOE_PROCESSES'] ?? 8)
const commits = Number(process.env['FLOE_COMMITS'] ?? 5)
const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

/** Runs them to their end, which checks what they were told against the table; gives the location of its metadata. */
async function race(location: string, s3?: S3Access): Promise<string> {
  const script = join(import.meta.dirname, '../processes/many-writers.mjs')
  const access = s3 === undefined ? [] : ['--s3', JSON.stringify(s3Options(s3))]
  const child = spawn(process.execPath, [script, '--processes', String(processes), '--commits', String(commits), '--location', location, ...access])
  let [output, errors] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`many-writers.mjs ended with ${String(code)}: ${errors}`)
  console.log(output)
  return output.trim().split('\n').at(-1)!
}

const s3Options = (s3: S3Access): object => ({
  endpoint: s3.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
})

const lines = Array.from({ length: processes * commits }, (_, i) => `{"writer":${Math.floor(i / commits)},"index":${i % commits}}`)
const isBuilt = process.env['FLOE_BUILD'] !== undefined || existsSync(resolve(import.meta.dirname, '../../dist/index.js'))

it(`on local disk, Spark reads the ${lines.length} rows of ${processes} processes`, async (context) => {
  if (!isBuilt) context.skip('the package is not built: npm run build')
  const metadata = await race(warehouse.location)
  requireTool(context, 'python', 'spark')
  const answers = await oracle().check({ metadata }, lines, ['spark', 'pyiceberg'])
  expect(answers.map(({ engine, message }) => `${engine}: ${message}`)).toEqual([`spark: ok ${lines.length} rows`, `pyiceberg: ok ${lines.length} rows`])
  expect((await oracle().describe({ metadata })).errors).toEqual([])
}, 7_200_000)

it(`on an S3 server, Spark reads the ${lines.length} rows of ${processes} processes`, async (context) => {
  requireTool(context, 'versitygw')
  if (!isBuilt) context.skip('the package is not built: npm run build')
  const server = await startVersitygw(join(warehouse.folder, 's3'), 'lake')
  try {
    const metadata = await race(`s3://${server.bucket}/warehouse`, server)
    requireTool(context, 'python', 'spark')
    const answers = await oracle().check({ metadata, s3: server }, lines, ['spark', 'pyiceberg'])
    expect(answers.map(({ engine, message }) => `${engine}: ${message}`)).toEqual([`spark: ok ${lines.length} rows`, `pyiceberg: ok ${lines.length} rows`])
  } finally {
    await server.stop()
  }
}, 7_200_000)
