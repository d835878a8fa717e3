/** Scans of golden tables, and their rows in the form that the expected files have. */
import { createHash } from 'node:crypto'
import type { RecordBatch } from 'apache-arrow'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { openTable } from '../../src/index.js'
import type { Table, TableScan } from '../../src/index.js'
import type { Schema } from '../../src/schema/schema.js'
import { goldenMapping } from './golden-tables.js'
import type { GoldenTable } from './golden-tables.js'

/** One handle a table for the whole file: metadata does not change. */
const opened = new Map<string, Promise<Table>>()
export function openGolden(golden: GoldenTable): Promise<Table> {
  const table = opened.get(golden.table) ?? openTable(golden.metadata, { pathMapping: goldenMapping })
  opened.set(golden.table, table)
  return table
}

/** The scan of a target of the catalogue: `current`, `snapshot-<id>`, `ref-<name>`; `.lineage` after it for the columns of row lineage. */
export function goldenScan(table: Table, target: string): TableScan {
  if (target.endsWith('.lineage')) return goldenScan(table, target.slice(0, -'.lineage'.length)).metadataColumns('_row_id', '_last_updated_sequence_number')
  if (target.startsWith('snapshot-')) return table.scan().useSnapshot(BigInt(target.slice('snapshot-'.length)))
  if (target.startsWith('ref-')) return table.scan().useRef(decodeURIComponent(target.slice('ref-'.length)))
  return table.scan()
}

/** Canonical lines sorted by their UTF-8 bytes, as the expected files are. */
export function canonicalLines(scan: TableScan): Promise<string[]> {
  return linesOf(scan, scan.schema)
}

/** The same of batches of a schema. */
export async function linesOf(batches: AsyncIterable<RecordBatch>, schema: Schema): Promise<string[]> {
  const write = canonicalRowWriter(schema)
  const lines: string[] = []
  for await (const batch of batches) lines.push(...write(batch))
  return lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

export const linesSha256 = (lines: readonly string[]): string => createHash('sha256').update(lines.map((line) => `${line}\n`).join('')).digest('hex')
