/**
 * Commits per second of one writer, and of several at once, over a disk and over S3 in this process.
 *
 *     npx esbuild bench/catalog-commits.ts --bundle --packages=external --platform=node --format=esm --outfile=node_modules/.bench.mjs
 *     node node_modules/.bench.mjs
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ObjectStoreCatalog } from '../src/catalog/object-store-catalog.js'
import type { FileIO } from '../src/io/file-io.js'
import { LocalFileIO } from '../src/io/local-file-io.js'
import { MemoryFileIO } from '../src/io/memory-file-io.js'
import { S3FileIO } from '../src/io/s3-file-io.js'
import { S3Server } from '../test/support/s3-server.js'
import { appendUntilCommitted, creation } from '../test/support/table-commits.js'

const COMMITS = 200
const id = { namespace: ['db'], name: 't' }

async function measure(name: string, io: FileIO, warehouse: string, writers: number): Promise<void> {
  await new ObjectStoreCatalog({ io, warehouse }).createTable(id, creation())
  const start = process.hrtime.bigint()
  const rejections = await Promise.all(
    Array.from({ length: writers }, async (_, w) => {
      const catalog = new ObjectStoreCatalog({ io, warehouse })
      let rejected = 0
      for (let i = 0; i < COMMITS / writers; i++) rejected += await appendUntilCommitted(catalog, id, `${w}-${i}`)
      return rejected
    }),
  )
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const total = rejections.reduce((a, b) => a + b, 0)
  console.log(`${name}, ${writers} writers: ${(COMMITS / seconds).toFixed(0)} commits/s, ${total} rejections for ${COMMITS} commits`)
}

const base = mkdtempSync(join(tmpdir(), 'floe-bench-'))
const server = await S3Server.start()
const s3 = new S3FileIO({ endpoint: server.endpoint, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } })
for (const writers of [1, 8]) {
  await measure('memory', new MemoryFileIO(), 'memory:///wh', writers)
  await measure('disk, synced', new LocalFileIO(), join(base, `sync-${writers}`), writers)
  await measure('disk, not synced', new LocalFileIO({ sync: false }), join(base, `fast-${writers}`), writers)
  await measure('S3 over loopback', s3, `s3://bucket/wh-${writers}`, writers)
}
await s3.close()
await server.close()
rmSync(base, { recursive: true, force: true })
