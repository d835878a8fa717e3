/** A request and an answer of the REST protocol, free of HTTP's machinery. */
import { JsonObject, type JsonMembers } from '../../util/json.js'
import { FloeError } from '../../util/errors.js'

export interface ServiceRequest {
  readonly method: string
  /** The escaped path, without a leading slash. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface ServiceResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: JsonMembers
}

/** Parts of the path that a route names. */
export type RouteParts = Readonly<Record<string, string>>

export interface Route {
  readonly endpoint: string
  readonly handle: (request: ServiceRequest, parts: RouteParts) => Promise<ServiceResponse>
}

/** Finds the route of a request by its endpoint text: `GET /v1/{prefix}/namespaces/{namespace}`. There is no prefix. */
export class Router {
  readonly #routes: readonly { readonly method: string; readonly segments: readonly string[]; readonly route: Route }[]

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => {
      const [method, path] = route.endpoint.split(' ') as [string, string]
      return { method, segments: path.replace('/{prefix}', '').split('/').filter(Boolean), route }
    })
  }

  async handle(request: ServiceRequest): Promise<ServiceResponse> {
    const segments = request.path.split('/').filter((segment) => segment !== '')
    const matching = this.#routes.filter((candidate) => matches(candidate.segments, segments))
    const found = matching.find((candidate) => candidate.method === request.method)
    if (found === undefined) {
      const status = matching.length > 0 ? 405 : 404
      return failure(status, status === 405 ? 'UnsupportedOperationException' : 'NotFoundException', 'There is no such endpoint')
    }
    return found.route.handle(request, partsOf(found.segments, segments))
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.length === segments.length && pattern.every((part, i) => part.startsWith('{') || part === segments[i])
}

function partsOf(pattern: readonly string[], segments: readonly string[]): RouteParts {
  return Object.fromEntries(pattern.flatMap((part, i) => (part.startsWith('{') ? [[part.slice(1, -1), segments[i]!]] : [])))
}

/** One escaped segment of a path as text. Clients of the reference escape spaces as forms do. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment.replaceAll('+', ' '))
  } catch (cause) {
    throw new FloeError('INVALID', 'The path is not escaped as a URI has to be', { cause })
  }
}

/** Levels of a namespace in a path: split at the separator as it was sent, before anything is decoded. */
export function decodeNamespace(segment: string): readonly string[] {
  return segment.split(/%1f/i).map(decodeSegment)
}

/** The body of a request. Throws `INVALID` for what is no JSON object. */
export function requestBody(request: ServiceRequest): JsonObject {
  try {
    return JsonObject.parse(request.body, { source: 'the request' })
  } catch (cause) {
    throw new FloeError('INVALID', 'The body is not a JSON object', { cause })
  }
}

/** An answer that carries an error. Source: `ErrorResponseParser` */
export function failure(status: number, type: string, message: string): ServiceResponse {
  return { status, body: { error: { message, type, code: status } } }
}
