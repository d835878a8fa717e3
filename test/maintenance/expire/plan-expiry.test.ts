/** Which snapshots go, rule by rule as `RemoveSnapshots` of the reference has them. Times are days before «now». */
import { describe, expect, it } from 'vitest'
import { planExpiry } from '../../../src/maintenance/expire/plan-expiry.js'
import type { ExpiryPlan, ExpiryRules } from '../../../src/maintenance/expire/plan-expiry.js'
import { applyUpdates } from '../../../src/metadata/apply-updates.js'
import type { TableMetadata } from '../../../src/metadata/table-metadata.js'
import type { SnapshotRef } from '../../../src/snapshot/snapshot.js'
import { snapshotOn, table } from '../../support/metadata-builders.js'

const DAY_MS = 86_400_000
const NOW = 2_000_000_000_000
const LONG = 2n ** 62n

interface Line {
  /** Oldest first: id and age in days. */
  readonly snapshots: readonly (readonly [id: bigint, ageDays: number])[]
  readonly from?: bigint
  readonly ref?: string
  readonly retention?: Partial<SnapshotRef>
}

/** A table whose lines of snapshots hang together as told; a line without a reference is staged. */
function history(lines: readonly Line[], properties: Readonly<Record<string, string>> = {}): TableMetadata {
  let metadata = table({ properties })
  for (const { snapshots, from, ref, retention } of lines) {
    let parent = from
    for (const [id, ageDays] of snapshots) {
      const snapshot = snapshotOn(metadata, id, { parentSnapshotId: parent, timestampMs: NOW - ageDays * DAY_MS })
      metadata = { ...metadata, snapshots: [...metadata.snapshots, snapshot], lastSequenceNumber: snapshot.sequenceNumber }
      parent = id
    }
    if (ref === undefined) continue
    const refs = new Map([...metadata.refs, [ref, { type: 'branch', snapshotId: parent!, ...retention } as const]])
    metadata = { ...metadata, refs, ...(ref === 'main' ? { currentSnapshotId: parent } : {}) }
  }
  return metadata
}

const tag = (retention: Partial<SnapshotRef> = {}): Partial<SnapshotRef> => ({ type: 'tag', ...retention })
const plan = (metadata: TableMetadata, rules: ExpiryRules = {}): ExpiryPlan => planExpiry(metadata, rules, NOW)
const days = (count: number): number => NOW - count * DAY_MS

const MAIN: Line = { snapshots: [[1n, 9], [2n, 7], [3n, 6], [4n, 2]], ref: 'main' }

describe('the age and number of snapshots', () => {
  it('by default keeps what is younger than five days, and the head whatever its age', () => {
    expect(plan(history([MAIN])).removedSnapshots).toEqual([1n, 2n, 3n])
    expect(plan(history([{ snapshots: [[1n, 90], [2n, 80]], ref: 'main' }])).removedSnapshots).toEqual([1n])
  })

  it('takes the table’s properties, and the options before them', () => {
    const metadata = history([MAIN], { 'history.expire.max-snapshot-age-ms': String(8 * DAY_MS), 'history.expire.min-snapshots-to-keep': '2' })
    expect(plan(metadata).removedSnapshots).toEqual([1n])
    expect(plan(metadata, { olderThan: days(1) }).removedSnapshots).toEqual([1n, 2n])
    expect(plan(metadata, { olderThan: new Date(NOW), retainLast: 1 }).removedSnapshots).toEqual([1n, 2n, 3n])
    expect(plan(metadata, { olderThan: days(1), retainLast: 4 }).removedSnapshots).toEqual([])
  })

  it('keeps a snapshot of exactly the age', () => {
    expect(plan(history([MAIN]), { olderThan: days(6) }).removedSnapshots).toEqual([1n, 2n])
  })

  it('ends at the first that is old, were an older one younger by its writer’s clock', () => {
    const metadata = history([{ snapshots: [[1n, 1], [2n, 7], [3n, 1]], ref: 'main' }])
    // In the history of a branch, so that its own age does not count.
    expect(plan(metadata).removedSnapshots).toEqual([1n, 2n])
  })

  it('is not fooled by ids beyond 2^53 (trap 60)', () => {
    const metadata = history([{ snapshots: [[LONG, 9], [LONG + 1n, 8], [LONG + 2n, 7]], ref: 'main' }])
    expect(plan(metadata, { olderThan: days(0), retainLast: 1 }).removedSnapshots).toEqual([LONG, LONG + 1n])
    expect(plan(metadata, { olderThan: days(99), snapshotIds: [LONG + 1n] }).removedSnapshots).toEqual([LONG + 1n])
  })
})

