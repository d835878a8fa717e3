/** Verbs that move a branch to a snapshot: `floe rollback`, `floe cherry-pick`. */
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { Table } from '../table/table.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { visibleText } from './display-text.js'
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

async function withBranch(
  options: CommandOptions,
  { stdout }: Environment,
  run: (table: Table) => Promise<Snapshot | undefined>,
): Promise<void> {
  options.refuseSecondTable()
  await withTable(options, 'change', async (whole) => {
    const branch = options.text('branch')
    const snapshot = await run(branch === undefined ? whole : whole.branch(branch))
    const name = branch ?? MAIN_BRANCH
    const result = { table: whole.name, branch: name, snapshot_id: snapshot?.snapshotId ?? null }
    if (options.flag('json')) await stdout.line(printJson(jsonOf(result)))
    else await stdout.line(`${whole.name}: ${visibleText(name)} is at snapshot ${snapshot?.snapshotId ?? 'none'}`)
  })
}
