import { describe, expect, it } from 'vitest'
import type { FileIO } from '../../src/io/file-io.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { ReadThroughCache } from '../../src/io/read-through-cache.js'
import { describeFileIO } from '../conformance/file-io.js'

describeFileIO('ReadThroughCache', () => ({ io: new ReadThroughCache(new MemoryFileIO()), root: 'memory:/r' }))

/** Counts reads, which finish only when released. */
function counting(store: MemoryFileIO): { io: FileIO; reads: string[]; release: () => void; hold: () => void } {
  const reads: string[] = []
  let gate = Promise.resolve()
  let open = (): void => undefined
  const io: FileIO = {
    read: async (location, options) => {
      reads.push(location)
      const bytes = await store.read(location, options)
      await gate
      return bytes
    },
    readMany: async (location, ranges, options) => {
      reads.push(`${location} ×${ranges.length}`)
      return store.readMany(location, ranges, options)
    },
    write: (location, body, options) => store.write(location, body, options),
    head: (location) => store.head(location),
    list: (prefix) => store.list(prefix),
    delete: (locations) => store.delete(locations),
  }
  const hold = (): void => {
    gate = new Promise((resolve) => {
      open = resolve
    })
  }
  return { io, reads, hold, release: () => open() }
}

const at = 'memory:/m1.avro'
const content = new Uint8Array(100).map((_, i) => i)

describe('a read-through cache', () => {
  it('asks once for concurrent readers of one object, and never again while it is kept', async () => {
    const store = new MemoryFileIO()
    await store.write(at, content)
    const { io, reads, hold, release } = counting(store)
    const cache = new ReadThroughCache(io)
    hold()
    const all = Promise.all(Array.from({ length: 5 }, () => cache.read(at)))
    release()
    for (const bytes of await all) expect(bytes).toEqual(content)
    await cache.read(at)
    expect(reads).toEqual([at])
  })

  it('serves ranges from the whole and from a range around them', async () => {
    const store = new MemoryFileIO()
    await store.write(at, content)
    const { io, reads } = counting(store)
    const cache = new ReadThroughCache(io)
    await cache.read(at, { range: { offset: 10, length: 50 } })
    expect(await cache.read(at, { range: { offset: 20, length: 10 } })).toEqual(content.slice(20, 30))
    expect(reads).toHaveLength(1)
    await cache.read(at)
    const ranges = [{ offset: 90, length: 10 }, { offset: -5, length: 0 }]
    expect(await cache.readMany(at, ranges)).toEqual([content.slice(90), content.slice(95)])
    expect(reads).toHaveLength(2)
  })

  it('asks a store for the missing ranges only', async () => {
    const store = new MemoryFileIO()
    await store.write(at, content)
    const { io, reads } = counting(store)
    const cache = new ReadThroughCache(io)
    await cache.readMany(at, [{ offset: 0, length: 10 }])
    const ranges = [{ offset: 2, length: 3 }, { offset: 50, length: 2 }]
    expect(await cache.readMany(at, ranges)).toEqual([content.slice(2, 5), content.slice(50, 52)])
    expect(reads).toEqual([`${at} ×1`, `${at} ×1`])
  })

  it('a failure is not kept', async () => {
    const store = new MemoryFileIO()
    const cache = new ReadThroughCache(store)
    await expect(cache.read(at)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await store.write(at, content)
    expect(await cache.read(at)).toEqual(content)
  })

  it('stays within its bound, least recently used first out', async () => {
    const store = new MemoryFileIO()
    const { io, reads } = counting(store)
    const cache = new ReadThroughCache(io, { maxBytes: 4000, maxEntryBytes: 2000 })
    for (const name of ['a', 'b', 'c', 'd']) await store.write(`memory:/${name}`, new Uint8Array(1000))
    for (const name of ['a', 'b', 'c']) await cache.read(`memory:/${name}`)
    await cache.read('memory:/a')
    await cache.read('memory:/d')
    expect(cache.statistics.bytes).toBeLessThanOrEqual(4000)
    reads.length = 0
    for (const name of ['a', 'c', 'd']) await cache.read(`memory:/${name}`)
    expect(reads).toEqual([])
    await cache.read('memory:/b')
    expect(reads).toEqual(['memory:/b'])
  })

  it('passes large objects on without keeping them', async () => {
    const store = new MemoryFileIO()
    await store.write('memory:/big', new Uint8Array(5000))
    const cache = new ReadThroughCache(store, { maxBytes: 8000, maxEntryBytes: 1000 })
    await cache.read('memory:/big')
    expect(cache.statistics.bytes).toBe(0)
  })

  it('never keeps what may change: the version hint, and numbered versions, which a dropped table’s successor uses again', async () => {
    const store = new MemoryFileIO()
    for (const name of ['version-hint.text', 'v1.metadata.json', 'v23.gz.metadata.json', 'v4.metadata.json.gz']) {
      const location = `memory:/t/metadata/${name}`
      await store.write(location, new Uint8Array([49]))
      const cache = new ReadThroughCache(store)
      await cache.read(location)
      await store.write(location, new Uint8Array([50]))
      expect([...(await cache.read(location))]).toEqual([50])
    }
  })

  it('forgets what is written or deleted through it, even while it is being read', async () => {
    const store = new MemoryFileIO()
    await store.write(at, content)
    const { io, hold, release } = counting(store)
    const cache = new ReadThroughCache(io)
    hold()
    const early = cache.read(at)
    await cache.write(at, new Uint8Array([1]))
    const late = cache.read(at)
    release()
    expect(await early).toEqual(content)
    expect([...(await late)]).toEqual([1])
    expect([...(await cache.read(at))]).toEqual([1])
    await cache.delete([at])
    await expect(cache.read(at)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('one reader’s abort does not fail another', async () => {
    const store = new MemoryFileIO()
    await store.write(at, content)
    const { io, hold, release } = counting(store)
    const cache = new ReadThroughCache(io)
    const controller = new AbortController()
    hold()
    const aborted = cache.read(at, { signal: controller.signal })
    const other = cache.read(at)
    controller.abort()
    release()
    await aborted.catch(() => undefined)
    expect(await other).toEqual(content)
  })
})
