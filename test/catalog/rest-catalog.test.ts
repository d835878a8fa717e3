import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { ObjectStoreCatalog } from '../../src/catalog/object-store-catalog.js'
import { RestCatalog } from '../../src/catalog/rest/rest-catalog.js'
import { type RunningServer, serveCatalog } from '../../src/catalog/rest-server/serve-catalog.js'
import type { FileIO } from '../../src/io/file-io.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { type CatalogUnderTest, describeCatalog } from '../conformance/catalog.js'
import { withNamespaces } from '../support/with-namespaces.js'

const running: RunningServer[] = []
const folder = mkdtempSync(join(tmpdir(), 'floe-rest-'))

afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function serve(catalog: CatalogBackend, openStore: () => FileIO): Promise<CatalogUnderTest> {
  const server = await serveCatalog({ catalog, runtime: systemRuntime })
  running.push(server)
  const client = (): CatalogBackend => withNamespaces(new RestCatalog({ uri: server.uri, openStore }))
  return { catalog: client(), other: client() }
}

describeCatalog('RestCatalog over a catalog in memory', async () => {
  const io = new MemoryFileIO()
  return serve(new MemoryCatalog({ io }), () => io)
}, { rootTables: false })

let warehouses = 0
describeCatalog(
  'RestCatalog over a warehouse on a disk',
  async () => {
    const io = new LocalFileIO({ sync: false })
    return serve(new ObjectStoreCatalog({ io, warehouse: join(folder, String(warehouses++)) }), () => io)
  },
  { rename: false, registerDropped: false, rootTables: false },
)
