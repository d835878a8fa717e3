import type { Report } from './violation.js'
import type { ExpiryRecord, History, OperationRecord, ReadRecord } from './history.js'
import type { TableHistory, VersionState } from './table-history.js'

/** Snapshots go by an expiry only, and never those that it was told to keep. */
export function checkExpiry(
  { before, after }: { readonly before: VersionState; readonly after: VersionState },
  history: History,
  table: TableHistory,
  report: Report,
): void {
  const kept = new Set(after.metadata.snapshots.map(({ snapshotId }) => snapshotId))
  const lost = before.metadata.snapshots.map(({ snapshotId }) => snapshotId).filter((id) => !kept.has(id))
  if (lost.length === 0) return
  const said = `version ${after.version} after ${before.version}`
  const expiries = history.operations.flatMap((operation) => (isAt(operation, after.step) ? (operation.expiry ?? []) : []))
  if (expiries.length === 0) report('visible for ever', `${said} lost snapshots ${lost.join(' ')}`)
  else if (!expiries.some((expiry) => mayLose(new Set(lost), expiry, after, table))) {
    report('nothing expires before its time', `${said} lost snapshots ${lost.join(' ')}, which ${JSON.stringify(expiries)} keeps`)
  }
}

/** What an operation sent may come about after its end, when it does not know that. */
function isAt({ invokedAt, endedAt, outcome }: OperationRecord, step: number): boolean {
  return invokedAt <= step && (endedAt === undefined || outcome === 'unknown' || step <= endedAt)
}

function mayLose(lost: ReadonlySet<bigint>, { olderThanMs, retainLast }: ExpiryRecord, after: VersionState, table: TableHistory): boolean {
  const referenced = new Set<bigint>()
  for (const name of after.metadata.refs.keys()) {
    const line = table.chain(name, after).toReversed()
    for (const { snapshotId } of line) referenced.add(snapshotId)
    const end = line.findIndex(({ timestampMs }, i) => i >= retainLast && timestampMs < olderThanMs)
    if (line.slice(0, end === -1 ? line.length : end).some(({ snapshotId }) => lost.has(snapshotId))) return false
  }
  return [...lost].every((id) => referenced.has(id) || table.snapshot(id)!.timestampMs < olderThanMs)
}

/** Whether what it looked for was removed, as it may be, while it looked, or since it was staged to be published. */
export function wasExpiredMeanwhile(record: OperationRecord | ReadRecord, history: History): boolean {
  const { endedAt, error } = record
  if (error?.code !== 'NOT_FOUND') return false
  const since = Math.min(record.invokedAt, ...('parts' in record ? stagings(record, history) : []).map(({ invokedAt }) => invokedAt))
  return history.operations.some(({ expiry, invokedAt: began, endedAt: ended, outcome }) => {
    if (expiry === undefined) return false
    return (ended === undefined || outcome === 'unknown' || ended >= since) && (endedAt === undefined || began <= endedAt)
  })
}

/** The operations that staged what another publishes. */
function stagings({ parts }: OperationRecord, history: History): readonly OperationRecord[] {
  const marks = new Set(parts.map(({ publishes }) => publishes))
  return history.operations.filter((operation) => operation.parts.some(({ mark }) => marks.has(mark)))
}
