import type { CompactionPlan } from '../compaction/compaction-plan.js'
import { printCompactionPlan } from '../compaction/compaction-plan.js'
import type { JobOrder } from '../compaction/compaction-options.js'
import type { CompactionProgress, CompactionResult } from '../table/compaction-calls.js'
import { hilbert, sortBy, zOrder, type CompactionStrategy } from '../compaction/strategy.js'
import type { CompactCallOptions, PlanCallOptions } from '../table/compaction-calls.js'
import type { Table } from '../table/table.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { bytesText, countOf, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { parseSortTerms } from './layout-terms.js'
import { withTable } from './open-target.js'
import { Progress } from './progress.js'
import { sizeOption } from './size-option.js'
import { UsageError } from './usage-error.js'
import { whereOption } from './where-option.js'

const OPTIONS = {
  strategy: { type: 'string' },
  'sort-by': { type: 'string' },
  columns: { type: 'string' },
  where: { type: 'string' },
  branch: { type: 'string' },
  'target-file-size': { type: 'string' },
  'min-file-size': { type: 'string' },
  'max-file-size': { type: 'string' },
  'min-input-files': { type: 'string' },
  'delete-file-threshold': { type: 'string' },
  'delete-ratio-threshold': { type: 'string' },
  'max-file-group-size': { type: 'string' },
  'max-files': { type: 'string' },
  'rewrite-all': { type: 'boolean' },
  'output-spec-id': { type: 'string' },
  'job-order': { type: 'string' },
  selection: { type: 'string' },
  'partial-progress': { type: 'boolean' },
  'max-commits': { type: 'string' },
  'memory-budget': { type: 'string' },
  'spill-directory': { type: 'string' },
  'dry-run': { type: 'boolean' },
  'print-plan': { type: 'boolean' },
} as const

const JOB_ORDERS: readonly JobOrder[] = ['none', 'bytes-asc', 'bytes-desc', 'files-asc', 'files-desc']

/** `floe compact`: rewrites files into such of the target size, with deletes applied. */
export async function compactVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, OPTIONS)
  options.refuseSecondTable()
  const asked = compactOptions(options)
  await withTable(options, 'change', async (table) => {
    const { stdout, stderr, signal } = environment
    if (options.flag('print-plan')) {
      await stdout.line(printCompactionPlan(await table.planCompaction({ ...planOptions(options), signal })))
      return
    }
    const meter = new ProgressLine(new Progress(stderr, undefined))
    const result = await table.compact({ ...asked, signal, onProgress: (progress) => meter.update(progress) }).finally(() => meter.finish())
    if (options.flag('json')) await stdout.line(printJson(jsonOf(resultJson(table, result, asked.dryRun === true))))
    else await stdout.write(resultText(table, result, asked.dryRun === true))
  })
}

class ProgressLine {
  readonly #progress: Progress

  constructor(progress: Progress) {
    this.#progress = progress
  }

  update({ rows }: CompactionProgress): void {
    this.#progress.update(rows)
  }

  finish(): Promise<void> {
    return this.#progress.finish()
  }
}

/** The options of a compaction, as the command line gives them. @throws UsageError */
function compactOptions(options: CommandOptions): CompactCallOptions {
  return {
    ...planOptions(options),
    partialProgress: options.flag('partial-progress'),
    maxCommits: options.count('max-commits', 1),
    memoryBudgetBytes: sizeOption(options, 'memory-budget'),
    spillFolder: options.text('spill-directory'),
    dryRun: options.flag('dry-run'),
  }
}

/** Those of them that a plan takes. */
function planOptions(options: CommandOptions): PlanCallOptions {
  return {
    strategy: strategyOption(options),
    filter: whereOption(options),
    branch: options.text('branch'),
    targetFileSizeBytes: sizeOption(options, 'target-file-size'),
    minFileSizeBytes: sizeOption(options, 'min-file-size'),
    maxFileSizeBytes: sizeOption(options, 'max-file-size'),
    minInputFiles: options.count('min-input-files', 1),
    deleteFileThreshold: options.count('delete-file-threshold'),
    deleteRatioThreshold: ratioOption(options, 'delete-ratio-threshold'),
    maxFileGroupSizeBytes: sizeOption(options, 'max-file-group-size'),
    maxFilesToRewrite: options.count('max-files', 1),
    rewriteAll: options.flag('rewrite-all'),
    outputSpecId: options.count('output-spec-id'),
    jobOrder: options.oneOf('job-order', JOB_ORDERS),
    selection: options.oneOf('selection', ['size', 'clustering'] as const),
  }
}

function strategyOption(options: CommandOptions): CompactionStrategy | undefined {
  const strategy = options.oneOf('strategy', ['binpack', 'sort', 'zorder', 'hilbert'] as const)
  const [terms, columns] = [options.text('sort-by'), options.text('columns')]
  if (terms !== undefined && strategy !== 'sort') throw new UsageError('--sort-by goes with --strategy sort')
  if (strategy !== 'zorder' && strategy !== 'hilbert') {
    if (columns !== undefined) throw new UsageError('--columns goes with --strategy zorder or hilbert')
    return terms === undefined ? strategy : sortBy(...parseSortTerms(terms))
  }
  const names = (columns ?? '').split(',').map((name) => name.trim())
  if (names.includes('')) throw new UsageError(`--strategy ${strategy} needs --columns: ts,id`)
  return strategy === 'zorder' ? zOrder(...names) : hilbert(...names)
}

