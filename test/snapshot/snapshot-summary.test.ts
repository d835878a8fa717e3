import { describe, expect, it } from 'vitest'
import { SnapshotSummary, summaryCount, type SummaryFile } from '../../src/snapshot/snapshot-summary.js'

const file = (overrides: Partial<SummaryFile> = {}): SummaryFile => ({
  content: 'data',
  fileFormat: 'parquet',
  recordCount: 10,
  fileSizeBytes: 100,
  ...overrides,
})
const toObject = (summary: ReadonlyMap<string, string>): Record<string, string> => Object.fromEntries(summary)

describe('the snapshot summary', () => {
  it('of a first append counts from zero', () => {
    expect(toObject(new SnapshotSummary().addedFile('', file()).addedFile('', file()).build(undefined))).toEqual({
      'added-data-files': '2',
      'added-records': '20',
      'added-files-size': '200',
      'changed-partition-count': '1',
      'total-records': '20',
      'total-files-size': '200',
      'total-data-files': '2',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
  })

  it('carries totals of deletes forward (trap 69)', () => {
    const previous = new SnapshotSummary()
      .addedFile('', file({ content: 'equality-deletes', recordCount: 3 }))
      .addedFile('', file({ content: 'position-deletes', recordCount: 4 }))
      .addedFile('', file({ content: 'position-deletes', fileFormat: 'puffin', recordCount: 5, contentSizeBytes: 7 }))
      .build(undefined)
    expect(toObject(previous)).toMatchObject({
      'added-delete-files': '3',
      'added-equality-delete-files': '1',
      'added-position-delete-files': '1',
      'added-dvs': '1',
      'added-equality-deletes': '3',
      'added-position-deletes': '9',
      'added-files-size': '207',
    })
    const next = new SnapshotSummary().addedFile('', file()).build(previous)
    expect(toObject(next)).toMatchObject({ 'total-delete-files': '3', 'total-equality-deletes': '3', 'total-position-deletes': '9' })
  })

  it('adds 64-bit totals exactly (trap 69)', () => {
    const previous = new Map([['total-records', '9007199254740993']])
    expect(new SnapshotSummary().addedFile('', file()).build(previous).get('total-records')).toBe('9007199254741003')
  })

  it.each(['', 'many', '-5', '1e3', '99999999999999999999', '9223372036854775807'])('leaves out a total that follows from %j (trap 69)', (total) => {
    const summary = new SnapshotSummary().addedFile('', file()).build(new Map([['total-records', total]]))
    expect(summary.has('total-records')).toBe(false)
    expect(summary.has('total-data-files')).toBe(false)
  })

  it('leaves out a total that would fall below zero', () => {
    const summary = new SnapshotSummary().removedFile('', file()).build(new Map([['total-records', '5']]))
    expect(summary.has('total-records')).toBe(false)
    expect(summary.get('deleted-records')).toBe('10')
  })

  it.each(['total-records', 'added-records', 'operation', 'partitions.a', 'changed-partition-count'])(
    'refuses the property %s of a caller (trap 69)',
    (name) => {
      expect(() => new SnapshotSummary().set(name, '1')).toThrow(expect.objectContaining({ code: 'INVALID' }))
    },
  )

  it('lists partitions up to the limit', () => {
    const summary = new SnapshotSummary().addedFile('kind=a', file()).removedFile('kind=a', file()).addedFile('kind=b', file())
    expect(summary.build(undefined, { partitionLimit: 1 }).has('partition-summaries-included')).toBe(false)
    expect(toObject(summary.build(undefined, { partitionLimit: 2 }))).toMatchObject({
      'changed-partition-count': '2',
      'partition-summaries-included': 'true',
      'partitions.kind=a':
        'added-data-files=1,deleted-data-files=1,added-records=10,deleted-records=10,added-files-size=100,removed-files-size=100',
      'partitions.kind=b': 'added-data-files=1,added-records=10,added-files-size=100',
    })
  })

  it('keeps a copy apart from the original', () => {
    const original = new SnapshotSummary().set('wap.id', 'x').addedFile('k=1', file())
    const copy = original.copy().addedFile('k=2', file())
    expect(original.build(undefined).get('added-data-files')).toBe('1')
    expect(toObject(copy.build(undefined))).toMatchObject({ 'added-data-files': '2', 'wap.id': 'x', 'changed-partition-count': '2' })
  })

  it('reads counts only where they are counts', () => {
    expect(summaryCount(new Map([['n', '0']]), 'n')).toBe(0n)
    expect(summaryCount(new Map([['n', '9223372036854775808']]), 'n')).toBeUndefined()
    expect(summaryCount(new Map(), 'n')).toBeUndefined()
  })
})
