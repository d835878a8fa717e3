import type { Table } from '../table/table.js'
import type { InspectOptions, TableInspection } from '../table/table-inspection.js'
import { CommandOptions } from './command-options.js'
import type { Environment } from './environment.js'
import { inspectionColumns, inspectionText } from './inspection-text.js'
import { printJsonRows } from './json-rows.js'
import { withTable } from './open-target.js'
import { snapshotId } from './scan-options.js'
import { typedRows } from './typed-rows.js'
import type { TypedRows } from './typed-rows.js'
import { UsageError } from './usage-error.js'

type Rows = readonly object[]

/** What can be told of any state of the table. */
const OF_TABLE = new Map<string, (inspect: TableInspection) => Rows | Promise<Rows>>([
  ['snapshots', (inspect) => inspect.snapshots()],
  ['history', (inspect) => inspect.history()],
  ['refs', (inspect) => inspect.refs()],
  ['schema', (inspect) => inspect.schemas().filter((row) => row.is_current)],
  ['schemas', (inspect) => inspect.schemas()],
  ['properties', (inspect) => inspect.properties()],
  ['metadata-log', (inspect) => inspect.metadataLog()],
  ['statistics', (inspect) => inspect.statistics()],
  ['all-files', (inspect) => inspect.allFiles()],
  ['all-data-files', (inspect) => inspect.allDataFiles()],
  ['all-delete-files', (inspect) => inspect.allDeleteFiles()],
  ['all-manifests', (inspect) => inspect.allManifests()],
  ['all-entries', (inspect) => inspect.allEntries()],
])

/** What is told of one snapshot. */
const OF_SNAPSHOT = new Map<string, (inspect: TableInspection, at: InspectOptions) => Promise<Rows>>([
  ['files', (inspect, at) => inspect.files(at)],
  ['data-files', (inspect, at) => inspect.dataFiles(at)],
  ['delete-files', (inspect, at) => inspect.deleteFiles(at)],
  ['manifests', (inspect, at) => inspect.manifests(at)],
  ['entries', (inspect, at) => inspect.entries(at)],
  ['partitions', (inspect, at) => inspect.partitions(at)],
])

/** `floe inspect`: prints the table's metadata. */
export async function inspectVerb(args: readonly string[], { stdout }: Environment): Promise<void> {
  const options = new CommandOptions(args, { ref: { type: 'string' }, snapshot: { type: 'string' } })
  const [, what, ...others] = options.positionals
  if (others.length > 0) throw new UsageError(`One thing at a time: ${JSON.stringify(others[0])} is one too many`)
  if (what === undefined || (!OF_TABLE.has(what) && !OF_SNAPSHOT.has(what))) {
    throw new UsageError(`Name what to inspect: ${[...OF_TABLE.keys(), ...OF_SNAPSHOT.keys()].join(', ')}`)
  }
  const at = stateOf(options)
  if (at !== undefined && !OF_SNAPSHOT.has(what)) throw new UsageError(`--ref and --snapshot do not apply to ${what}`)
  await withTable(options, 'read', async (table) => {
    const rows = await rowsOf(table, what, at ?? {})
    const typed = typedRows(table.metadata, table.schema)
    if (options.flag('json')) await printJsonRows(rows.map((row) => readableRow(row, typed)), stdout)
    else await stdout.write(inspectionText(rows, inspectionColumns(what), { location: table.location, columns: stdout.columns, typed }))
  })
}

function stateOf(options: CommandOptions): InspectOptions | undefined {
  const [ref, snapshot] = [options.text('ref'), options.text('snapshot')]
  if (ref !== undefined && snapshot !== undefined) throw new UsageError('At most one of --ref and --snapshot can be given')
  if (snapshot !== undefined) return { snapshotId: snapshotId(snapshot) }
  return ref === undefined ? undefined : { ref }
}

/** The row with its partition and its metrics in the types of the table, and a count as one. */
function readableRow(row: object, typed: TypedRows): object {
  const { partition, readable_metrics: metrics, data_file: file } = row as Partial<Record<'partition' | 'readable_metrics' | 'data_file', object>>
  const { ndv } = row as { readonly ndv?: bigint | null }
  return {
    ...row,
    ...(partition === undefined ? {} : { partition: typed.partition(partition) }),
    ...(file === undefined ? {} : { data_file: readableRow(file, typed) }),
    ...(metrics === undefined ? {} : { readable_metrics: typed.metrics(metrics) }),
    ...(typeof ndv === 'bigint' ? { ndv: Number(ndv) } : {}),
  }
}

async function rowsOf(table: Table, what: string, at: InspectOptions): Promise<Rows> {
  const { inspect } = table
  return (await OF_SNAPSHOT.get(what)?.(inspect, at)) ?? OF_TABLE.get(what)!(inspect)
}
