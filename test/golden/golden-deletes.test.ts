/** Golden tables with deletes and row ids, read in ways that must not matter: by tasks, in small batches, marked. */
import { describe, expect, it } from 'vitest'
import type { FileScanTask } from '../../src/index.js'
import { canonicalLines, goldenScan, linesOf, openGolden } from './golden-scans.js'
import { expectedLines, goldenTables, unreadableFiles } from './golden-tables.js'
import type { GoldenTable } from './golden-tables.js'

const byName = (name: string): GoldenTable => goldenTables.find((golden) => golden.table === name)!
const filesOf = (golden: GoldenTable, target: string) => golden['live-files'][golden.rows[target]!['snapshot-id']] ?? []

/** Targets whose rows are kept, in snapshots that have deletes; with row ids where there are any. */
const targets = goldenTables.flatMap((golden) =>
  Object.keys(golden.rows)
    .filter((target) => golden['format-version'] < 3 || target.endsWith('.lineage'))
    .filter((target) => filesOf(golden, target).some((file) => file.content !== 0) && expectedLines(golden, target) !== undefined)
    .filter((target) => unreadableFiles(golden, golden.rows[target]!['snapshot-id']).length === 0)
    .map((target) => ({ golden, target, title: `${golden.table} ${target}` })),
)

describe('rows of tables with deletes', () => {
  it('are looked at in more than a hundred states', () => {
    expect(targets.length).toBeGreaterThan(100)
  })

  it.each(targets)('trap 39: of $title are the same through tasks as JSON, cut at every row group, in batches of three', async ({ golden, target }) => {
    const scan = goldenScan(await openGolden(golden), target).batchRows(3)
    const tasks = JSON.parse(JSON.stringify([...(await scan.plan()).tasks({ splitSizeBytes: 1 })])) as FileScanTask[]
    expect(await linesOf(scan.read(tasks), scan.schema)).toEqual(expectedLines(golden, target))
  })

  it.each(targets)('FAULTS 36: of $title are counted as often as they are there, whatever is selected', async ({ golden, target }) => {
    const scan = goldenScan(await openGolden(golden), target)
    const { rows } = golden.rows[target]!
    expect(await scan.count()).toBe(rows)
    for (const limit of [1, rows - 1]) expect(await scan.limit(limit).count()).toBe(Math.min(limit, rows))
    const last = scan.schema.fields.findLast((field) => !field.name.startsWith('_'))!
    const lines = await canonicalLines(scan.select(last.name))
    const value = (line: string): string => JSON.stringify((JSON.parse(line) as Record<string, unknown>)[last.name])
    expect(lines.map(value).sort()).toEqual(expectedLines(golden, target)!.map(value).sort())
  })

  it.each(targets)('of $title are those that are not marked, where deleted ones are kept', async ({ golden, target }) => {
    const scan = goldenScan(await openGolden(golden), target)
    const names = scan.schema.fields.filter((field) => field.name.startsWith('_')).map((field) => field.name)
    const marked = scan.metadataColumns(...names, '_deleted')
    const lines = await canonicalLines(marked)
    const live = lines.filter((line) => line.endsWith(',"_deleted":false}')).map((line) => `${line.slice(0, -',"_deleted":false}'.length)}}`)
    expect(live).toEqual(expectedLines(golden, target))
    const stored = filesOf(golden, target).filter((file) => file.content === 0).reduce((sum, file) => sum + file.record_count, 0)
    expect(lines).toHaveLength(stored)
    expect(await marked.count()).toBe(stored)
  })
})

describe('where the engines disagree', () => {
  // Spark and Java cannot read it: «Cannot find required field for ID 2». Spec: Equality Delete Files › «If a delete column in an equality
  // delete file is later dropped from the table, it must still be used when applying the equality deletes»
  it('an equality delete on a column that was dropped since still applies', async () => {
    const golden = byName('eq_delete_evolved')
    const table = await openGolden(golden)
    const dropped = golden.schemas.flatMap(({ fields }) => fields as { id: number; name: string }[]).find((field) => field.id === 2)!
    expect(table.scan().schema.fieldById(2)).toBeUndefined()
    const files = await table.inspect.deleteFiles()
    expect(files.some((file) => file.equality_ids?.includes(dropped.id) === true)).toBe(true)
    expect(await canonicalLines(table.scan())).toEqual(expectedLines(golden, 'current'))
  })

  // Spark returns two rows of older snapshots that are deleted: it looks the renamed key up by its new name
  it('an equality delete on a column that was renamed since applies by field id', async () => {
    const golden = byName('eq_delete_evolved')
    const rows = await canonicalLines(goldenScan(await openGolden(golden), 'snapshot-4130949210122218829'))
    expect(rows).toHaveLength(9)
    expect(rows.filter((line) => line.includes('"k1"'))).toEqual(expectedLines(golden, 'snapshot-4130949210122218829')!.filter((line) => line.includes('"k1"')))
  })

  // Spec: Row Lineage for Upgraded Tables › «For such snapshots without first-row-id … values for _row_id are read as null for all rows»
  it('snapshots from before the upgrade to version 3 have no row ids, and no sequence numbers of updates either, as in Spark', async () => {
    for (const name of ['v1_to_v3_upgrade', 'v2_to_v3_upgrade']) {
      const golden = byName(name)
      const old = golden.snapshots[0]!['snapshot-id']
      for (const line of await canonicalLines(goldenScan(await openGolden(golden), `snapshot-${old}.lineage`))) {
        expect(line).toMatch(/"_row_id":null,"_last_updated_sequence_number":null\}$/)
      }
    }
  })
})
