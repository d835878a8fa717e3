/** Expiry and orphan removal over stores and catalogs that are reached by a network: what they say of times, and what they leave out. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CatalogBackend } from '../../../src/catalog/catalog-backend.js'
import { ObjectStoreCatalog } from '../../../src/catalog/object-store-catalog.js'
import { RestCatalog } from '../../../src/catalog/rest/rest-catalog.js'
import { serveCatalog } from '../../../src/catalog/rest-server/serve-catalog.js'
import { S3FileIO } from '../../../src/io/s3-file-io.js'
import { expireSnapshots } from '../../../src/maintenance/expire/expire-snapshots.js'
import { planOrphanRemoval } from '../../../src/maintenance/orphans/plan-orphan-removal.js'
import { removeOrphanFiles } from '../../../src/maintenance/orphans/remove-orphan-files.js'
import { systemRuntime } from '../../../src/util/runtime.js'
import { S3Server } from '../../support/s3-server.js'
import { UpkeepBench } from '../../support/upkeep-bench.js'
import { withNamespaces } from '../../support/with-namespaces.js'

const FUTURE = { olderThan: Number.MAX_SAFE_INTEGER } as const
/** Whatever was written by now. */
const ANY_AGE = { ...FUTURE, allowRecentFiles: true } as const

describe('an S3 store', () => {
  let server: S3Server
  let store: S3FileIO

  beforeAll(async () => {
    server = await S3Server.start({ pageSize: 3 })
    store = new S3FileIO({ endpoint: server.endpoint, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } })
  })
  beforeEach(() => server.reset())
  afterAll(async () => {
    await store.close()
    await server.close()
  })

  // Straight to the store, with its requests of many files.
  const front = (): Promise<CatalogBackend> => {
    return Promise.resolve(new ObjectStoreCatalog({ warehouse: 's3://bucket/lake', io: store, verifyStore: 'never' }))
  }

  it('dates files in listings as in answers about one, and is asked for many deletions at once', async () => {
    const bench = await UpkeepBench.open({ store, front })
    const files = await bench.append({}, 2)
    await bench.change({ removedDataFiles: files })
    await bench.append()
    for (const name of ['a', 'b', 'c']) await bench.writeFile(`lost ${name}%20+é.parquet`)
    const { result } = await expireSnapshots(await bench.context(), FUTURE)
    expect([result.heldFiles, result.fileCounts.data]).toEqual([[], 2])
    expect((await planOrphanRemoval(await bench.context())).plan.spared.recent).toBe(3)
    expect(Math.abs((await planOrphanRemoval(await bench.context())).plan.storeTimeMs - systemRuntime.now())).toBeLessThan(60_000)
    server.calls.length = 0
    const removal = await removeOrphanFiles(await bench.context(), ANY_AGE)
    expect([removal.result.skipped, removal.result.heldFiles, removal.result.removed.length]).toEqual([[], [], 3])
    expect(server.calls.filter(({ operation }) => operation === 'delete-objects')).toHaveLength(1)
    expect(await bench.leftovers()).toEqual([])
  })

  it('that denies deletions leaves the metadata consistent, and what it holds is told (§5)', async () => {
    const bench = await UpkeepBench.open({ store, front })
    const files = await bench.append()
    await bench.change({ removedDataFiles: files })
    await bench.append()
    server.fail('forbidden', 'delete-objects', { times: 9 })
    server.fail('forbidden', 'delete', { times: 9, key: /parquet$/ })
    const { result } = await expireSnapshots(await bench.context(), FUTURE)
    expect(result.heldFiles.map(({ location, reason }) => [location, reason])).toEqual([[files[0]!.filePath, 'denied']])
    expect((await bench.load()).metadata.snapshots).toHaveLength(1)
    expect(await bench.leftovers()).toEqual([files[0]!.filePath])
  })
})

describe.each(['memory', 'files'] as const)('a REST catalog over one in %s', (catalog) => {
  it('that leaves out snapshots expires them all the same, and its orphans are found', async () => {
    const closing: (() => Promise<void>)[] = []
    const bench = await UpkeepBench.open({
      catalog,
      front: async (backend, io) => {
        const server = await serveCatalog({ catalog: backend, runtime: systemRuntime })
        closing.push(() => server.close())
        return withNamespaces(new RestCatalog({ uri: server.uri, openStore: () => io, snapshots: 'refs' }))
      },
    })
    try {
      const files = await bench.append()
      await bench.append({ stageOnly: true })
      await bench.change({ removedDataFiles: files })
      await bench.append()
      expect((await bench.load()).metadata.snapshots).toHaveLength(1)
      const { result } = await expireSnapshots(await bench.context(), FUTURE)
      expect(result.expiredSnapshots).toHaveLength(3)
      expect(result.fileCounts.data).toBe(2)
      const lost = await bench.writeFile('lost.parquet')
      const removal = await removeOrphanFiles(await bench.context(), ANY_AGE)
      expect(removal.result.removed.map(({ location }) => location)).toEqual([lost.filePath])
      expect(await bench.leftovers()).toEqual([])
    } finally {
      for (const close of closing) await close()
    }
  })
})
