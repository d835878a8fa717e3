import { metadataColumnNames } from '../schema/reserved-fields.js'
import type { TableScan } from '../table/table-scan.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { withTable } from './open-target.js'
import { PRINT_OPTIONS, printingOf, printRows } from './print-rows.js'
import { SCAN_OPTIONS, scanOf } from './scan-options.js'
import { UsageError } from './usage-error.js'

/** `floe scan`: prints rows. */
export async function scanVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    ...SCAN_OPTIONS,
    select: { type: 'string' },
    'metadata-columns': { type: 'string' },
    ...PRINT_OPTIONS,
  })
  options.refuseSecondTable()
  const printing = printingOf(options, environment)
  await withTable(options, 'read', async (table) => {
    const rows = selected(scanOf(table, options).withSignal(environment.signal), options.text('select'))
    const scan = withMetadata(rows, options.text('metadata-columns'))
    await printRows(printing.wantedRows === undefined ? scan : scan.limit(printing.wantedRows), printing, environment)
  })
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