describe('branches and tags', () => {
  const fork: Line = { snapshots: [[5n, 6], [6n, 5.5]], from: 2n, ref: 'audit' }

  it('keep their heads, and what they have of their own by the same rules (trap 67)', () => {
    expect(plan(history([MAIN, fork])).removedSnapshots).toEqual([1n, 2n, 3n, 5n])
    expect(plan(history([MAIN, { ...fork, retention: tag() }])).removedSnapshots).toEqual([1n, 2n, 3n, 5n])
  })

  it('keep a shared ancestor as long as one of them does (trap 67)', () => {
    const metadata = history([MAIN, { ...fork, retention: { maxSnapshotAgeMs: 8 * DAY_MS } }])
    expect(plan(metadata).removedSnapshots).toEqual([1n, 3n])
    expect(plan(history([MAIN, { ...fork, retention: { minSnapshotsToKeep: 4 } }])).removedSnapshots).toEqual([3n])
  })

  it('have policies before the options and the properties (trap 67)', () => {
    const metadata = history([MAIN, { ...fork, retention: { minSnapshotsToKeep: 1, maxSnapshotAgeMs: 1 } }], { 'history.expire.min-snapshots-to-keep': '3' })
    expect(plan(metadata, { olderThan: days(100), retainLast: 9 }).removedSnapshots).toEqual([5n])
  })

  it('go past their own age, by that of their head, with what only they kept (trap 67)', () => {
    const old = history([MAIN, { ...fork, retention: { maxRefAgeMs: 5 * DAY_MS } }])
    expect(plan(old)).toMatchObject({ removedRefs: ['audit'], removedSnapshots: [1n, 2n, 3n, 5n, 6n] })
    const young = history([MAIN, { ...fork, retention: { maxRefAgeMs: 5.5 * DAY_MS } }])
    expect(plan(young).removedRefs).toEqual([])
  })

  it('go by the table’s maximum age if they have none; main never does', () => {
    const metadata = history([{ ...MAIN, snapshots: [[4n, 99]] }, fork, { snapshots: [[9n, 1]], ref: 'v1', retention: tag() }], {
      'history.expire.max-ref-age-ms': String(2 * DAY_MS),
    })
    expect(plan(metadata)).toMatchObject({ removedRefs: ['audit'], retainedSnapshots: [4n, 9n] })
    expect(plan(history([MAIN, fork], { 'history.expire.max-ref-age-ms': '9223372036854775807' })).removedRefs).toEqual([])
  })

  it('of a tag, keep the one snapshot and none of its ancestors', () => {
    const metadata = history([MAIN, { snapshots: [], from: 2n, ref: 'v2', retention: tag() }])
    expect(plan(metadata).removedSnapshots).toEqual([1n, 3n])
  })

  it('that name a snapshot which is gone go too', () => {
    const metadata = history([MAIN])
    const refs = new Map([...metadata.refs, ['ghost', { type: 'tag', snapshotId: 99n } as const]])
    expect(plan({ ...metadata, refs }).removedRefs).toEqual(['ghost'])
  })
})

