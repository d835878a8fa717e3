import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import type { FileIO } from '../../src/io/file-io.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { describeCatalog } from '../conformance/catalog.js'
import { S3Server } from '../support/s3-server.js'

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
