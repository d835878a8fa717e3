import { describe, expect, it } from 'vitest'
import { applyViewUpdates, checkViewRequirements } from '../../../src/metadata/view/apply-view-updates.js'
import { newViewUpdates, replaceViewUpdates } from '../../../src/metadata/view/new-view.js'
import { parseViewMetadata, printViewMetadata } from '../../../src/metadata/view/view-metadata-json.js'
import { currentVersion, sqlFor, type ViewMetadata, type ViewVersion } from '../../../src/metadata/view/view-metadata.js'
import { parseViewRequirement, parseViewUpdate, printViewRequirement, printViewUpdate } from '../../../src/metadata/view/view-update-json.js'
import type { ViewUpdate } from '../../../src/metadata/view/view-update.js'
import { schema, t } from '../../../src/schema/schema-builder.js'
import { gzip } from '../../../src/util/compression.js'
import { parseJson, printJson, type JsonMembers, type JsonValue } from '../../../src/util/json.js'
import { encodeUtf8 } from '../../../src/util/utf8.js'

/** The first example of the format's specification, with members that it does not know. */
const example: JsonMembers = {
  'view-uuid': 'fa6506c3-7681-40c8-86dc-e36561f83385',
  'format-version': 1,
  location: 's3://bucket/warehouse/default.db/event_agg',
  'current-version-id': 1,
  properties: { comment: 'Daily event counts' },
  versions: [
    {
      'version-id': 1,
      'timestamp-ms': 1573518431292,
      'schema-id': 1,
      'default-catalog': 'prod',
      'default-namespace': ['default'],
      summary: { 'engine-name': 'Spark', 'engine-version': '3.3.2' },
      representations: [
        { type: 'sql', sql: 'SELECT\n    COUNT(1), CAST(event_ts AS DATE)\nFROM events\nGROUP BY 2', dialect: 'spark', 'x-hint': [1] },
        { type: 'plan', bytes: 'AAECAw==' },
      ],
      'x-author': 'me',
    },
  ],
  schemas: [
    {
      'schema-id': 1,
      type: 'struct',
      fields: [
        { id: 1, name: 'event_count', required: false, type: 'int', doc: 'Count of events' },
        { id: 2, name: 'event_date', required: false, type: 'date' },
      ],
    },
  ],
  'version-log': [{ 'timestamp-ms': 1573518431292, 'version-id': 1 }],
  'x-owner': { team: 'lake', ['__proto__']: 1 },
}

const parse = (value: JsonValue): ViewMetadata => parseViewMetadata(encodeUtf8(printJson(value)), { location: 'memory:///v' })
const columns = schema({ id: t.long, note: t.string })
const options = { now: 5000, newViewUuid: 'u' }

function version(sql: Readonly<Record<string, string>>, timestampMs = 1000): ViewVersion {
  const representations = Object.entries(sql).map(([dialect, text]) => ({ type: 'sql' as const, sql: text, dialect }))
  const shared = { versionId: 1, schemaId: 0, summary: new Map<string, string>(), defaultCatalog: undefined, unknownFields: new Map() }
  return { ...shared, timestampMs, representations, defaultNamespace: ['ns'] }
}

function made(properties: Readonly<Record<string, string>> = {}): ViewMetadata {
  const updates = newViewUpdates({ schema: columns, version: version({ spark: 'SELECT 1' }), location: 'loc', properties: new Map(Object.entries(properties)) })
  return applyViewUpdates(undefined, updates, options)
}
const replaced = (base: ViewMetadata, sql: Readonly<Record<string, string>>, at = 2000): ViewMetadata =>
  applyViewUpdates(base, replaceViewUpdates(base, columns, version(sql, at)), options)

