import { describe, expect, it } from 'vitest'
import { applyUpdates } from '../../src/metadata/apply-updates.js'
import { replaceTableUpdates } from '../../src/metadata/new-table.js'
import { requirementsFor } from '../../src/metadata/update-requirements.js'
import { Schema } from '../../src/schema/schema.js'
import { START_MS, table, UNPARTITIONED, UNSORTED, UUID, withSnapshots } from '../support/metadata-builders.js'

const wild = new Schema(
  [
    { id: 100, name: 'id', type: { kind: 'long' }, required: true },
    {
      id: 7,
      name: 'point',
      type: {
        kind: 'struct',
        fields: [
          { id: 50, name: 'x', type: { kind: 'double' }, required: false },
          { id: 3, name: 'tags', type: { kind: 'list', elementId: 900, element: { kind: 'string' }, elementRequired: true }, required: false },
        ],
      },
      required: false,
    },
    {
      id: 8,
      name: 'attributes',
      type: { kind: 'map', keyId: 20, key: { kind: 'string' }, valueId: 21, value: { kind: 'int' }, valueRequired: false },
      required: false,
    },
    { id: 9, name: 'ts', type: { kind: 'timestamptz' }, required: false },
  ],
  { identifierFieldIds: [100] },
)

describe('a new table', () => {
  it('numbers columns as the reference does: all of a struct, then what is in them', () => {
    const metadata = table({ schema: wild })
    const [schema] = metadata.schemas
    const paths = [...schema!.fieldIds()].sort((a, b) => a - b).map((id) => [id, schema!.pathOf(id)])
    expect(paths).toEqual([
      [1, 'id'],
      [2, 'point'],
      [3, 'attributes'],
      [4, 'ts'],
      [5, 'point.x'],
      [6, 'point.tags'],
      [7, 'point.tags.element'],
      [8, 'attributes.key'],
      [9, 'attributes.value'],
    ])
    expect(schema!.identifierFieldIds).toEqual([1])
    expect(metadata).toMatchObject({ lastColumnId: 9, tableUuid: UUID, lastUpdatedMs: START_MS, lastSequenceNumber: 0n })
    expect(metadata.currentSnapshotId).toBeUndefined()
  })

  it('takes spec and order along to the new ids', () => {
    const spec = {
      specId: 4,
      fields: [
        { fieldId: 1010, name: 'ts_day', sourceIds: [9], transform: 'day' },
        { fieldId: 1005, name: 'x_bucket', sourceIds: [50], transform: 'truncate[1]' },
      ],
    }
    expect(() => table({ schema: wild, spec })).toThrow(/truncate\[1\]/)
    const day = { specId: 4, fields: spec.fields.slice(0, 1) }
    const sortOrder = { orderId: 9, fields: [{ sourceIds: [50], transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' }] } as const
    const metadata = table({ schema: wild, spec: day, sortOrder })
    expect(metadata.partitionSpecs).toEqual([{ specId: 0, fields: [{ fieldId: 1000, name: 'ts_day', sourceIds: [4], transform: 'day' }] }])
    expect(metadata.sortOrders).toEqual([{ orderId: 1, fields: [{ sourceIds: [5], transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' }] }])
    expect(metadata).toMatchObject({ defaultSpecId: 0, defaultSortOrderId: 1, lastPartitionId: 1000 })
  })

  it('keeps no reserved property, and compresses with zstd unless told', () => {
    const metadata = table({ properties: { 'format-version': '3', uuid: 'x', owner: 'me' } })
    expect([...metadata.properties]).toEqual([
      ['write.parquet.compression-codec', 'zstd'],
      ['owner', 'me'],
    ])
    expect(table({ properties: { 'write.parquet.compression-codec': 'snappy' } }).properties.get('write.parquet.compression-codec')).toBe('snappy')
  })

  it.each([
    [{ properties: { 'commit.retry.num-retries': 'x' } }, /commit\.retry\.num-retries/],
    [{ properties: { 'commit.retry.min-wait-ms': '-1' } }, /commit\.retry\.min-wait-ms/],
    [{ location: '' }, /location/],
    [{ spec: { specId: 0, fields: [{ fieldId: 1000, name: 'n', sourceIds: [77], transform: 'identity' }] } }, /77/],
  ])('refuses %o', (options, message) => {
    expect(() => table(options)).toThrow(expect.objectContaining({ code: 'INVALID', message: expect.stringMatching(message) as string }))
  })
})

describe('a replaced table', () => {
  const base = withSnapshots(table({ spec: { specId: 0, fields: [{ fieldId: 1000, name: 'kind_id', sourceIds: [3], transform: 'identity' }] } }), 1n, 2n)
  const schema = new Schema([
    { id: 1, name: 'kind', type: { kind: 'string' }, required: false },
    { id: 2, name: 'country', type: { kind: 'string' }, required: false },
  ])
  const spec = {
    specId: 0,
    fields: [
      { fieldId: 1000, name: 'country_bucket', sourceIds: [2], transform: 'bucket[4]' },
      { fieldId: 1001, name: 'kind_id', sourceIds: [1], transform: 'identity' },
    ],
  }
  const updates = replaceTableUpdates(base, {
    schema,
    spec,
    sortOrder: UNSORTED,
    formatVersion: 2,
    location: base.location,
    properties: new Map(),
  })
  const replaced = applyUpdates(base, updates, { now: base.lastUpdatedMs + 1 })

  it('keeps snapshots, history and the ids of columns of the same name, and has no current snapshot', () => {
    expect(replaced).toMatchObject({ currentSnapshotId: undefined, currentSchemaId: 1, lastColumnId: 4, tableUuid: UUID })
    expect(replaced.snapshots).toHaveLength(2)
    expect(replaced.snapshotLog).toHaveLength(2)
    expect(replaced.schemas[1]?.fields.map((field) => [field.name, field.id])).toEqual([
      ['kind', 3],
      ['country', 4],
    ])
  })

  it('reuses the id of an equal partition field and assigns others after the last (trap 27)', () => {
    expect(replaced.partitionSpecs.at(-1)?.fields.map((field) => [field.name, field.fieldId])).toEqual([
      ['country_bucket', 1001],
      ['kind_id', 1000],
    ])
    expect(replaced.lastPartitionId).toBe(1001)
  })

  it('of v1 keeps dropped partition fields as void', () => {
    const v1 = table({ formatVersion: 1, spec: { specId: 0, fields: [{ fieldId: 1000, name: 'kind_id', sourceIds: [3], transform: 'identity' }] } })
    const without = replaceTableUpdates(v1, { schema, spec: UNPARTITIONED, sortOrder: UNSORTED, formatVersion: 1, location: 'x', properties: new Map() })
    const result = applyUpdates(v1, without, { now: v1.lastUpdatedMs + 1 })
    expect(result.partitionSpecs.at(-1)?.fields).toEqual([{ fieldId: 1000, name: 'kind_id', sourceIds: [3], transform: 'void' }])
  })

  it('asks for the identity and the ids, not for the branch', () => {
    expect(requirementsFor(base, updates, 'replace').map((requirement) => requirement.type)).not.toContain('assert-ref-snapshot-id')
  })
})
