import { printMetadataUpdate, printUpdateRequirement } from '../../metadata/metadata-update-json.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import type { JsonMembers } from '../../util/json.js'
import type { CommitOutcome, CommitRequest, LoadedTable, TransactionOutcome } from '../catalog-backend.js'
import { isReplaced, tableReplaced } from '../table-commit.js'
import { NotSentError, statusOf } from './rest-error.js'
import type { RestResponse } from './rest-http.js'

type FailedOutcome = Exclude<CommitOutcome, { readonly outcome: 'committed' }>

export interface RestCommitPort {
  /** Sends the body, once or with a key that makes repetitions harmless. */
  readonly send: (body: JsonMembers) => Promise<RestResponse>
  readonly accept: (response: RestResponse) => LoadedTable
  /** The table as it is now. */
  readonly load: () => Promise<LoadedTable>
}

/**
 * Sends a commit, and says which of the three outcomes it had. Only answers below 500, and requests that never left, prove
 * that nothing happened; the caller's signal is not passed on, for an aborted request may have arrived.
 * Source: `ErrorHandlers.CommitErrorHandler`
 */
export async function commitToRest(request: CommitRequest, port: RestCommitPort): Promise<CommitOutcome> {
  if (request.signal?.aborted === true) {
    return { outcome: 'rejected', reason: new FloeError('ABORTED', 'Aborted before the commit was sent', { cause: request.signal.reason }), retryable: false }
  }
  let response: RestResponse
  try {
    response = await port.send(commitBody(request))
  } catch (error) {
    const outcome = asConflict(failedOutcome(error), request)
    const isFinal = outcome.outcome === 'rejected' && outcome.retryable && statusOf(error) === 409 && (await isGone(request, port))
    return isFinal ? { ...outcome, reason: tableReplaced(), retryable: false } : outcome
  }
  try {
    return { outcome: 'committed', table: port.accept(response) }
  } catch (cause) {
    // It was committed, yet what the table is now cannot be read: the caller has to look.
    return { outcome: 'unknown', reason: cause instanceof Error ? cause : new Error(String(cause)) }
  }
}

/**
 * Sends the commits of several tables as one. The answer tells nothing of the tables.
 * Source: `CommitTransactionRequestParser`
 */
export async function commitTransaction(
  requests: readonly CommitRequest[],
  send: (body: JsonMembers) => Promise<unknown>,
): Promise<TransactionOutcome> {
  const changes = requests.map((request) => ({
    identifier: { namespace: request.identifier.namespace, name: request.identifier.name },
    ...commitBody(request),
  }))
  try {
    await send({ 'table-changes': changes })
    return { outcome: 'committed' }
  } catch (error) {
    return failedOutcome(error)
  }
}

/** Of a table that is there, 409 means a conflict, whatever the server calls it: `ConflictException` in AWS. */
function asConflict(outcome: FailedOutcome, { requirements }: CommitRequest): FailedOutcome {
  const { reason } = outcome
  if (!isFloeError(reason, 'ALREADY_EXISTS') || requirements.some(({ type }) => type === 'assert-create')) return outcome
  return { ...outcome, reason: new FloeError('CONFLICT', reason.message, { cause: reason.cause }) }
}

/** Whether another table has taken the name: a conflict that no retry resolves. */
async function isGone(request: CommitRequest, port: RestCommitPort): Promise<boolean> {
  try {
    return isReplaced(request, (await port.load()).metadata)
  } catch {
    return false
  }
}

/** The body of a commit. Source: `UpdateTableRequestParser` */
export function commitBody({ requirements, updates }: Pick<CommitRequest, 'requirements' | 'updates'>): JsonMembers {
  return { requirements: requirements.map(printUpdateRequirement), updates: updates.map(printMetadataUpdate) }
}

/** Which outcome a failed request stands for. */
export function failedOutcome(error: unknown): FailedOutcome {
  const reason = error instanceof Error ? error : new Error(String(error))
  if (error instanceof NotSentError) return { outcome: 'rejected', reason, retryable: error.retryable }
  const status = statusOf(error)
  if (status === undefined || status >= 500 || status === 408) return { outcome: 'unknown', reason }
  // 409: a requirement did not hold; 429: not looked at.
  return { outcome: 'rejected', reason, retryable: status === 409 || status === 429 }
}

/** The error of a failed change that is no commit: its own where it proves that nothing happened. */
export function undecided(error: unknown, subject: string): Error {
  const { outcome, reason } = failedOutcome(error)
  if (outcome === 'rejected') return reason
  const message = `Whether the change of the ${subject} came about is not known; look at it before trying again: ${reason.message}`
  return new FloeError('COMMIT_STATE_UNKNOWN', message, { cause: reason })
}
