import { printViewVersion, viewMetadataOfObject } from '../../metadata/view/view-metadata-json.js'
import { printViewRequirement, printViewUpdate } from '../../metadata/view/view-update-json.js'
import { printSchema } from '../../schema/schema-json.js'
import { FloeError } from '../../util/errors.js'
import type { JsonMembers, JsonObject } from '../../util/json.js'
import type { LoadedView, TableIdentifier, ViewBackend, ViewCommit, ViewCreation } from '../catalog-backend.js'
import { checkIdentifier, checkNamespace, printNamespace, printTableIdentifier } from '../table-identifier.js'
import type { RestConfig } from './rest-config.js'
import { endpoints, type Endpoint } from './rest-endpoints.js'
import type { RestRequest, RestResponse } from './rest-http.js'

/** What views need of the catalog's connection. */
export interface RestConnection {
  readonly configured: () => Promise<RestConfig>
  readonly send: (request: RestRequest) => Promise<RestResponse>
  /** Sends a change: once, or with a key by which the server recognises it again. */
  readonly change: (request: RestRequest) => Promise<RestResponse>
  readonly exists: (request: RestRequest) => Promise<boolean>
  readonly pages: (request: RestRequest) => AsyncIterable<JsonObject>
}

/** Views of a catalog server. Source: `RESTSessionCatalog`, `RESTViewOperations` */
export class RestViews implements ViewBackend {
  readonly #rest: RestConnection

  constructor(rest: RestConnection) {
    this.#rest = rest
  }

  async listViews(namespace: readonly string[]): Promise<readonly TableIdentifier[]> {
    checkNamespace(namespace)
    const { paths } = await this.#offered(endpoints.listViews)
    const views: TableIdentifier[] = []
    const request: RestRequest = { method: 'GET', path: paths.views(namespace), subject: `namespace ${printNamespace(namespace)}` }
    for await (const page of this.#rest.pages(request)) {
      for (const item of page.requireObjects('identifiers')) {
        views.push({ namespace: item.requireStrings('namespace'), name: item.requireString('name') })
      }
    }
    return views
  }

  async viewExists(identifier: TableIdentifier): Promise<boolean> {
    checkIdentifier(identifier)
    const { paths, endpoints: offered } = await this.#rest.configured()
    if (!offered.has(endpoints.viewExists)) offered.require(endpoints.loadView)
    const method = offered.has(endpoints.viewExists) ? 'HEAD' : 'GET'
    return this.#rest.exists({ method, path: paths.view(identifier), subject: subjectOf(identifier) })
  }

  async loadView(identifier: TableIdentifier): Promise<LoadedView> {
    checkIdentifier(identifier)
    const { paths } = await this.#offered(endpoints.loadView)
    return accept(identifier, await this.#rest.send({ method: 'GET', path: paths.view(identifier), subject: subjectOf(identifier) }))
  }

  async createView(identifier: TableIdentifier, creation: ViewCreation): Promise<LoadedView> {
    checkIdentifier(identifier)
    const { paths } = await this.#offered(endpoints.createView)
    const body = createViewBody(identifier.name, creation)
    const path = paths.views(identifier.namespace)
    return accept(identifier, await this.#rest.change({ method: 'POST', path, body, subject: subjectOf(identifier) }))
  }

  async commitView({ identifier, requirements, updates }: ViewCommit): Promise<LoadedView> {
    const { paths } = await this.#offered(endpoints.updateView)
    const body: JsonMembers = {
      identifier: { namespace: identifier.namespace, name: identifier.name },
      requirements: requirements.map(printViewRequirement),
      updates: updates.map(printViewUpdate),
    }
    return accept(identifier, await this.#rest.change({ method: 'POST', path: paths.view(identifier), body, subject: subjectOf(identifier) }))
  }

  async dropView(identifier: TableIdentifier): Promise<void> {
    checkIdentifier(identifier)
    const { paths } = await this.#offered(endpoints.dropView)
    await this.#rest.change({ method: 'DELETE', path: paths.view(identifier), subject: subjectOf(identifier) })
  }

  async renameView(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    checkIdentifier(from)
    checkIdentifier(to)
    const { paths } = await this.#offered(endpoints.renameView)
    const body: JsonMembers = { source: nameJson(from), destination: nameJson(to) }
    const subject = `${subjectOf(from)} to be ${printTableIdentifier(to)}`
    await this.#rest.change({ method: 'POST', path: paths.renameView(), body, subject })
  }

  async registerView(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedView> {
    checkIdentifier(identifier)
    const { paths } = await this.#offered(endpoints.registerView)
    const body: JsonMembers = { name: identifier.name, 'metadata-location': metadataLocation }
    const path = paths.registerView(identifier.namespace)
    return accept(identifier, await this.#rest.change({ method: 'POST', path, body, subject: subjectOf(identifier) }))
  }

  async #offered(endpoint: Endpoint): Promise<RestConfig> {
    const config = await this.#rest.configured()
    config.endpoints.require(endpoint)
    return config
  }
}

/** The body of a request that creates a view. Source: `CreateViewRequestParser` */
export function createViewBody(name: string, { schema, version, location, properties }: ViewCreation): JsonMembers {
  return {
    name,
    ...(location === undefined ? {} : { location }),
    'view-version': printViewVersion({ ...version, schemaId: schema.schemaId }),
    schema: printSchema(schema),
    properties,
  }
}

function accept(identifier: TableIdentifier, { body }: RestResponse): LoadedView {
  if (body === undefined) throw new FloeError('CORRUPT', `The catalog's answer about ${subjectOf(identifier)} is empty: check the catalog's URI`)
  return {
    identifier,
    metadata: viewMetadataOfObject(body.requireObject('metadata')),
    metadataLocation: body.requireString('metadata-location'),
  }
}

function subjectOf(identifier: TableIdentifier): string {
  return `view ${printTableIdentifier(identifier)}`
}

function nameJson({ namespace, name }: TableIdentifier): JsonMembers {
  return { namespace, name }
}
