/** The law of changes over the golden tables: applied to the rows of a snapshot they give the rows that the engines see in the next one. */
import { describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../../src/arrow/canonical-row.js'
import { openTable } from '../../../src/index.js'
import { openFileIO } from '../../../src/io/open-file-io.js'
import type { Snapshot, Table } from '../../../src/index.js'
import { ancestorsOf, indexSnapshots } from '../../../src/snapshot/ancestry.js'
import { expectedLines, goldenMapping, goldenTables } from '../../golden/golden-tables.js'
import { changedLines, linesAt, replayed } from './changelog-law.js'

/** Pairs of a snapshot and its parent that are both there, in tables whose data this version reads. */
const steps = goldenTables.flatMap((golden) => {
  const ids = new Set(golden.snapshots.map((snapshot) => snapshot['snapshot-id']))
  const isOrc = Object.values(golden['live-files']).some((files) => files.some((file) => file.file_format.toUpperCase() === 'ORC'))
  return golden.snapshots
    .filter((snapshot) => !isOrc && (snapshot['parent-snapshot-id'] === null || ids.has(snapshot['parent-snapshot-id'])))
    .map((snapshot) => ({ golden, id: BigInt(snapshot['snapshot-id']), title: `${golden.table} ${snapshot['snapshot-id']}` }))
})

const io = openFileIO('s3://iceberg-fixtures/shared/', { mappings: Object.entries(goldenMapping).map(([from, to]) => ({ from, to })) })
const opened = new Map<string, Promise<Table>>()
function open(golden: (typeof goldenTables)[number]): Promise<Table> {
  const table = opened.get(golden.table) ?? openTable(golden.metadata, { pathMapping: goldenMapping, parquet: { workers: 0 } })
  opened.set(golden.table, table)
  return table
}

async function linesOf(golden: (typeof goldenTables)[number], table: Table, snapshot: Snapshot): Promise<readonly string[]> {
  const expected = expectedLines(golden, `snapshot-${snapshot.snapshotId}`)
  if (expected !== undefined) return expected
  const scan = table.scan().useSnapshot(snapshot.snapshotId)
  const write = canonicalRowWriter(scan.schema)
  const lines: string[] = []
  for await (const batch of scan) for (const line of write(batch)) lines.push(line)
  return lines
}

// Trap 48 is among them: PyIceberg leaves the adding snapshot in entries of deleted files
describe('changes of golden tables', () => {
  it.each(steps)('that made $title lead from its parent to it', async ({ golden, id }) => {
    const table = await open(golden)
    const snapshot = table.snapshots.find((candidate) => candidate.snapshotId === id)!
    const from = snapshot.parentSnapshotId
    const before = await linesAt(io, table, from, table.scanChanges({ ...(from === undefined ? {} : { from }), to: id }))
    const after = (await linesOf(golden, table, snapshot)).toSorted()
    // Of version 3, by row ids or, as for the others, by all values: both with FLOE_ALL=1.
    const forms = golden['format-version'] === 3 ? [{}, { keys: [] }] : [{}]
    const chosen = process.env['FLOE_ALL'] === '1' ? forms : forms.filter((_, i) => forms.length === 1 || BigInt(i) === id % 2n)
    for (const options of chosen) {
      const changes = await changedLines(table.scanChanges({ ...options, ...(from === undefined ? {} : { from }), to: id }))
      expect(replayed(before, changes), JSON.stringify(options)).toEqual(after)
      if (snapshot.operation === 'replace') expect(changes).toEqual([])
      if (snapshot.operation === 'append') expect(changes.filter((change) => change.type !== 'INSERT')).toEqual([])
    }
  })

  const whole = goldenTables.filter((golden) => steps.some((step) => step.golden === golden) && golden['current-snapshot-id'] !== null)
  it.each(whole)('of $table from its first snapshot on lead to the current one when they are net', async (golden) => {
    const table = await open(golden)
    const current = table.currentSnapshot!
    const [from] = [...ancestorsOf(current.snapshotId, indexSnapshots(table.snapshots))].slice(-1)
    const range = { from: from!.snapshotId, to: current.snapshotId }
    const before = await linesAt(io, table, range.from, table.scanChanges(range))
    const after = (await linesOf(golden, table, current)).toSorted()
    const changes = await changedLines(table.scanChanges({ ...range, net: true }))
    expect(replayed(before, changes)).toEqual(after)
    const gone = new Set(changes.filter(({ type }) => type === 'DELETE').map(({ line }) => line))
    expect(changes.filter(({ type, line }) => type === 'INSERT' && gone.has(line))).toEqual([])
  })
})
