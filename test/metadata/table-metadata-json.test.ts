import { describe, expect, it } from 'vitest'
import { parseTableMetadata, printTableMetadata } from '../../src/metadata/table-metadata-json.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { gzip } from '../../src/util/compression.js'
import { goldenTables, readGolden } from '../golden/golden-tables.js'
import { table, update, withSnapshots } from '../support/metadata-builders.js'

type Members = Record<string, unknown>

const members = (metadata = withSnapshots(table(), 1n, 2n)): Members => JSON.parse(printTableMetadata(metadata)) as Members
const parse = (json: unknown, location?: string): TableMetadata => parseTableMetadata(JSON.stringify(json), { location })
const reprint = (json: unknown): unknown => JSON.parse(printTableMetadata(parse(json)))
const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes)

describe('printing', () => {
  // PyIceberg orders members differently and prints empty identifier lists; the inline manifests were edited by hand.
  const java = goldenTables.filter(({ table: name }) => !name.startsWith('py_') && name !== 'v1_inline_manifests')

  it('gives byte for byte what the reference wrote', () => {
    let compared = 0
    for (const golden of java) {
      for (const location of golden['metadata-versions']) {
        const bytes = readGolden(location)
        if (bytes[0] === 0x1f) continue
        const written = bytes.toString('utf8')
        // The reference prints binary defaults in upper-case hex, the specification's examples are in lower case.
        if (/"(?:initial|write)-default":"[0-9A-F]*[A-F]/.test(written)) continue
        expect(printTableMetadata(parseTableMetadata(bytes))).toBe(written)
        compared++
      }
    }
    expect(compared).toBeGreaterThan(300)
  })

  it('is the same text for the same metadata, however often', () => {
    const metadata = withSnapshots(table(), 1n, 2n)
    expect(printTableMetadata(metadata)).toBe(printTableMetadata(parseTableMetadata(printTableMetadata(metadata))))
  })

  it('writes the members of v1 that old readers need', () => {
    const json = members(table({ formatVersion: 1 }))
    expect(json).toMatchObject({ 'format-version': 1, 'partition-spec': [], schema: { type: 'struct' }, 'current-snapshot-id': -1 })
    expect(json).not.toHaveProperty('last-sequence-number')
  })

  it('writes «no current snapshot» as -1 up to v2 and as null in v3 (trap 63)', () => {
    expect(members(table())['current-snapshot-id']).toBe(-1)
    expect(members(table({ formatVersion: 3 }))['current-snapshot-id']).toBeNull()
    expect(members(table({ formatVersion: 3 }))['next-row-id']).toBe(0)
  })
})

describe('parsing', () => {
  it.each([-1, null, undefined])('takes the current snapshot %s for none (trap 63)', (id) => {
    const json = { ...members(table()), 'current-snapshot-id': id }
    expect(parse(json).currentSnapshotId).toBeUndefined()
  })

  it('keeps 64-bit ids apart that are the same as doubles (trap 60)', () => {
    const metadata = parseTableMetadata(printTableMetadata(withSnapshots(table(), 9007199254740993n, 9007199254740992n)))
    expect(metadata.snapshots.map((snapshot) => snapshot.snapshotId)).toEqual([9007199254740993n, 9007199254740992n])
    expect(metadata.snapshots[1]?.parentSnapshotId).toBe(9007199254740993n)
    expect(metadata.refs.get('main')?.snapshotId).toBe(9007199254740992n)
  })

  it('reads the first form of v1: no lists, no identity, no references', () => {
    const json = members(withSnapshots(table({ formatVersion: 1 }), 1n))
    for (const name of ['table-uuid', 'schemas', 'current-schema-id', 'partition-specs', 'default-spec-id', 'last-partition-id']) delete json[name]
    for (const name of ['sort-orders', 'default-sort-order-id', 'refs', 'statistics', 'snapshot-log', 'metadata-log']) delete json[name]
    json['partition-spec'] = [{ name: 'kind_id', transform: 'identity', 'source-id': 3 }]
    expect(parse(json)).toMatchObject({
      tableUuid: undefined,
      currentSchemaId: 0,
      partitionSpecs: [{ specId: 0, fields: [{ fieldId: 1000, name: 'kind_id' }] }],
      lastPartitionId: 1000,
      sortOrders: [{ orderId: 0, fields: [] }],
      currentSnapshotId: 1n,
    })
    expect(parse(json).refs.get('main')).toEqual({ snapshotId: 1n, type: 'branch' })
  })

  it('gives sequence number 0 to snapshots that a v1 table brought along (trap 46)', () => {
    const json = members()
    delete (json['snapshots'] as Members[])[0]!['sequence-number']
    expect(parse(json).snapshots[0]?.sequenceNumber).toBe(0n)
  })

  it('reads snapshots with inline manifests and with a summary that has no operation', () => {
    const json = members(withSnapshots(table({ formatVersion: 1 }), 1n))
    const [snapshot] = json['snapshots'] as Members[]
    delete snapshot!['manifest-list']
    Object.assign(snapshot!, { manifests: ['m1', 'm2'], summary: { 'added-records': '1' } })
    expect(parse(json).snapshots[0]).toMatchObject({ manifests: ['m1', 'm2'], manifestList: undefined, operation: 'overwrite' })
    expect((reprint(json) as { snapshots: Members[] }).snapshots[0]).toMatchObject({ manifests: ['m1', 'm2'] })
  })

  it('accepts a log that is out of order by less than a minute (trap 61)', () => {
    const json = members()
    const log = json['snapshot-log'] as Members[]
    log[0]!['timestamp-ms'] = (log[1]!['timestamp-ms'] as number) + 59_000
    expect(parse(json).snapshotLog).toHaveLength(2)
  })

  it('adds the unsorted order where a writer left it out', () => {
    const fields = [{ transform: 'identity', 'source-id': 2, direction: 'asc', 'null-order': 'nulls-first' }]
    const json = { ...members(table()), 'sort-orders': [{ 'order-id': 1, fields }], 'default-sort-order-id': 0 }
    expect(parse(json).sortOrders.map((order) => order.orderId)).toEqual([1, 0])
  })

  it('inflates gzip whatever the name says, up to a limit', () => {
    const metadata = withSnapshots(table(), 1n)
    const bytes = gzip(text(printTableMetadata(metadata)))
    expect(parseTableMetadata(bytes, { location: 'v1.metadata.json' })).toEqual(metadata)
    expect(() => parseTableMetadata(gzip(new Uint8Array(5_000_000)), { maxInflatedBytes: 1_000_000 })).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    )
  })

  it('keeps what it does not know: at the top, in snapshots, references, schemas and statistics', () => {
    const json = members()
    const extra = { 'x-future': { deep: [1, 9007199254740993n.toString()] } }
    Object.assign(json, extra)
    Object.assign((json['snapshots'] as Members[])[0]!, extra)
    Object.assign((json['refs'] as Record<string, Members>)['main']!, extra)
    Object.assign((json['schemas'] as Members[])[0]!, extra)
    json['partition-statistics'] = [{ 'snapshot-id': 1, 'statistics-path': 'p', 'file-size-in-bytes': 1, ...extra }]
    expect(reprint(json)).toEqual(json)
  })

  it('keeps properties named like members of objects', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then']
    const updates = new Map(names.map((name) => [name, '']))
    const metadata = parseTableMetadata(printTableMetadata(update(table(), { action: 'set-properties', updates })))
    for (const name of names) expect(metadata.properties.get(name)).toBe('')
    expect(({} as Members)['polluted']).toBeUndefined()
  })

  it('reads an age of the largest 64-bit number as for ever, and prints it back', () => {
    const json = printTableMetadata(withSnapshots(table(), 1n)).replace('"type":"branch"', '"type":"branch","max-ref-age-ms":9223372036854775807')
    expect(printTableMetadata(parseTableMetadata(json))).toBe(json)
  })
})

