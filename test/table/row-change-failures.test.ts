/** Requests of deletes and updates that fail, before or after their effect: the table stays whole, and what is reported is true. */
import { describe, expect, it } from 'vitest'
import { identity, isFloeError, openCatalog, schema, t } from '../../src/index.js'
import type { Catalog, RowChangeOptions, RowChangeResult, Table } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { InterceptedFileIO } from '../support/intercepted-file-io.js'
import type { IoCall } from '../support/intercepted-file-io.js'
import { rowTexts } from '../support/lake.js'
import { locationsBelow } from '../support/locations-below.js'

const rows = Array.from({ length: 6 }, (_, id) => ({ id: BigInt(id), part: id % 2, n: 0 }))

interface Bench {
  readonly io: InterceptedFileIO
  readonly memory: MemoryFileIO
  readonly table: Table
  reopen(): Promise<Table>
}

async function bench(): Promise<Bench> {
  const memory = new MemoryFileIO()
  const io = new InterceptedFileIO(memory)
  const open = (through: InterceptedFileIO | MemoryFileIO): Promise<Catalog> =>
    openCatalog('s3://bucket/lake', { io: through, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 }, verifyStore: 'never' })
  const catalog = await open(io)
  const columns = schema({ id: t.long.required, part: t.int, n: t.int })
  const table = await catalog.createTable('a.t', { schema: columns, partitionBy: [identity('part')], formatVersion: 3 })
  await table.append(rows)
  return { io, memory, table, reopen: async () => (await open(memory)).loadTable('a.t') }
}

interface Change {
  readonly name: string
  run(table: Table, options: RowChangeOptions): Promise<RowChangeResult>
  readonly after: readonly object[]
  readonly changed: number
}

const CHANGES: readonly Change[] = [
  {
    name: 'a delete',
    run: (table, options) => table.delete('id < 3', options),
    after: rows.slice(3),
    changed: 3,
  },
  {
    name: 'an update',
    run: (table, options) => table.update('id < 3', { n: 1, part: 1 }, options),
    after: rows.map((row) => (row.id < 3n ? { ...row, n: 1, part: 1 } : row)),
    changed: 3,
  },
]

const CASES = CHANGES.flatMap(({ name }) =>
  (['merge-on-read', 'copy-on-write'] as const).flatMap((mode) => (['before', 'after'] as const).map((when) => ({ name, mode, when }))),
)

describe('requests of a change that fail', () => {
  it.each(CASES)('FAULTS 1 to 5, 31: whichever request of $name ($mode) fails $when its effect, the table is whole', async ({ name, mode, when }) => {
    const change = CHANGES.find((candidate) => candidate.name === name)!
    let calls = Infinity
    for (let k = 0; k < calls; k++) {
      const { io, memory, table, reopen } = await bench()
      const first = io.calls.length
      let failed: IoCall | undefined
      io.hook = async (call, effect) => {
        if (io.calls.length - first - 1 !== k) return effect()
        failed = call
        if (when === 'after') await effect()
        throw new Error('the line went dead')
      }
      const outcome = await change.run(table, { mode }).catch((error: unknown) => error)
      io.hook = (_, effect) => effect()
      if (failed === undefined) calls = k
      const place = `request ${k}: ${failed?.operation} ${failed?.location} ${String(outcome)}`
      const now = await reopen()
      const found = rowTexts(await now.scan().rows().toArray())
      const isUnknown = isFloeError(outcome, 'COMMIT_STATE_UNKNOWN')
      if (outcome instanceof Error) {
        expect(isUnknown ? [rowTexts(rows), rowTexts(change.after as never)] : [rowTexts(rows)], place).toContainEqual(found)
      } else {
        expect(found, place).toEqual(rowTexts(change.after as never))
        const { deletedRows, updatedRows } = outcome as RowChangeResult
        expect(deletedRows + updatedRows, place).toBe(change.changed)
      }
      const there = new Set(await locationsBelow(memory, now.location))
      const live = new Set((await now.inspect.allFiles()).map((file) => file.file_path))
      expect([...live].filter((file) => !there.has(file)), place).toEqual([])
      // A deletion that failed may leave its file, and so may a commit whose outcome is unknown; nothing else may.
      if (isUnknown || failed?.operation === 'delete') continue
      expect([...there].filter((file) => /\.(?:parquet|puffin)$/.test(file) && !live.has(file)), place).toEqual([])
    }
    expect(calls).toBeGreaterThan(8)
  })

  it.each(CHANGES.map((change) => change.name))('%s whose outcome is unknown is not made twice when it is repeated with its token', async (name) => {
    const change = CHANGES.find((candidate) => candidate.name === name)!
    const { io, table, reopen } = await bench()
    let isDead = false
    io.hook = async (call, effect) => {
      const isCommit = call.operation === 'write' && call.location.endsWith('.metadata.json')
      const result = isDead && call.operation !== 'write' ? undefined : await effect()
      if (isCommit) isDead = true
      if (isDead) throw new Error('the line went dead')
      return result
    }
    const outcome = await change.run(table, { idempotencyToken: 'job' }).catch((error: unknown) => error)
    io.hook = (_, effect) => effect()
    expect(isFloeError(outcome)).toBe(true)
    const again = await reopen()
    const result = await change.run(again, { idempotencyToken: 'job' })
    expect([result.deletedRows + result.updatedRows, result.isRepeat]).toEqual([change.changed, true])
    expect(rowTexts(await again.scan().rows().toArray())).toEqual(rowTexts(change.after as never))
  })
})