describe('snapshots in no branch or tag', () => {
  it('stay until they are old: staged ones, and what was rolled back', () => {
    const metadata = history([MAIN, { snapshots: [[7n, 3], [8n, 8]], from: 3n }])
    expect(plan(metadata).removedSnapshots).toEqual([1n, 2n, 3n, 8n])
    expect(plan(metadata, { olderThan: days(1) }).removedSnapshots).toEqual([1n, 2n, 3n, 7n, 8n])
  })

  it('go although the number to keep would allow more', () => {
    expect(plan(history([MAIN, { snapshots: [[8n, 8]] }]), { retainLast: 10 }).removedSnapshots).toEqual([8n])
  })

  it('include those of a branch that goes', () => {
    const metadata = history([MAIN, { snapshots: [[5n, 6], [6n, 4]], from: 2n, ref: 'audit', retention: { maxRefAgeMs: 1 } }])
    expect(plan(metadata)).toMatchObject({ removedRefs: ['audit'], retainedSnapshots: [4n, 6n] })
  })
})

describe('snapshots that are named', () => {
  it('go whatever keeps them but a head, beside what is old', () => {
    const metadata = history([{ ...MAIN, snapshots: [[1n, 9], [2n, 3], [3n, 2], [4n, 1]] }])
    expect(plan(metadata, { snapshotIds: [2n, 77n] }).removedSnapshots).toEqual([1n, 2n])
    expect(plan(metadata, { snapshotIds: [2n], olderThan: days(100), retainLast: 4 }).removedSnapshots).toEqual([2n])
  })

  it('are refused as heads of branches and tags, which are named', () => {
    const metadata = history([MAIN, { snapshots: [], from: 2n, ref: 'v2', retention: tag() }])
    expect(() => plan(metadata, { snapshotIds: [2n] })).toThrow(/Snapshot 2 cannot expire: v2 still names it/)
    expect(() => plan(metadata, { snapshotIds: [4n] })).toThrow(/main still names it/)
  })

  it('may be the head of a branch that goes anyway', () => {
    const metadata = history([MAIN, { snapshots: [[6n, 6]], ref: 'audit', retention: { maxRefAgeMs: 1 } }])
    expect(plan(metadata, { snapshotIds: [6n] }).removedSnapshots).toContain(6n)
  })
})

describe('what is refused', () => {
  it('is a table with gc.enabled=false', () => {
    expect(() => plan(history([MAIN], { 'gc.enabled': 'false' }))).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  it.each([[{ retainLast: 0 }], [{ retainLast: 1.5 }], [{ olderThan: new Date(Number.NaN) }], [{ snapshotIds: [7 as unknown as bigint] }]])('is %o', (rules) => {
    expect(() => plan(history([MAIN]), rules)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  it('is nothing of an empty table, nor is anything done to it', () => {
    expect(plan(history([]))).toEqual({ removedRefs: [], removedSnapshots: [], retainedSnapshots: [] })
  })
})

describe('the metadata after it', () => {
  it('has no history from before a gap, and no statistics of what is gone (trap 59)', () => {
    const statistics = [1n, 2n, 3n, 4n].map((snapshotId) => ({
      snapshotId,
      statisticsPath: `s3://b/${snapshotId}.stats`,
      fileSizeBytes: 10,
      fileFooterSizeBytes: 5,
      keyMetadata: undefined,
      blobMetadata: [],
    }))
    const snapshotLog = [1n, 2n, 3n, 4n].map((snapshotId, i) => ({ snapshotId, timestampMs: days(9 - i) }))
    const before = { ...history([MAIN]), statistics, partitionStatistics: statistics, snapshotLog }
    const { removedSnapshots } = plan(before, { olderThan: days(100), snapshotIds: [2n] })
    const after = applyUpdates(before, [{ action: 'remove-snapshots', snapshotIds: removedSnapshots }], { now: NOW })
    expect(after.snapshotLog.map(({ snapshotId }) => snapshotId)).toEqual([3n, 4n])
    for (const files of [after.statistics, after.partitionStatistics]) {
      expect(files.map(({ snapshotId }) => snapshotId)).toEqual([1n, 3n, 4n])
    }
  })
})