function ratioOption(options: CommandOptions, name: string): number | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  const ratio = /^[\d.]{1,20}$/.test(text) ? Number(text) : NaN
  if (ratio > 0 && ratio <= 1) return ratio
  throw new UsageError(`--${name} takes a share above 0 and up to 1, not ${JSON.stringify(text)}`)
}

function resultJson(table: Table, result: CompactionResult, isDryRun: boolean): object {
  const { plan, clustering } = result
  return {
    table: table.name,
    strategy: plan.strategy,
    dry_run: isDryRun,
    snapshot_ids: result.snapshots.map(({ snapshotId }) => snapshotId),
    planned_groups: plan.groups.length,
    planned_data_files: plan.inputFiles,
    planned_bytes: plan.inputBytes,
    candidate_data_files: plan.candidateFiles,
    rewritten_groups: result.rewrittenGroups,
    rewritten_data_files: result.rewrittenDataFiles,
    rewritten_bytes: result.rewrittenBytes,
    added_data_files: result.addedDataFiles,
    added_bytes: result.addedBytes,
    rows: result.rows,
    dropped_rows: result.droppedRows,
    removed_delete_files: result.removedDeleteFiles,
    carried_delete_files: result.carriedDeleteFiles,
    failed_groups: result.failedGroups.map(({ group, error }) => ({ partition: group.partitionPath, error: reasonText(error) })),
    clustering: clustering === undefined ? null : {
      columns: clustering.columns,
      depth_before: clustering.depthBefore.average,
      depth_after: clustering.depthAfter.average,
      read_share_before: clustering.skippingBefore.byteShare,
      read_share_after: clustering.skippingAfter.byteShare,
    },
    elapsed_ms: Math.round(result.elapsedMs),
    metadata_location: table.metadataLocation,
  }
}

const MAX_GROUPS_SHOWN = 20

function resultText(table: Table, result: CompactionResult, isDryRun: boolean): string {
  const { plan } = result
  if (plan.groups.length === 0) return `Nothing to compact in ${table.name}: ${countOf(plan.candidateFiles, 'file')} looked at\n`
  if (isDryRun) return planText(table, plan)
  const seconds = Math.max(result.elapsedMs, 1) / 1000
  const rate = `${bytesText(result.rewrittenBytes / seconds)}/s`
  const lines = [
    `Compacted ${table.name} by ${plan.strategy}: ${countOf(result.rewrittenDataFiles, 'file')} of ${bytesText(result.rewrittenBytes)} into ` +
      `${result.addedDataFiles} of ${bytesText(result.addedBytes)}, ${countOf(result.rows, 'row')}, in ${seconds.toFixed(1)} s (${rate})`,
  ]
  if (result.droppedRows > 0 || result.removedDeleteFiles > 0) {
    lines.push(`Deletes applied: ${countOf(result.droppedRows, 'row')} dropped, ${countOf(result.removedDeleteFiles, 'delete file')} removed`)
  }
  if (result.carriedDeleteFiles > 0) lines.push(`Rows deleted meanwhile stay deleted: ${countOf(result.carriedDeleteFiles, 'delete file')} carried over`)
  if (result.clustering !== undefined) lines.push(clusteringText(result.clustering))
  if (result.skippedGroups > 0) lines.push(`${countOf(result.skippedGroups, 'group')} of the plan left out: files of them are gone`)
  for (const { group, error } of result.failedGroups) {
    lines.push(`Not compacted: ${groupText(group)}: ${visibleText(reasonText(error))}`)
  }
  lines.push(`${result.snapshots.length === 1 ? 'Snapshot' : 'Snapshots'} ${result.snapshots.map(({ snapshotId }) => String(snapshotId)).join(', ')}`)
  return `${lines.join('\n')}\n`
}

function clusteringText({ columns, depthBefore, depthAfter, skippingBefore, skippingAfter }: NonNullable<CompactionResult['clustering']>): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const filters = skippingAfter.filters.length
  return (
    `Clustered by ${columns.map(visibleText).join(', ')}: overlap depth ${depthBefore.average.toFixed(1)} → ${depthAfter.average.toFixed(1)}; ` +
    `${countOf(filters, 'filter')} read ${percent(skippingBefore.byteShare)} → ${percent(skippingAfter.byteShare)} of the bytes`
  )
}

function planText(table: Table, plan: CompactionPlan): string {
  const shown = plan.groups.slice(0, MAX_GROUPS_SHOWN)
  const lines = [
    `Would compact ${countOf(plan.inputFiles, 'file')} of ${bytesText(plan.inputBytes)} in ${countOf(plan.groups.length, 'group')} of ${table.name} ` +
      `by ${plan.strategy}; ${countOf(plan.candidateFiles - plan.inputFiles, 'file')} stay as they are`,
    ...shown.map((group) => {
      const deletes = group.deleteFiles === 0 ? '' : `, ${countOf(group.deleteFiles, 'delete file')} applied`
      return `  ${groupText({ ...group, inputFiles: group.tasks.length })} → ${countOf(group.expectedOutputFiles, 'file')}${deletes}`
    }),
  ]
  if (plan.groups.length > shown.length) lines.push(`  … and ${countOf(plan.groups.length - shown.length, 'group')} more`)
  return `${lines.join('\n')}\n`
}

function reasonText(error: unknown): string {
  return error instanceof Error ? error.message : 'other commits took files from it every time'
}

function groupText({ partitionPath, inputBytes, inputFiles }: CompactionResult['failedGroups'][number]['group']): string {
  return `${partitionPath === '' ? '' : `${visibleText(partitionPath)}: `}${countOf(inputFiles, 'file')} of ${bytesText(inputBytes)}`
}
