import type { ExpireSnapshotsResult } from '../maintenance/expire/expire-snapshots.js'
import { systemRuntime } from '../util/runtime.js'
import { printJson } from '../util/json.js'
import { ageOption } from './age-option.js'
import { CommandOptions } from './command-options.js'
import { bytesText, countOf, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { snapshotId } from './scan-options.js'

const CLEANING = ['all', 'metadata', 'none'] as const

/** `floe expire`: removes old snapshots, and the files that only they need. */
export async function expireVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    'older-than': { type: 'string' },
    'retain-last': { type: 'string' },
    snapshot: { type: 'string', multiple: true },
    'clean-files': { type: 'string' },
    'clean-metadata': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  })
  options.refuseSecondTable()
  const age = ageOption(options, 'older-than')
  const olderThan = age === undefined || 'time' in age ? age?.time : systemRuntime.now() - age.ageMs
  const snapshotIds = options.texts('snapshot').map(snapshotId)
  const asked = {
    olderThan,
    retainLast: options.count('retain-last', 1),
    ...(snapshotIds.length === 0 ? {} : { snapshotIds }),
    cleanExpiredFiles: options.oneOf('clean-files', CLEANING),
    cleanExpiredMetadata: options.flag('clean-metadata'),
    dryRun: options.flag('dry-run'),
    signal: environment.signal,
  }
  await withTable(options, 'change', async (table) => {
    const result = await table.expireSnapshots(asked)
    if (options.flag('json')) await environment.stdout.line(printJson(jsonOf(resultJson(table.name, result))))
    else await printResult(table.name, result, environment)
  })
}

function resultJson(table: string, result: ExpireSnapshotsResult): object {
  return {
    table,
    dry_run: result.dryRun,
    expired_snapshots: result.expiredSnapshots,
    removed_refs: result.removedRefs,
    removed_spec_ids: result.removedSpecIds,
    removed_schema_ids: result.removedSchemaIds,
    file_counts: result.fileCounts,
    deleted_bytes: result.deletedBytes,
    files: result.files.map(({ location, type }) => ({ location, type })),
    held_files: result.heldFiles,
    warnings: result.warnings.map(({ message }) => message),
  }
}

async function printResult(table: string, result: ExpireSnapshotsResult, { stdout, stderr }: Environment): Promise<void> {
  const [expired, deleted] = result.dryRun ? ['would expire', 'would be deleted'] : ['expired', 'deleted']
  await stdout.line(`${table}: ${countOf(result.expiredSnapshots.length, 'snapshot')} ${expired}`)
  if (result.removedRefs.length > 0) await stdout.line(`branches and tags past their age: ${result.removedRefs.map(visibleText).join(', ')}`)
  const counts = Object.entries(result.fileCounts).map(([type, count]) => `${count} ${type}`)
  const kinds = counts.length === 0 ? '' : `: ${counts.join(', ')}`
  await stdout.line(`${countOf(result.files.length, 'file')} ${deleted}, ${bytesText(result.deletedBytes)}${kinds}`)
  const [held] = result.heldFiles
  if (held !== undefined) await stdout.line(`${countOf(result.heldFiles.length, 'file')} still held, the first: ${visibleText(held.message)}`)
  for (const { message } of result.warnings) await stderr.line(`floe: warning: ${visibleText(message)}`)
}
