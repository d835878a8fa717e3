/** A REST catalog server without a network: `fetch` for the client under test, with the server's answers open to change. */
import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'
import { endpoints } from '../../src/catalog/rest/rest-endpoints.js'
import { RestService } from '../../src/catalog/rest-server/rest-service.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { parseUpdateRequirement } from '../../src/metadata/metadata-update-json.js'
import { checkRequirements } from '../../src/metadata/update-requirements.js'
import { isFloeError } from '../../src/util/errors.js'
import { JsonObject, printJson } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'

export interface StubRequest {
  readonly method: string
  /** Without the leading slash and query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the server would do with a request. */
type Serve = () => Promise<ServiceResponse>

export interface RestStub {
  readonly fetch: typeof fetch
  readonly seen: StubRequest[]
}

/** `change` may answer a request by itself; it serves the request at any time, or not at all. */
export function restStub(
  catalog: CatalogBackend,
  change?: (request: StubRequest, serve: Serve) => Promise<ServiceResponse | undefined>,
): RestStub {
  const service = new RestService({ catalog, runtime: systemRuntime })
  const seen: StubRequest[] = []
  const serve = async (request: StubRequest): Promise<ServiceResponse> => {
    if (request.path === 'v1/transactions/commit') return commitTransaction(catalog, service, request)
    const response = await service.handle(request)
    if (request.path !== 'v1/config') return response
    const config = JsonObject.of(response.body!, '')
    return { ...response, body: { ...config.members, endpoints: [...config.requireStrings('endpoints'), endpoints.commitTransaction] } }
  }
  const answer: typeof fetch = async (input, init) => {
    const url = new URL(input as string | URL)
    const headers = Object.fromEntries(new Headers(init?.headers))
    const body = typeof init?.body === 'string' ? init.body : ''
    const request = { method: init?.method ?? 'GET', path: url.pathname.slice(1), query: url.searchParams, headers, body }
    seen.push(request)
    const response = (await change?.(request, () => serve(request))) ?? (await serve(request))
    const isEmpty = response.body === undefined
    return new Response(isEmpty ? null : printJson(response.body!), { status: response.status, headers: { ...response.headers } })
  }
  return { fetch: answer, seen }
}

/** All of the tables' commits when the requirements of all hold. */
async function commitTransaction(catalog: CatalogBackend, service: RestService, request: StubRequest): Promise<ServiceResponse> {
  const changes = JsonObject.parse(request.body).requireObjects('table-changes')
  for (const change of changes) {
    const requirements = change.requireObjects('requirements').map(({ members }) => parseUpdateRequirement(members))
    const { namespace, name } = nameOf(change)
    const metadata = await catalog.loadTable({ namespace, name }).then((table) => table.metadata, () => undefined)
    try {
      checkRequirements(metadata, requirements)
    } catch (error) {
      if (!isFloeError(error)) throw error
      return { status: 409, body: { error: { message: error.message, type: 'CommitFailedException', code: 409 } } }
    }
  }
  for (const change of changes) await commitOne(service, change)
  return { status: 204 }
}

/** One table of a transaction, as a server does that does not keep the promise. */
export function commitOne(service: Pick<RestService, 'handle'>, change: JsonObject): Promise<ServiceResponse> {
  const { namespace, name } = nameOf(change)
  const path = `v1/namespaces/${namespace.map(encodeURIComponent).join('%1F')}/tables/${encodeURIComponent(name)}`
  return service.handle({ method: 'POST', path, query: new URLSearchParams(), headers: {}, body: printJson(change.members) })
}

function nameOf(change: JsonObject): { readonly namespace: readonly string[]; readonly name: string } {
  const identifier = change.requireObject('identifier')
  return { namespace: identifier.requireStrings('namespace'), name: identifier.requireString('name') }
}