describe('metadata that breaks the format', () => {
  const cases: readonly (readonly [string, RegExp, (json: Members) => void])[] = [
    ['no format version', /format-version/, (json) => delete json['format-version']],
    ['a format version of 0', /format-version/, (json) => (json['format-version'] = 0)],
    ['no identity', /table-uuid/, (json) => delete json['table-uuid']],
    ['no location', /location/, (json) => delete json['location']],
    ['an empty location', /location/, (json) => (json['location'] = '')],
    ['no schemas', /schemas/, (json) => delete json['schemas']],
    ['an unknown current schema', /current-schema-id/, (json) => (json['current-schema-id'] = 9)],
    ['an unknown default spec', /default-spec-id/, (json) => (json['default-spec-id'] = 9)],
    ['an unknown default order', /default-sort-order-id/, (json) => (json['default-sort-order-id'] = 9)],
    ['the same schema twice', /schemas\[1\]/, (json) => (json['schemas'] = [...(json['schemas'] as []), ...(json['schemas'] as [])])],
    ['an unknown current snapshot', /current-snapshot-id/, (json) => (json['current-snapshot-id'] = 9)],
    ['a main branch elsewhere', /current-snapshot-id/, (json) => (json['current-snapshot-id'] = 1)],
    ['a main branch of an empty table', /current-snapshot-id/, (json) => (json['current-snapshot-id'] = -1)],
    ['a reference to nothing', /refs\.v1/, (json) => ((json['refs'] as Members)['v1'] = { 'snapshot-id': 9, type: 'tag' })],
    ['a reference of no type', /refs\.main\.type/, (json) => ((json['refs'] as Record<string, Members>)['main']!['type'] = 'twig')],
    ['the same snapshot twice', /snapshots\[2\]/, (json) => (json['snapshots'] as unknown[]).push((json['snapshots'] as unknown[])[0])],
    ['a sequence number of the future', /sequence-number/, (json) => (json['last-sequence-number'] = 1)],
    ['a snapshot without manifests', /manifests/, (json) => delete (json['snapshots'] as Members[])[0]!['manifest-list']],
    ['a fraction for an id', /snapshot-id/, (json) => ((json['snapshots'] as Members[])[0]!['snapshot-id'] = 1.5)],
    ['a text for an id', /snapshot-id/, (json) => ((json['snapshots'] as Members[])[0]!['snapshot-id'] = '1')],
    ['a number in the summary', /summary\.n/, (json) => ((json['snapshots'] as Members[])[0]!['summary'] = { operation: 'append', n: 1 })],
    ['a log far out of order', /snapshot-log\[1\]/, (json) => ((json['snapshot-log'] as Members[])[1]!['timestamp-ms'] = 5)],
    ['an update long before the log', /last-updated-ms/, (json) => (json['last-updated-ms'] = 5)],
    ['properties that are a list', /properties/, (json) => (json['properties'] = [])],
    ['a property that is a number', /properties\.n/, (json) => (json['properties'] = { n: 1 })],
  ]

  it.each(cases)('is CORRUPT, naming path and file: %s', (_, path, damage) => {
    const json = members()
    damage(json)
    expect(() => parse(json, 's3://b/t/metadata/v2.metadata.json')).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringMatching(path) as string, file: 's3://b/t/metadata/v2.metadata.json' }),
    )
  })

  it('is UNSUPPORTED in a later format version', () => {
    expect(() => parse({ ...members(), 'format-version': 4 })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['half of a document', text('{"format-version": 2,')],
    ['bytes that are no text', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
    ['broken gzip', new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3])],
    ['a list', text('[]')],
    ['deep nesting', text('{"properties":'.repeat(100_000))],
  ])('is CORRUPT: %s', (_, bytes) => {
    expect(() => parseTableMetadata(bytes, { location: 'x' })).toThrow(expect.objectContaining({ code: 'CORRUPT', file: 'x' }))
  })
})
