import type { DmlContext } from '../dml/dml-context.js'
import { branchHead } from '../snapshot/snapshot-ref.js'
import type { CompactionOptions } from './compaction-options.js'
import { frozenPlan, type CompactionGroup, type CompactionPlan } from './compaction-plan.js'
import { planBranch } from './live-files.js'
import { expectedOutputFiles } from './output-sizes.js'
import { checkUnchanged } from './rewrite-group.js'

/**
 * Groups that lost files to other commits, as they are on the current snapshot, with the deletes that their files have by now. A group
 * of which one file is left that needs no rewriting is dropped.
 *
 * `context.loaded`: the newest version. @throws FloeError `CONFLICT` when the table lost what the plan writes
 */
export async function replanGroups(
  context: DmlContext,
  plan: CompactionPlan,
  lost: readonly CompactionGroup[],
  options: Pick<CompactionOptions, 'rewriteAll' | 'signal'>,
): Promise<CompactionPlan> {
  const { metadata } = context.loaded
  checkUnchanged(plan, metadata)
  const groupOf = new Map(lost.flatMap((group) => group.tasks.map((task) => [task.filePath, group.id] as const)))
  const tasks = new Map<number, CompactionGroup['tasks'][number][]>()
  for (const file of (await planBranch(context.loaded, plan.branch, options.signal)).files()) {
    const id = groupOf.get(file.filePath)
    if (id === undefined) continue
    const task = { ...file.task(), residual: 'true' }
    const known = tasks.get(id)
    if (known === undefined) tasks.set(id, [task])
    else known.push(task)
  }
  const left = lost.flatMap((group) => {
    const files = tasks.get(group.id) ?? []
    const isWorthIt = files.length > 1 || options.rewriteAll === true || files.some((task) => task.deletes.length > 0)
    return isWorthIt && files.length > 0 ? [withTasks(group, files, plan)] : []
  })
  const sum = (of: (group: CompactionGroup) => number): number => left.reduce((total, group) => total + of(group), 0)
  const head = branchHead(metadata, plan.branch)
  return frozenPlan({
    ...plan,
    snapshotId: head?.snapshotId.toString(),
    sequenceNumber: String(head?.sequenceNumber ?? 0n),
    groups: left,
    inputFiles: sum((group) => group.tasks.length),
    inputBytes: sum((group) => group.inputBytes),
    inputRows: sum((group) => group.inputRows),
  })
}

function withTasks(group: CompactionGroup, tasks: CompactionGroup['tasks'], plan: CompactionPlan): CompactionGroup {
  const inputBytes = tasks.reduce((bytes, task) => bytes + task.fileSizeBytes, 0)
  return {
    ...group,
    inputBytes,
    inputRows: tasks.reduce((rows, task) => rows + task.recordCount, 0),
    deleteFiles: new Set(tasks.flatMap((task) => task.deletes.map(({ filePath, contentOffset }) => `${filePath}\0${contentOffset ?? ''}`))).size,
    expectedOutputFiles: expectedOutputFiles(inputBytes, plan),
    tasks,
  }
}
