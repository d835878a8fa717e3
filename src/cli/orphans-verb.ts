import type { OrphanPlan } from '../maintenance/orphans/orphan-plan.js'
import type { RemoveOrphansResult } from '../maintenance/orphans/remove-orphan-files.js'
import { printJson } from '../util/json.js'
import { ageOption } from './age-option.js'
import { CommandOptions } from './command-options.js'
import { bytesText, countOf, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { UsageError } from './usage-error.js'

const MISMATCH = ['error', 'ignore', 'delete'] as const

/** `floe orphans`: removes files that nothing in the table reaches. */
export async function orphansVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    'older-than': { type: 'string' },
    'allow-recent': { type: 'boolean' },
    trash: { type: 'string' },
    'prefix-mismatch': { type: 'string' },
    'equal-schemes': { type: 'string', multiple: true },
    'equal-authorities': { type: 'string', multiple: true },
    'gone-table': { type: 'string', multiple: true },
    'dry-run': { type: 'boolean' },
  })
  options.refuseSecondTable()
  const age = ageOption(options, 'older-than')
  const asked = {
    ...(age === undefined ? {} : 'time' in age ? { olderThan: age.time } : { minAgeMs: age.ageMs }),
    allowRecentFiles: options.flag('allow-recent'),
    prefixMismatchMode: options.oneOf('prefix-mismatch', MISMATCH),
    equalSchemes: pairs(options, 'equal-schemes'),
    equalAuthorities: pairs(options, 'equal-authorities'),
    goneTables: options.texts('gone-table'),
    trash: options.text('trash'),
    dryRun: options.flag('dry-run'),
    signal: environment.signal,
  }
  await withTable(options, 'change', async (table) => {
    const result = await table.removeOrphanFiles(asked)
    if (options.flag('json')) await environment.stdout.line(printJson(jsonOf(resultJson(result))))
    else await printResult(table.name, result, environment)
  })
}

/** Options such as `s3a,s3n=s3`. */
function pairs(options: CommandOptions, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    options.texts(name).map((text) => {
      const [aliases = '', value = ''] = text.split('=')
      if (aliases === '' || value === '') throw new UsageError(`--${name} takes alias,alias=name, not ${JSON.stringify(text)}`)
      return [aliases, value]
    }),
  )
}

function resultJson({ plan, removed, removedBytes, skipped, heldFiles, trash, dryRun }: RemoveOrphansResult): object {
  const locations = removed.map(({ location }) => location)
  return { dry_run: dryRun, plan, removed: locations, removed_bytes: removedBytes, skipped, held_files: heldFiles, trash: trash ?? null }
}

async function printResult(table: string, result: RemoveOrphansResult, { stdout }: Environment): Promise<void> {
  const { plan, removed, removedBytes, skipped, heldFiles, trash, dryRun } = result
  const [files, bytes] = dryRun ? [plan.orphans, plan.totalBytes] : [removed, removedBytes]
  const done = trash === undefined ? 'deleted' : `moved to ${visibleText(trash)}`
  for (const { location } of files) await stdout.line(visibleText(location))
  await stdout.line(`${table}: ${countOf(files.length, 'orphan file')}${dryRun ? '' : ` ${done}`}, ${bytesText(bytes)}${sparedText(plan)}`)
  if (skipped.length > 0) await stdout.line(`${countOf(skipped.length, 'file')} left alone, as they were changed, needed or gone by then`)
  if (heldFiles.length > 0) await stdout.line(`${countOf(heldFiles.length, 'file')} still held, the first: ${visibleText(heldFiles[0]!.message)}`)
}

function sparedText({ spared, otherTables, notListed }: OrphanPlan): string {
  const parts = [
    spared.recent > 0 ? `${spared.recent} too young` : '',
    spared.mismatched > 0 ? `${spared.mismatched} that may be the table's by another spelling` : '',
    otherTables.length > 0 ? `other tables in ${otherTables.map(visibleText).join(', ')}` : '',
    notListed.length > 0 ? `not looked at: ${notListed.map(visibleText).join(', ')}` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`
}
