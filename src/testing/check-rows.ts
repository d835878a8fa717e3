import type { Report } from './violation.js'
import { snapshotsOfPart } from './committed-parts.js'
import type { History, Part } from './history.js'
import type { SnapshotState, TableHistory } from './table-history.js'

/** Every snapshot differs from its parent by the rows of its operation, and by no others. */
export function checkRows(history: History, table: TableHistory, report: Report): void {
  const parts = history.operations.flatMap((operation) => operation.parts)
  const partOf = new Map<bigint, Part>()
  for (const part of parts) {
    for (const { snapshotId } of snapshotsOfPart(part, table)) if (!partOf.has(snapshotId)) partOf.set(snapshotId, part)
  }
  const snapshots = new Map(table.last.metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  for (const snapshot of snapshots.values()) {
    const part = partOf.get(snapshot.snapshotId)
    if (part === undefined) {
      report('no rows but those of its operation', `snapshot ${snapshot.snapshotId} is no operation's`)
      continue
    }
    const parent = snapshot.parentSnapshotId === undefined ? undefined : snapshots.get(snapshot.parentSnapshotId)
    checkDifference(part, parent === undefined ? [] : table.stateOf(parent).rows, table.stateOf(snapshot), report)
  }
}

function checkDifference(part: Part, before: readonly string[], after: Pick<SnapshotState, 'rows'>, report: Report): void {
  const say = (what: string, rows: readonly string[]): void => {
    if (rows.length > 0) report('no rows but those of its operation', `snapshot of ${part.mark} ${what} ${rows.join(' ')}`)
  }
  if (part.replacesAll === true) {
    say('leaves, or adds,', without(after.rows, part.adds))
    say('does not add', without(part.adds, after.rows))
    return
  }
  const added = without(after.rows, before)
  const removed = without(before, after.rows)
  say('adds', without(added, part.adds))
  say('does not add', without(part.adds, added))
  say('removes', without(removed, part.removes))
  const missed = without(part.removes, removed)
  say('does not remove', part.toleratesGone === true ? missed.filter((row) => after.rows.includes(row)) : missed)
}

/** The difference of two multisets. */
function without(rows: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1)
  return rows.filter((row) => {
    const count = counts.get(row) ?? 0
    counts.set(row, count - 1)
    return count <= 0
  })
}
