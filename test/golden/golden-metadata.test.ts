/** Metadata of the golden tables: parsed, compared with what the engine says, and printed back. */
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseTableMetadata, printTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { goldenTables, readGolden } from './golden-tables.js'

const metadataText = (location: string): string => {
  const bytes = readGolden(location)
  return (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8')
}

describe.each(goldenTables)('$table', (golden) => {
  const metadata = parseTableMetadata(metadataText(golden.metadata), { location: golden.metadata })

  it('parses to what the engine recorded', () => {
    expect({
      formatVersion: metadata.formatVersion,
      tableUuid: metadata.tableUuid,
      location: metadata.location,
      lastSequenceNumber: metadata.lastSequenceNumber,
      nextRowId: metadata.nextRowId,
      lastColumnId: metadata.lastColumnId,
      lastPartitionId: metadata.lastPartitionId,
      currentSchemaId: metadata.currentSchemaId,
      defaultSpecId: metadata.defaultSpecId,
      defaultSortOrderId: metadata.defaultSortOrderId,
      currentSnapshotId: metadata.currentSnapshotId,
    }).toEqual({
      formatVersion: golden['format-version'],
      tableUuid: golden['table-uuid'] ?? undefined,
      location: golden.location,
      lastSequenceNumber: BigInt(golden['last-sequence-number'] ?? 0),
      nextRowId: BigInt(golden['next-row-id'] ?? 0),
      lastColumnId: golden['last-column-id'],
      lastPartitionId: golden['last-partition-id'],
      currentSchemaId: golden['current-schema-id'],
      defaultSpecId: golden['default-spec-id'],
      defaultSortOrderId: golden['default-sort-order-id'],
      currentSnapshotId: golden['current-snapshot-id'] === null ? undefined : BigInt(golden['current-snapshot-id']),
    })
  })

  it('lists every snapshot with its 64-bit ids, parents and summary', () => {
    const listed = metadata.snapshots.map((snapshot) => ({
      id: String(snapshot.snapshotId),
      parent: snapshot.parentSnapshotId === undefined ? null : String(snapshot.parentSnapshotId),
      timestampMs: snapshot.timestampMs,
      sequenceNumber: Number(snapshot.sequenceNumber),
      summary: Object.fromEntries([...snapshot.summary, ...(snapshot.operation === undefined ? [] : [['operation', snapshot.operation] as const])]),
    }))
    expect(listed).toEqual(
      golden.snapshots.map((snapshot) => ({
        id: snapshot['snapshot-id'],
        parent: snapshot['parent-snapshot-id'] ?? null,
        timestampMs: snapshot['timestamp-ms'],
        sequenceNumber: snapshot['sequence-number'] ?? 0,
        summary: snapshot.summary ?? {},
      })),
    )
  })

  it('knows every branch and tag', () => {
    const refs = [...metadata.refs].map(([name, ref]) => [name, { id: String(ref.snapshotId), type: ref.type }])
    const expected = Object.entries(golden.refs ?? {}).map(([name, ref]) => [name, { id: ref['snapshot-id'], type: ref.type }])
    expect(Object.fromEntries(refs)).toEqual(Object.fromEntries(expected))
  })

  it('prints every version so that it parses to the same value and loses no member', () => {
    for (const location of golden['metadata-versions']) {
      const text = metadataText(location)
      const parsed = parseTableMetadata(text, { location })
      const printed = printTableMetadata(parsed)
      expect(parseTableMetadata(printed, { location })).toEqual(parsed)
      const lost = missingMembers(JSON.parse(text), JSON.parse(printed), '')
      expect(lost).toEqual([])
    }
  })
})

/** Members of `before` that `after` lacks or has with another value, as paths. */
function missingMembers(before: unknown, after: unknown, path: string): string[] {
  if (isNothing(before)) return isNothing(after) || path.endsWith('current-snapshot-id') ? [] : [path]
  if (Array.isArray(before)) {
    if (!Array.isArray(after) || after.length !== before.length) return [path]
    return before.flatMap((item, index) => missingMembers(item, after[index], `${path}[${index}]`))
  }
  if (typeof before !== 'object' || before === null) return sameScalar(before, after, path) ? [] : [path]
  if (typeof after !== 'object' || after === null) return [path]
  return Object.entries(before).flatMap(([name, value]) => missingMembers(value, (after as Record<string, unknown>)[name], `${path}.${name}`))
}

/** `null`, an empty list and absence are written by different engines for the same thing. */
function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0)
}

/** Binary defaults are hex in either case; everything else is compared as it is. */
function sameScalar(before: unknown, after: unknown, path: string): boolean {
  if (typeof before === 'string' && typeof after === 'string' && path.endsWith('-default')) return before.toLowerCase() === after.toLowerCase()
  return Object.is(before, after)
}
