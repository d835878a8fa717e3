import type { Report } from './violation.js'
import { snapshotsOfPart } from './committed-parts.js'
import type { History, KeyedChange, Part } from './history.js'
import type { SnapshotRows } from './snapshot-rows.js'
import { keyOf, rowText } from './synthetic-file.js'
import type { SnapshotState, TableHistory } from './table-history.js'

/** Every snapshot differs from its parent by the rows of its operation, and by no others. */
export function checkRows(history: History, table: TableHistory, report: Report): void {
  const parts = history.operations.flatMap((operation) => operation.parts)
  const partOf = new Map<bigint, Part>()
  for (const part of parts) {
    for (const { snapshotId } of snapshotsOfPart(part, table)) if (!partOf.has(snapshotId)) partOf.set(snapshotId, part)
    if (part.kind === 'nothing') checkNothing(part, table, report)
  }
  for (const snapshot of table.snapshots) {
    const part = partOf.get(snapshot.snapshotId)
    if (part === undefined) {
      report('no rows but those of its operation', `snapshot ${snapshot.snapshotId} is no operation's`)
      continue
    }
    const parent = table.snapshot(snapshot.parentSnapshotId)
    const before = parent === undefined ? EMPTY : table.stateOf(parent)
    const after = table.stateOf(snapshot)
    if (part.keyed === undefined) checkDifference(part, before.rows, after, report)
    else checkKeyed(part, part.keyed, { before: before.rows, after: after.rows }, report)
    if (part.keepsRowIds === true) checkRowIds(part, before, after, report)
  }
}

const EMPTY: SnapshotRows = { rows: [], rowIds: new Map() }

/** What is left is a function of what was there. */
function checkKeyed(part: Part, keyed: KeyedChange, { before, after }: Record<'before' | 'after', readonly string[]>, report: Report): void {
  const { set, inserts } = keyed
  const keys = new Set(keyed.keys)
  const present = new Set(before.map(keyOf))
  const expected = before.flatMap((row) => (!keys.has(keyOf(row)) ? [row] : set === undefined ? [] : [rowText(keyOf(row), set)]))
  if (inserts) for (const key of keys) if (!present.has(key)) expected.push(rowText(key, set))
  const [more, less] = [without(after, expected), without(expected, after)]
  if (more.length > 0) report('no rows but those of its operation', `snapshot of ${part.mark} leaves, or adds, ${more.join(' ')}`)
  if (less.length > 0) report('no rows but those of its operation', `snapshot of ${part.mark} lacks ${less.join(' ')}`)
}

function checkNothing({ mark, keyed, seenIn }: Part, table: TableHistory, report: Report): void {
  if (keyed === undefined || seenIn === undefined) return
  const version = table.versions.find(({ location }) => location === seenIn)
  const head = table.snapshot(version?.metadata.currentSnapshotId)
  const missed = head === undefined ? [] : table.stateOf(head).rows.filter((row) => keyed.keys.includes(keyOf(row)))
  if (missed.length > 0) report('no rows but those of its operation', `${mark} found nothing to do, where there was ${missed.join(' ')}`)
}

function checkRowIds({ mark }: Part, before: SnapshotRows, after: SnapshotRows, report: Report): void {
  for (const [key, rowId] of before.rowIds) {
    if (rowId === undefined || !after.rowIds.has(key) || after.rowIds.get(key) === rowId) continue
    report('rows keep their ids', `snapshot of ${mark} gives ${key} the row id ${String(after.rowIds.get(key))}, where it had ${rowId}`)
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
