import { findingKinds, type Finding } from '../maintenance/fsck/finding.js'
import type { FsckReport } from '../maintenance/fsck/fsck-report.js'
import type { RepairResult } from '../maintenance/repair/repair.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { bytesText, countOf, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { Progress } from './progress.js'
import { UsageError } from './usage-error.js'

const FSCK_OPTIONS = {
  data: { type: 'string' },
  'sample-rate': { type: 'string' },
  snapshots: { type: 'string' },
  repair: { type: 'boolean' },
  'drop-missing-files': { type: 'boolean' },
  'drop-missing-deletes': { type: 'boolean' },
  'drop-duplicates': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
} as const

/** `floe fsck`: checks a table, and mends what it finds when asked to. Exits with 1 while there are errors. */
export async function fsckVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, FSCK_OPTIONS)
  options.refuseSecondTable()
  const asked = fsckOptions(options)
  const isRepair = options.flag('repair')
  const consents = ['drop-missing-files', 'drop-missing-deletes', 'drop-duplicates', 'dry-run']
  const stray = isRepair ? undefined : consents.find((name) => options.flag(name))
  if (stray !== undefined) throw new UsageError(`--${stray} goes with --repair`)
  const access = isRepair ? 'change' : 'read'
  const progress = new Progress(environment.stderr, undefined)
  const calls = { ...asked, signal: environment.signal, onProgress: ({ rows }: { readonly rows: number }) => progress.update(rows) }
  await withTable(options, access, async (table) => {
    const report = await table.fsck(calls).finally(() => progress.finish())
    const repaired = isRepair ? await table.repair({ ...calls, report, ...consent(options) }).finally(() => progress.finish()) : undefined
    const isMended = repaired !== undefined && !repaired.dryRun && repaired.plan.steps.length > 0
    const after = isMended ? await table.fsck(calls).finally(() => progress.finish()) : report
    if (options.flag('json')) await environment.stdout.line(printJson(jsonOf(repaired === undefined ? report : { report, repair: repaired, after })))
    else await printReport(report, repaired, after, environment)
    if (!after.isSound) {
      const hint = isRepair ? 'restore what is missing, or roll back' : 'see what --repair --dry-run would do'
      throw new FloeError('CORRUPT', `${table.name} has ${countOf(after.counts.error, 'error')}: ${hint}`)
    }
  })
}

function fsckOptions(options: CommandOptions): Parameters<import('../table/table.js').Table['fsck']>[0] {
  const rate = options.text('sample-rate')
  const sampleRate = rate === undefined ? undefined : Number(rate)
  if (sampleRate !== undefined && !(sampleRate > 0 && sampleRate <= 1)) throw new UsageError(`--sample-rate is above 0 and at most 1, not ${JSON.stringify(rate)}`)
  return {
    data: options.oneOf('data', ['none', 'sample', 'all'] as const) ?? (sampleRate === undefined ? 'none' : 'sample'),
    sampleRate,
    snapshots: options.oneOf('snapshots', ['current', 'refs', 'all'] as const),
  }
}

function consent(options: CommandOptions): object {
  return {
    dropMissingFiles: options.flag('drop-missing-files'),
    dropMissingDeletes: options.flag('drop-missing-deletes'),
    dropDuplicates: options.flag('drop-duplicates'),
    dryRun: options.flag('dry-run'),
  }
}

async function printReport(
  report: FsckReport,
  repaired: RepairResult | undefined,
  after: FsckReport,
  { stdout }: Environment,
): Promise<void> {
  const { snapshots, manifests, files, bytes, filesRead, rowsRead } = report.checked
  const read = filesRead === 0 ? '' : `, ${rowsRead} rows of ${countOf(filesRead, 'file')} read`
  const seen = [countOf(snapshots, 'snapshot'), countOf(manifests, 'manifest'), countOf(files, 'file'), bytesText(bytes)].join(', ')
  await stdout.line(`${report.table}: ${seen}${read}`)
  for (const finding of report.findings) await stdout.line(findingText(finding))
  const listed = report.findings.length
  const all = report.counts.error + report.counts.warning + report.counts.info
  if (listed < all) await stdout.line(`and ${all - listed} more`)
  if (repaired === undefined) {
    await stdout.line(all === 0 ? 'Nothing is wrong with it.' : countsText(report))
    return
  }
  const verb = repaired.dryRun ? 'would be mended' : 'were mended'
  await stdout.line(`${countOf(repaired.plan.steps.length, 'finding')} ${verb}`)
  for (const { branch, snapshotId, lostRows } of repaired.branches) {
    await stdout.line(`${visibleText(branch)}: snapshot ${snapshotId}${lostRows === 0 ? '' : `, ${lostRows} rows given up`}`)
  }
  for (const { finding, advice } of repaired.plan.unrepaired) await stdout.line(`stays: ${finding.code}: ${advice}`)
  if (!repaired.dryRun) await stdout.line(`Now ${countsText(after)}`)
}

function countsText({ counts }: FsckReport): string {
  return `${countOf(counts.error, 'error')}, ${countOf(counts.warning, 'warning')}`
}

function findingText({ severity, code, message, file, manifest, snapshotId, column }: Finding): string {
  const place = file ?? manifest ?? (snapshotId === undefined ? undefined : `snapshot ${snapshotId}`)
  const where = place === undefined ? '' : `  ${visibleText(place)}${column === undefined ? '' : `, column ${visibleText(column)}`}\n`
  return `${severity} ${code}: ${visibleText(message)}\n${where}  ${findingKinds[code].meaning}`
}
