/** Compaction by every strategy, between deletes of every kind by floe, Spark and Java; Spark reads each state with its row ids. */
import { afterAll, describe, expect, it } from 'vitest'
import { desc, hilbert, isIn, sortBy, zOrder } from '../../src/index.js'
import type { CompactionStrategy } from '../../src/index.js'
import { among, ChangedTable, changing, items, without } from './changed-table.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const STRATEGIES: readonly (readonly [name: string, strategy: CompactionStrategy])[] = [
  ['bin-pack', 'binpack'],
  ['sort', sortBy('name', desc('amount'))],
  ['Z-order', zOrder('n', 'at')],
  ['Hilbert', hilbert('name', 'n', 'amount')],
]

const cases = ([[1, false], [2, true], [3, false], [3, true]] as const).map(([formatVersion, isPartitioned]) => ({
  formatVersion, isPartitioned, name: `v${formatVersion}_${isPartitioned ? 'partitioned' : 'plain'}`,
}))

async function make({ formatVersion, isPartitioned, name }: (typeof cases)[number]): Promise<ChangedTable> {
  const properties = { 'write.delete.mode': 'merge-on-read', 'write.update.mode': 'merge-on-read' }
  const changed = await ChangedTable.create({ warehouse, name: `compacted_${name}`, formatVersion, isPartitioned, properties })
  const { table } = changed
  for (const [i, [strategyName, strategy]] of STRATEGIES.entries()) {
    const from = i * 60
    const ids = (...offsets: readonly number[]): number[] => offsets.map((offset) => from + offset)
    const longs = (...offsets: readonly number[]): bigint[] => ids(...offsets).map(BigInt)
    const gone = (...offsets: readonly number[]): ReturnType<typeof without> => without(among(...ids(...offsets)))
    for (const first of ids(0, 20, 40)) {
      await changed.step(`append from ${first}`, () => table.append(items(first, first + 20)), (rows) => [...rows, ...items(first, first + 20)])
    }
    await changed.step('delete by floe', () => table.delete(isIn('id', longs(1, 22))), gone(1, 22))
    await changed.step('update by floe', () => table.update(isIn('id', longs(5)), { n: -7 }), changing(among(...ids(5)), () => ({ n: -7 })))
    if (formatVersion > 1) {
      await changed.step('delete by Spark', () => changed.sql(`delete from {table} where id in (${ids(3, 45).join()})`), gone(3, 45))
      // Of one partition: it writes one delete file.
      const where = `part = 'b' and id in (${ids(7, 16).join()})`
      await changed.step('equality deletes by Java', () => changed.equalityDeletes(['id', 'part'], where), gone(7, 16))
    }
    await changed.step(`compaction by ${strategyName}`, () => table.compact({ strategy, rewriteAll: true }), (rows) => rows)
    expect(await table.inspect.deleteFiles()).toEqual([])
    expect(table.currentSnapshot!.operation).toBe('replace')
  }
  return changed
}

describe.each(cases)('a compacted table $name', (options) => {
  let made: Promise<ChangedTable> | undefined
  const table = (): Promise<ChangedTable> => (made ??= make(options))

  it('has the rows and row ids of the model after every step, and no delete file after a compaction', async (context) => {
    // Spark and Java take part in making it.
    requireTool(context, 'python', 'spark')
    expect((await table()).states.filter((state) => state.change.startsWith('compaction'))).toHaveLength(4)
  })

  it('is read by Spark as by floe, with the same rows and row ids before and after each strategy', async (context) => {
    requireTool(context, 'python', 'spark')
    const changed = await table()
    const { states } = changed
    const asked = new Set(states.flatMap((state, i) => (state.change.startsWith('compaction') ? [states[i - 1], state] : [])))
    const { answers, wanted } = await changed.ask('spark', (state) => asked.has(state))
    expect(answers).toEqual(wanted)
    expect(answers).toHaveLength(8)
  })

  it('passes the reference parsers, and its files hold what its metadata says', async (context) => {
    requireTool(context, 'python', 'spark')
    const report = await oracle().describe({ metadata: (await table()).metadata })
    expect({ errors: report.errors, warnings: report.warnings }).toEqual({ errors: [], warnings: [] })
  })
})
