import { describe, expect, it } from 'vitest'
import { applyUpdates } from '../../src/metadata/apply-updates.js'
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import { parseTableMetadata, printTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { setSchemaUpdates, setSortOrderUpdates, setSpecUpdates } from '../../src/metadata/structure-updates.js'
import type { StatisticsFile, TableMetadata } from '../../src/metadata/table-metadata.js'
import { Schema } from '../../src/schema/schema.js'
import { appendUpdates, SCHEMA, snapshotOn, START_MS, table, update, UUID, withSnapshots } from '../support/metadata-builders.js'

const statisticsOf = (snapshotId: bigint): StatisticsFile => ({
  snapshotId,
  statisticsPath: `mem://lake/${snapshotId}.puffin`,
  fileSizeBytes: 10,
  fileFooterSizeBytes: 4,
  keyMetadata: undefined,
  blobMetadata: [],
})
const logIds = (metadata: TableMetadata): readonly bigint[] => metadata.snapshotLog.map((entry) => entry.snapshotId)
const widened = new Schema([...SCHEMA.fields, { id: 4, name: 'country', type: { kind: 'string' }, required: false }])
const setMain = (snapshotId: bigint): MetadataUpdate => ({ action: 'set-snapshot-ref', name: 'main', ref: { type: 'branch', snapshotId } })

describe('the snapshot log', () => {
  it('starts after the gap that a removed snapshot leaves (trap 59)', () => {
    const base = withSnapshots(table(), 1n, 2n, 3n)
    expect(logIds(update(base, { action: 'remove-snapshots', snapshotIds: [2n] }))).toEqual([3n])
  })

  it('keeps everything after a removed oldest snapshot', () => {
    const base = withSnapshots(table(), 1n, 2n, 3n)
    expect(logIds(update(base, { action: 'remove-snapshots', snapshotIds: [1n] }))).toEqual([2n, 3n])
  })

  it('leaves out the intermediate snapshots of one transaction (trap 62)', () => {
    const base = withSnapshots(table(), 1n)
    const first = snapshotOn(base, 2n)
    const second = { ...snapshotOn(base, 3n), parentSnapshotId: 2n, sequenceNumber: first.sequenceNumber + 1n }
    const result = update(base, ...appendUpdates(first), ...appendUpdates(second))
    expect(logIds(result)).toEqual([1n, 3n])
    expect(result.snapshots.map((snapshot) => snapshot.snapshotId)).toEqual([1n, 2n, 3n])
  })

  it('stays when the table is replaced, and goes on with the first snapshot after', () => {
    const replaced = update(withSnapshots(table(), 1n, 2n), { action: 'remove-snapshot-ref', name: 'main' })
    expect(logIds(replaced)).toEqual([1n, 2n])
    expect(replaced.currentSnapshotId).toBeUndefined()
    expect(logIds(withSnapshots(replaced, 3n))).toEqual([1n, 2n, 3n])
  })

  it('logs a rollback with the time of the rollback', () => {
    const base = withSnapshots(table(), 1n, 2n)
    const now = base.lastUpdatedMs + 5000
    const result = applyUpdates(base, [setMain(1n)], { now })
    expect(result.snapshotLog.at(-1)).toEqual({ snapshotId: 1n, timestampMs: now })
    expect(result.lastUpdatedMs).toBe(now)
  })

  it('is not touched by a commit to another branch', () => {
    const base = withSnapshots(table(), 1n)
    expect(logIds(update(base, ...appendUpdates(snapshotOn(base, 2n), 'audit')))).toEqual([1n])
  })
})

describe('removing snapshots', () => {
  it('removes by the exact 64-bit id, next to one that is equal as a double (trap 60)', () => {
    const base = withSnapshots(table(), 9007199254740993n, 9007199254740992n)
    const result = update(base, { action: 'remove-snapshots', snapshotIds: [9007199254740993n] })
    expect(result.snapshots.map((snapshot) => snapshot.snapshotId)).toEqual([9007199254740992n])
    expect(result.currentSnapshotId).toBe(9007199254740992n)
  })

  it('drops their statistics and the references to them (trap 59)', () => {
    const base = update(
      withSnapshots(table(), 1n, 2n),
      { action: 'set-statistics', statistics: statisticsOf(1n) },
      { action: 'set-statistics', statistics: statisticsOf(2n) },
      { action: 'set-partition-statistics', partitionStatistics: { snapshotId: 1n, statisticsPath: 'p', fileSizeBytes: 1 } },
      { action: 'set-snapshot-ref', name: 'v1', ref: { type: 'tag', snapshotId: 1n } },
    )
    const result = update(base, { action: 'remove-snapshots', snapshotIds: [1n] })
    expect(result.statistics.map((file) => file.snapshotId)).toEqual([2n])
    expect(result.partitionStatistics).toEqual([])
    expect([...result.refs.keys()]).toEqual(['main'])
  })

  it('is no change when the table has none of them', () => {
    const base = withSnapshots(table(), 1n)
    expect(update(base, { action: 'remove-snapshots', snapshotIds: [7n] })).toBe(base)
  })
})

describe('adding snapshots', () => {
  it('refuses a sequence number that another commit has taken, as a conflict', () => {
    const base = withSnapshots(table(), 1n)
    const stale = snapshotOn(base, 2n, { sequenceNumber: base.lastSequenceNumber })
    expect(() => update(base, ...appendUpdates(stale))).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  })

  it('refuses an id that is used', () => {
    const base = withSnapshots(table(), 1n)
    expect(() => update(base, ...appendUpdates(snapshotOn(base, 1n)))).toThrow(/snapshot 1 exists already/)
  })

  it('takes row ids from next-row-id on in v3 (trap 51)', () => {
    const base = withSnapshots(table({ formatVersion: 3 }), 1n)
    expect(base.nextRowId).toBe(10n)
    expect(withSnapshots(base, 2n).nextRowId).toBe(20n)
  })

  it('refuses row ids that another commit has taken, as a conflict (trap 51)', () => {
    const base = withSnapshots(table({ formatVersion: 3 }), 1n)
    const stale = snapshotOn(base, 2n, { firstRowId: 0n })
    expect(() => update(base, ...appendUpdates(stale))).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  })

  it('never gives a row id twice after a snapshot that left a gap', () => {
    const base = table({ formatVersion: 3 })
    expect(update(base, ...appendUpdates(snapshotOn(base, 1n, { firstRowId: 100n, addedRows: 5n }))).nextRowId).toBe(105n)
  })

  it('requires row ids in v3', () => {
    const base = table({ formatVersion: 3 })
    expect(() => update(base, ...appendUpdates(snapshotOn(base, 1n, { firstRowId: undefined })))).toThrow(/first-row-id/)
  })

  it('keeps sequence number 0 in v1', () => {
    const base = withSnapshots(table({ formatVersion: 1 }), 1n, 2n)
    expect(base.lastSequenceNumber).toBe(0n)
    expect(logIds(base)).toEqual([1n, 2n])
  })

  it('accepts an older sequence number of a root snapshot without lowering the table\'s', () => {
    const empty = table()
    const base = update(empty, ...appendUpdates(snapshotOn(empty, 1n, { sequenceNumber: 7n })))
    const root = snapshotOn(base, 3n, { parentSnapshotId: undefined, sequenceNumber: 5n })
    expect(update(base, { action: 'add-snapshot', snapshot: root }).lastSequenceNumber).toBe(7n)
  })

  it('lets whoever replaces the table have a number that a commit meanwhile took, as the reference does', () => {
    const empty = table()
    const base = withSnapshots(empty, 1n)
    const replacement = snapshotOn(empty, 2n, { parentSnapshotId: undefined })
    const updates = [{ action: 'remove-snapshot-ref', name: 'main' } as const, ...appendUpdates(replacement)]
    expect(update(base, ...updates).currentSnapshotId).toBe(2n)
  })

  it('refuses a root snapshot whose number another root has, and one of version 1 after an upgrade, as conflicts', () => {
    const empty = table()
    const base = withSnapshots(empty, 1n)
    const second = snapshotOn(empty, 2n, { parentSnapshotId: undefined })
    expect(() => update(base, { action: 'add-snapshot', snapshot: second })).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    const old = snapshotOn(empty, 2n, { sequenceNumber: 0n })
    expect(() => update(empty, ...appendUpdates(old))).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  })
})

describe('last-updated-ms', () => {
  it('rises with every commit even when the clock has gone back an hour (trap 64)', () => {
    const base = withSnapshots(table(), 1n)
    const result = applyUpdates(base, [{ action: 'set-properties', updates: new Map([['a', 'b']]) }], { now: base.lastUpdatedMs - 3_600_000 })
    expect(result.lastUpdatedMs).toBe(base.lastUpdatedMs + 1)
  })

  it('is not before the snapshot that the commit adds, so that the reference can read it', () => {
    const base = table()
    const snapshot = snapshotOn(base, 1n, { timestampMs: START_MS + 3_600_000 })
    const result = applyUpdates(base, appendUpdates(snapshot), { now: START_MS + 1 })
    expect(result.lastUpdatedMs).toBe(START_MS + 3_600_000)
  })
})

describe('references', () => {
  it('moves a branch with its retention as the update gives it', () => {
    const base = withSnapshots(table(), 1n, 2n)
    const ref = { type: 'branch', snapshotId: 1n, minSnapshotsToKeep: 3, maxSnapshotAgeMs: 4, maxRefAgeMs: 5 } as const
    expect(update(base, { action: 'set-snapshot-ref', name: 'audit', ref }).refs.get('audit')).toEqual(ref)
  })

  it.each(['', 'a\nb'])('refuses the name %j', (name) => {
    const base = withSnapshots(table(), 1n)
    const bad: MetadataUpdate = { action: 'set-snapshot-ref', name, ref: { type: 'tag', snapshotId: 1n } }
    expect(() => update(base, bad)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  it('refuses an unknown snapshot, and a tag named main', () => {
    const base = withSnapshots(table(), 1n)
    expect(() => update(base, setMain(2n))).toThrow(/no such snapshot/)
    expect(() => update(base, { action: 'set-snapshot-ref', name: 'main', ref: { type: 'tag', snapshotId: 1n } })).toThrow(/must be a branch/)
  })

  it('keeps a branch named __proto__', () => {
    const base = withSnapshots(table(), 1n)
    const result = update(base, { action: 'set-snapshot-ref', name: '__proto__', ref: { type: 'branch', snapshotId: 1n } })
    expect(parseTableMetadata(printTableMetadata(result)).refs.get('__proto__')).toMatchObject({ snapshotId: 1n })
  })
})

describe('schemas, specs and sort orders', () => {
  it('adds a schema under the next id and reuses an equal one', () => {
    const changed = update(table(), { action: 'add-schema', schema: widened }, { action: 'set-current-schema', schemaId: -1 })
    expect(changed).toMatchObject({ currentSchemaId: 1, lastColumnId: 4 })
    const back = update(changed, { action: 'add-schema', schema: SCHEMA }, { action: 'set-current-schema', schemaId: 0 })
    expect(back.currentSchemaId).toBe(0)
    expect(back.schemas).toHaveLength(2)
    expect(back.lastColumnId).toBe(4)
  })

  it('never lowers last-column-id, whatever the schema uses (trap 70)', () => {
    const nested = new Schema([
      ...SCHEMA.fields,
      {
        id: 4,
        name: 'tags',
        type: { kind: 'list', elementId: 9, element: { kind: 'string' }, elementRequired: false },
        required: false,
      },
    ])
    const wide = update(table(), { action: 'add-schema', schema: nested }, { action: 'set-current-schema', schemaId: -1 })
    expect(wide.lastColumnId).toBe(9)
    expect(update(wide, { action: 'set-current-schema', schemaId: 0 }).lastColumnId).toBe(9)
  })

  it('refuses -1 when nothing was added in the same commit', () => {
    expect(() => update(table(), { action: 'set-current-schema', schemaId: -1 })).toThrow(/added none/)
    const existing = table()
    expect(() =>
      update(existing, { action: 'add-schema', schema: existing.schemas[0]! }, { action: 'set-current-schema', schemaId: -1 }),
    ).toThrow(/added none/)
  })

  it('points to what is there already instead of adding it', () => {
    const base = table()
    expect(setSchemaUpdates(base, SCHEMA)).toEqual([{ action: 'set-current-schema', schemaId: 0 }])
    expect(setSpecUpdates(base, { specId: 9, fields: [] })).toEqual([{ action: 'set-default-spec', specId: 0 }])
    expect(setSortOrderUpdates(base, { orderId: 9, fields: [] })).toEqual([{ action: 'set-default-sort-order', sortOrderId: 0 }])
    expect(update(base, ...setSchemaUpdates(base, widened))).toMatchObject({ currentSchemaId: 1, lastColumnId: 4 })
  })

  it('gives a new spec the next id, keeps its field ids and raises last-partition-id (trap 27)', () => {
    const field = { fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }
    const first = update(table(), { action: 'add-spec', spec: { specId: 0, fields: [field] } }, { action: 'set-default-spec', specId: -1 })
    expect(first).toMatchObject({ defaultSpecId: 1, lastPartitionId: 1000 })
    const again = update(first, { action: 'add-spec', spec: { specId: 7, fields: [{ ...field, fieldId: 1001 }] } })
    expect(again).toBe(first)
  })

  it('never lowers last-partition-id (trap 27)', () => {
    const spec = (fieldId: number, name: string): MetadataUpdate => ({
      action: 'add-spec',
      spec: { specId: 0, fields: [{ fieldId, name, sourceIds: [3], transform: 'identity' }] },
    })
    expect(update(table(), spec(1007, 'a'), spec(1000, 'b')).lastPartitionId).toBe(1007)
  })

  it('asks for sequential partition field ids in v1', () => {
    const spec = { specId: 0, fields: [{ fieldId: 1001, name: 'kind', sourceIds: [3], transform: 'identity' }] }
    expect(() => update(table({ formatVersion: 1 }), { action: 'add-spec', spec })).toThrow(/1000, 1001/)
  })

  it('refuses a current schema without the source column of the default spec', () => {
    const spec = { specId: 0, fields: [{ fieldId: 1000, name: 'kind_id', sourceIds: [3], transform: 'identity' }] }
    const narrow = new Schema(SCHEMA.fields.slice(0, 2))
    expect(() =>
      update(table({ spec }), { action: 'add-schema', schema: narrow }, { action: 'set-current-schema', schemaId: -1 }),
    ).toThrow(/source column 3/)
  })

  it('keeps id 0 for the unsorted order (trap 72)', () => {
    const fields = [{ sourceIds: [2], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }] as const
    const sorted = update(table(), { action: 'add-sort-order', sortOrder: { orderId: 0, fields } }, { action: 'set-default-sort-order', sortOrderId: -1 })
    expect(sorted.defaultSortOrderId).toBe(1)
    const back = update(sorted, { action: 'add-sort-order', sortOrder: { orderId: 5, fields: [] } }, { action: 'set-default-sort-order', sortOrderId: 0 })
    expect(back.sortOrders.map((order) => order.orderId)).toEqual([0, 1])
    expect(back.defaultSortOrderId).toBe(0)
  })

  it('refuses types of v3 in older tables', () => {
    const schema = new Schema([{ id: 1, name: 'v', type: { kind: 'variant' }, required: false }])
    expect(() => update(table(), { action: 'add-schema', schema })).toThrow(/format version 3/)
    expect(update(table({ formatVersion: 3 }), { action: 'add-schema', schema }).schemas).toHaveLength(2)
  })

  it('refuses to remove what is in use', () => {
    expect(() => update(table(), { action: 'remove-schemas', schemaIds: [0] })).toThrow(/current/)
    expect(() => update(table(), { action: 'remove-partition-specs', specIds: [0] })).toThrow(/default/)
  })
})

describe('format versions, properties and locations', () => {
  it('upgrades v1 to v2 to v3 and never back', () => {
    const v1 = withSnapshots(table({ formatVersion: 1 }), 1n)
    const v3 = update(update(v1, { action: 'upgrade-format-version', formatVersion: 2 }), { action: 'upgrade-format-version', formatVersion: 3 })
    expect(v3).toMatchObject({ formatVersion: 3, nextRowId: 0n, lastSequenceNumber: 0n })
    expect(withSnapshots(v3, 2n)).toMatchObject({ lastSequenceNumber: 1n, nextRowId: 10n })
    expect(() => update(v3, { action: 'upgrade-format-version', formatVersion: 2 })).toThrow(/downgrade/)
  })

  it('gives a v1 table without an identity one with its next change', () => {
    const old = parseTableMetadata(printTableMetadata(table({ formatVersion: 1 })).replace(`"table-uuid":"${UUID}",`, ''))
    expect(old.tableUuid).toBeUndefined()
    const updates: readonly MetadataUpdate[] = [{ action: 'set-properties', updates: new Map([['a', 'b']]) }]
    expect(applyUpdates(old, updates, { now: old.lastUpdatedMs, newTableUuid: UUID }).tableUuid).toBe(UUID)
  })

  it('upgrades through the property and keeps no reserved one', () => {
    const upgraded = update(table(), { action: 'set-properties', updates: new Map([['format-version', '3'], ['owner', 'me']]) })
    expect(upgraded.formatVersion).toBe(3)
    expect([...upgraded.properties.keys()].sort()).toEqual(['owner', 'write.parquet.compression-codec'])
    expect(() => update(table(), { action: 'set-properties', updates: new Map([['uuid', 'x']]) })).toThrow(/reserved/)
  })

  it('takes slashes off the end of a location', () => {
    expect(update(table(), { action: 'set-location', location: 's3://bucket/table//' }).location).toBe('s3://bucket/table')
  })

  it('answers the same object when nothing changes', () => {
    const base = withSnapshots(table(), 1n)
    expect(update(base)).toBe(base)
    expect(update(base, setMain(1n), { action: 'set-location', location: `${base.location}/` })).toBe(base)
  })

  it('trims the metadata log to write.metadata.previous-versions-max', () => {
    let metadata = table({ properties: { 'write.metadata.previous-versions-max': '2' } })
    for (let version = 1; version <= 4; version++) {
      const updates: readonly MetadataUpdate[] = [{ action: 'set-properties', updates: new Map([['n', String(version)]]) }]
      metadata = applyUpdates(metadata, updates, { now: metadata.lastUpdatedMs + 1, baseLocation: `v${version}.metadata.json` })
    }
    expect(metadata.metadataLog.map((entry) => entry.metadataFile)).toEqual(['v3.metadata.json', 'v4.metadata.json'])
  })
})
