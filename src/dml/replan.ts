import { isRewriteConflict } from '../commit/rewrite-conflict.js'
import { backoffMs, commitRetryPolicy } from '../commit/retry-policy.js'
import { isFloeError } from '../util/errors.js'
import type { DmlContext } from './dml-context.js'
import type { RowChangeOutcome } from './row-change.js'

/**
 * Plans a change on the current version of the table, and again on a newer one when another commit was in its way, as often
 * as the table's `commit.retry.*` properties let a commit be tried. Not on another schema: what was read fits the one it was read for.
 *
 * @throws FloeError `CONFLICT` of the last attempt
 */
export function replanning<T>(
  context: DmlContext,
  signal: AbortSignal | undefined,
  change: (context: DmlContext) => Promise<T>,
): Promise<T> {
  return replanningAfter((error) => isFloeError(error, 'CONFLICT'), { context, signal }, change)
}

/**
 * The same, but only when nothing was in the way but rewrites of files, such as compactions: they change no row, so the change is carried
 * over to the files that they left. Whatever else others did in between was found to go together with it before.
 */
export function followingRewrites(
  context: DmlContext,
  signal: AbortSignal | undefined,
  change: (context: DmlContext) => Promise<RowChangeOutcome>,
): Promise<RowChangeOutcome> {
  return replanningAfter(isRewriteConflict, { context, signal }, async (current) => {
    const outcome = await change(current)
    return outcome.table === undefined && current !== context ? { ...outcome, table: current.loaded } : outcome
  })
}

interface Start {
  readonly context: DmlContext
  readonly signal: AbortSignal | undefined
}

async function replanningAfter<T>(
  isInWay: (error: unknown) => boolean,
  { context, signal }: Start,
  change: (context: DmlContext) => Promise<T>,
): Promise<T> {
  const { backend, runtime } = context
  const policy = commitRetryPolicy(context.loaded.metadata.properties)
  const startMs = runtime.now()
  let current = context
  for (let attempt = 1; ; attempt++) {
    try {
      return await change(current)
    } catch (error) {
      const waitMs = backoffMs(policy, attempt, runtime.random())
      const isLast = attempt >= policy.maxAttempts || runtime.now() + waitMs - startMs > policy.totalMs
      if (isLast || !isInWay(error) || signal?.aborted === true) throw error
      await runtime.sleep(waitMs, signal).catch(() => undefined)
      const loaded = await backend.loadTable(context.loaded.identifier)
      if (!isSameShape(context, loaded.metadata)) throw error
      current = { ...context, loaded }
    }
  }
}

type Shape = Pick<DmlContext['loaded']['metadata'], 'tableUuid' | 'currentSchemaId' | 'formatVersion' | 'partitionSpecs'>

function isSameShape(context: DmlContext, now: Shape): boolean {
  const before: Shape = context.loaded.metadata
  return (
    now.tableUuid === before.tableUuid &&
    now.currentSchemaId === before.currentSchemaId &&
    now.formatVersion === before.formatVersion &&
    now.partitionSpecs.length === before.partitionSpecs.length
  )
}
