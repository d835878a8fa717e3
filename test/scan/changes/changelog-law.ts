/** Applies changes to rows, as canonical lines: rows are a multiset, and a change that takes away a row that is not there is an error. */
import { canonicalRowWriter } from '../../../src/arrow/canonical-row.js'
import { makeBatch, columnsOf } from '../../../src/arrow/arrow-data.js'
import { arrowSchema } from '../../../src/arrow/arrow-schema.js'
import { rowReader } from '../../../src/arrow/row-values.js'
import { ParquetWasmEngine } from '../../../src/parquet/parquet-wasm-engine.js'
import { planScan } from '../../../src/scan/plan-scan.js'
import { readPlannedFiles } from '../../../src/scan/read-files.js'
import { Schema } from '../../../src/schema/schema.js'
import type { ChangesScan } from '../../../src/table/changes-scan.js'
import type { FileIO, Table } from '../../../src/index.js'

export interface ChangedLine {
  readonly type: string
  readonly ordinal: number
  readonly snapshotId: bigint
  readonly line: string
}

/** The columns of the table that a changelog has. */
export function tableColumns(schema: Schema): Schema {
  return new Schema(schema.fields.slice(0, -3))
}

/** The changes, with the rows as canonical lines. */
export async function changedLines(changes: ChangesScan): Promise<ChangedLine[]> {
  const { schema } = changes
  const columns = tableColumns(schema)
  const write = canonicalRowWriter(columns)
  const arrow = arrowSchema(columns)
  const read = rowReader(new Schema(schema.fields.slice(-3)))
  const meta = arrowSchema(schema.fields.slice(-3))
  const found: ChangedLine[] = []
  for await (const batch of changes) {
    const chunks = columnsOf(batch)
    const lines = write(makeBatch(arrow, batch.numRows, chunks.slice(0, -3)))
    read(makeBatch(meta, batch.numRows, chunks.slice(-3))).forEach((row, i) => {
      found.push({
        type: row['_change_type'] as string,
        ordinal: row['_change_ordinal'] as number,
        snapshotId: row['_commit_snapshot_id'] as bigint,
        line: lines[i]!,
      })
    })
  }
  return found
}

/** The rows after the changes, sorted. */
export function replayed(before: readonly string[], changes: readonly ChangedLine[]): string[] {
  const rows = new Map<string, number>()
  const count = (line: string, by: number): void => {
    const left = (rows.get(line) ?? 0) + by
    if (left < 0) throw new Error(`a change takes away a row that is not there: ${line}`)
    rows.set(line, left)
  }
  for (const line of before) count(line, 1)
  for (const { type, line } of changes) count(line, type === 'INSERT' || type === 'UPDATE_AFTER' ? 1 : -1)
  return [...rows].flatMap(([line, times]) => new Array<string>(times).fill(line)).sort()
}

const engine = new ParquetWasmEngine({ workers: 0 })

/** The rows of a snapshot with the columns that `changes` have, by the schema of its last state. */
export async function linesAt(io: FileIO, table: Table, snapshotId: bigint | undefined, changes: ChangesScan): Promise<string[]> {
  const { metadata } = table
  const snapshot = table.snapshots.find((candidate) => candidate.snapshotId === snapshotId)
  const columns = tableColumns(changes.schema)
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === changes.schema.schemaId)!
  const plan = await planScan({ io, metadata, snapshot, schema })
  const write = canonicalRowWriter(columns)
  const lines: string[] = []
  const request = { io, engine, metadata, schema, projection: columns }
  for await (const batch of readPlannedFiles(plan.files(), request)) for (const line of write(batch)) lines.push(line)
  return lines
}
