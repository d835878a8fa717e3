/** Verbs that move a branch: `floe rollback`, `floe cherry-pick`, `floe publish`. */
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { Table } from '../table/table.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { countOf, visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { snapshotId, timeOf } from './scan-options.js'
import { UsageError } from './usage-error.js'

const BRANCH = { branch: { type: 'string' } } as const

/** Moves a branch back. */
export async function rollbackVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, { ...BRANCH, snapshot: { type: 'string' }, 'as-of': { type: 'string' }, any: { type: 'boolean' } })
  const [snapshot, asOf] = [options.text('snapshot'), options.text('as-of')]
  if ((snapshot === undefined) === (asOf === undefined)) throw new UsageError('Say where to: --snapshot ID, or --as-of TIME')
  if (options.flag('any') && snapshot === undefined) throw new UsageError('--any goes with --snapshot')
  await withBranch(options, environment, async (table) => {
    const { signal } = environment
    if (snapshot === undefined) await table.rollback({ time: timeOf(asOf!, 'as-of') }, { signal })
    else if (options.flag('any')) await table.setCurrentSnapshot(snapshotId(snapshot), { signal })
    else await table.rollback({ snapshotId: snapshotId(snapshot) }, { signal })
    return table.currentSnapshot
  })
}

/** Brings a snapshot into a branch. */
export async function cherryPickVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, { ...BRANCH, snapshot: { type: 'string' }, 'wap-id': { type: 'string' } })
  const [snapshot, wapId] = [options.text('snapshot'), options.text('wap-id')]
  if ((snapshot === undefined) === (wapId === undefined)) throw new UsageError('Say what to pick: --snapshot ID, or --wap-id NAME')
  const source = wapId === undefined ? { snapshotId: snapshotId(snapshot!) } : { wapId }
  await withBranch(options, environment, (table) => table.cherryPick(source, { signal: environment.signal }))
}

/** Checks a branch, and fast-forwards another to it. */
export async function publishVerb(args: readonly string[], environment: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    ...BRANCH,
    to: { type: 'string' },
    'none-where': { type: 'string', multiple: true },
    'min-rows': { type: 'string' },
    quarantine: { type: 'string' },
  })
  if (options.text('branch') === undefined) throw new UsageError('Say which branch to publish: --branch NAME')
  const to = options.text('to') ?? MAIN_BRANCH
  const publishOptions = { to, quarantine: options.text('quarantine'), signal: environment.signal }
  const publish = async (table: Table): Promise<Snapshot> => {
    const result = await table.publish((branch) => check(branch, options), publishOptions)
    if (result.published) return result.snapshot
    const reason = result.reason instanceof Error ? result.reason.message : String(result.reason)
    throw new FloeError('INVALID', `Not published, ${result.branch} is kept: ${reason}`, { cause: result.reason })
  }
  await withBranch(options, environment, publish, to)
}

async function check(branch: Table, options: CommandOptions): Promise<void> {
  for (const filter of options.texts('none-where')) {
    const rows = await branch.scan().filter(filter).count()
    if (rows > 0) throw new FloeError('INVALID', `${countOf(rows, 'row')} where ${filter}`)
  }
  const least = options.count('min-rows')
  const rows = least === undefined ? 0 : await branch.scan().count()
  if (least !== undefined && rows < least) throw new FloeError('INVALID', `${countOf(rows, 'row')}, fewer than ${least}`)
}

async function withBranch(
  options: CommandOptions,
  { stdout }: Environment,
  run: (table: Table) => Promise<Snapshot | undefined>,
  publishedTo?: string,
): Promise<void> {
  options.refuseSecondTable()
  await withTable(options, 'change', async (whole) => {
    const branch = options.text('branch')
    const table = branch === undefined ? whole : whole.branch(branch)
    const snapshot = await run(table)
    const name = branch ?? MAIN_BRANCH
    const [moved, published] = publishedTo === undefined ? [name, ''] : [publishedTo, `, published from ${visibleText(name)}`]
    const target = publishedTo === undefined ? {} : { published_to: publishedTo }
    const result = { table: table.name, branch: name, ...target, snapshot_id: snapshot?.snapshotId ?? null }
    if (options.flag('json')) await stdout.line(printJson(jsonOf(result)))
    else await stdout.line(`${table.name}: ${visibleText(moved)} is at snapshot ${snapshot?.snapshotId ?? 'none'}${published}`)
  })
}