describe('the metadata of a view', () => {
  it('is read and written whole, gzipped or not, with what is not known', () => {
    const metadata = parse(example)
    expect(parseJson(printViewMetadata(metadata))).toEqual(parseJson(printJson(example)))
    expect(parseViewMetadata(gzip(encodeUtf8(printJson(example))), { location: 'x' })).toEqual(metadata)
    expect(sqlFor(currentVersion(metadata), 'SPARK')).toMatch(/^SELECT/)
    expect(sqlFor(currentVersion(metadata), 'trino')).toBeUndefined()
  })

  it.each([
    ['UNSUPPORTED', { 'format-version': 2 }],
    ['CORRUPT', { 'current-version-id': 9 }],
    ['CORRUPT', { versions: [{}] }],
    ['CORRUPT', { schemas: 'none' }],
    ['CORRUPT', { 'version-log': [{ 'timestamp-ms': '1' }] }],
  ] as const)('that breaks the format is %s: %o', (code, wrong) => {
    expect(() => parse({ ...example, ...(wrong as JsonMembers) })).toThrow(expect.objectContaining({ code }) as Error)
  })

  it('changes by updates that survive the protocol', () => {
    const updates: readonly ViewUpdate[] = [
      { action: 'assign-uuid', uuid: 'u' },
      { action: 'upgrade-format-version', formatVersion: 1 },
      ...newViewUpdates({ schema: columns, version: version({ spark: 'a', trino: 'b' }), location: 'loc', properties: new Map([['a', 'b']]) }),
      { action: 'remove-properties', removals: ['a'] },
    ]
    for (const update of updates) expect(parseViewUpdate(parseJson(printJson(printViewUpdate(update))))).toEqual(update)
    const requirement = { type: 'assert-view-uuid', uuid: 'u' } as const
    expect(parseViewRequirement(parseJson(printJson(printViewRequirement(requirement))))).toEqual(requirement)
    expect(() => parseViewUpdate({ action: 'add-snapshot' })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error)
    expect(() => checkViewRequirements(made(), [{ type: 'assert-view-uuid', uuid: 'other' }])).toThrow(expect.objectContaining({ code: 'CONFLICT' }) as Error)
  })
})

describe('versions of a view', () => {
  it('are numbered on, logged, and not added twice', () => {
    const first = made()
    const second = replaced(first, { spark: 'SELECT 2' })
    expect(second.versions.map(({ versionId }) => versionId)).toEqual([1, 2])
    expect(second.schemas).toHaveLength(1)
    const back = replaced(second, { spark: 'SELECT 1' })
    expect(back.currentVersionId).toBe(1)
    expect(back.versions).toHaveLength(2)
    // Current again as of now, not as of then.
    expect(back.versionLog).toEqual([
      { versionId: 1, timestampMs: 1000 },
      { versionId: 2, timestampMs: 2000 },
      { versionId: 1, timestampMs: 5000 },
    ])
    expect(replaceViewUpdates(back, columns, version({ spark: 'SELECT 1' }))).toEqual([])
  })

  it('have one schema for each shape', () => {
    const wider = schema({ id: t.long, note: t.string, more: t.int })
    const first = made()
    const second = applyViewUpdates(first, replaceViewUpdates(first, wider, version({ spark: 'SELECT 2' })), options)
    expect(second.schemas.map(({ schemaId }) => schemaId)).toEqual([0, 1])
    expect(currentVersion(second).schemaId).toBe(1)
  })

  it('are kept as many as the property says, with the log of those that are left', () => {
    let view = made({ 'version.history.num-entries': '2' })
    for (let i = 2; i <= 5; i++) view = replaced(view, { spark: `SELECT ${i}` }, i * 1000)
    expect(view.versions.map(({ versionId }) => versionId)).toEqual([4, 5])
    expect(view.versionLog.map(({ versionId }) => versionId)).toEqual([4, 5])
  })

  it('do not lose a dialect unless that is allowed, and have none twice', () => {
    const view = made()
    expect(() => replaced(view, { trino: 'SELECT 1' })).toThrow(/loss of view dialects/)
    expect(replaced(made({ 'replace.drop-dialect.allowed': 'true' }), { trino: 'SELECT 1' }).currentVersionId).toBe(2)
    expect(() => replaced(view, { spark: 'a', SPARK: 'b' })).toThrow(/multiple queries for dialect spark/)
  })

  it('that the view does not have cannot be current, nor have schemas that it does not have', () => {
    expect(() => applyViewUpdates(made(), [{ action: 'set-current-view-version', versionId: 7 }], options)).toThrow(/unknown version/)
    const strange = { ...version({ spark: 'x' }), schemaId: 7 }
    expect(() => applyViewUpdates(made(), [{ action: 'add-view-version', version: strange }], options)).toThrow(/schema 7/)
  })
})
