import type { MaintenanceOutcome, MaintenancePolicy, MaintenanceResult, MaintenanceTask } from '../maintenance/table-upkeep.js'
import { MAINTENANCE_TASKS, POLICY_MEMBERS } from '../maintenance/maintain/maintenance-policy.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { CommandOptions } from './command-options.js'
import { visibleText } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { withTable } from './open-target.js'
import { UsageError } from './usage-error.js'

/** `floe maintain`: decides what a table needs, and does it. */
export async function maintainVerb(args: readonly string[], { stdout, signal }: Environment): Promise<void> {
  const options = new CommandOptions(args, {
    only: { type: 'string', multiple: true },
    skip: { type: 'string', multiple: true },
    'statistics-columns': { type: 'string', multiple: true },
    branch: { type: 'string' },
    'dry-run': { type: 'boolean' },
  })
  options.refuseSecondTable()
  const policy = policyOf(options)
  await withTable(options, 'change', async (table) => {
    const result = await table.maintain({ policy, branch: options.text('branch'), dryRun: options.flag('dry-run'), signal })
    if (options.flag('json')) await stdout.line(printJson(jsonOf(resultJson(table.name, result))))
    else for (const step of result.steps) await stdout.line(stepText(step))
    const failed = result.steps.find((step) => step.status === 'failed')
    if (failed !== undefined) throw failure(failed, result)
  })
}

function policyOf(options: CommandOptions): MaintenancePolicy {
  const tasks = (name: string): ReadonlySet<MaintenanceTask> => new Set(listOf(options, name).map(checkedTask))
  const [only, skip] = [tasks('only'), tasks('skip')]
  const isLeftOut = (task: MaintenanceTask): boolean => skip.has(task) || (only.size > 0 && !only.has(task))
  const leftOut = MAINTENANCE_TASKS.filter(isLeftOut).map((task) => [POLICY_MEMBERS[task], false] as const)
  const columns = listOf(options, 'statistics-columns')
  // Who names a task wants it, also where the table never had statistics.
  const named = (['statistics', 'partition-statistics'] as const).filter((task) => only.has(task))
  const asked = named.map((task) => [POLICY_MEMBERS[task], {}] as const)
  return {
    ...Object.fromEntries([...asked, ...leftOut]),
    ...(columns.length === 0 ? {} : { statistics: { columns } }),
  } as MaintenancePolicy
}

function listOf(options: CommandOptions, name: string): readonly string[] {
  return options.texts(name).flatMap((text) => text.split(',')).map((text) => text.trim()).filter((text) => text !== '')
}

function checkedTask(name: string): MaintenanceTask {
  const task = MAINTENANCE_TASKS.find((candidate) => candidate === name)
  if (task === undefined) throw new UsageError(`There is no task ${JSON.stringify(name)}; there are ${MAINTENANCE_TASKS.join(', ')}`)
  return task
}

const MARKS = { done: 'done', 'not-needed': 'no need', planned: 'would do', overtaken: 'left to others', failed: 'FAILED' } as const

function stepText({ task, status, why, summary, error, elapsedMs }: MaintenanceOutcome): string {
  const seconds = status === 'done' ? ` (${(elapsedMs / 1000).toFixed(1)} s)` : ''
  const what = error === undefined ? summary : `${error.code}: ${error.message}`
  return `${task.padEnd(20)}  ${MARKS[status].padEnd(14)}  ${visibleText(why)}${what === '' ? '' : `: ${visibleText(what)}`}${seconds}`
}

function resultJson(table: string, { steps, hasFailed, dryRun }: MaintenanceResult): object {
  const printed = steps.map(({ task, status, needed, why, numbers, summary, error, elapsedMs }) => {
    const problem = error === undefined ? null : { code: error.code, message: error.message, retryable: error.retryable }
    return { task, status, needed, why, numbers, summary, error: problem, elapsed_ms: elapsedMs }
  })
  return { table, dry_run: dryRun, failed: hasFailed, steps: printed }
}

function failure({ task, error }: MaintenanceOutcome, { steps }: MaintenanceResult): FloeError {
  const count = steps.filter((step) => step.status === 'failed').length
  const others = count === 1 ? '' : `, and ${count - 1} more`
  return new FloeError(error?.code ?? 'UNAVAILABLE', `${task} failed${others}: ${error?.message ?? 'for no reason given'}`, { cause: error })
}
