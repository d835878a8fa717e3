import { isFloeError, type FloeError } from '../../util/errors.js'
import { failure, type ServiceResponse } from './service-request.js'

/** What a request was about decides what the same error is called. */
export type Subject = 'table' | 'namespace' | 'drop-namespace'

/** The answer for an error. Errors that are none of ours say nothing of what is inside. */
export function errorResponse(error: unknown, subject: Subject): ServiceResponse {
  if (!isFloeError(error)) return failure(500, 'InternalServerError', 'The server failed: see its log')
  const [status, type] = meaningOf(error, subject)
  return failure(status, type, error.message)
}

function meaningOf(error: FloeError, subject: Subject): readonly [status: number, type: string] {
  const isNamespace = subject !== 'table'
  switch (error.code) {
    case 'INVALID':
    case 'CORRUPT':
      return subject === 'drop-namespace' ? [409, 'NamespaceNotEmptyException'] : [400, 'BadRequestException']
    case 'NOT_FOUND':
      return [404, isNamespace || /namespace/.test(error.message) ? 'NoSuchNamespaceException' : 'NoSuchTableException']
    case 'ALREADY_EXISTS':
      return [409, 'AlreadyExistsException']
    case 'CONFLICT':
      return [409, 'CommitFailedException']
    case 'COMMIT_STATE_UNKNOWN':
      return [500, 'CommitStateUnknownException']
    case 'UNSUPPORTED':
      return [406, 'UnsupportedOperationException']
    case 'UNAUTHORIZED':
      return [403, 'ForbiddenException']
    case 'UNAVAILABLE':
    case 'ABORTED':
      return [503, 'ServiceUnavailableException']
  }
}
