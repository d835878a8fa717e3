/** Any sequence of updates leaves metadata that keeps its invariants and survives a round trip through JSON. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyUpdates } from '../../src/metadata/apply-updates.js'
import { parseMetadataUpdate, printMetadataUpdate } from '../../src/metadata/metadata-update-json.js'
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import { setSchemaUpdates, setSpecUpdates } from '../../src/metadata/structure-updates.js'
import { parseTableMetadata, printTableMetadata } from '../../src/metadata/table-metadata-json.js'
import type { FormatVersion, TableMetadata } from '../../src/metadata/table-metadata.js'
import { checkRequirements, requirementsFor } from '../../src/metadata/update-requirements.js'
import { findMetadataProblem } from '../../src/metadata/validate-metadata.js'
import { Schema } from '../../src/schema/schema.js'
import { snapshotAsOf } from '../../src/snapshot/time-travel.js'
import { isFloeError } from '../../src/util/errors.js'
import { parseJson, printJson } from '../../src/util/json.js'
import { appendUpdates, snapshotOn, table } from '../support/metadata-builders.js'

/** Pairs that are equal as doubles, so that rounding anywhere shows. */
const snapshotIds = [1n, 2n, 9007199254740992n, 9007199254740993n, 4611686018427387904n, 4611686018427387905n, 9223372036854775807n]
const anyId = fc.constantFrom(...snapshotIds)
const anyBranch = fc.constantFrom('main', 'audit', '__proto__')

/** One step: updates made for the metadata as it is then. */
type Step = (base: TableMetadata) => readonly MetadataUpdate[]

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ id: anyId, branch: anyBranch }).map(({ id, branch }): Step => (base) => append(base, id, branch)),
  fc.array(anyId, { maxLength: 3 }).map((ids): Step => () => [{ action: 'remove-snapshots', snapshotIds: ids }]),
  fc.record({ id: anyId, name: anyBranch }).map(({ id, name }): Step => () => [
    { action: 'set-snapshot-ref', name, ref: { type: 'branch', snapshotId: id, minSnapshotsToKeep: 2 } },
  ]),
  anyBranch.map((name): Step => () => [{ action: 'remove-snapshot-ref', name }]),
  fc.record({ id: anyId, second: anyId }).map(({ id, second }): Step => (base) => twoAppends(base, id, second)),
  fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }).map((entries): Step => () => [
    { action: 'set-properties', updates: new Map(Object.entries(entries)) },
  ]),
  fc.array(fc.string(), { maxLength: 2 }).map((removals): Step => () => [{ action: 'remove-properties', removals }]),
  fc.string({ minLength: 1, maxLength: 8 }).map((name): Step => (base) => setSchemaUpdates(base, widened(base, name))),
  fc.constantFrom('identity', 'bucket[4]', 'truncate[2]', 'void').map((transform): Step => (base) => repartition(base, transform)),
  fc.constantFrom<FormatVersion>(1, 2, 3).map((formatVersion): Step => () => [{ action: 'upgrade-format-version', formatVersion }]),
  anyId.map((snapshotId): Step => () => [
    { action: 'set-partition-statistics', partitionStatistics: { snapshotId, statisticsPath: 'p', fileSizeBytes: 1 } },
  ]),
)

function append(base: TableMetadata, id: bigint, branch: string): readonly MetadataUpdate[] {
  const parentSnapshotId = base.refs.get(branch)?.snapshotId ?? base.currentSnapshotId
  return appendUpdates(snapshotOn(base, id, { parentSnapshotId }), branch)
}

function twoAppends(base: TableMetadata, id: bigint, second: bigint): readonly MetadataUpdate[] {
  const first = snapshotOn(base, id)
  const next = {
    ...first,
    snapshotId: second,
    parentSnapshotId: id,
    sequenceNumber: first.sequenceNumber === 0n ? 0n : first.sequenceNumber + 1n,
    firstRowId: first.firstRowId === undefined ? undefined : first.firstRowId + 10n,
  }
  return [...appendUpdates(first), ...appendUpdates(next)]
}

function widened(base: TableMetadata, name: string): Schema {
  const schema = base.schemas.find((candidate) => candidate.schemaId === base.currentSchemaId)!
  const fields = schema.fields.filter((field) => field.name !== name)
  return new Schema([...fields, { id: base.lastColumnId + 1, name, type: { kind: 'int' }, required: false }])
}

function repartition(base: TableMetadata, transform: string): readonly MetadataUpdate[] {
  const field = { fieldId: base.lastPartitionId + 1, name: `p${base.lastPartitionId}`, sourceIds: [3], transform }
  return setSpecUpdates(base, { specId: 0, fields: [field] })
}

