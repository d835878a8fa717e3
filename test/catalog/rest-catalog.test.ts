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

/** In this protocol a table needs a namespace that was made before, as the `Catalog` of users does. */
function withNamespaces(catalog: RestCatalog): CatalogBackend {
  const ensure = async (namespace: readonly string[]): Promise<void> => {
    for (let depth = 1; depth <= namespace.length; depth++) {
      const level = namespace.slice(0, depth)
      if (!(await catalog.namespaceExists(level))) await catalog.createNamespace(level).catch(() => undefined)
    }
  }
  const createTable: CatalogBackend['createTable'] = async (identifier, creation) => {
    await ensure(identifier.namespace)
    return catalog.createTable(identifier, creation)
  }
  const renameTable: CatalogBackend['renameTable'] = async (from, to) => {
    await ensure(to.namespace)
    await catalog.renameTable(from, to)
  }
  return new Proxy(catalog as CatalogBackend, {
    get: (target, name) => {
      if (name === 'createTable') return createTable
      if (name === 'renameTable') return renameTable
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
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
