import { createHash } from 'node:crypto'
import { parseMetadataUpdate, parseUpdateRequirement } from '../../metadata/metadata-update-json.js'
import type { MetadataUpdate, UpdateRequirement } from '../../metadata/metadata-update.js'
import { tableMetadataToJson } from '../../metadata/table-metadata-json.js'
import { newTableMetadata } from '../../metadata/new-table.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { checkRequirements } from '../../metadata/update-requirements.js'
import { parsePartitionSpec } from '../../partition/partition-spec-json.js'
import { parseSortOrder } from '../../partition/sort-order-json.js'
import { schemaOfObject } from '../../schema/schema-json.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { JsonObject, type JsonMembers } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'
import type { CatalogBackend, LoadedTable, TableCreation, TableIdentifier } from '../catalog-backend.js'
import { endpoints } from '../rest/rest-endpoints.js'
import { pageOf } from './page.js'
import { registerMetadata } from './register-metadata.js'
import { cannotRename, errorResponse, noSuchNamespace, noSuchTable, tableExistsAlready, viewExistsAlready, type Subject } from './service-error.js'
import {
  decodeNamespace,
  decodeSegment,
  failure,
  requestBody,
  Router,
  type Route,
  type ServiceRequest,
  type ServiceResponse,
} from './service-request.js'
import { viewRoutes } from './view-routes.js'

export interface RestServiceOptions {
  readonly catalog: CatalogBackend
  readonly runtime: Runtime
  /** Properties that every client gets: `s3.endpoint`, `client.region`. Never credentials. */
  readonly overrides?: Readonly<Record<string, string>> | undefined
  /** Called with errors that are none of the client's making. */
  readonly onError?: ((error: unknown) => void) | undefined
}

const NO_CONTENT: ServiceResponse = { status: 204 }
/** A commit whose requirements hold on each newer version is not sent back for having been overtaken, this many times. */
const MAX_COMMIT_ROUNDS = 10

/**
 * The server's side of the REST protocol over any catalog: what it is asked, it does by that catalog's own rules, so that
 * clients of the server and writers of the same warehouse without it are safe from each other.
 * Source: `open-api/rest-catalog-open-api.yaml`, `CatalogHandlers`
 */
export class RestService {
  readonly #catalog: CatalogBackend
  readonly #options: RestServiceOptions
  readonly #router: Router

  constructor(options: RestServiceOptions) {
    this.#catalog = options.catalog
    this.#options = options
    this.#router = new Router(this.#routes())
  }

  async handle(request: ServiceRequest): Promise<ServiceResponse> {
    return this.#about('all', () => this.#router.handle(request))
  }

