import type { FloeError } from '../util/errors.js'

const conflicts = new WeakSet<FloeError>()

/** Notes that a conflict is with rewrites of files alone, which leave every row as it is: on the rewritten files the change still fits. */
export function rewriteConflict(conflict: FloeError): FloeError {
  conflicts.add(conflict)
  return conflict
}

/** Whether an error is such a conflict. */
export function isRewriteConflict(error: unknown): boolean {
  return conflicts.has(error as FloeError)
}
