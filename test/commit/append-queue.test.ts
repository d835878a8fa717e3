import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { CatalogBackend, CommitOutcome, CommitRequest, LoadedTable } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { appendQueueOf } from '../../src/commit/append-queue.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { FloeError } from '../../src/util/errors.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { creation } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }

type Intercept = (request: CommitRequest, n: number) => Promise<CommitOutcome | undefined>

/** A backend whose commits `intercept` may answer instead. */
function intercepted(catalog: MemoryCatalog, intercept: Intercept): CatalogBackend {
  let count = 0
  return new Proxy(catalog as CatalogBackend, {
    get: (target, name) => {
      if (name === 'commitTable') return async (request: CommitRequest) => (await intercept(request, ++count)) ?? catalog.commitTable(request)
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

async function fileIn(table: LoadedTable, name: string, specId = 0): Promise<DataFile> {
  const filePath = `${table.metadata.location}/data/${name}.parquet`
  await table.io.write(filePath, new Uint8Array(4))
  return { content: 'data', filePath, fileFormat: 'parquet', specId, partition: [], recordCount: 1, fileSizeBytes: 4 }
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

describe('appends of one process to one branch', () => {
  it('that arrive during a commit share the next one, and each is answered with it', async () => {
    const catalog = new MemoryCatalog()
    const backend = intercepted(catalog, async () => tick().then(() => undefined))
    const loaded = await backend.createTable(id, creation())
    const files = await Promise.all(Array.from({ length: 8 }, (_, i) => fileIn(loaded, `f${i}`)))
    const queue = appendQueueOf(backend)
    const results = await Promise.all(files.map((file) => queue.append({ loaded, files: [file], ownsFiles: true, runtime: systemRuntime })))
    const { metadata } = await backend.loadTable(id)
    expect(metadata.snapshots.map(({ summary }) => summary.get('added-data-files'))).toEqual(['1', '7'])
    expect(new Set(results.map(({ snapshot }) => snapshot?.snapshotId)).size).toBe(2)
    expect(metadata.snapshots.at(-1)!.summary.get('total-data-files')).toBe('8')
    expect(appendQueueOf(backend)).toBe(queue)
  })

  it('to different branches do not wait for each other', async () => {
    const catalog = new MemoryCatalog()
    const started: string[] = []
    const backend = intercepted(catalog, async (request) => {
      const ref = request.updates.find((update) => update.action === 'set-snapshot-ref')
      started.push(ref === undefined ? '' : ref.name)
      return tick().then(() => undefined)
    })
    const loaded = await backend.createTable(id, creation())
    const queue = appendQueueOf(backend)
    const append = async (name: string, branch?: string): Promise<unknown> =>
      queue.append({ loaded, files: [await fileIn(loaded, name)], branch, ownsFiles: true, runtime: systemRuntime })
    await append('a')
    await Promise.all([append('b', 'one'), append('c', 'two')])
    const { metadata } = await backend.loadTable(id)
    expect([...metadata.refs.keys()].sort()).toEqual(['main', 'one', 'two'])
    expect(started).toContain('two')
  })

  it('fail alone: files at fault do not take others along, and are removed', async () => {
    const backend = intercepted(new MemoryCatalog(), async () => tick().then(() => undefined))
    const loaded = await backend.createTable(id, creation())
    const queue = appendQueueOf(backend)
    const [first, bad, good] = [await fileIn(loaded, 'a'), await fileIn(loaded, 'bad', 77), await fileIn(loaded, 'c')]
    const calls = [first, bad, good].map((file) => queue.append({ loaded, files: [file], ownsFiles: true, runtime: systemRuntime }))
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const table = await backend.loadTable(id)
    expect(table.metadata.snapshots.at(-1)!.summary.get('total-data-files')).toBe('2')
    expect(await table.io.head(bad.filePath)).toBeUndefined()
    expect(await table.io.head(good.filePath)).toBeDefined()
  })

  it('all learn that the outcome is unknown, and nothing is deleted', async () => {
    const catalog = new MemoryCatalog()
    let lost = false
    const backend = intercepted(catalog, async (_, n) => {
      await tick()
      if (n === 1) return undefined
      lost = true
      return { outcome: 'unknown', reason: new FloeError('UNAVAILABLE', 'lost') }
    })
    const loaded = await backend.createTable(id, creation({ 'commit.status-check.num-retries': '1' }))
    const queue = appendQueueOf(backend)
    const files = await Promise.all(['a', 'b', 'c'].map((name) => fileIn(loaded, name)))
    const calls = files.map((file) => queue.append({ loaded, files: [file], ownsFiles: true, runtime: hastyRuntime }))
    const settled = await Promise.allSettled(calls)
    expect(lost).toBe(true)
    expect(settled.slice(1)).toMatchObject([{ reason: { code: 'COMMIT_STATE_UNKNOWN' } }, { reason: { code: 'COMMIT_STATE_UNKNOWN' } }])
    for (const file of files) expect(await loaded.io.head(file.filePath)).toBeDefined()
  })

  it('that are aborted while they wait leave, and take their files along', async () => {
    const backend = intercepted(new MemoryCatalog(), async () => tick().then(() => undefined))
    const loaded = await backend.createTable(id, creation())
    const queue = appendQueueOf(backend)
    const controller = new AbortController()
    const files = await Promise.all(['a', 'b', 'c'].map((name) => fileIn(loaded, name)))
    const calls = files.map((file, i) =>
      queue.append({ loaded, files: [file], ownsFiles: true, runtime: systemRuntime, ...(i === 1 ? { signal: controller.signal } : {}) }),
    )
    controller.abort()
    const settled = await Promise.allSettled(calls)
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } })
    expect(settled[2]).toMatchObject({ status: 'fulfilled' })
    expect(await loaded.io.head(files[1]!.filePath)).toBeUndefined()
    expect((await backend.loadTable(id)).metadata.snapshots.at(-1)!.summary.get('total-data-files')).toBe('2')
  })

  it('that are aborted while they wait leave at once, however long the commit in front of them takes', async () => {
    let answer = (): void => undefined
    const answered = new Promise<void>((resolve) => { answer = resolve })
    const backend = intercepted(new MemoryCatalog(), async () => answered.then(() => undefined))
    const loaded = await backend.createTable(id, creation())
    const controller = new AbortController()
    const append = async (name: string, signal?: AbortSignal): Promise<unknown> =>
      appendQueueOf(backend).append({ loaded, files: [await fileIn(loaded, name)], ownsFiles: true, runtime: systemRuntime, signal })
    const first = append('a')
    await tick()
    const second = append('b', controller.signal)
    await tick()
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    answer()
    await first
    expect((await backend.loadTable(id)).metadata.snapshots).toHaveLength(1)
  })

  it('leave nothing at a signal that outlives them', async () => {
    const backend = intercepted(new MemoryCatalog(), async () => tick().then(() => undefined))
    const loaded = await backend.createTable(id, creation())
    const { signal } = new AbortController()
    const files = await Promise.all(Array.from({ length: 5 }, (_, i) => fileIn(loaded, `f${i}`)))
    const shared = { loaded, ownsFiles: true, runtime: systemRuntime, signal }
    await Promise.all(files.map((file) => appendQueueOf(backend).append({ ...shared, files: [file] })))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('to a table that took the name of another are not mixed with those to the other', async () => {
    const backend = intercepted(new MemoryCatalog(), async () => tick().then(() => undefined))
    const old = await backend.createTable(id, creation())
    await backend.dropTable(id)
    const fresh = await backend.createTable(id, creation())
    const queue = appendQueueOf(backend)
    const files = await Promise.all(['a', 'b', 'old'].map((name) => fileIn(fresh, name)))
    const shared = { ownsFiles: false, runtime: systemRuntime }
    const calls = [fresh, fresh, old].map((loaded, i) => queue.append({ loaded, files: [files[i]!], ...shared }))
    expect(await Promise.allSettled(calls)).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }, { reason: { code: 'CONFLICT' } }])
    expect((await backend.loadTable(id)).metadata.snapshots.at(-1)!.summary.get('total-data-files')).toBe('2')
  })

  it('are not mixed up by names of branches and tables that read alike', async () => {
    const backend = intercepted(new MemoryCatalog(), async () => tick().then(() => undefined))
    const [one, other] = [{ namespace: [], name: 'c' }, { namespace: [], name: 'b of c' }]
    const [loaded, otherLoaded] = [await backend.createTable(one, creation()), await backend.createTable(other, creation())]
    const queue = appendQueueOf(backend)
    const append = async (table: LoadedTable, name: string, branch: string): Promise<unknown> =>
      queue.append({ loaded: table, files: [await fileIn(table, name)], branch, ownsFiles: true, runtime: systemRuntime })
    await Promise.all([append(loaded, '1', 'a of b'), append(loaded, '2', 'a of b'), append(otherLoaded, '3', 'a')])
    expect((await backend.loadTable(other)).metadata.snapshots.map(({ summary }) => summary.get('total-data-files'))).toEqual(['1'])
    expect((await backend.loadTable(one)).metadata.snapshots.at(-1)!.summary.get('total-data-files')).toBe('2')
  })
})
