import { isFloeError, type FloeError } from '../../util/errors.js'
import type { TableIdentifier } from '../catalog-backend.js'
import { failure, type ServiceResponse } from './service-request.js'

/** What a request is about decides what an error of it is called. */
export type Subject =
  | { readonly namespace: readonly string[] }
  | { readonly table: TableIdentifier }
  | { readonly view: TableIdentifier }
  | 'all'

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

export function noSuchView(view: TableIdentifier): ServiceResponse {
  return failure(404, 'NoSuchViewException', `View does not exist: ${nameOf(view)}`)
}

/** `qualifier`: `with same name ` where something else is to be made. */
export function tableExistsAlready(table: TableIdentifier, qualifier = ''): ServiceResponse {
  return failure(409, 'AlreadyExistsException', `Table ${qualifier}already exists: ${nameOf(table)}`)
}

export function viewExistsAlready(view: TableIdentifier, qualifier = ''): ServiceResponse {
  return failure(409, 'AlreadyExistsException', `View ${qualifier}already exists: ${nameOf(view)}`)
}

/** `what` has the name that something is to be given. */
export function cannotRename(from: TableIdentifier, to: TableIdentifier, what: 'Table' | 'View'): ServiceResponse {
  return failure(409, 'AlreadyExistsException', `Cannot rename ${nameOf(from)} to ${nameOf(to)}. ${what} already exists`)
}

function notFound(error: FloeError, subject: Subject): ServiceResponse {
  if (subject === 'all') return failure(404, 'NotFoundException', error.message)
  if ('table' in subject) return noSuchTable(subject.table)
  return 'view' in subject ? noSuchView(subject.view) : noSuchNamespace(subject.namespace)
}

function existsAlready(error: FloeError, subject: Subject): string {
  if (subject === 'all') return error.message
  if ('table' in subject) return `Table already exists: ${nameOf(subject.table)}`
  return 'view' in subject ? `View already exists: ${nameOf(subject.view)}` : `Namespace already exists: ${subject.namespace.join('.')}`
}

function nameOf({ namespace, name }: TableIdentifier): string {
  return [...namespace, name].join('.')
}
