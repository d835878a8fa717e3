import { isFloeError, type FloeError } from '../../util/errors.js'
import type { TableIdentifier } from '../catalog-backend.js'
import { failure, type ServiceResponse } from './service-request.js'

/** What a request is about decides what an error of it is called. */
export type Subject = { readonly namespace: readonly string[] } | { readonly table: TableIdentifier } | 'all'

/**
 * The answer for an error, in the reference's words where its clients look at them. Errors that are none of ours say nothing
 * of what is inside. Source: `RESTCatalogAdapter.EXCEPTION_ERROR_CODES`, `CatalogHandlers`
 */
export function errorResponse(error: unknown, subject: Subject): ServiceResponse {
  if (!isFloeError(error)) return failure(500, 'InternalServerError', 'The server failed: see its log')
  switch (error.code) {
    case 'INVALID':
    case 'CORRUPT':
      return failure(400, 'BadRequestException', error.message)
    case 'NOT_FOUND':
      return notFound(error, subject)
    case 'ALREADY_EXISTS':
      return failure(409, 'AlreadyExistsException', existsAlready(error, subject))
    case 'CONFLICT':
      return failure(409, 'CommitFailedException', error.message)
    case 'COMMIT_STATE_UNKNOWN':
      return failure(500, 'CommitStateUnknownException', error.message)
    case 'UNSUPPORTED':
      return failure(406, 'UnsupportedOperationException', error.message)
    case 'UNAUTHORIZED':
      return failure(403, 'ForbiddenException', error.message)
    case 'UNAVAILABLE':
    case 'ABORTED':
      return failure(503, 'ServiceUnavailableException', error.message)
  }
}

/** A namespace that is asked for, or that a table is to be made in, is missing. */
export function noSuchNamespace(namespace: readonly string[]): ServiceResponse {
  return failure(404, 'NoSuchNamespaceException', `Namespace does not exist: ${namespace.join('.')}`)
}

export function noSuchTable(table: TableIdentifier): ServiceResponse {
  return failure(404, 'NoSuchTableException', `Table does not exist: ${nameOf(table)}`)
}

export function tableExistsAlready(table: TableIdentifier): ServiceResponse {
  return failure(409, 'AlreadyExistsException', `Table already exists: ${nameOf(table)}`)
}

function notFound(error: FloeError, subject: Subject): ServiceResponse {
  if (subject === 'all') return failure(404, 'NotFoundException', error.message)
  return 'table' in subject ? noSuchTable(subject.table) : noSuchNamespace(subject.namespace)
}

function existsAlready(error: FloeError, subject: Subject): string {
  if (subject === 'all') return error.message
  return 'table' in subject ? `Table already exists: ${nameOf(subject.table)}` : `Namespace already exists: ${subject.namespace.join('.')}`
}

function nameOf({ namespace, name }: TableIdentifier): string {
  return [...namespace, name].join('.')
}
