import { checkPublication } from '../commit/ref-updates.js'
import type { Expression } from '../expression/expression.js'
import { bindFilter } from '../scan/plan-scan.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { namingTable } from '../table/named-errors.js'
import type { Table } from '../table/table.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { countOf, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { UsageError } from './usage-error.js'
import { parseFilter } from './where-option.js'

/** What a branch must hold to be published. */
interface Checks {
  readonly noneWhere: readonly { readonly text: string; readonly filter: Expression }[]
  readonly minRows: number | undefined
}

interface Destination {
  readonly to: string
  readonly quarantine: string | undefined
}

/** The rows of the branch are not what they should be, other than that they could not be looked at. */
class FailedCheck extends Error {
  override readonly name = 'FailedCheck'
}

/** `floe publish`: checks a branch, and fast-forwards another to what was checked. */
export async function publishVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    branch: { type: 'string' },
    to: { type: 'string' },
    'none-where': { type: 'string', multiple: true },
    'min-rows': { type: 'string' },
    quarantine: { type: 'string' },
  })
  options.refuseSecondTable()
  const branch = options.text('branch')
  if (branch === undefined) throw new UsageError('Say which branch to publish: --branch NAME')
  const checks = {
    noneWhere: options.texts('none-where').map((text) => ({ text, filter: parseFilter(text, 'none-where') })),
    minRows: options.count('min-rows'),
  }
  const destination = { to: options.text('to') ?? MAIN_BRANCH, quarantine: options.text('quarantine') }
  await withTable(options, 'change', async (table) => {
    bindFilters(table, checks)
    namingTable(table.identifier, () => { checkPublication(table.metadata, branch, destination.to, destination.quarantine) })
    const snapshot = await publish(table.branch(branch), checks, destination, environment.signal)
    await print(table, { branch, to: destination.to, snapshot }, options, environment)
  })
}

/** A mistake in a filter must not look as if the branch had failed. */
function bindFilters({ schema }: Table, { noneWhere }: Checks): void {
  for (const { text, filter } of noneWhere) {
    try {
      bindFilter({ filter, schema, caseSensitive: true })
    } catch (error) {
      throw error instanceof FloeError ? new UsageError(`--none-where ${JSON.stringify(text)}: ${error.message}`) : error
    }
  }
}

async function publish(table: Table, checks: Checks, { to, quarantine }: Destination, signal: AbortSignal): Promise<Snapshot> {
  const result = await table.publish((branch) => check(branch, checks, signal), { to, signal })
  if (result.published) return result.snapshot
  // A store that does not answer, or an interrupt, says nothing of the branch: it keeps its name, to be checked again.
  if (!(result.reason instanceof FailedCheck)) throw result.reason
  if (quarantine !== undefined) await table.renameBranch(result.branch, quarantine, { signal })
  const kept = visibleText(quarantine ?? result.branch)
  throw new FloeError('INVALID', `Not published, ${kept} is kept: ${result.reason.message}`, { cause: result.reason })
}

async function check(branch: Table, { noneWhere, minRows }: Checks, signal: AbortSignal): Promise<void> {
  const scan = branch.scan().withSignal(signal)
  for (const { text, filter } of noneWhere) {
    const rows = await scan.filter(filter).count()
    if (rows > 0) throw new FailedCheck(`${countOf(rows, 'row')} where ${text}`)
  }
  const rows = minRows === undefined ? 0 : await scan.count()
  if (minRows !== undefined && rows < minRows) throw new FailedCheck(`${countOf(rows, 'row')}, fewer than ${minRows}`)
}

async function print(
  { name: table }: Table,
  { branch, to, snapshot: { snapshotId } }: { readonly branch: string; readonly to: string; readonly snapshot: Snapshot },
  options: CommandOptions,
  { stdout }: Environment,
): Promise<void> {
  if (options.flag('json')) await stdout.line(printJson(jsonOf({ table, branch, published_to: to, snapshot_id: snapshotId })))
  else await stdout.line(`${table}: ${visibleText(to)} is at snapshot ${snapshotId}, published from ${visibleText(branch)}`)
}
