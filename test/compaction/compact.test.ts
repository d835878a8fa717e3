import { describe, expect, it } from 'vitest'
import { asc, eq, hilbert, identity, isIn, lt, sortBy, zOrder } from '../../src/index.js'
import type { CompactionStrategy, FormatVersion, Row, Table } from '../../src/index.js'
import { changeBench, people, peopleSchema } from '../support/changed-rows.js'
import { rowTexts } from '../support/lake.js'

const STRATEGIES: readonly (readonly [name: string, strategy: CompactionStrategy])[] = [
  ['bin-pack', 'binpack'],
  ['sort', sortBy(asc('name'), 'id')],
  ['Z-order', zOrder('id', 'score')],
  ['Hilbert', hilbert('name', 'id')],
]

/** All rows with their lineage where there is some, as texts. */
async function contents(table: Table, branch?: string): Promise<string[]> {
  const scan = branch === undefined ? table.scan() : table.scan().useRef(branch)
  const withIds = table.metadata.formatVersion >= 3 ? scan.metadataColumns('_row_id', '_last_updated_sequence_number') : scan
  return rowTexts((await withIds.rows().toArray()) as Row[])
}

async function filled(version: FormatVersion, isPartitioned: boolean): Promise<Table> {
  const { table } = await changeBench(version, { partitionBy: isPartitioned ? [identity('part')] : [], schema: peopleSchema })
  for (let from = 0; from < 60; from += 15) await table.append(people(from, from + 15))
  return table
}

describe.each([1, 2, 3] as const)('compaction on format version %i', (version) => {
  describe.each([false, true])('partitioned: %s', (isPartitioned) => {
    // Half of them for each version, the other half for the other partitioning; all of them with FLOE_ALL=1.
    const isChosen = (_: unknown, i: number): boolean => process.env['FLOE_ALL'] === '1' || (i + version + Number(isPartitioned)) % 2 === 0
    it.each(STRATEGIES.filter(isChosen))('%s keeps every row and row id, and removes inputs and deletes in the same snapshot', async (_, strategy) => {
      const table = await filled(version, isPartitioned)
      await table.delete(isIn('id', [3n, 17n, 18n, 19n, 44n]), { mode: 'merge-on-read' })
      if (version > 1) {
        await table.deleteByKeys([{ id: 5n, part: 2 }, { id: 26n, part: 2 }], ['id'], { unknownColumns: 'ignore' })
        await table.update(eq('id', 30n), { name: 'later' }, { mode: 'merge-on-read' })
      }
      const before = await contents(table)
      const inputs = (await table.inspect.dataFiles()).map((file) => file.file_path)
      const result = await table.compact({ strategy, rewriteAll: true })
      expect(await contents(table)).toEqual(before)
      const files = await table.inspect.dataFiles()
      expect(files.some((file) => inputs.includes(file.file_path))).toBe(false)
      expect(files).toHaveLength(isPartitioned ? 4 : 1)
      expect(await table.inspect.deleteFiles()).toEqual([])
      const counts = { rewrittenDataFiles: inputs.length, addedDataFiles: files.length, rows: before.length, carriedDeleteFiles: 0 }
      expect(result).toMatchObject(counts)
      expect(result.snapshots.map((snapshot) => snapshot.operation)).toEqual(['replace'])
      expect(table.currentSnapshot?.summary.get('total-records')).toBe(String(before.length))
    })
  })
})

it('leaves a table alone that has nothing to compact', async () => {
  const { table } = await changeBench(2)
  expect((await table.compact()).snapshots).toEqual([])
  await table.append(people(0, 5))
  const { snapshots } = table
  const result = await table.compact()
  expect(result).toMatchObject({ rewrittenGroups: 0, snapshots: [] })
  expect(table.snapshots).toHaveLength(snapshots.length)
  await table.delete(lt('id', 1n))
})
