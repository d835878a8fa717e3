/** Processes that are killed in the middle of what they do, on a disk and on a real S3 server: a part of the campaign. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { requireTool } from './tools.js'
import { startVersitygw } from './versitygw.js'
import { makeWarehouse } from './warehouse.js'

/** Spread over the steps of all operations; `npm run kill-campaign` takes every one. */
const POINTS = 14
const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const isBuilt = existsSync(resolve(import.meta.dirname, '../../dist/index.js'))

async function campaign(...options: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, '../processes/kill-campaign.mjs')
  const child = spawn(process.execPath, [script, '--points', String(POINTS), ...options])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await new Promise((done) => child.once('close', done))
  return output
}

it('on local disk, whatever step of an operation a process dies at, the table is whole and the next writer goes on', async (context) => {
  if (!isBuilt) context.skip('the package is not built: npm run build')
  expect(await campaign()).toMatch(/had not, and every table was whole\n$/)
}, 600_000)

it('on an S3 server, whatever request of an operation a process dies at, the table is whole and the next writer goes on', async (context) => {
  requireTool(context, 'versitygw')
  if (!isBuilt) context.skip('the package is not built: npm run build')
  const server = await startVersitygw(join(warehouse.folder, 's3'), 'lake')
  const credentials = { accessKeyId: server.accessKey, secretAccessKey: server.secretKey }
  const access = { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials }
  try {
    const output = await campaign('--location', `s3://${server.bucket}/warehouse`, '--s3', JSON.stringify(access))
    expect(output).toMatch(/had not, and every table was whole\n$/)
  } finally {
    await server.stop()
  }
}, 600_000)