  #routes(): readonly Route[] {
    const table: readonly Route[] = [
      { endpoint: endpoints.listTables, handle: this.#ofNamespace((namespace, request) => this.#listTables(namespace, request)) },
      { endpoint: endpoints.createTable, handle: this.#ofNamespace((namespace, request) => this.#createTable(namespace, request)) },
      { endpoint: endpoints.registerTable, handle: this.#ofNamespace((namespace, request) => this.#registerTable(namespace, request)) },
      { endpoint: endpoints.loadTable, handle: this.#ofTable((table, request) => this.#loadTable(table, request)) },
      { endpoint: endpoints.tableExists, handle: this.#ofTable((table) => this.#tableExists(table)) },
      { endpoint: endpoints.updateTable, handle: this.#ofTable((table, request) => this.#commit(table, request)) },
      { endpoint: endpoints.dropTable, handle: this.#ofTable((table, request) => this.#dropTable(table, request)) },
      { endpoint: endpoints.renameTable, handle: (request) => this.#renameTable(request) },
      { endpoint: endpoints.reportMetrics, handle: () => Promise.resolve(NO_CONTENT) },
    ]
    const namespace: readonly Route[] = [
      { endpoint: endpoints.listNamespaces, handle: (request) => this.#listNamespaces(request) },
      { endpoint: endpoints.createNamespace, handle: (request) => this.#createNamespace(request) },
      { endpoint: endpoints.loadNamespace, handle: this.#ofNamespace((name) => this.#loadNamespace(name)) },
      { endpoint: endpoints.namespaceExists, handle: this.#ofNamespace((name) => this.#namespaceExists(name)) },
      { endpoint: endpoints.updateNamespace, handle: this.#ofNamespace((name, request) => this.#updateNamespace(name, request)) },
      { endpoint: endpoints.dropNamespace, handle: this.#ofNamespace((name) => this.#dropNamespace(name)) },
    ]
    const { views } = this.#catalog
    const routes = [...namespace, ...table, ...(views === undefined ? [] : viewRoutes(this.#catalog, views))]
    const offered = routes.map(({ endpoint }) => endpoint)
    return [{ endpoint: 'GET /v1/config', handle: () => Promise.resolve(this.#config(offered)) }, ...routes]
  }

  /** Errors of `action` in the words for what it is about. */
  async #about(subject: Subject, action: () => Promise<ServiceResponse>): Promise<ServiceResponse> {
    try {
      return await action()
    } catch (error) {
      if (!isFloeError(error) || error.code === 'CORRUPT' || error.code === 'UNAVAILABLE') this.#options.onError?.(error)
      return errorResponse(error, subject)
    }
  }

  #ofNamespace(handle: (namespace: readonly string[], request: ServiceRequest) => Promise<ServiceResponse>): Route['handle'] {
    return (request, parts) => {
      const namespace = decodeNamespace(parts['namespace']!)
      return this.#about({ namespace }, () => handle(namespace, request))
    }
  }

  #ofTable(handle: (table: TableIdentifier, request: ServiceRequest) => Promise<ServiceResponse>): Route['handle'] {
    return (request, parts) => {
      const table = { namespace: decodeNamespace(parts['namespace']!), name: decodeSegment(parts['table']!) }
      return this.#about({ table }, () => handle(table, request))
    }
  }

  #config(offered: readonly string[]): ServiceResponse {
    return { status: 200, body: { defaults: {}, overrides: { ...this.#options.overrides }, endpoints: [...offered] } }
  }

  async #listNamespaces(request: ServiceRequest): Promise<ServiceResponse> {
    const text = request.query.get('parent')
    const parent = text === null || text === '' ? [] : text.split('\u001f')
    return this.#about({ namespace: parent }, async () => {
      const page = pageOf(await this.#catalog.listNamespaces(parent), request.query)
      return { status: 200, body: { namespaces: page.items, ...page.next } }
    })
  }

  async #createNamespace(request: ServiceRequest): Promise<ServiceResponse> {
    const body = requestBody(request)
    const namespace = body.requireStrings('namespace')
    if (namespace.length === 0) throw new FloeError('INVALID', 'A namespace needs a name')
    const properties = body.optionalStringMap('properties') ?? new Map<string, string>()
    return this.#about({ namespace }, async () => {
      await this.#catalog.createNamespace(namespace, properties)
      return { status: 200, body: { namespace, properties } }
    })
  }

  async #loadNamespace(namespace: readonly string[]): Promise<ServiceResponse> {
    return { status: 200, body: { namespace, properties: await this.#catalog.loadNamespace(namespace) } }
  }

  async #namespaceExists(namespace: readonly string[]): Promise<ServiceResponse> {
    return (await this.#catalog.namespaceExists(namespace)) ? NO_CONTENT : { status: 404 }
  }

  async #updateNamespace(namespace: readonly string[], request: ServiceRequest): Promise<ServiceResponse> {
    const body = requestBody(request)
    const updates = body.optionalStringMap('updates') ?? new Map<string, string>()
    const removals = body.optionalStrings('removals') ?? []
    const both = removals.find((name) => updates.has(name))
    if (both !== undefined) return failure(422, 'UnprocessableEntityException', `${both} is to be set and to be removed`)
    const before = await this.#catalog.loadNamespace(namespace)
    await this.#catalog.updateNamespace(namespace, { updates, removals })
    const removed = removals.filter((name) => before.has(name))
    const missing = removals.filter((name) => !before.has(name))
    return { status: 200, body: { updated: [...updates.keys()], removed, missing } }
  }

  async #dropNamespace(namespace: readonly string[]): Promise<ServiceResponse> {
    try {
      await this.#catalog.dropNamespace(namespace)
      return NO_CONTENT
    } catch (error) {
      if (!isFloeError(error, 'INVALID', 'CONFLICT') || !/is not empty/.test(error.message)) throw error
      return failure(409, 'NamespaceNotEmptyException', error.message)
    }
  }

  async #listTables(namespace: readonly string[], request: ServiceRequest): Promise<ServiceResponse> {
    const tables = await this.#catalog.listTables(namespace)
    const page = pageOf(tables.map(({ name }) => ({ namespace, name })), request.query)
    return { status: 200, body: { identifiers: page.items, ...page.next } }
  }

  async #createTable(namespace: readonly string[], request: ServiceRequest): Promise<ServiceResponse> {
    const body = requestBody(request)
    const table = { namespace, name: body.requireString('name') }
    const requested = readCreation(body)
    // Where the warehouse decides where tables lie, clients learn it from the answer.
    const creation = this.#catalog.placesTables === true ? { ...requested, location: undefined } : requested
    if (!(await this.#catalog.namespaceExists(namespace))) return noSuchNamespace(namespace)
    const taken = await this.#viewNamed(table)
    if (taken !== undefined) return taken
    const staged = body.optionalBoolean('stage-create') === true
    return this.#about({ table }, async () =>
      staged ? this.#stageTable(table, creation) : tableResponse(await this.#catalog.createTable(table, creation)),
    )
  }

  /** The answer where a view has the name of a table that is to be made. */
  async #viewNamed(table: TableIdentifier): Promise<ServiceResponse | undefined> {
    return (await this.#catalog.views?.viewExists(table)) === true ? viewExistsAlready(table, 'with same name ') : undefined
  }

  /** What the table would be; nothing is kept of it. */
  async #stageTable(table: TableIdentifier, creation: TableCreation): Promise<ServiceResponse> {
    if (await this.#catalog.tableExists(table)) return tableExistsAlready(table)
    const location = creation.location ?? (await this.#catalog.defaultLocation?.(table))
    if (location === undefined) throw new FloeError('UNSUPPORTED', 'This catalog does not say where a table would be: create it without staging')
    const { runtime } = this.#options
    const metadata = newTableMetadata({ ...creation, location }, { uuid: runtime.uuid(), now: runtime.now() })
    return { status: 200, body: { metadata: metadataJson(metadata), config: {} } }
  }

  async #registerTable(namespace: readonly string[], request: ServiceRequest): Promise<ServiceResponse> {
    const body = requestBody(request)
    const table = { namespace, name: body.requireString('name') }
    const location = body.requireString('metadata-location')
    if (!(await this.#catalog.namespaceExists(namespace))) return noSuchNamespace(namespace)
    const taken = await this.#viewNamed(table)
    if (taken !== undefined) return taken
    if (body.optionalBoolean('overwrite') === true) throw new FloeError('UNSUPPORTED', 'Registering over an existing table is not offered: drop it first')
    return this.#about({ table }, async () =>
      tableResponse(await registerMetadata(this.#catalog, location, () => this.#catalog.registerTable(table, location))),
    )
  }

  async #loadTable(identifier: TableIdentifier, request: ServiceRequest): Promise<ServiceResponse> {
    const table = await this.#catalog.loadTable(identifier)
    const refsOnly = request.query.get('snapshots')?.toLowerCase() === 'refs'
    const etag = etagOf(table, refsOnly)
    if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
    return tableResponse(refsOnly ? { ...table, metadata: onlyRefs(table.metadata) } : table, etag)
  }

  async #tableExists(table: TableIdentifier): Promise<ServiceResponse> {
    return (await this.#catalog.tableExists(table)) ? NO_CONTENT : { status: 404 }
  }

  async #commit(identifier: TableIdentifier, request: ServiceRequest): Promise<ServiceResponse> {
    const body = requestBody(request)
    const requirements = readList(body, 'requirements', parseUpdateRequirement)
    const requested = readList(body, 'updates', parseMetadataUpdate)
    const creates = requirements.some(({ type }) => type === 'assert-create')
    const taken = creates ? await this.#viewNamed(identifier) : undefined
    if (taken !== undefined) return taken
    for (let round = 1; ; round++) {
      const base = creates ? undefined : await this.#catalog.loadTable(identifier)
      if (creates && (await this.#catalog.tableExists(identifier))) {
        return failure(409, 'CommitFailedException', 'Requirement failed: table already exists')
      }
      const updates = await this.#placed(identifier, base, requested)
      const outcome = await this.#catalog.commitTable({ identifier, base, requirements, updates })
      if (outcome.outcome === 'committed') return tableResponse(outcome.table)
      const { reason } = outcome
      if (outcome.outcome === 'unknown') throw new FloeError('COMMIT_STATE_UNKNOWN', `It is not known whether the commit landed: ${reason.message}`, { cause: reason })
      if (!outcome.retryable || round === MAX_COMMIT_ROUNDS || !(await this.#stillHolds(identifier, requirements))) throw reason
    }
  }

  /**
   * Updates that create or replace a table say where it is to be; a warehouse that places tables itself goes by their names.
   * A location that is all a client wants to change is passed on, for the catalog to refuse.
   */
  async #placed(
    identifier: TableIdentifier,
    base: LoadedTable | undefined,
    updates: readonly MetadataUpdate[],
  ): Promise<readonly MetadataUpdate[]> {
    if (this.#catalog.placesTables !== true || (base !== undefined && updates.length === 1)) return updates
    const location = base?.metadata.location ?? (await this.#catalog.defaultLocation?.(identifier))
    if (location === undefined) return updates
    return updates.map((update) => (update.action === 'set-location' ? { ...update, location } : update))
  }

  /** A rejected commit whose requirements hold on the newest version was only too slow. */
  async #stillHolds(identifier: TableIdentifier, requirements: readonly UpdateRequirement[]): Promise<boolean> {
    try {
      const exists = await this.#catalog.tableExists(identifier)
      checkRequirements(exists ? (await this.#catalog.loadTable(identifier)).metadata : undefined, requirements)
      return true
    } catch (error) {
      if (isFloeError(error)) return false
      throw error
    }
  }

  async #dropTable(table: TableIdentifier, request: ServiceRequest): Promise<ServiceResponse> {
    await this.#catalog.dropTable(table, { purge: request.query.get('purgeRequested') === 'true' })
    return NO_CONTENT
  }

  async #renameTable(request: ServiceRequest): Promise<ServiceResponse> {
    const body = requestBody(request)
    const [from, to] = [readIdentifier(body.requireObject('source')), readIdentifier(body.requireObject('destination'))]
    if (!(await this.#catalog.tableExists(from))) return noSuchTable(from)
    if (!(await this.#catalog.namespaceExists(to.namespace))) return noSuchNamespace(to.namespace)
    if (await this.#catalog.tableExists(to)) return tableExistsAlready(to)
    if ((await this.#viewNamed(to)) !== undefined) return cannotRename(from, to, 'View')
    return this.#about({ table: to }, async () => {
      await this.#catalog.renameTable(from, to)
      return NO_CONTENT
    })
  }
}

function readIdentifier(json: JsonObject): TableIdentifier {
  return { namespace: json.requireStrings('namespace'), name: json.requireString('name') }
}

type CommitPart = MetadataUpdate | UpdateRequirement

function readList<T extends CommitPart>(body: JsonObject, name: string, parse: (value: JsonMembers) => T): readonly T[] {
  return body.requireObjects(name).map(({ members }) => {
    try {
      return parse(members)
    } catch (error) {
      // Servers must refuse what they do not understand as a bad request.
      if (isFloeError(error, 'UNSUPPORTED', 'CORRUPT')) throw new FloeError('INVALID', error.message, { cause: error })
      throw error
    }
  })
}

// Source: `CreateTableRequest`: the spec and the order may be missing, and the version is a property
function readCreation(body: JsonObject): TableCreation {
  const properties = new Map(body.optionalStringMap('properties') ?? [])
  const version = properties.get('format-version') ?? '2'
  if (!/^[123]$/.test(version)) throw new FloeError('INVALID', `format-version ${version} is not supported: 1 to 3 are`)
  properties.delete('format-version')
  const spec = body.optionalObject('partition-spec')
  const sortOrder = body.optionalObject('write-order')
  return {
    schema: schemaOfObject(body.requireObject('schema')),
    spec: spec === undefined ? { specId: 0, fields: [] } : parsePartitionSpec(withDefault(spec, 'spec-id')),
    sortOrder: sortOrder === undefined ? { orderId: 0, fields: [] } : parseSortOrder(withDefault(sortOrder, 'order-id')),
    formatVersion: Number(version) as 1 | 2 | 3,
    location: body.optionalString('location'),
    properties,
  }
}

function withDefault(json: JsonObject, name: string): JsonObject {
  return json.has(name) ? json : JsonObject.of({ ...json.members, [name]: 0 }, json.path)
}

function tableResponse(table: LoadedTable, etag = etagOf(table, false)): ServiceResponse {
  const { metadataLocation, metadata } = table
  return { status: 200, headers: { etag }, body: { 'metadata-location': metadataLocation, metadata: metadataJson(metadata), config: {} } }
}

function metadataJson(metadata: TableMetadata): JsonMembers {
  return Object.fromEntries(tableMetadataToJson(metadata))
}

function etagOf(table: LoadedTable, refsOnly: boolean): string {
  const digest = createHash('sha256').update(`${table.metadata.tableUuid ?? ''} ${table.metadataLocation}`).digest('hex')
  return `"${digest.slice(0, 32)}${refsOnly ? '-refs' : ''}"`
}

/** The snapshots that branches and tags name. */
function onlyRefs(metadata: TableMetadata): TableMetadata {
  const named = new Set([...metadata.refs.values()].map(({ snapshotId }) => snapshotId))
  return { ...metadata, snapshots: metadata.snapshots.filter(({ snapshotId }) => named.has(snapshotId)) }
}
