import { describe, expect, it } from 'vitest'
import {
  parseMetadataUpdate,
  parseUpdateRequirement,
  printMetadataUpdate,
  printUpdateRequirement,
} from '../../src/metadata/metadata-update-json.js'
import type { MetadataUpdate, UpdateRequirement } from '../../src/metadata/metadata-update.js'
import { parseJson, printJson } from '../../src/util/json.js'
import { SCHEMA, snapshotOn, table, UUID } from '../support/metadata-builders.js'

const BIG = 9007199254740993n
const statistics = { snapshotId: BIG, statisticsPath: 's', fileSizeBytes: 5, fileFooterSizeBytes: 4, keyMetadata: undefined }
const blob = { type: 'ndv', snapshotId: BIG, sequenceNumber: 1n, fields: [1], properties: new Map([['ndv', '3']]) }

const updates: readonly (readonly [MetadataUpdate, string])[] = [
  [{ action: 'assign-uuid', uuid: UUID }, `{"action":"assign-uuid","uuid":"${UUID}"}`],
  [{ action: 'upgrade-format-version', formatVersion: 3 }, '{"action":"upgrade-format-version","format-version":3}'],
  [{ action: 'set-current-schema', schemaId: -1 }, '{"action":"set-current-schema","schema-id":-1}'],
  [{ action: 'add-spec', spec: { specId: 1, fields: [] } }, '{"action":"add-spec","spec":{"spec-id":1,"fields":[]}}'],
  [{ action: 'set-default-spec', specId: -1 }, '{"action":"set-default-spec","spec-id":-1}'],
  [{ action: 'add-sort-order', sortOrder: { orderId: 0, fields: [] } }, '{"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}}'],
  [{ action: 'set-default-sort-order', sortOrderId: 0 }, '{"action":"set-default-sort-order","sort-order-id":0}'],
  [{ action: 'remove-snapshots', snapshotIds: [BIG, 1n] }, `{"action":"remove-snapshots","snapshot-ids":[${BIG},1]}`],
  [
    { action: 'set-snapshot-ref', name: 'v', ref: { type: 'tag', snapshotId: BIG, maxRefAgeMs: 5 } },
    `{"action":"set-snapshot-ref","ref-name":"v","snapshot-id":${BIG},"type":"tag","max-ref-age-ms":5}`,
  ],
  [{ action: 'remove-snapshot-ref', name: 'v' }, '{"action":"remove-snapshot-ref","ref-name":"v"}'],
  [{ action: 'set-location', location: 'x' }, '{"action":"set-location","location":"x"}'],
  [{ action: 'set-properties', updates: new Map([['__proto__', '']]) }, '{"action":"set-properties","updates":{"__proto__":""}}'],
  [{ action: 'remove-properties', removals: ['a'] }, '{"action":"remove-properties","removals":["a"]}'],
  [
    { action: 'set-statistics', statistics: { ...statistics, blobMetadata: [blob] } },
    `{"action":"set-statistics","snapshot-id":${BIG},"statistics":{"snapshot-id":${BIG},"statistics-path":"s","file-size-in-bytes":5,` +
      `"file-footer-size-in-bytes":4,"blob-metadata":[{"type":"ndv","snapshot-id":${BIG},"sequence-number":1,"fields":[1],"properties":{"ndv":"3"}}]}}`,
  ],
  [{ action: 'remove-statistics', snapshotId: BIG }, `{"action":"remove-statistics","snapshot-id":${BIG}}`],
  [
    { action: 'set-partition-statistics', partitionStatistics: { snapshotId: BIG, statisticsPath: 's', fileSizeBytes: 5 } },
    `{"action":"set-partition-statistics","partition-statistics":{"snapshot-id":${BIG},"statistics-path":"s","file-size-in-bytes":5}}`,
  ],
  [{ action: 'remove-partition-statistics', snapshotId: 1n }, '{"action":"remove-partition-statistics","snapshot-id":1}'],
  [{ action: 'remove-partition-specs', specIds: [1] }, '{"action":"remove-partition-specs","spec-ids":[1]}'],
  [{ action: 'remove-schemas', schemaIds: [1] }, '{"action":"remove-schemas","schema-ids":[1]}'],
  [
    { action: 'add-encryption-key', encryptionKey: { 'key-id': 'k', 'encrypted-key-metadata': 'AAA=' } },
    '{"action":"add-encryption-key","encryption-key":{"key-id":"k","encrypted-key-metadata":"AAA="}}',
  ],
  [{ action: 'remove-encryption-key', keyId: 'k' }, '{"action":"remove-encryption-key","key-id":"k"}'],
]

