/** Requests that fail, before or after their effect: the table stays readable, and what is reported is true. */
import { describe, expect, it } from 'vitest'
import { identity, isFloeError, openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, Table } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import type { IoCall } from '../support/intercepted-file-io.js'
import { column } from '../support/lake.js'
import { locationsBelow } from '../support/locations-below.js'

const rows = [1, 2, 3].map((id) => ({ id: BigInt(id), part: id % 2 }))

interface Bench {
  readonly io: InterceptedFileIO
  readonly memory: MemoryFileIO
  readonly table: Table
  readonly catalog: Catalog
  reopen(): Promise<Table>
}

/** `memory:` keeps its pointer in a variable; a path keeps it in files, so that every step of a commit can fail. */
async function bench(kind: 'memory' | 'files'): Promise<Bench> {
  const memory = new MemoryFileIO()
  const io = new InterceptedFileIO(memory)
  const uri = kind === 'memory' ? 'memory:' : 's3://bucket/warehouse'
  const open = (through: InterceptedFileIO | MemoryFileIO): Promise<Catalog> =>
    openCatalog(uri, { io: through, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 }, ...(kind === 'files' ? { verifyStore: 'never' as const } : {}) })
  const catalog = await open(io)
  const table = await catalog.createTable('a.t', { schema: schema({ id: t.long.required, part: t.int }), partitionBy: [identity('part')], formatVersion: 3 })
  await table.append([{ id: 0n, part: 0 }])
  return { io, memory, table, catalog, reopen: async () => (kind === 'memory' ? await catalog.loadTable('a.t') : await (await open(memory)).loadTable('a.t')) }
}

const isParquet = (location: string): boolean => location.endsWith('.parquet')

describe.each(['memory', 'files'] as const)('a catalog in %s', (kind) => {
  it.each(['before', 'after'] as const)('FAULTS 1 to 5, 13 and 15: whichever request of an append fails %s its effect, the table is whole', async (when) => {
    let calls = Infinity
    for (let k = 0; k < calls; k++) {
      const { io, memory, table, reopen } = await bench(kind)
      const first = io.calls.length
      let failed: IoCall | undefined
      io.hook = async (call, effect) => {
        if (io.calls.length - first - 1 !== k) return effect()
        failed = call
        if (when === 'after') await effect()
        throw new Error('the line went dead')
      }
      const outcome = await table.append(rows).then(() => 'committed', (error: unknown) => error)
      io.hook = (_, effect) => effect()
      if (failed === undefined) calls = k
      const place = `request ${k}: ${failed?.operation} ${failed?.location}`
      const now = await reopen()
      const ids = await column(now, 'id')
      if (outcome === 'committed') expect(ids, place).toEqual([0n, 1n, 2n, 3n])
      else {
        const isUnknown = isFloeError(outcome, 'COMMIT_STATE_UNKNOWN')
        if (!isUnknown) expect(ids, `${place} ${String(outcome)}`).toEqual([0n])
        else expect([1, 4], place).toContain(ids.length)
        // A deletion that failed may leave its file; nothing else may.
        if (!isUnknown && failed?.operation !== 'delete') {
          const left = (await locationsBelow(memory, now.location)).filter(isParquet)
          expect(left, place).toHaveLength(1)
        }
      }
      const live = (await now.inspect.allDataFiles()).map((file) => file.file_path)
      const there = new Set(await locationsBelow(memory, now.location))
      expect(live.filter((file) => !there.has(file)), place).toEqual([])
    }
    expect(calls).toBeGreaterThan(3)
  })

  it('an append whose outcome is unknown is not made twice when it is repeated with its token', async () => {
    const { io, table, reopen } = await bench(kind)
    let isDead = false
    io.hook = async (call, effect) => {
      const isCommit = call.operation === 'write' && call.location.endsWith('.metadata.json')
      const result = isDead && call.operation !== 'write' ? undefined : await effect()
      if (isCommit) isDead = true
      if (isDead) throw new Error('the line went dead')
      return result
    }
    const outcome = await table.append(rows, { idempotencyToken: 'job' }).then(() => 'committed', (error: unknown) => error)
    io.hook = (_, effect) => effect()
    expect(isFloeError(outcome)).toBe(true)
    const again = await reopen()
    await again.append(rows, { idempotencyToken: 'job' })
    expect(await column(again, 'id')).toEqual([0n, 1n, 2n, 3n])
  })
})

describe('a store that fails every deletion', () => {
  it('does not hide why the append failed, and fails no append that is in', async () => {
    const { io, table } = await bench('memory')
    io.hook = (call, effect) => (call.operation === 'delete' ? Promise.reject(new Error('no deletions today')) : effect())
    await expect(table.append([...rows, { id: 'x' }])).rejects.toThrow(/row 3/)
    await table.append(rows)
    expect(await table.scan().count()).toBe(4)
  })
})

describe('a store that fills up', () => {
  it('while a hundred partitions are written side by side: no file is left, and no rejection goes unseen', async () => {
    const { io, memory, table } = await bench('memory')
    const unseen: unknown[] = []
    const note = (reason: unknown): void => void unseen.push(reason)
    process.on('unhandledRejection', note)
    let writes = 0
    io.hook = (call, effect) => (call.operation === 'write' && ++writes > 40 ? Promise.reject(new Error('the disk is full')) : effect())
    const many = Array.from({ length: 100 }, (_, i) => ({ id: BigInt(i), part: i }))
    await expect(table.append(many, { maxOpenFiles: 16 })).rejects.toThrow('the disk is full')
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', note)
    expect(unseen).toEqual([])
    expect((await locationsBelow(memory, table.location)).filter(isParquet)).toHaveLength(1)
  })
})
