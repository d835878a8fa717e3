/** What is found of S3 servers of others: those that lose commits are refused before the first write, on those that pass none is lost. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openCatalog, schema, t } from '../../src/index.js'
import type { Catalog } from '../../src/index.js'
import type { S3Access } from './oracle.js'
import { startS3Process } from './s3-process.js'
import { requireTool, s3ServerExecutables } from './tools.js'
import { type S3Server, startVersitygw } from './versitygw.js'
import { makeWarehouse } from './warehouse.js'

const BUCKET = 'lake'
const WRITERS = 8
const APPENDS = 5
const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

/** Starts a server whose objects lie in a folder of its own, or in memory. */
type Start = (folder: string) => Promise<S3Server>

const startRclone: Start = async (folder) => {
  mkdirSync(join(folder, BUCKET), { recursive: true })
  const [accessKey, secretKey] = ['interop', 'interop-secret']
  const args = (port: number): string[] => ['serve', 's3', '--addr', `127.0.0.1:${port}`, '--auth-key', `${accessKey},${secretKey}`, folder]
  const server = await startS3Process({ executable: s3ServerExecutables.rclone, args, env: { RCLONE_CONFIG: join(folder, 'none.conf') } })
  return { ...server, accessKey, secretKey, bucket: BUCKET }
}

const startS3rver: Start = async (folder) => {
  mkdirSync(folder, { recursive: true })
  const args = (port: number): string[] => ['-d', folder, '-a', '127.0.0.1', '-p', String(port), '--no-vhost-buckets', '--configure-bucket', BUCKET]
  const server = await startS3Process({ executable: s3ServerExecutables.s3rver, args })
  return { ...server, accessKey: 'S3RVER', secretKey: 'S3RVER', bucket: BUCKET }
}

const startGofakes3: Start = async () => {
  const args = (port: number): string[] => ['-backend', 'memory', '-host', `127.0.0.1:${port}`, '-initialbucket', BUCKET]
  const server = await startS3Process({ executable: s3ServerExecutables.gofakes3, args })
  return { ...server, accessKey: 'any', secretKey: 'any-secret', bucket: BUCKET }
}

const startRacyVersitygw: Start = (folder) => startVersitygw(folder, BUCKET, s3ServerExecutables.racyVersitygw)

const optionsOf = (server: S3Access): object => ({
  endpoint: server.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
})

async function withCatalog<T>(server: S3Server, folder: string, use: (lake: Catalog, location: string) => Promise<T>): Promise<T> {
  const location = `s3://${server.bucket}/${folder}`
  const lake = await openCatalog(location, { s3: optionsOf(server) })
  try {
    return await use(lake, location)
  } finally {
    await lake.close()
  }
}

const columns = schema({ writer: t.int.required, index: t.int.required })
const isBuilt = existsSync(resolve(import.meta.dirname, '../../dist/index.js'))

it.for([
  ['rclone serve s3', startRclone, ['create-once', 'create-if-absent']],
  ['s3rver', startS3rver, ['create-once', 'create-if-absent']],
  // Every condition holds for one writer at a time: only writes that overlap show it.
  ['versitygw 1.7.0', startRacyVersitygw, ['create-once']],
] as const)('%s is refused before the first write, by the name of what it lacks', async ([name, start, lacking], context) => {
  requireTool(context, 's3-servers')
  const folder = join(warehouse.folder, name.replaceAll(' ', '-'))
  const server = await start(folder)
  try {
    await withCatalog(server, 'refused', async (lake) => {
      const refusal = { code: 'UNSUPPORTED', message: expect.stringMatching(/\(create-once\): of 32 creations .*; use another store/) as string }
      await expect(lake.createTable('a.t', { schema: columns })).rejects.toMatchObject(refusal)
      await expect(lake.createNamespace('a')).rejects.toMatchObject(refusal)
      const report = await lake.verifyStore()
      expect(report.isSafe).toBe(false)
      const missing = report.properties.filter(({ isRequired, holds }) => isRequired && holds === false)
      expect(missing.map((property) => property.name)).toEqual(lacking)
      expect(await lake.tableExists('a.t')).toBe(false)
    })
    // On the disk: rclone lists some deleted objects for minutes.
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name !== '.s3rver_dummy')
    expect(files.map((entry) => join(entry.parentPath, entry.name)).filter((file) => file.includes('refused'))).toEqual([])
  } finally {
    await server.stop()
  }
})

it.for([
  ['gofakes3', startGofakes3, 's3-servers'],
  ['versitygw', (folder: string) => startVersitygw(folder, BUCKET), 'versitygw'],
] as const)('%s passes, and of eight processes that append at once no row is lost', async ([name, start, tool], context) => {
  requireTool(context, tool)
  if (!isBuilt) context.skip('the package is not built: npm run build')
  const server = await start(join(warehouse.folder, name))
  try {
    await withCatalog(server, 'safe', async (lake, location) => {
      const table = await lake.createTable('race.t', { schema: columns })
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => runWriter(location, writer, server)))
      const rows = await (await table.refresh()).scan().rows().toArray()
      const seen = rows.map((row) => `${row['writer'] as number}/${row['index'] as number}`).sort()
      expect(seen).toEqual(Array.from({ length: WRITERS * APPENDS }, (_, i) => `${Math.floor(i / APPENDS)}/${i % APPENDS}`))
      expect((await lake.verifyStore()).isSafe).toBe(true)
    })
  } finally {
    await server.stop()
  }
})

async function runWriter(location: string, writer: number, server: S3Server): Promise<void> {
  const args = [join(import.meta.dirname, 'append-many.mjs'), location, 'race.t', String(writer), String(APPENDS)]
  const env = { ...process.env, FLOE_S3: JSON.stringify(optionsOf(server)) }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`writer ${writer} ended with ${String(code)}: ${errors}`)
}
