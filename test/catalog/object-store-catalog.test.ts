import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import type { FileIO } from '../../src/io/file-io.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { describeCatalog } from '../conformance/catalog.js'
import { S3Server } from '../support/s3-server.js'
import { creation } from '../support/table-commits.js'

let base = ''
let server: S3Server
let s3: S3FileIO
let warehouses = 0

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'floe-catalog-'))
  server = await S3Server.start()
  s3 = new S3FileIO({ endpoint: server.endpoint, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } })
})
afterAll(async () => {
  await s3.close()
  await server.close()
  rmSync(base, { recursive: true, force: true })
})

const pair = (io: FileIO, warehouse: string): { catalog: ObjectStoreCatalog; other: ObjectStoreCatalog } => ({
  catalog: new ObjectStoreCatalog({ io, warehouse }),
  other: new ObjectStoreCatalog({ io, warehouse }),
})

describeCatalog('ObjectStoreCatalog in memory', () => pair(new MemoryFileIO(), 'memory:///warehouse'), { rename: false })
describeCatalog(
  'ObjectStoreCatalog on a disk',
  () => {
    const warehouse = join(base, `warehouse ${warehouses++}`)
    mkdirSync(warehouse)
    return pair(new LocalFileIO({ sync: false }), warehouses % 2 === 0 ? `file://${warehouse}` : warehouse)
  },
  { rename: false },
)
describeCatalog('ObjectStoreCatalog in S3', () => pair(s3, `s3://bucket/warehouse${warehouses++}`), { rename: false })

describe('a warehouse in which no folder can be made', () => {
  const places: readonly (readonly [what: string, place: () => string])[] = [
    ['behind a link that leads nowhere', () => {
      symlinkSync(join(base, 'not/mounted'), join(base, 'volume'))
      return join(base, 'volume')
    }],
    ['below a file', () => {
      writeFileSync(join(base, 'file'), '')
      return join(base, 'file/lake')
    }],
    ...(process.platform === 'linux' ? [['below /proc', () => '/proc/floe-none'] as const] : []),
  ]

  it.each(places)('%s, says so soon', async (_, place) => {
    const catalog = new ObjectStoreCatalog({ io: new LocalFileIO(), warehouse: place() })
    const unusable = { name: 'FloeError', code: 'NOT_FOUND' }
    await expect(catalog.createTable({ namespace: ['shop'], name: 'events' }, creation())).rejects.toMatchObject(unusable)
    await expect(catalog.createNamespace(['shop'])).rejects.toMatchObject(unusable)
    await expect(catalog.verifyStore()).rejects.toMatchObject(unusable)
    expect(await catalog.listNamespaces()).toEqual([])
  })
})
