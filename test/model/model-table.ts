/** What a table must be at every time: plain arrays of rows per branch, and of every snapshot. */
import { expect } from 'vitest'
import type { FormatVersion, Row, Snapshot, Table, TableScan } from '../../src/index.js'
import { cellOf, cellText, inputOf, keyText, rowText, shown, type Cell, type Chance, type Kind } from './model-cells.js'
import { partitionText, type PartitionChoice } from './model-partition.js'

export interface ModelColumn {
  /** The field's id, which outlives its names. */
  readonly key: number
  readonly name: string
  readonly kind: Kind
  /** What rows have in it that were written without. */
  readonly initial: Cell
}

/** A row: values by the column's id; a column that is not there was not yet when the row was written. */
export interface ModelRow {
  readonly cells: ReadonlyMap<number, Cell>
  /** Not known before the table has told it. */
  readonly rowId?: bigint | undefined
  readonly changedAt?: bigint | undefined
}

/** What a change made of the rows of a branch. */
export interface Outcome {
  readonly kept: readonly ModelRow[]
  readonly updated: readonly ModelRow[]
  readonly inserted: readonly ModelRow[]
}

export interface BranchState {
  readonly head: bigint | undefined
  readonly rows: readonly ModelRow[]
  /** The position of the source of changes. */
  readonly position: number | undefined
}

/** A snapshot as it was when it was made. */
export interface Past {
  readonly snapshot: Snapshot
  readonly version: FormatVersion
  readonly columns: readonly ModelColumn[]
  readonly state: BranchState
  readonly inserted: readonly ModelRow[]
  /** How many rows were removed or updated, and how many inserted or updated. */
  readonly before: number
  readonly after: number
}

const EMPTY: BranchState = { head: undefined, rows: [], position: undefined }

/** The ids of the columns that are always there. */
export const ID = 1
export const UID = 2

export class Model {
  columns: readonly ModelColumn[]
  branches = new Map<string, BranchState>()
  past = new Map<bigint, Past>()
  tags = new Map<string, bigint>()
  schemas = new Map<number, readonly ModelColumn[]>()
  partitioning: readonly PartitionChoice[] = []
  uid = 0
  names = 0
  nextRowId = 0n
  lastSequence = 0n

  constructor(
    public version: FormatVersion,
    columns: readonly ModelColumn[],
  ) {
    this.columns = columns
    this.schemas.set(0, columns)
  }

  /** The state of a branch; one that is not there would start at the head of `main`. */
  state(branch: string): BranchState {
    return this.branches.get(branch) ?? this.branches.get('main') ?? EMPTY
  }

  /** Everything that a failed transaction takes back. */
  save(): () => void {
    const { columns, version, branches, past, tags, schemas, partitioning, nextRowId, lastSequence } = this
    const saved = { columns, version, partitioning, nextRowId, lastSequence }
    const maps = { branches: new Map(branches), past: new Map(past), tags: new Map(tags), schemas: new Map(schemas) }
    return () => void Object.assign(this, saved, maps)
  }

  newRow(columns: readonly ModelColumn[], chance: Chance): ModelRow {
    const cells = columns.map(({ key, kind }) => [key, key === UID ? BigInt(this.uid++) : cellOf(kind, chance)] as const)
    return { cells: new Map(cells) }
  }

  newRows(columns: readonly ModelColumn[], chance: Chance, end = 6): ModelRow[] {
    return Array.from({ length: chance.below(end) }, () => this.newRow(columns, chance))
  }

  isAncestor(ancestor: bigint, snapshotId: bigint): boolean {
    for (let at: bigint | undefined = snapshotId; at !== undefined; at = this.past.get(at)!.snapshot.parentSnapshotId) {
      if (at === ancestor) return true
    }
    return false
  }

  partitionOf(row: ModelRow): string {
    const texts = this.partitioning.map((choice) => {
      const column = this.columns.find(({ key }) => key === choice.key)!
      return partitionText(choice, column.kind, valueOf(row, column))
    })
    return texts.join('/')
  }
}

