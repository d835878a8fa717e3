import type { RecordBatch } from 'apache-arrow'
import { bitAt, columnsOf, validityBitmap, type Chunk } from '../../arrow/arrow-data.js'
import { LongNumbers } from '../../arrow/long-numbers.js'
import { PositionBitmap } from '../../deletes/position-bitmap.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD, ROW_POSITION_FIELD } from '../../schema/reserved-fields.js'
import type { ChangedFile, SnapshotDelta } from './plan-delta.js'

/** Reads the named metadata columns of all rows of a file that are there, whatever the filter says of them. */
export type ReadMetadataColumns = (changed: ChangedFile, names: readonly string[]) => AsyncIterable<RecordBatch>

const ID_COLUMNS = [ROW_POSITION_FIELD.name, ROW_ID_FIELD.name]
const LINEAGE_COLUMNS = [...ID_COLUMNS, LAST_UPDATED_SEQUENCE_NUMBER_FIELD.name]

/**
 * Leaves out of files that came and went the rows that were only carried from one to the other: on either side they have one row id,
 * and the new file says that they were last updated before its snapshot. So that a few changed rows of a file that was rewritten
 * cost a few rows, not the file. Spec: Row Lineage
 */
export async function withoutCarriedRows(delta: SnapshotDelta, read: ReadMetadataColumns): Promise<SnapshotDelta> {
  const { snapshot, removals, additions } = delta
  const [gone, come] = [removals.filter(isWhole), additions.filter(isWhole)]
  if (snapshot.firstRowId === undefined || gone.length === 0 || come.length === 0) return delta
  const before = new PositionBitmap()
  for (const changed of gone) {
    for await (const { id, rows } of lineageRuns(read(changed, ID_COLUMNS))) if (id !== undefined) before.addRange(id, id + rows)
  }
  const carried = new PositionBitmap()
  const wanted = new Map<ChangedFile, PositionBitmap>()
  const sequenceNumber = Number(snapshot.sequenceNumber)
  for (const changed of come) {
    const fresh = new PositionBitmap()
    for await (const run of lineageRuns(read(changed, LINEAGE_COLUMNS))) {
      const isOld = run.lastUpdated !== undefined && run.lastUpdated < sequenceNumber
      addOutside(fresh, run, isOld ? before : undefined, carried)
    }
    wanted.set(changed, fresh)
  }
  if (carried.isEmpty) return delta
  for (const changed of gone) {
    const left = new PositionBitmap()
    for await (const run of lineageRuns(read(changed, ID_COLUMNS))) addOutside(left, run, carried)
    wanted.set(changed, left)
  }
  const narrowed = (changed: ChangedFile): ChangedFile => ({ ...changed, wanted: wanted.get(changed) })
  return { snapshot, removals: removals.map(narrowed), additions: additions.map(narrowed) }
}

function isWhole(changed: ChangedFile): boolean {
  return changed.other === undefined
}

/** Rows that follow each other in their file, and whose ids do, or that have none; last updated in one snapshot. */
interface LineageRun {
  readonly position: number
  readonly id: number | undefined
  readonly lastUpdated: number | undefined
  readonly rows: number
}

/** Adds the positions of rows whose ids are not in `ids` to `positions`; ids of the others to `found`. */
function addOutside(positions: PositionBitmap, run: LineageRun, ids: PositionBitmap | undefined, found?: PositionBitmap): void {
  const { position, id, rows } = run
  const inside = ids === undefined || id === undefined ? 0 : ids.countInRange(id, id + rows)
  if (inside === 0) positions.addRange(position, position + rows)
  else if (inside === rows) found?.addRange(id!, id! + rows)
  else {
    for (let row = 0; row < rows; row++) {
      if (ids!.contains(id! + row)) found?.add(id! + row)
      else positions.add(position + row)
    }
  }
}

async function* lineageRuns(batches: AsyncIterable<RecordBatch>): AsyncGenerator<LineageRun, void, undefined> {
  for await (const batch of batches) yield* runsOf(batch)
}

function* runsOf(batch: RecordBatch): Generator<LineageRun, void, undefined> {
  const [at, ids, updated] = columnsOf(batch)
  const positions = new LongNumbers(at!)
  const [id, lastUpdated] = [nullable(ids), nullable(updated)]
  for (let start = 0, end = 0; start < batch.numRows; start = end) {
    const [position, first, version] = [positions.at(start), id(start), lastUpdated(start)]
    for (end = start + 1; end < batch.numRows; end++) {
      if (positions.at(end) !== position + end - start || lastUpdated(end) !== version) break
      if (id(end) !== (first === undefined ? undefined : first + end - start)) break
    }
    yield { position, id: first, lastUpdated: version, rows: end - start }
  }
}

/** `undefined` for nulls, and for ids that no number holds. */
function nullable(chunk: Chunk | undefined): (row: number) => number | undefined {
  if (chunk === undefined) return () => undefined
  const numbers = new LongNumbers(chunk)
  const validity = validityBitmap(chunk)
  return (row) => {
    if (validity !== undefined && !bitAt(validity, chunk.offset + row)) return undefined
    const value = numbers.at(row)
    return Number.isSafeInteger(value) ? value : undefined
  }
}
