/** Deciding which snapshots and references a table no longer keeps. Pure. */
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { readBoolean, readInteger, readMaxRefAgeMs, tableProperties } from '../../metadata/table-properties.js'
import { ancestorsOf, indexSnapshots, type SnapshotsById } from '../../snapshot/ancestry.js'
import { MAIN_BRANCH } from '../../snapshot/snapshot-ref.js'
import type { Snapshot, SnapshotRef } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'
import { checkCount, checkTime } from '../../util/option-values.js'

/** What is asked, beside what the table's properties and references say. */
export interface ExpiryRules {
  /** Snapshots from before may go; default: `history.expire.max-snapshot-age-ms` before now (5 days). */
  readonly olderThan?: Date | number | undefined
  /** So many of a branch's latest are kept whatever their age; default: `history.expire.min-snapshots-to-keep` (1). */
  readonly retainLast?: number | undefined
  /** These go as well, whatever their age; those that the table does not have are passed over. */
  readonly snapshotIds?: readonly bigint[] | undefined
}

/** Snapshot ids in the table's order. */
export interface ExpiryPlan {
  readonly removedRefs: readonly string[]
  readonly removedSnapshots: readonly bigint[]
  /** What the rules keep; may contain snapshots that were named to be removed. */
  readonly retainedSnapshots: readonly bigint[]
}

/**
 * What goes by the rules as of `nowMs`: branches and tags past their maximum age; of each branch that stays, the snapshots past
 * the age and number that it keeps; those in no branch or tag past the age. The heads of all that stays are kept.
 *
 * @throws FloeError `INVALID` with `gc.enabled=false`, for rules that make no sense, and to remove the head of a reference
 * Source: `RemoveSnapshots`. Spec: Snapshot Retention Policy
 */
export function planExpiry(metadata: TableMetadata, rules: ExpiryRules, nowMs: number): ExpiryPlan {
  const { properties, snapshots } = metadata
  if (!readBoolean(properties, tableProperties.gcEnabled)) {
    const message = 'The table has gc.enabled=false: its files may belong to others, so snapshots cannot expire; set the property first'
    throw new FloeError('INVALID', message)
  }
  checkRules(rules)
  const byId = indexSnapshots(snapshots)
  const olderThanMs = Number(rules.olderThan ?? nowMs - readInteger(properties, tableProperties.maxSnapshotAgeMs))
  const minSnapshots = rules.retainLast ?? readInteger(properties, tableProperties.minSnapshotsToKeep)
  const refs = retainedRefs(metadata, byId, nowMs)
  const retained = new Set<bigint>()
  const referenced = new Set<bigint>()
  for (const ref of refs.values()) {
    retained.add(ref.snapshotId)
    referenced.add(ref.snapshotId)
    if (ref.type !== 'branch') continue
    const branch = {
      olderThanMs: ref.maxSnapshotAgeMs === undefined ? olderThanMs : nowMs - ref.maxSnapshotAgeMs,
      minSnapshots: ref.minSnapshotsToKeep ?? minSnapshots,
    }
    const line = [...ancestorsOf(ref.snapshotId, byId)]
    for (const snapshot of line) referenced.add(snapshot.snapshotId)
    for (const snapshot of keptOfBranch(line, branch)) retained.add(snapshot.snapshotId)
  }
  const loose = snapshots.filter(({ snapshotId, timestampMs }) => !referenced.has(snapshotId) && timestampMs >= olderThanMs)
  for (const { snapshotId } of loose) retained.add(snapshotId)
  const chosen = new Set(rules.snapshotIds)
  checkNotNamed(chosen, refs)
  const ids = snapshots.map(({ snapshotId }) => snapshotId)
  return Object.freeze({
    removedRefs: Object.freeze([...metadata.refs.keys()].filter((name) => !refs.has(name))),
    removedSnapshots: Object.freeze(ids.filter((id) => chosen.has(id) || !retained.has(id))),
    retainedSnapshots: Object.freeze(ids.filter((id) => retained.has(id))),
  })
}

function retainedRefs(metadata: TableMetadata, byId: SnapshotsById, nowMs: number): ReadonlyMap<string, SnapshotRef> {
  const defaultAgeMs = readMaxRefAgeMs(metadata.properties)
  return new Map(
    [...metadata.refs].filter(([name, { snapshotId, maxRefAgeMs = defaultAgeMs }]) => {
      if (name === MAIN_BRANCH) return true
      const snapshot = byId.get(snapshotId)
      return snapshot !== undefined && (maxRefAgeMs === undefined || nowMs - snapshot.timestampMs <= maxRefAgeMs)
    }),
  )
}

/** From the head back to the first that is both old and beyond the number; what lies behind it goes, were it younger. */
function keptOfBranch(
  line: readonly Snapshot[],
  branch: { readonly olderThanMs: number; readonly minSnapshots: number },
): readonly Snapshot[] {
  const end = line.findIndex(({ timestampMs }, i) => i >= branch.minSnapshots && timestampMs < branch.olderThanMs)
  return end === -1 ? line : line.slice(0, end)
}

function checkNotNamed(chosen: ReadonlySet<bigint>, refs: ReadonlyMap<string, SnapshotRef>): void {
  for (const id of chosen) {
    const names = [...refs].filter(([, { snapshotId }]) => snapshotId === id).map(([name]) => name)
    if (names.length === 0) continue
    throw new FloeError('INVALID', `Snapshot ${id} cannot expire: ${names.join(', ')} still names it; move or drop what names it first`)
  }
}

function checkRules({ olderThan, retainLast, snapshotIds }: ExpiryRules): void {
  checkTime(olderThan, 'olderThan')
  checkCount(retainLast, 1, 'retainLast')
  const wrong = snapshotIds?.find((id) => typeof id !== 'bigint')
  if (wrong !== undefined) throw new FloeError('INVALID', `Snapshot ids are bigints, such as 12n, not ${String(wrong)}: others are not exact`)
}
