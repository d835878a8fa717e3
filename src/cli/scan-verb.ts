import { metadataColumnNames } from '../schema/reserved-fields.js'
import type { TableScan } from '../table/table-scan.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { openTarget } from './open-target.js'
import { OutputFile } from './output-file.js'
import type { Output } from './output.js'
import type { RowPrinter } from './row-printer.js'
import { SCAN_OPTIONS, scanOf } from './scan-options.js'
import { UsageError } from './usage-error.js'

const FORMATS = ['table', 'jsonl', 'csv', 'arrow', 'parquet'] as const
type Format = (typeof FORMATS)[number]

/** Rows of a `table` when no limit is given. */
const TABLE_ROWS = 100

/** `floe scan`: prints rows. */
export async function scanVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    ...SCAN_OPTIONS,
    select: { type: 'string' },
    'metadata-columns': { type: 'string' },
    limit: { type: 'string' },
    format: { type: 'string' },
    output: { type: 'string', short: 'o' },
  })
  if (options.positionals.length > 1) throw new UsageError(`One table at a time: ${JSON.stringify(options.positionals[1])} is one too many`)
  const format = options.oneOf('format', FORMATS) ?? formatOfName(options.text('output')) ?? (environment.stdout.isTerminal ? 'table' : 'jsonl')
  if (format === 'parquet' && options.text('output') === undefined) throw new UsageError('Parquet is written to a file: give -o FILE')
  const limit = options.count('limit')
  const target = await openTarget(options)
  try {
    const rows = selected(scanOf(target.table!, options).withSignal(environment.signal), options.text('select'))
    const scan = withMetadata(rows, options.text('metadata-columns'))
    const maxRows = limit ?? TABLE_ROWS
    const limited = limit !== undefined ? scan.limit(limit) : format === 'table' ? scan.limit(TABLE_ROWS + 1) : scan
    await print(limited, { format, output: options.text('output'), maxRows, limit }, environment)
  } finally {
    await target.close()
  }
}

interface Printing {
  readonly format: Format
  readonly output: string | undefined
  readonly maxRows: number
  readonly limit: number | undefined
}

function formatOfName(name: string | undefined): Format | undefined {
  const extension = name === undefined ? undefined : /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase()
  const spelt = extension === 'ndjson' ? 'jsonl' : extension === 'feather' || extension === 'ipc' ? 'arrow' : extension
  return FORMATS.find((format) => format === spelt)
}

function selected(scan: TableScan, columns: string | undefined): TableScan {
  if (columns === undefined) return scan
  const names = columns.split(',').map((name) => name.trim())
  if (names.includes('')) throw new UsageError('--select takes column names with commas between them')
  return scan.select(...names)
}

function withMetadata(scan: TableScan, columns: string | undefined): TableScan {
  if (columns === undefined) return scan
  const names = columns.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !metadataColumnNames().includes(name))
  if (unknown !== undefined) throw new UsageError(`--metadata-columns takes some of ${metadataColumnNames().join(', ')}, not ${JSON.stringify(unknown)}`)
  return scan.metadataColumns(...names)
}

async function print(scan: TableScan, printing: Printing, { stdout }: Environment): Promise<void> {
  if (printing.output === undefined) {
    await pump(scan, await printerOf(scan, printing, stdout))
    return
  }
  const file = await OutputFile.at(printing.output)
  try {
    if (printing.format === 'parquet') await (await import('./parquet-output.js')).writeParquet(scan, file.path)
    else await pump(scan, await printerOf(scan, printing, file.output()))
    await file.commit()
  } catch (error) {
    await file.discard()
    throw error
  }
}

async function pump(scan: TableScan, printer: RowPrinter): Promise<void> {
  for await (const batch of scan) await printer.write(batch)
  await printer.finish()
}

async function printerOf({ schema }: TableScan, { format, output, maxRows, limit }: Printing, out: Output): Promise<RowPrinter> {
  if (format === 'arrow') return (await import('./arrow-printer.js')).arrowPrinter(schema, out, output === undefined ? 'stream' : 'file')
  const { csvPrinter, jsonLinesPrinter, terminalPrinter } = await import('./row-printer.js')
  if (format === 'csv') return csvPrinter(schema, out)
  return format === 'table' ? terminalPrinter(schema, out, { maxRows, limit }) : jsonLinesPrinter(schema, out)
}
