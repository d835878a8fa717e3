import type { RecordBatch } from 'apache-arrow'
import { canonicalRowWriter } from '../arrow/canonical-row.js'
import { rowReader } from '../arrow/row-values.js'
import type { Row } from '../arrow/row-values.js'
import { Schema } from '../schema/schema.js'
import type { NestedField } from '../schema/type.js'
import { alignmentOf, cellText, scalarText } from './cell-text.js'
import { countOf, countText, visibleText } from './display-text.js'
import type { Output } from './output.js'
import { layOutTable, tableHead, tableLine } from './terminal-table.js'
import type { TableLayout } from './terminal-table.js'

/** Rows with their columns. */
export interface PrintableRows extends AsyncIterable<RecordBatch> {
  readonly schema: Schema
}

/** Prints batches of one schema. */
export interface RowPrinter {
  write(batch: RecordBatch): Promise<void>
  finish(): Promise<void>
}

/** Rows in the canonical form, a line each. */
export function jsonLinesPrinter(schema: Schema, out: Output): RowPrinter {
  const print = canonicalRowWriter(schema)
  return {
    async write(batch) {
      for (const part of slices(batch)) await out.write(`${print(part).join('\n')}\n`)
    },
    finish: async () => undefined,
  }
}

/** RFC 4180 with a header: null is empty, the empty string quoted; nested values are JSON in the canonical form. */
export function csvPrinter(schema: Schema, out: Output): RowPrinter {
  const columns = schema.fields.map(csvColumn)
  let header = `${schema.fields.map((field) => csvField(field.name)).join(',')}\r\n`
  return {
    async write(batch) {
      for (const part of slices(batch)) {
        const cells = columns.map((column, i) => column(part.selectAt([i])))
        let text = header
        header = ''
        for (let row = 0; row < part.numRows; row++) text += `${cells.map((column) => column[row]!).join(',')}\r\n`
        await out.write(text)
      }
    },
    finish: () => out.write(header),
  }
}

function csvColumn(field: NestedField): (column: RecordBatch) => string[] {
  const schema = new Schema([field])
  if (['list', 'map', 'struct', 'variant'].includes(field.type.kind)) {
    const print = canonicalRowWriter(schema)
    const prefix = `{${JSON.stringify(field.name)}:`.length
    return (column) => print(column).map((line) => line.slice(prefix, -1)).map((text) => (text === 'null' ? '' : csvField(text)))
  }
  const read = rowReader(schema)
  return (column) =>
    read(column).map((row) => {
      const value = row[field.name]!
      return value === null ? '' : csvField(scalarText(field.type, value))
    })
}

function csvField(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const ROWS_TO_LAY_OUT = 500

export interface TablePrinterOptions {
  /** Rows shown; the input should have one more when there are more. */
  readonly maxRows: number
  readonly limit: number | undefined
}

/** A table for people: aligned columns, cells cut to fit, and how many rows there were. */
export function terminalPrinter(schema: Schema, out: Output, { maxRows, limit }: TablePrinterOptions): RowPrinter {
  const columns = schema.fields.map((field) => ({ name: visibleText(field.name), align: alignmentOf(field.type) }))
  const read = rowReader(schema)
  const pending: string[][] = []
  let layout: TableLayout | undefined
  let rows = 0
  const flush = async (): Promise<void> => {
    layout ??= await printHead()
    let text = ''
    for (const cells of pending) text += tableLine(cells, layout)
    pending.length = 0
    await out.write(text)
  }
  const printHead = async (): Promise<TableLayout> => {
    const chosen = layOutTable(columns, pending, out.columns)
    await out.write(tableHead(chosen))
    return chosen
  }
  return {
    async write(batch) {
      for (const part of slices(batch)) {
        for (const row of read(part)) if (rows++ < maxRows) pending.push(cellsOf(schema, row))
        if (pending.length >= ROWS_TO_LAY_OUT) await flush()
      }
    },
    async finish() {
      await flush()
      await out.write(closingNote({ rows, maxRows, limit, hidden: layout?.hidden ?? [] }))
    },
  }
}

function cellsOf(schema: Schema, row: Row): string[] {
  return schema.fields.map((field) => visibleText(cellText(field.type, row[field.name]!)))
}

function closingNote(shown: { rows: number; maxRows: number; limit: number | undefined; hidden: readonly string[] }): string {
  const { rows, maxRows, limit, hidden } = shown
  const notes: string[] = []
  if (rows > maxRows) notes.push(`first ${countText(maxRows)} rows; --limit N shows more`)
  else notes.push(countOf(rows, 'row') + (limit !== undefined && rows === limit ? ', stopped by --limit' : ''))
  if (hidden.length > 0) notes.push(`not shown: ${hidden.join(', ')}; choose with --select`)
  return notes.map((note) => `(${note})\n`).join('')
}

/** Few enough rows at a time that their text is small. */
function* slices(batch: RecordBatch): Generator<RecordBatch, void, undefined> {
  const step = 8192
  for (let start = 0; start < batch.numRows; start += step) yield batch.slice(start, Math.min(start + step, batch.numRows))
}
