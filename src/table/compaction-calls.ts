import type { LoadedTable } from '../catalog/catalog-backend.js'
import { commitCompaction, type CommittedGroups } from '../compaction/commit-groups.js'
import { compact, type CompactionResult } from '../compaction/compact.js'
import type { CommitCompactionOptions, CompactionOptions, PlanCompactionOptions, RewriteGroupOptions } from '../compaction/compaction-options.js'
import { parseCompactionPlan, type CompactionPlan } from '../compaction/compaction-plan.js'
import { planCompaction } from '../compaction/plan-compaction.js'
import { rewriteGroup, type GroupResult } from '../compaction/rewrite-group.js'
import type { DmlContext } from '../dml/dml-context.js'
import { checkArgument, checkOptional, checkOptions } from './checked-arguments.js'
import { FloeError } from '../util/errors.js'
import { filterOf, type FilterInput } from './row-changes.js'

export type { CommittedGroups } from '../compaction/commit-groups.js'
export type { CompactionResult } from '../compaction/compact.js'
export type { CompactionProgress } from '../compaction/compaction-options.js'
export type { GroupResult } from '../compaction/rewrite-group.js'

/** Which files a compaction of a table rewrites, and how. */
export type PlanCallOptions = Omit<PlanCompactionOptions, 'filter'> & {
  /** Only files that may hold rows of it. Default: all. */
  readonly filter?: FilterInput | undefined
}

/** What `Table.compact` takes. */
export type CompactCallOptions = Omit<CompactionOptions, 'filter'> & {
  /** Only files that may hold rows of it. Default: all. */
  readonly filter?: FilterInput | undefined
  /** A plan from before, or one that was executed in part: it is what is done then, instead of planning anew. */
  readonly plan?: CompactionPlan | string | undefined
}

/** What a call came to, and the table with it; `undefined`: nothing was committed. */
interface Called<T> {
  readonly result: T
  readonly table: LoadedTable | undefined
}

/** Runs a compaction, with its arguments checked. */
export function compactIn(context: DmlContext, options: CompactCallOptions): Promise<Called<CompactionResult>> {
  const { plan, filter, ...rest } = checked(options)
  return compact(context, { ...rest, filter: filterIn(filter), plan: plan === undefined ? undefined : planOf(plan) })
}

/** Plans one. */
export async function planIn(context: DmlContext, options: PlanCallOptions): Promise<Called<CompactionPlan>> {
  const { filter, ...rest } = checked(options)
  return { result: await planCompaction(context, { ...rest, filter: filterIn(filter) }), table: undefined }
}

/** Rewrites one group of a plan. @throws FloeError `INVALID` when there is no such group */
export async function rewriteIn(
  context: DmlContext,
  groupId: number,
  plan: CompactionPlan | string,
  options: RewriteGroupOptions,
): Promise<Called<GroupResult>> {
  const known = planOf(plan)
  const group = known.groups.find((candidate) => candidate.id === groupId)
  if (group === undefined) throw new FloeError('INVALID', `The plan has no group ${String(groupId)}: its groups are ${known.groups.map(({ id }) => id).join(', ')}`)
  return { result: await rewriteGroup(group, known, context, checked(options)), table: undefined }
}

/** Commits rewritten groups. */
export function commitIn(
  context: DmlContext,
  plan: CompactionPlan | string,
  results: readonly GroupResult[],
  options: CommitCompactionOptions,
): Promise<Called<CommittedGroups>> {
  checkArgument(results, 'list', 'The results of a compaction')
  return commitCompaction(context, planOf(plan), results, checked(options))
}

function planOf(plan: CompactionPlan | string): CompactionPlan {
  if (typeof plan === 'string') return parseCompactionPlan(plan)
  checkArgument(plan, 'object', 'A compaction plan')
  checkArgument((plan as Partial<CompactionPlan>).groups, 'list', 'The groups of a compaction plan')
  return plan
}

function filterIn(filter: FilterInput | undefined): PlanCompactionOptions['filter'] {
  return filter === undefined ? undefined : filterOf(filter, 'A compaction')
}

function checked<T extends object>(options: T): T {
  checkOptions(options, 'The options of a compaction')
  const { onProgress, summary } = options as { readonly onProgress?: unknown; readonly summary?: unknown }
  checkOptional(onProgress, 'function', 'onProgress')
  checkOptional(summary, 'object', 'The summary of a compaction')
  return options
}
