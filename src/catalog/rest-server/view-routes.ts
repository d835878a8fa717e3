import { viewMetadataJson, viewVersionOfObject } from '../../metadata/view/view-metadata-json.js'
import { parseViewRequirement, parseViewUpdate } from '../../metadata/view/view-update-json.js'
import { schemaOfObject } from '../../schema/schema-json.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import type { JsonMembers, JsonObject } from '../../util/json.js'
import type { CatalogBackend, LoadedView, TableIdentifier, ViewBackend } from '../catalog-backend.js'
import { endpoints } from '../rest/rest-endpoints.js'
import { pageOf } from './page.js'
import { registerMetadata } from './register-metadata.js'
import { cannotRename, errorResponse, noSuchNamespace, noSuchView, tableExistsAlready, viewExistsAlready, type Subject } from './service-error.js'
import { decodeNamespace, decodeSegment, failure, requestBody, type Route, type ServiceRequest, type ServiceResponse } from './service-request.js'

type Answer = Promise<ServiceResponse>

const NO_CONTENT: ServiceResponse = { status: 204 }
const MAX_COMMIT_ROUNDS = 10

/** The protocol's endpoints for views, over a catalog that has some. Source: `CatalogHandlers` */
export function viewRoutes(catalog: CatalogBackend, views: ViewBackend): readonly Route[] {
  const service = new ViewService(catalog, views)
  const ofNamespace = (handle: (namespace: readonly string[], request: ServiceRequest) => Answer): Route['handle'] => {
    return (request, parts) => {
      const namespace = decodeNamespace(parts['namespace']!)
      return about({ namespace }, () => handle(namespace, request))
    }
  }
  const ofView = (handle: (view: TableIdentifier, request: ServiceRequest) => Answer): Route['handle'] => {
    return (request, parts) => {
      const view = { namespace: decodeNamespace(parts['namespace']!), name: decodeSegment(parts['view']!) }
      return about({ view }, () => handle(view, request))
    }
  }
  return [
    { endpoint: endpoints.listViews, handle: ofNamespace((namespace, request) => service.list(namespace, request)) },
    { endpoint: endpoints.createView, handle: ofNamespace((namespace, request) => service.create(namespace, request)) },
    { endpoint: endpoints.registerView, handle: ofNamespace((namespace, request) => service.register(namespace, request)) },
    { endpoint: endpoints.loadView, handle: ofView(async (view) => viewResponse(await views.loadView(view))) },
    { endpoint: endpoints.viewExists, handle: ofView(async (view) => ((await views.viewExists(view)) ? NO_CONTENT : { status: 404 })) },
    { endpoint: endpoints.updateView, handle: ofView((view, request) => service.commit(view, request)) },
    { endpoint: endpoints.dropView, handle: ofView((view) => service.drop(view)) },
    { endpoint: endpoints.renameView, handle: (request) => service.rename(request) },
  ]
}

class ViewService {
  readonly #catalog: CatalogBackend
  readonly #views: ViewBackend

  constructor(catalog: CatalogBackend, views: ViewBackend) {
    this.#catalog = catalog
    this.#views = views
  }

  async list(namespace: readonly string[], request: ServiceRequest): Answer {
    const views = await this.#views.listViews(namespace)
    const page = pageOf(views.map(({ name }) => ({ namespace, name })), request.query)
    return { status: 200, body: { identifiers: page.items, ...page.next } }
  }

  async create(namespace: readonly string[], request: ServiceRequest): Answer {
    const body = requestBody(request)
    const view = { namespace, name: body.requireString('name') }
    const creation = {
      schema: schemaOfObject(body.requireObject('schema')),
      version: viewVersionOfObject(body.requireObject('view-version')),
      location: body.optionalString('location'),
      properties: body.optionalStringMap('properties') ?? new Map<string, string>(),
    }
    return about({ view }, async () => {
      const taken = await this.#taken(view)
      if (taken !== undefined) return taken
      try {
        return viewResponse(await this.#views.createView(view, creation))
      } catch (error) {
        // In the reference's words for a definition that breaks a rule.
        if (isFloeError(error, 'INVALID')) return failure(400, 'IllegalArgumentException', error.message)
        throw error
      }
    })
  }

  async register(namespace: readonly string[], request: ServiceRequest): Answer {
    const body = requestBody(request)
    const view = { namespace, name: body.requireString('name') }
    const location = body.requireString('metadata-location')
    return about({ view }, async () => {
      const taken = await this.#taken(view)
      return taken ?? viewResponse(await registerMetadata(this.#catalog, location, () => this.#views.registerView(view, location)))
    })
  }

  async commit(identifier: TableIdentifier, request: ServiceRequest): Answer {
    const body = requestBody(request)
    const requirements = readList(body, 'requirements', parseViewRequirement)
    const updates = readList(body, 'updates', parseViewUpdate)
    for (let round = 1; ; round++) {
      try {
        return viewResponse(await this.#views.commitView({ identifier, requirements, updates }))
      } catch (error) {
        // A requirement that failed fails again, and is then what the client hears.
        if (!isFloeError(error, 'CONFLICT') || round === MAX_COMMIT_ROUNDS) throw error
      }
    }
  }

  async drop(view: TableIdentifier): Answer {
    await this.#views.dropView(view)
    return NO_CONTENT
  }

  async rename(request: ServiceRequest): Answer {
    const body = requestBody(request)
    const [from, to] = [readIdentifier(body.requireObject('source')), readIdentifier(body.requireObject('destination'))]
    if (!(await this.#views.viewExists(from))) return noSuchView(from)
    if (!(await this.#catalog.namespaceExists(to.namespace))) return noSuchNamespace(to.namespace)
    if (await this.#catalog.tableExists(to)) return cannotRename(from, to, 'Table')
    if (await this.#views.viewExists(to)) return cannotRename(from, to, 'View')
    return about({ view: to }, async () => {
      await this.#views.renameView(from, to)
      return NO_CONTENT
    })
  }

  /** The answer where a view of that name cannot be. */
  async #taken(view: TableIdentifier): Promise<ServiceResponse | undefined> {
    if (!(await this.#catalog.namespaceExists(view.namespace))) return noSuchNamespace(view.namespace)
    if (await this.#catalog.tableExists(view)) return tableExistsAlready(view, 'with same name ')
    return (await this.#views.viewExists(view)) ? viewExistsAlready(view) : undefined
  }
}

async function about(subject: Subject, action: () => Answer): Answer {
  try {
    return await action()
  } catch (error) {
    if (!isFloeError(error) || error.code === 'CORRUPT' || error.code === 'UNAVAILABLE') throw error
    return errorResponse(error, subject)
  }
}

function viewResponse({ metadata, metadataLocation }: LoadedView): ServiceResponse {
  return { status: 200, body: { 'metadata-location': metadataLocation, metadata: viewMetadataJson(metadata), config: {} } }
}

function readIdentifier(json: JsonObject): TableIdentifier {
  return { namespace: json.requireStrings('namespace'), name: json.requireString('name') }
}

function readList<T>(body: JsonObject, name: string, parse: (value: JsonMembers) => T): readonly T[] {
  return (body.optionalObjects(name) ?? []).map(({ members }) => {
    try {
      return parse(members)
    } catch (error) {
      // Servers must refuse what they do not understand as a bad request.
      if (isFloeError(error, 'UNSUPPORTED', 'CORRUPT')) throw new FloeError('INVALID', error.message, { cause: error })
      throw error
    }
  })
}
