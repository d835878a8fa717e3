import type { FormatVersion } from '../metadata/table-metadata.js'
import { printTypeName } from '../schema/type-name.js'
import { printJson } from '../util/json.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { InputFile } from '../table/input-files/input-file.js'
import type { Table } from '../table/table.js'
import type { InvalidRow } from '../write/input-rows.js'
import { CommandOptions } from './command-options.js'
import { countOf, countText, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { INPUT_OPTIONS, inputLocations, rowCountOf, rowsOfFiles, withInputFiles } from './input-options.js'
import { parsePartitionTerms, parseSortTerms } from './layout-terms.js'
import { openTarget } from './open-target.js'
import type { Target } from './open-target.js'
import { Progress } from './progress.js'
import { UsageError } from './usage-error.js'

/** Options that only a new table takes. */
const LAYOUT = ['partition-by', 'sort-by', 'format-version', 'property'] as const
/** Bad rows that are told one by one. */
const SHOWN_INVALID = 5

/** `floe append`: adds the rows of files as one snapshot. */
export async function appendVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    ...INPUT_OPTIONS,
    branch: { type: 'string' },
    create: { type: 'boolean' },
    'partition-by': { type: 'string' },
    'sort-by': { type: 'string' },
    'format-version': { type: 'string' },
    property: { type: 'string', multiple: true },
    'idempotency-token': { type: 'string' },
    'on-invalid': { type: 'string' },
  })
  const layout = readLayout(options)
  const onInvalid = options.oneOf('on-invalid', ['skip', 'fail'] as const) ?? 'fail'
  const locations = inputLocations(options, 'append')
  const target = await openTarget(options, options.flag('create') ? 'write' : 'change')
  try {
    await withInputFiles(locations, options, environment, async (files) => {
      const table = await existingOrNew(target, files[0]!, layout, environment)
      await append(table, files, { options, onInvalid }, environment)
    })
  } finally {
    await target.close()
  }
}

interface Layout {
  readonly isAsked: boolean
  readonly partitionBy: ReturnType<typeof parsePartitionTerms>
  readonly sortBy: ReturnType<typeof parseSortTerms>
  readonly formatVersion: FormatVersion | undefined
  readonly properties: Readonly<Record<string, string>>
}

function readLayout(options: CommandOptions): Layout {
  const [partitionBy, sortBy] = [options.text('partition-by'), options.text('sort-by')]
  const version = options.oneOf('format-version', ['1', '2', '3'])
  const layout = {
    isAsked: LAYOUT.some((name) => options.text(name) !== undefined),
    partitionBy: partitionBy === undefined ? [] : parsePartitionTerms(partitionBy),
    sortBy: sortBy === undefined ? [] : parseSortTerms(sortBy),
    formatVersion: version === undefined ? undefined : (Number(version) as FormatVersion),
    properties: options.pairs('property'),
  }
  if (layout.isAsked && !options.flag('create')) throw new UsageError(`${LAYOUT.map((name) => `--${name}`).join(', ')} need --create`)
  return layout
}

async function existingOrNew(target: Target, first: InputFile, layout: Layout, { stderr }: Environment): Promise<Table> {
  if (target.table !== undefined) {
    if (layout.isAsked) await stderr.line('floe: the table exists; options for new tables are left aside')
    return target.table
  }
  const { schema, basis, sampledRows } = await first.schema()
  const { partitionBy, sortBy, formatVersion, properties } = layout
  const table = await target.create({ schema, partitionBy, sortBy, formatVersion, properties })
  const columns = table.schema.fields.map((field) => `${visibleText(field.name)} ${printTypeName(field.type)}${field.required ? ' required' : ''}`)
  const origin = basis === 'declared' ? 'the schema of' : `a schema inferred from ${countOf(sampledRows, 'row')} of`
  await stderr.line(`floe: created ${table.name} with ${origin} ${first.location}: ${columns.join(', ')}`)
  return table
}

interface AppendMode {
  readonly options: CommandOptions
  readonly onInvalid: 'skip' | 'fail'
}

async function append(table: Table, files: readonly InputFile[], mode: AppendMode, environment: Environment): Promise<void> {
  const { options, onInvalid } = mode
  const { stderr, stdout, signal } = environment
  const progress = new Progress(stderr, rowCountOf(files))
  let skipped = 0
  const skip = async ({ message }: InvalidRow): Promise<void> => {
    if (++skipped <= SHOWN_INVALID) await stderr.line(`floe: skipped: ${visibleText(message)}`)
  }
  const token = options.text('idempotency-token')
  const before = new Set(table.snapshots.map((snapshot) => snapshot.snapshotId))
  const appending = table.append(rowsOfFiles(files), {
    parseText: true,
    branch: options.text('branch'),
    idempotencyToken: token,
    signal,
    onProgress: ({ rows }) => progress.update(rows),
    ...(onInvalid === 'skip' ? { onInvalid: skip } : {}),
  })
  const snapshot = await appending.finally(() => progress.finish())
  const isRepeat = token !== undefined && before.has(snapshot.snapshotId)
  if (options.flag('json')) await stdout.line(printJson(jsonOf(resultJson(table, snapshot, { skipped, isRepeat }))))
  else await stdout.line(resultText(table, snapshot, { skipped, isRepeat }))
}

interface Outcome {
  readonly skipped: number
  readonly isRepeat: boolean
}

function resultJson(table: Table, snapshot: Snapshot, { skipped, isRepeat }: Outcome): object {
  return {
    table: table.name,
    snapshot_id: snapshot.snapshotId,
    repeated: isRepeat,
    added_records: isRepeat ? 0 : Number(snapshot.summary.get('added-records') ?? 0),
    added_data_files: isRepeat ? 0 : Number(snapshot.summary.get('added-data-files') ?? 0),
    skipped_rows: skipped,
    metadata_location: table.metadataLocation,
  }
}

function resultText(table: Table, snapshot: Snapshot, { skipped, isRepeat }: Outcome): string {
  if (isRepeat) return `Nothing to do: the token belongs to snapshot ${snapshot.snapshotId} of ${table.name}`
  const rows = countOf(BigInt(snapshot.summary.get('added-records') ?? '0'), 'row')
  const files = countOf(BigInt(snapshot.summary.get('added-data-files') ?? '0'), 'file')
  const left = skipped === 0 ? '' : `, ${countText(skipped)} skipped`
  return `Appended ${rows} to ${table.name} in ${files}${left}: snapshot ${snapshot.snapshotId}`
}
