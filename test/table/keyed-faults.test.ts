/** Changes by key under races, failing requests and aborts: never a key twice, never a file left behind. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isFloeError, openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, Table } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import { column, failureOf } from '../support/lake.js'
import { locationsBelow } from '../support/locations-below.js'

const columns = schema({ id: t.long.required, n: t.int })
const rows = (ids: readonly number[], n: number): object[] => ids.map((id) => ({ id: BigInt(id), n }))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floe-faults-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Bench {
  readonly io: InterceptedFileIO
  readonly memory: MemoryFileIO
  readonly catalog: Catalog
  readonly table: Table
}

async function bench(uri: string, formatVersion: 2 | 3 = 3): Promise<Bench> {
  const memory = new MemoryFileIO()
  const io = new InterceptedFileIO(memory)
  const catalog = await openCatalog(uri, { io, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 }, ...(uri === 'memory:' ? {} : { verifyStore: 'never' }) })
  const properties = { 'write.merge.mode': 'merge-on-read' }
  const table = await catalog.createTable('a.t', { schema: columns, formatVersion, properties })
  await table.append(rows([1, 2, 3], 0))
  return { io, memory, catalog, table }
}

async function contentFiles(memory: MemoryFileIO, table: Table): Promise<string[]> {
  return (await locationsBelow(memory, table.location)).filter((location) => /\.(?:parquet|puffin)$/.test(location))
}

describe.each(['memory:', 's3://bucket/warehouse'])('in the catalog %s', (uri) => {
  it('upserts of the same new keys that race leave each key once, and the last one wins whole', async () => {
    const { catalog } = await bench(uri)
    const tables = await Promise.all([1, 2, 3, 4].map(() => catalog.loadTable('a.t')))
    const results = await Promise.all(tables.map((table, i) => table.upsert(rows([2, 7, 8], i + 1), ['id'])))
    expect(results.reduce((sum, result) => sum + result.insertedRows, 0)).toBe(2)
    expect(results.reduce((sum, result) => sum + result.updatedRows, 0)).toBe(10)
    const now = await catalog.loadTable('a.t')
    expect(await column(now, 'id')).toEqual([1n, 2n, 3n, 7n, 8n])
    const written = (await now.scan().filter('id in (2, 7, 8)').rows().toArray()).map((row) => row['n'])
    expect(new Set(written).size).toBe(1)
  })

  it('an upsert, a merge and a stream of changes that race with deletes bring no row back and lose none', async () => {
    const { catalog } = await bench(uri)
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => catalog.loadTable('a.t')))
    await Promise.all([
      a!.upsert(rows([1, 10], 1), ['id']),
      b!.merge(rows([2, 11], 2), { on: ['id'], whenMatched: 'update', whenNotMatched: 'insert' }),
      c!.applyChanges([{ op: 'd', id: 3n, at: 1 }, { op: 'c', id: 12n, at: 2 }], { keys: ['id'], operation: 'op', order: 'at' }),
      d!.upsert(rows([13], 4), ['id']),
    ])
    expect(await column(await catalog.loadTable('a.t'), 'id')).toEqual([1n, 2n, 10n, 11n, 12n, 13n])
  })

  it.each(['before', 'after'] as const)('whichever request of an upsert fails %s its effect, the table is whole and no key doubled', async (when) => {
    let calls = Infinity
    for (let k = 0; k < calls; k++) {
      const { io, memory, table, catalog } = await bench(uri, k % 2 === 0 ? 3 : 2)
      const first = io.calls.length
      let failed: string | undefined
      io.hook = async (call, effect) => {
        if (io.calls.length - first - 1 !== k) return effect()
        failed = call.operation
        if (when === 'after') await effect()
        throw new Error('the line went dead')
      }
      const outcome = await table.upsert(rows([2, 9], 1), ['id'], { memoryBudgetBytes: 1, spillDirectory: folder }).then(() => 'committed', (e: unknown) => e)
      io.hook = (_, effect) => effect()
      if (failed === undefined) calls = k
      const now = await (uri === 'memory:' ? catalog : await openCatalog(uri, { io: memory, cacheBytes: 0, parquet: { workers: 0 }, verifyStore: 'never' })).loadTable('a.t')
      const ids = await column(now, 'id')
      const place = `request ${k}: ${failed} ${String(outcome)}`
      if (outcome === 'committed') expect(ids, place).toEqual([1n, 2n, 3n, 9n])
      else if (isFloeError(outcome, 'COMMIT_STATE_UNKNOWN')) expect([3, 4], place).toContain(ids.length)
      else {
        expect(ids, place).toEqual([1n, 2n, 3n])
        if (failed !== 'delete') expect(await contentFiles(memory, now), place).toHaveLength(1)
      }
      expect(await readdir(folder), place).toEqual([])
    }
    expect(calls).toBeGreaterThan(5)
  })
})

describe('an abort', () => {
  it('at any request leaves neither data files nor spilled rows, whatever is under way', async () => {
    const verbs: ((table: Table, signal: AbortSignal) => Promise<unknown>)[] = [
      (table, signal) => table.upsert(rows([2, 9], 1), ['id'], { signal, memoryBudgetBytes: 1, spillDirectory: folder }),
      (table, signal) => table.merge(rows([2, 9], 1), { on: ['id'], whenMatched: 'update', whenNotMatched: 'insert', signal, memoryBudgetBytes: 1, spillDirectory: folder }),
      (table, signal) => table.applyChanges([{ op: 'u', id: 2n, at: 1 }, { op: 'u', id: 9n, at: 1 }], { keys: ['id'], operation: 'op', order: 'at', signal, memoryBudgetBytes: 1, spillDirectory: folder }),
    ]
    for (const verb of verbs) {
      for (let k = 0; ; k++) {
        const { io, memory, table, catalog } = await bench('memory:')
        const controller = new AbortController()
        const first = io.calls.length
        io.hook = (_, effect) => {
          if (io.calls.length - first - 1 === k) controller.abort()
          return effect()
        }
        const outcome = await verb(table, controller.signal).then(() => 'committed', (error: unknown) => error)
        io.hook = (_, effect) => effect()
        const now = await catalog.loadTable('a.t')
        expect(await readdir(folder)).toEqual([])
        if (outcome === 'committed') expect(await now.scan().count()).toBe(4)
        else {
          expect(isFloeError(outcome, 'ABORTED'), String(outcome)).toBe(true)
          expect(await contentFiles(memory, now)).toHaveLength(1)
        }
        if (!controller.signal.aborted) break
      }
    }
  })

  it('of an input that never ends stops reading it, and closes it', async () => {
    const { table } = await bench('memory:')
    const controller = new AbortController()
    let closed = false
    async function* endless(): AsyncGenerator<object> {
      try {
        for (let id = 0; ; id++) {
          if (id === 5000) controller.abort()
          yield { id: BigInt(id), n: 1 }
        }
      } finally {
        closed = true
      }
    }
    const error = await failureOf(table.upsert(endless(), ['id'], { signal: controller.signal, memoryBudgetBytes: 1000, spillDirectory: folder }))
    expect(error.code).toBe('ABORTED')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(closed).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a full disk', () => {
  it('fails an upsert that spills with advice, and leaves nothing', async () => {
    const { table, memory } = await bench('memory:')
    const spilling = table.upsert(rows([1, 2], 1), ['id'], { memoryBudgetBytes: 1, spillDirectory: join(folder, 'missing') })
    const error = await failureOf(spilling)
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('memory budget') as string })
    expect(await contentFiles(memory, table)).toHaveLength(1)
  })
})

describe('isolation', () => {
  it('by snapshot lets a racing append of the key pass, serializable finds it', async () => {
    for (const isolation of ['snapshot', 'serializable'] as const) {
      const { io, catalog, table } = await bench('memory:')
      const other = await catalog.loadTable('a.t')
      let isDone = false
      io.hook = async (call, effect) => {
        if (!isDone && call.operation === 'write' && call.location.endsWith('.parquet')) {
          isDone = true
          await other.append(rows([9], 5))
        }
        return effect()
      }
      await table.upsert(rows([9], 1), ['id'], { isolation })
      io.hook = (_, effect) => effect()
      expect((await column(await catalog.loadTable('a.t'), 'id')).filter((id) => id === 9n)).toHaveLength(isolation === 'snapshot' ? 2 : 1)
    }
  })
})
