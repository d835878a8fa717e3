/** The law of changes over the golden tables: applied to the rows of a snapshot they give the rows that the engines see in the next one. */
import { describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../../src/arrow/canonical-row.js'
import { openTable } from '../../../src/index.js'
import { openFileIO } from '../../../src/io/open-file-io.js'
import type { Snapshot, Table } from '../../../src/index.js'
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

describe('changes of golden tables', () => {
  it.each(steps)('that made $title lead from its parent to it, in every form', async ({ golden, id }) => {
    const table = await open(golden)
    const snapshot = table.snapshots.find((candidate) => candidate.snapshotId === id)!
    const from = snapshot.parentSnapshotId
    const before = await linesAt(io, table, from, table.scanChanges({ ...(from === undefined ? {} : { from }), to: id }))
    const after = (await linesOf(golden, table, snapshot)).toSorted()
    for (const options of [{}, { keys: [] }, { net: true }]) {
      const changes = await changedLines(table.scanChanges({ ...options, ...(from === undefined ? {} : { from }), to: id }))
      expect(replayed(before, changes), JSON.stringify(options)).toEqual(after)
      if (snapshot.operation === 'replace') expect(changes).toEqual([])
      if (snapshot.operation === 'append') expect(changes.filter((change) => change.type !== 'INSERT')).toEqual([])
    }
  })
})