interface TimedStep {
  readonly step: Step
  readonly clockMs: number
}

/** Applies the steps; one that is refused with a typed error changes nothing. */
function history(formatVersion: FormatVersion, steps: readonly TimedStep[]): readonly TableMetadata[] {
  const versions = [table({ formatVersion, properties: { 'write.metadata.previous-versions-max': '3' } })]
  for (const [i, { step, clockMs }] of steps.entries()) {
    const base = versions.at(-1)!
    try {
      const updates = step(base)
      checkRequirements(base, requirementsFor(base, updates))
      versions.push(applyUpdates(base, updates, { now: base.lastUpdatedMs + clockMs, baseLocation: `v${i}.metadata.json` }))
    } catch (error) {
      if (!isFloeError(error, 'INVALID', 'CONFLICT')) throw error
    }
  }
  return versions
}

const anyHistory = fc
  .tuple(
    fc.constantFrom<FormatVersion>(1, 2, 3),
    fc.array(fc.record({ step: anyStep, clockMs: fc.integer({ min: -7_200_000, max: 7_200_000 }) }), { maxLength: 25 }),
  )
  .map(([formatVersion, steps]) => history(formatVersion, steps))

describe('any sequence of updates', () => {
  it('keeps the rules of the format in every version', () => {
    fc.assert(
      fc.property(anyHistory, (versions) => {
        for (const [i, metadata] of versions.entries()) {
          expect(findMetadataProblem(metadata)).toBeUndefined()
          const before = versions[i - 1]
          if (before === undefined || before === metadata) continue
          expect(metadata.lastUpdatedMs).toBeGreaterThan(before.lastUpdatedMs)
          expect(metadata.lastSequenceNumber).toBeGreaterThanOrEqual(before.lastSequenceNumber)
          expect(metadata.lastColumnId).toBeGreaterThanOrEqual(before.lastColumnId)
          expect(metadata.lastPartitionId).toBeGreaterThanOrEqual(before.lastPartitionId)
          expect(metadata.nextRowId).toBeGreaterThanOrEqual(before.nextRowId)
          expect(metadata.formatVersion).toBeGreaterThanOrEqual(before.formatVersion)
          expect(metadata.metadataLog.length).toBeLessThanOrEqual(3)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('logs only snapshots that exist, and ends at the current one', () => {
    fc.assert(
      fc.property(anyHistory, (versions) => {
        for (const { snapshotLog, snapshots, currentSnapshotId, refs, lastUpdatedMs } of versions) {
          const ids = new Set(snapshots.map((snapshot) => snapshot.snapshotId))
          expect(snapshotLog.every((entry) => ids.has(entry.snapshotId))).toBe(true)
          expect(refs.get('main')?.snapshotId).toBe(currentSnapshotId)
          if (currentSnapshotId === undefined) continue
          expect(snapshotLog.at(-1)?.snapshotId).toBe(currentSnapshotId)
          expect(snapshotAsOf(snapshotLog, lastUpdatedMs)).toBe(currentSnapshotId)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('never gives a row id to two snapshots', () => {
    fc.assert(
      fc.property(anyHistory, (versions) => {
        const ranges = new Map<string, bigint>()
        for (const { snapshots } of versions) {
          for (const { firstRowId, addedRows } of snapshots) {
            if (firstRowId !== undefined) ranges.set(`${firstRowId}`, firstRowId + addedRows!)
          }
        }
        const sorted = [...ranges].map(([first, end]) => [BigInt(first), end] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1))
        for (let i = 1; i < sorted.length; i++) expect(sorted[i]![0]).toBeGreaterThanOrEqual(sorted[i - 1]![1])
      }),
      { numRuns: 100 },
    )
  })

  it('survives a round trip through JSON, and so do the updates', () => {
    fc.assert(
      fc.property(anyHistory, (versions) => {
        const metadata = versions.at(-1)!
        const text = printTableMetadata(metadata)
        const parsed = parseTableMetadata(text)
        expect(parsed).toEqual(metadata)
        expect(printTableMetadata(parsed)).toBe(text)
        const updates: readonly MetadataUpdate[] = [
          { action: 'remove-snapshots', snapshotIds: metadata.snapshots.map((snapshot) => snapshot.snapshotId) },
          ...metadata.snapshots.map((snapshot): MetadataUpdate => ({ action: 'add-snapshot', snapshot })),
        ]
        for (const update of updates) expect(parseMetadataUpdate(parseJson(printJson(printMetadataUpdate(update))))).toEqual(update)
      }),
      { numRuns: 100 },
    )
  })
})
