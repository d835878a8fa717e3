import type { PurgeReport } from '../maintenance/purge/purge-report.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { countOf, visibleText } from './display-text.js'
import { durationOption } from './duration-option.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { OutputFile } from './output-file.js'
import { UsageError } from './usage-error.js'
import { whereOption } from './where-option.js'

/** `floe purge`: erases rows, and proves it. Exits with 1 when something still holds them. */
export async function purgeVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    where: { type: 'string' },
    branch: { type: 'string', multiple: true },
    'keep-tags': { type: 'boolean' },
    'scan-columns': { type: 'string' },
    'scan-value': { type: 'string', multiple: true },
    'leftover-min-age': { type: 'string' },
    'include-filter': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    report: { type: 'string' },
  })
  options.refuseSecondTable()
  const where = whereOption(options)
  if (where === undefined) throw new UsageError('Say which rows to erase: --where FILTER')
  const branches = options.texts('branch')
  const asked = {
    ...(branches.length === 0 ? {} : { branches }),
    tags: options.flag('keep-tags') ? ('keep' as const) : ('drop' as const),
    scanColumns: options.text('scan-columns')?.split(','),
    scanValues: options.texts('scan-value'),
    leftoverMinAgeMs: durationOption(options, 'leftover-min-age'),
    includeFilter: options.flag('include-filter'),
    dryRun: options.flag('dry-run'),
    signal: environment.signal,
  }
  const place = options.text('report')
  await withTable(options, 'change', async (table) => {
    const reportFile = place === undefined ? undefined : await OutputFile.at(place)
    const report = await table.purge(where, asked)
    await reportFile?.fill((file) => file.output().line(JSON.stringify(report, undefined, 2)))
    if (options.flag('json')) await environment.stdout.line(printJson(jsonOf(report)))
    else await printReport(report, environment)
    if (!report.isErased && !report.dryRun) {
      throw new FloeError('UNAVAILABLE', `${table.name}: it is not proven that the rows are gone: see what the report holds, and purge again`)
    }
  })
}

async function printReport(report: PurgeReport, { stdout }: Environment): Promise<void> {
  const would = report.dryRun ? 'would be ' : ''
  for (const { branch, removedRows, rewrittenFiles } of report.branches) {
    await stdout.line(`${visibleText(branch)}: ${countOf(removedRows, 'row')} ${would}removed, ${countOf(rewrittenFiles, 'file')} ${would}rewritten`)
  }
  for (const tag of report.droppedTags) await stdout.line(`tag ${visibleText(tag)} ${would}dropped`)
  await stdout.line(`${countOf(report.expiredSnapshots.length, 'snapshot')} ${would}expired, ${countOf(report.deletedObjects.length, 'object')} ${would}deleted`)
  if (report.deletedVersions.length > 0) await stdout.line(`${countOf(report.deletedVersions.length, 'earlier version')} deleted`)
  for (const { kind, name, reason, seenIn, until } of report.held) {
    const seen = seenIn === undefined ? '' : `, in ${seenIn}`
    await stdout.line(`held: ${kind} ${visibleText(name)}${seen}: ${visibleText(reason)}${until === undefined ? '' : ` (until ${until})`}`)
  }
  if (report.objectVersions === 'forbidden') await stdout.line('The store does not let versions be listed: what it keeps of deleted objects is not known')
  const { scan } = report
  if (scan !== undefined) await stdout.line(`searched: ${countOf(scan.objects, 'object')}, ${countOf(scan.versions, 'version')}, ${countOf(scan.rows, 'row')}`)
  if (report.isErased) await stdout.line('Nothing is left of them.')
  await stdout.line(`sha256 ${report.digest}`)
}