/** A row's value as a column shows it. */
export function valueOf(row: ModelRow, { key, kind, initial }: ModelColumn): Cell {
  return shown(kind, row.cells.has(key) ? row.cells.get(key)! : initial)
}

export function textOf(row: ModelRow, columns: readonly ModelColumn[]): string {
  return columns.map((column) => cellText(valueOf(row, column))).join('|')
}

export function textsOf(rows: readonly ModelRow[], columns: readonly ModelColumn[]): string[] {
  return rows.map((row) => textOf(row, columns)).sort()
}

/** A row as callers write it. */
export function inputRow(row: ModelRow, columns: readonly ModelColumn[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column) => [column.name, inputOf(column.kind, valueOf(row, column))]))
}

/** The key of a row, or undefined when part of it is null. */
export function matchKey(row: ModelRow, columns: readonly ModelColumn[]): string | undefined {
  const cells = columns.map((column) => valueOf(row, column))
  return cells.includes(null) ? undefined : cells.map(keyText).join('|')
}

/** A row with some of its values changed. */
export function changed(row: ModelRow, cells: Iterable<readonly [number, Cell]>): ModelRow {
  return { ...row, cells: new Map([...row.cells, ...cells]) }
}

const LINEAGE = ['_row_id', '_last_updated_sequence_number'] as const

/** Holds what a commit made of a branch against the model, and remembers it. */
export async function settle(
  model: Model,
  scan: TableScan,
  { branch, snapshot, outcome, position }: { branch: string; snapshot: Snapshot; outcome: Outcome; position?: number | undefined },
): Promise<void> {
  const before = model.state(branch)
  // A snapshot is of the schema that its writer knew.
  const columns = model.schemas.get(snapshot.schemaId!)!
  expect(snapshot.parentSnapshotId).toBe(before.head)
  if (model.version > 1) expect(snapshot.sequenceNumber).toBe(model.lastSequence + 1n)
  model.lastSequence = snapshot.sequenceNumber
  const { kept, updated, inserted } = outcome
  const touched = new Set([...updated, ...inserted])
  const expected = [...kept, ...updated, ...inserted]
  const rows = await lineageRows(model, expected, { columns, scan: scan.useSnapshot(snapshot.snapshotId), snapshot, touched })
  const state = { head: snapshot.snapshotId, rows, position: position ?? before.position }
  const newCells = new Set(inserted.map((row) => row.cells))
  const past = { snapshot, version: model.version, columns, state, inserted: rows.filter((row) => newCells.has(row.cells)) }
  const counts = { before: before.rows.length - kept.length, after: touched.size }
  model.past.set(snapshot.snapshotId, { ...past, ...counts })
  model.branches.set(branch, state)
}

interface Reading {
  readonly columns: readonly ModelColumn[]
  readonly scan: TableScan
  readonly snapshot: Snapshot
  readonly touched: ReadonlySet<ModelRow>
}