const requirements: readonly (readonly [UpdateRequirement, string])[] = [
  [{ type: 'assert-create' }, '{"type":"assert-create"}'],
  [{ type: 'assert-table-uuid', uuid: UUID }, `{"type":"assert-table-uuid","uuid":"${UUID}"}`],
  [{ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: BIG }, `{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":${BIG}}`],
  [{ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: undefined }, '{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}'],
  [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: 3 }, '{"type":"assert-last-assigned-field-id","last-assigned-field-id":3}'],
  [{ type: 'assert-current-schema-id', currentSchemaId: 0 }, '{"type":"assert-current-schema-id","current-schema-id":0}'],
  [
    { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 999 },
    '{"type":"assert-last-assigned-partition-id","last-assigned-partition-id":999}',
  ],
  [{ type: 'assert-default-spec-id', defaultSpecId: 0 }, '{"type":"assert-default-spec-id","default-spec-id":0}'],
  [{ type: 'assert-default-sort-order-id', defaultSortOrderId: 0 }, '{"type":"assert-default-sort-order-id","default-sort-order-id":0}'],
]

describe('JSON of the REST protocol', () => {
  it.each(updates)('update %# prints as the protocol has it and parses back', (value, json) => {
    expect(printJson(printMetadataUpdate(value))).toBe(json)
    expect(parseMetadataUpdate(parseJson(json))).toEqual(value)
  })

  it.each(requirements)('requirement %# prints as the protocol has it and parses back', (value, json) => {
    expect(printJson(printUpdateRequirement(value))).toBe(json)
    expect(parseUpdateRequirement(parseJson(json))).toEqual(value)
  })

  it('carries schemas and snapshots whole', () => {
    for (const value of [
      { action: 'add-schema', schema: SCHEMA, lastColumnId: 3 },
      { action: 'add-snapshot', snapshot: snapshotOn(table({ formatVersion: 3 }), BIG, { summary: new Map([['a', 'b']]) }) },
    ] satisfies MetadataUpdate[]) {
      expect(parseMetadataUpdate(parseJson(printJson(printMetadataUpdate(value))))).toEqual(value)
    }
  })

  it('reads what early clients wrote, and leaves out ids that the catalog assigns', () => {
    expect(parseMetadataUpdate(parseJson('{"action":"set-properties","updated":{"a":"b"}}'))).toMatchObject({ updates: new Map([['a', 'b']]) })
    expect(parseMetadataUpdate(parseJson('{"action":"remove-properties","removed":["a"]}'))).toMatchObject({ removals: ['a'] })
    expect(parseMetadataUpdate(parseJson('{"action":"add-spec","spec":{"fields":[]}}'))).toMatchObject({ spec: { specId: 0 } })
  })

  it.each([
    ['{"action":"add-view-version"}', 'UNSUPPORTED'],
    ['{"action":"upgrade-format-version","format-version":9}', 'UNSUPPORTED'],
    ['{"action":"assign-uuid"}', 'CORRUPT'],
    ['{}', 'CORRUPT'],
    ['[]', 'CORRUPT'],
  ])('refuses %s', (json, code) => {
    expect(() => parseMetadataUpdate(parseJson(json))).toThrow(expect.objectContaining({ code }))
  })

  it('refuses a requirement that it could not check', () => {
    expect(() => parseUpdateRequirement(parseJson('{"type":"assert-weather"}'))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })
})
