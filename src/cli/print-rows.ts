import type { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { OutputFile } from './output-file.js'
import type { Output } from './output.js'
import type { PrintableRows, RowPrinter } from './row-printer.js'
import { UsageError } from './usage-error.js'

const FORMATS = ['table', 'jsonl', 'csv', 'arrow', 'parquet'] as const
type Format = (typeof FORMATS)[number]

/** Rows of a `table` when no limit is given. */
const TABLE_ROWS = 100

/** Options of verbs that print rows. */
export const PRINT_OPTIONS = {
  limit: { type: 'string' },
  format: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const

/** How rows are printed, and where. */
export interface Printing {
  readonly format: Format
  readonly output: string | undefined
  readonly maxRows: number
  readonly limit: number | undefined
  /** Rows to ask for at most: one more than a table shows, to know whether there are more. */
  readonly wantedRows: number | undefined
}

/** What {@link PRINT_OPTIONS} ask for. @throws UsageError */
export function printingOf(options: CommandOptions, { stdout }: Environment): Printing {
  const output = options.text('output')
  const format = options.oneOf('format', FORMATS) ?? formatOfName(output) ?? (stdout.isTerminal && !options.flag('json') ? 'table' : 'jsonl')
  if (format === 'parquet' && output === undefined) throw new UsageError('Parquet is written to a file: give -o FILE')
  const limit = options.count('limit')
  return { format, output, maxRows: limit ?? TABLE_ROWS, limit, wantedRows: limit ?? (format === 'table' ? TABLE_ROWS + 1 : undefined) }
}

/** Prints rows to standard output or a file, which is replaced when all went well. */
export async function printRows(rows: PrintableRows, printing: Printing, { stdout }: Environment): Promise<void> {
  if (printing.output === undefined) {
    await pump(rows, await printerOf(rows, printing, stdout))
    return
  }
  await (await OutputFile.at(printing.output)).fill(async (file) => {
    if (printing.format === 'parquet') await (await import('./parquet-output.js')).writeParquet(rows, file.path)
    else await pump(rows, await printerOf(rows, printing, file.output()))
  })
}

async function pump(rows: PrintableRows, printer: RowPrinter): Promise<void> {
  for await (const batch of rows) await printer.write(batch)
  await printer.finish()
}

async function printerOf({ schema }: PrintableRows, { format, output, maxRows, limit }: Printing, out: Output): Promise<RowPrinter> {
  if (format === 'arrow') return (await import('./arrow-printer.js')).arrowPrinter(schema, out, output === undefined ? 'stream' : 'file')
  const { csvPrinter, jsonLinesPrinter, terminalPrinter } = await import('./row-printer.js')
  if (format === 'csv') return csvPrinter(schema, out)
  return format === 'table' ? terminalPrinter(schema, out, { maxRows, limit }) : jsonLinesPrinter(schema, out)
}

function formatOfName(name: string | undefined): Format | undefined {
  const extension = name === undefined ? undefined : /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase()
  const spelt = extension === 'ndjson' ? 'jsonl' : extension === 'feather' || extension === 'ipc' ? 'arrow' : extension
  return FORMATS.find((format) => format === spelt)
}