/** Reads a snapshot, which must have the rows that are expected; answers them with their lineage. */
async function lineageRows(model: Model, expected: readonly ModelRow[], reading: Reading): Promise<ModelRow[]> {
  const { columns, scan, snapshot, touched } = reading
  const { version } = model
  const found = await (version === 3 ? scan.metadataColumns(...LINEAGE) : scan).rows().toArray()
  const names = columns.map(({ name }) => name)
  expect(found.map((row) => rowText(row, names)).sort()).toEqual(textsOf(expected, columns))
  if (version < 3) return expected.map(({ cells }) => ({ cells }))
  expect(snapshot.firstRowId).toBe(model.nextRowId)
  model.nextRowId += snapshot.addedRows!
  expect(new Set(found.map((row) => row['_row_id'])).size, 'a row id stands for one row').toBe(found.length)
  const byText = new Map<string, Row[]>()
  for (const row of found) byText.set(rowText(row, names), [...(byText.get(rowText(row, names)) ?? []), row])
  const known = expected.filter((row) => row.rowId !== undefined)
  const unknown = expected.filter((row) => row.rowId === undefined)
  return [...known, ...unknown].map((row) => {
    const same = byText.get(textOf(row, columns))!
    const isNew = row.rowId === undefined
    const at = isNew ? freshRow(same, snapshot, touched.has(row)) : same.findIndex((one) => one['_row_id'] === row.rowId)
    expect(at, `${isNew ? 'a new row has a new id' : `row id ${row.rowId} is kept`}: ${textOf(row, columns)}`).toBeGreaterThanOrEqual(0)
    const [taken] = same.splice(at, 1)
    const rowId = taken!['_row_id'] as bigint
    const changedAt = taken!['_last_updated_sequence_number'] as bigint
    const message = `the last change of row ${rowId}`
    if (touched.has(row)) expect(changedAt, message).toBe(snapshot.sequenceNumber)
    else if (row.changedAt !== undefined) expect(changedAt, message).toBe(row.changedAt)
    else expect(changedAt, message).toBeLessThanOrEqual(snapshot.sequenceNumber)
    return { cells: row.cells, rowId, changedAt }
  })
}

/** A row whose id the snapshot gave out; one of its own, or one that was there before there were ids. */
function freshRow(rows: readonly Row[], { firstRowId, addedRows, sequenceNumber }: Snapshot, isTouched: boolean): number {
  const isFresh = (row: Row): boolean => (row['_row_id'] as bigint) >= firstRowId! && (row['_row_id'] as bigint) < firstRowId! + addedRows!
  const isOwn = (row: Row): boolean => row['_last_updated_sequence_number'] === sequenceNumber
  const exact = rows.findIndex((row) => isFresh(row) && isOwn(row) === isTouched)
  return exact >= 0 ? exact : rows.findIndex(isFresh)
}

/** The state of a snapshot as it is read now, against what it was. */
export async function expectPast(model: Model, scan: TableScan, past: Past): Promise<void> {
  const names = past.columns.map(({ name }) => name)
  const rows = await (model.version === 3 ? scan.metadataColumns(...LINEAGE) : scan).rows().toArray()
  expect(rows.map((row) => rowText(row, names)).sort()).toEqual(textsOf(past.state.rows, past.columns))
  if (model.version < 3) return
  const lineage = rows.map((row) => `${cellText(row['_row_id'])} ${cellText(row['_last_updated_sequence_number'])} ${rowText(row, names)}`)
  const told = past.state.rows.map((row) => `${cellText(row.rowId)} ${cellText(row.changedAt)} ${textOf(row, past.columns)}`)
  expect(lineage.sort()).toEqual(told.sort())
}

/** What the metadata of a snapshot says, against its files: totals, vectors, sequence numbers. */
export async function expectFiles(table: Table, past: Past): Promise<void> {
  const { snapshotId, summary } = past.snapshot
  const files = await table.inspect.files({ snapshotId })
  const sum = (content: number): number => {
    return files.filter((file) => file.content === content).reduce((total, file) => total + file.record_count, 0)
  }
  const deletes = files.filter((file) => file.content !== 0)
  expect(Object.fromEntries(summary)).toMatchObject({
    'total-data-files': String(files.length - deletes.length),
    'total-delete-files': String(deletes.length),
    'total-records': String(sum(0)),
    'total-position-deletes': String(sum(1)),
    'total-equality-deletes': String(sum(2)),
  })
  const vectors = deletes.filter((file) => file.file_format.toLowerCase() === 'puffin').map((file) => file.referenced_data_file)
  expect(new Set(vectors).size, 'one vector for a data file').toBe(vectors.length)
  const data = new Set(files.filter((file) => file.content === 0).map((file) => file.file_path))
  expect(vectors.filter((path) => !data.has(path!)), 'vectors of files that are gone').toEqual([])
  if (deletes.length === vectors.length) expect(sum(0) - sum(1), 'rows by the counts of files').toBe(past.state.rows.length)
}
