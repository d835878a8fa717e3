/** Files of many row groups, which tasks read in parts: a compaction takes them whole. */
import { expect, it } from 'vitest'
import { schema, t } from '../../src/index.js'
import type { CompactionPlan, Row, Table } from '../../src/index.js'
import { changeBench } from '../support/changed-rows.js'
import { rowTexts } from '../support/lake.js'

const ROWS = 200
const COUNT = 3
const properties = { 'write.parquet.row-group-size-bytes': '500', 'write.parquet.compression-codec': 'uncompressed' }
const row = (id: number): Row => ({ id: BigInt(id), text: `${id * 7919}`.padEnd(40, 'x') })

/** Three files of many row groups, with rows deleted in the first, a middle and the last of them. */
async function table(version: 2 | 3): Promise<Table> {
  const made = await changeBench(version, { schema: schema({ id: t.long.required, text: t.string }), properties })
  for (let file = 0; file < COUNT; file++) await made.table.append(Array.from({ length: ROWS }, (_, i) => row(file * ROWS + i)))
  await made.table.delete(`id in (0, ${ROWS / 2}, ${ROWS - 1}, ${2 * ROWS + 5})`, { mode: 'merge-on-read' })
  return made.table
}

const contents = async (of: Table): Promise<string[]> => {
  const scan = of.formatVersion === 3 ? of.scan().metadataColumns('_row_id') : of.scan()
  return rowTexts(await scan.rows().toArray())
}

const inputsOf = (plan: CompactionPlan): string[] => plan.groups.flatMap((group) => group.tasks.map((task) => task.filePath)).sort()

it.each([2, 3] as const)('every row group of every file of a group is there once, and a file is in one group only (version %d; fault 32)', async (version) => {
  const made = await table(version)
  const before = await contents(made)
  expect(before).toHaveLength(COUNT * ROWS - 4)
  const files = await made.inspect.dataFiles()
  for (const file of files) expect(file.split_offsets!.length).toBeGreaterThan(7)
  // Scans cut these files; a target far below their size must not let a group have a part of one.
  const splits = [...(await made.scan().plan()).tasks({ splitSizeBytes: 1000 })]
  expect(splits.length).toBeGreaterThan(COUNT * 4)
  const options = { rewriteAll: true, targetFileSizeBytes: 4_000, maxFileGroupSizeBytes: 6_000 }
  const plan = await made.planCompaction(options)
  expect(plan.groups.length).toBeGreaterThan(1)
  expect(inputsOf(plan)).toEqual(files.map((file) => file.file_path).sort())
  // Of the groups, one is committed without the others: their files stay as they are.
  const [first, ...rest] = plan.groups
  await made.commitCompaction(plan, [await made.rewriteGroup(first!.id, plan)])
  expect(await contents(made)).toEqual(before)
  await made.commitCompaction(plan, await Promise.all(rest.map(({ id }) => made.rewriteGroup(id, plan))))
  expect(await contents(made)).toEqual(before)
  expect(await made.scan().count()).toBe(before.length)
  const last = await made.planCompaction({ rewriteAll: true })
  expect(last.groups).toHaveLength(1)
  await made.compact({ rewriteAll: true })
  expect(await contents(made)).toEqual(before)
})
