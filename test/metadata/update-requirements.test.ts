import { describe, expect, it } from 'vitest'
import { checkRequirements, requirementsFor } from '../../src/metadata/update-requirements.js'
import type { MetadataUpdate, UpdateRequirement } from '../../src/metadata/metadata-update.js'
import { appendUpdates, SCHEMA, snapshotOn, table, update, UUID, withSnapshots } from '../support/metadata-builders.js'

const base = update(
  withSnapshots(table(), 1n, 2n),
  { action: 'set-snapshot-ref', name: 'audit', ref: { type: 'branch', snapshotId: 1n } },
  { action: 'set-snapshot-ref', name: 'v1', ref: { type: 'tag', snapshotId: 1n } },
)
const identity: UpdateRequirement = { type: 'assert-table-uuid', uuid: UUID }
const cases: readonly (readonly [MetadataUpdate, readonly UpdateRequirement[]])[] = [
  [{ action: 'set-location', location: 'x' }, []],
  [{ action: 'set-properties', updates: new Map() }, []],
  [{ action: 'add-schema', schema: SCHEMA }, [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: 3 }]],
  [{ action: 'set-current-schema', schemaId: 0 }, [{ type: 'assert-current-schema-id', currentSchemaId: 0 }]],
  [{ action: 'add-spec', spec: { specId: 0, fields: [] } }, [{ type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 999 }]],
  [{ action: 'set-default-spec', specId: 0 }, [{ type: 'assert-default-spec-id', defaultSpecId: 0 }]],
  [{ action: 'set-default-sort-order', sortOrderId: 0 }, [{ type: 'assert-default-sort-order-id', defaultSortOrderId: 0 }]],
  [{ action: 'remove-snapshot-ref', name: 'v1' }, [{ type: 'assert-ref-snapshot-id', ref: 'v1', snapshotId: 1n }]],
  [
    { action: 'remove-schemas', schemaIds: [7] },
    [
      { type: 'assert-current-schema-id', currentSchemaId: 0 },
      { type: 'assert-ref-snapshot-id', ref: 'audit', snapshotId: 1n },
    ],
  ],
  [
    { action: 'remove-partition-specs', specIds: [7] },
    [
      { type: 'assert-default-spec-id', defaultSpecId: 0 },
      { type: 'assert-ref-snapshot-id', ref: 'audit', snapshotId: 1n },
    ],
  ],
]

describe('requirements derived from updates', () => {
  it.each(cases)('%o', (change, expected) => {
    expect(requirementsFor(base, [change, change])).toEqual([identity, ...expected])
  })

  it('a moved branch must be where it was; a new one must not exist yet', () => {
    const updates = [...appendUpdates(snapshotOn(base, 3n)), ...appendUpdates(snapshotOn(base, 4n), 'new')]
    expect(requirementsFor(base, updates)).toEqual([
      identity,
      { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: 2n },
      { type: 'assert-ref-snapshot-id', ref: 'new', snapshotId: undefined },
    ])
  })

  it('a new table must not exist, whatever it is made of', () => {
    expect(requirementsFor(undefined, cases.map(([change]) => change))).toEqual([{ type: 'assert-create' }])
  })

  it('a replaced table needs its identity and ids only', () => {
    const updates = [...cases.map(([change]) => change), ...appendUpdates(snapshotOn(base, 3n))]
    expect(requirementsFor(base, updates, 'replace').map((requirement) => requirement.type)).toEqual([
      'assert-table-uuid',
      'assert-last-assigned-field-id',
      'assert-last-assigned-partition-id',
    ])
  })
})

describe('checking requirements', () => {
  const failing: readonly (readonly [UpdateRequirement, RegExp])[] = [
    [{ type: 'assert-create' }, /^Requirement failed: table already exists/],
    [{ type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' }, /UUID does not match: expected .* != 00000000/],
    [{ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: 1n }, /branch main has changed: expected id 1 != 2/],
    [{ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: undefined }, /branch main was created concurrently/],
    [{ type: 'assert-ref-snapshot-id', ref: 'gone', snapshotId: 1n }, /branch or tag gone is missing, expected 1/],
    [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: 2 }, /last assigned field id changed: expected id 2 != 3/],
    [{ type: 'assert-current-schema-id', currentSchemaId: 1 }, /current schema changed: expected id 1 != 0/],
    [{ type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 1000 }, /expected id 1000 != 999/],
    [{ type: 'assert-default-spec-id', defaultSpecId: 1 }, /default partition spec/],
    [{ type: 'assert-default-sort-order-id', defaultSortOrderId: 1 }, /default sort order/],
    [{ type: 'assert-view-uuid' } as unknown as UpdateRequirement, /unknown requirement assert-view-uuid/],
  ]

  it.each(failing)('%o is a CONFLICT', (requirement, message) => {
    const conflict = expect.objectContaining({ code: 'CONFLICT', message: expect.stringMatching(message) as string }) as Error
    expect(() => checkRequirements(base, [identity, requirement])).toThrow(conflict)
  })

  it('everything holds of the version it was derived from', () => {
    const updates = [...cases.map(([change]) => change), ...appendUpdates(snapshotOn(base, 3n))]
    expect(() => checkRequirements(base, requirementsFor(base, updates))).not.toThrow()
    expect(() => checkRequirements(undefined, requirementsFor(undefined, updates))).not.toThrow()
    expect(() => checkRequirements(base, [{ ...identity, uuid: UUID.toUpperCase() }])).not.toThrow()
  })

  it('nothing but assert-create holds of a table that does not exist', () => {
    expect(() => checkRequirements(undefined, [identity])).toThrow(/does not exist/)
  })
})
