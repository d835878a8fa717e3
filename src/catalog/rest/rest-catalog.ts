import { FloeError, isFloeError } from '../../util/errors.js'
import type { JsonMembers, JsonObject, JsonValue } from '../../util/json.js'
import { checkCount } from '../../util/option-values.js'
import { systemRuntime, type Runtime } from '../../util/runtime.js'
import type {
  CatalogBackend,
  CommitOutcome,
  CommitRequest,
  LoadedTable,
  NamespaceChanges,
  TableCreation,
  TableIdentifier,
  TableTransactions,
} from '../catalog-backend.js'
import type { MetricsReport } from '../metrics-report.js'
import { checkIdentifier, checkNamespace, printNamespace, printTableIdentifier } from '../table-identifier.js'
import { anonymousSession, bearerSession, type AuthSession } from './auth-session.js'
import { commitToRest, commitTransaction, undecided } from './rest-commit.js'
import { OAuth2Session, type OAuth2Options } from './oauth2-session.js'
import { idempotencyKey, mergeConfig, type RestConfig } from './rest-config.js'
import { createTableBody } from './create-table-body.js'
import { endpoints } from './rest-endpoints.js'
import { statusOf } from './rest-error.js'
import { isLoopback, RestHttp, type RestRequest, type RestResponse } from './rest-http.js'
import { planRemotely, type RemotePlanningOptions } from './remote-planning.js'
import { LoadedTables, withHistory, type SnapshotMode } from './loaded-tables.js'
import { SigV4Session, type SigV4Options } from './sigv4-session.js'
import { RestMetrics } from './rest-metrics.js'
import { RestViews } from './rest-views.js'
import { storageSecrets, type OpenStore } from './storage-access.js'
import { TableSessions } from './table-sessions.js'

/** Who the client is to the catalog. */
export type RestAuth =
  | { readonly type: 'none' }
  | { readonly type: 'bearer'; readonly token: string | (() => Promise<string>) }
  | ({ readonly type: 'oauth2' } & OAuth2Options)
  | ({ readonly type: 'sigv4' } & SigV4Options)

export interface RestCatalogOptions {
  /** `https://host/path`, without `v1`. */
  readonly uri: string
  /** Sent to the server's configuration endpoint: a location or a name, as the server wants it. */
  readonly warehouse?: string | undefined
  /** Default: none. */
  readonly auth?: RestAuth | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * Further properties of the catalog, as the protocol names them: `prefix`, `namespace-separator`; `rest-metrics-reporting-enabled`,
   * which is `false` for those who keep to themselves what they scan and commit; `scan-planning-mode`, which is `server` for scans that
   * the server plans.
   */
  readonly properties?: Readonly<Record<string, string>> | undefined
  /**
   * Which snapshots a table is loaded with: all, or those that branches and tags name, as `table.loadHistory` and commits load
   * the others when they are needed. Default `all`.
   */
  readonly snapshots?: 'all' | 'refs' | undefined
  /** How the catalog is asked to give access to files. Default `vended-credentials`. */
  readonly accessDelegation?: 'vended-credentials' | 'none' | undefined
  /** Places beside its own that a table may use. */
  readonly allowedLocations?: readonly string[] | undefined
  /** Items asked for in one page of a list. Default: the server's. */
  readonly pageSize?: number | undefined
  readonly requestTimeoutMs?: number | undefined
  readonly maxAttempts?: number | undefined
  readonly fetch?: typeof fetch | undefined
  readonly openStore: OpenStore
  /** Throws `UNSUPPORTED` for a table's location whose files this process cannot reach: such tables are not loaded. Default: all are. */
  readonly checkReach?: ((location: string) => void) | undefined
  readonly runtime?: Runtime | undefined
  /** Is told of scans and commits, besides the server. */
  readonly onMetrics?: ((report: MetricsReport) => void) | undefined
}

const MAX_PAGES = 100_000

/**
 * Tables of a catalog server, by the REST protocol of Iceberg. The server is asked for its configuration when it is first
 * used. Changes are sent once, unless the server said that it recognises repetitions.
 * Source: `open-api/rest-catalog-open-api.yaml`, `RESTSessionCatalog`
 */
export class RestCatalog implements CatalogBackend {
  readonly views: RestViews
  readonly #options: RestCatalogOptions
  readonly #runtime: Runtime
  readonly #http: RestHttp
  readonly #session: AuthSession
  readonly #sessions: TableSessions
  readonly #tables: LoadedTables
  readonly #metrics: RestMetrics
  #config: Promise<RestConfig> | undefined
  #agreed: RestConfig | undefined

  constructor(options: RestCatalogOptions) {
    checkCount(options.pageSize, 1, 'rest.pageSize')
    this.#options = options
    this.#runtime = options.runtime ?? systemRuntime
    const { uri, headers, fetch, requestTimeoutMs, maxAttempts } = options
    const secrets = (): readonly string[] => [
      ...this.#session.secrets(),
      ...this.#sessions.secrets(),
      ...this.#tables.secrets(),
      ...Object.values(headers ?? {}).flatMap(partsOfHeader),
      ...storageSecrets(new Map(Object.entries(options.properties ?? {})), []),
    ]
    this.#http = new RestHttp({ uri, headers, fetch, requestTimeoutMs, maxAttempts, runtime: this.#runtime, secrets })
    const auth = options.auth ?? { type: 'none' }
    this.#session = openSession(auth, this.#http, this.#runtime)
    const isHidden = this.#http.base.protocol === 'https:' || isLoopback(this.#http.base)
    this.#sessions = new TableSessions({
      parent: this.#session,
      allowed: isHidden && auth.type !== 'sigv4',
      reload: async (identifier) => (await this.#loadBriefly(identifier)).optionalStringMap('config'),
    })
    this.#tables = new LoadedTables({
      open: options.openStore,
      checkReach: options.checkReach,
      runtime: this.#runtime,
      allowedLocations: options.allowedLocations ?? [],
      allowLocalFiles: isLoopback(this.#http.base),
      sessions: this.#sessions,
      plannerOf: (identifier, useCredentials) => this.#plannerOf(identifier, useCredentials),
      metricsOf: (identifier) => this.#metrics.of(identifier),
      fetchCredentials: (identifier) => this.#fetchCredentials(identifier),
    })
    const { onMetrics } = options
    const sendReport = (request: RestRequest, identifier: TableIdentifier): Promise<unknown> => this.#send(request, identifier)
    this.#metrics = new RestMetrics({ runtime: this.#runtime, onMetrics, send: sendReport })
    this.views = new RestViews({
      configured: () => this.#configured(),
      send: (request) => this.#send(request),
      change: (request) => this.#change(request),
      exists: (request) => this.#exists(request),
      pages: (request) => this.#pages(request),
    })
  }

  async listNamespaces(parent: readonly string[] = []): Promise<readonly (readonly string[])[]> {
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.listNamespaces)
    const query = parent.length === 0 ? {} : { parent: paths.namespaceParameter(parent) }
    const subject = parent.length === 0 ? 'the namespaces' : `namespace ${printNamespace(parent)}`
    const namespaces: (readonly string[])[] = []
    for await (const page of this.#pages({ method: 'GET', path: paths.namespaces(), query, subject })) {
      for (const item of page.requireArray('namespaces')) namespaces.push(namespaceOf(item, page))
    }
    return namespaces
  }

  async createNamespace(namespace: readonly string[], properties: ReadonlyMap<string, string> = new Map()): Promise<void> {
    checkNamespace(namespace)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.createNamespace)
    const body: JsonMembers = { namespace, properties }
    await this.#change({ method: 'POST', path: paths.namespaces(), body, subject: `namespace ${printNamespace(namespace)}` })
  }

  async dropNamespace(namespace: readonly string[]): Promise<void> {
    checkNamespace(namespace)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.dropNamespace)
    await this.#change({ method: 'DELETE', path: paths.namespace(namespace), subject: `namespace ${printNamespace(namespace)}` })
  }

  async namespaceExists(namespace: readonly string[]): Promise<boolean> {
    checkNamespace(namespace)
    if (namespace.length === 0) return true
    const { paths, endpoints: offered } = await this.#configured()
    const method = offered.has(endpoints.namespaceExists) ? 'HEAD' : 'GET'
    return this.#exists({ method, path: paths.namespace(namespace), subject: `namespace ${printNamespace(namespace)}` })
  }

  async loadNamespace(namespace: readonly string[]): Promise<ReadonlyMap<string, string>> {
    checkNamespace(namespace)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.loadNamespace)
    const subject = `namespace ${printNamespace(namespace)}`
    const response = await this.#send({ method: 'GET', path: paths.namespace(namespace), subject })
    return bodyOf(response, subject).optionalStringMap('properties') ?? new Map()
  }

  async updateNamespace(namespace: readonly string[], changes: NamespaceChanges): Promise<void> {
    checkNamespace(namespace)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.updateNamespace)
    const body: JsonMembers = { removals: [...changes.removals], updates: new Map(changes.updates) }
    await this.#change({ method: 'POST', path: paths.namespaceProperties(namespace), body, subject: `namespace ${printNamespace(namespace)}` })
  }

  async listTables(namespace: readonly string[]): Promise<readonly TableIdentifier[]> {
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.listTables)
    if (namespace.length === 0) throw noRootTables()
    const tables: TableIdentifier[] = []
    const subject = `namespace ${printNamespace(namespace)}`
    for await (const page of this.#pages({ method: 'GET', path: paths.tables(namespace), subject })) {
      for (const item of page.requireObjects('identifiers')) {
        tables.push({ namespace: item.requireStrings('namespace'), name: item.requireString('name') })
      }
    }
    return tables
  }

  async tableExists(identifier: TableIdentifier): Promise<boolean> {
    checkIdentifier(identifier)
    const { paths, endpoints: offered } = await this.#configured()
    const method = offered.has(endpoints.tableExists) ? 'HEAD' : 'GET'
    return this.#exists({ method, path: paths.table(identifier), subject: subjectOf(identifier) })
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable> {
    return this.#load(identifier, this.#options.snapshots ?? 'all')
  }

  async #load(identifier: TableIdentifier, snapshots: SnapshotMode): Promise<LoadedTable> {
    checkIdentifier(identifier)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.loadTable)
    const known = this.#tables.known(identifier, snapshots)
    const response = await this.#send({
      method: 'GET',
      path: paths.table(identifier),
      query: { snapshots },
      headers: { ...this.#delegation(), ...(known === undefined ? {} : { 'if-none-match': known.etag }) },
      subject: subjectOf(identifier),
    })
    const table = response.status === 304 && known !== undefined ? known.table : this.#tables.accept(identifier, response, snapshots)
    return snapshots === 'all' ? table : { ...table, complete: async () => withHistory(table, await this.#load(identifier, 'all')) }
  }

  async createTable(identifier: TableIdentifier, creation: TableCreation): Promise<LoadedTable> {
    return this.#tables.accept(identifier, await this.#create(identifier, creation, false))
  }

  async #create(identifier: TableIdentifier, creation: TableCreation, stage: boolean): Promise<RestResponse> {
    checkIdentifier(identifier)
    if (identifier.namespace.length === 0) throw noRootTables()
    if (creation.location !== undefined) this.#options.checkReach?.(creation.location)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.createTable)
    const body = createTableBody(identifier.name, creation, { stage })
    const path = paths.tables(identifier.namespace)
    const request: RestRequest = { method: 'POST', path, headers: this.#delegation(), body, subject: subjectOf(identifier) }
    // What is only staged leaves nothing that could be in doubt.
    return stage ? this.#sendChange(request) : this.#change(request)
  }

  async commitTable(request: CommitRequest): Promise<CommitOutcome> {
    const { identifier } = request
    let config: RestConfig
    try {
      config = await this.#configured()
      config.endpoints.require(endpoints.updateTable)
    } catch (error) {
      // The commit was not sent.
      const reason = error instanceof Error ? error : new Error(String(error))
      return { outcome: 'rejected', reason, retryable: isFloeError(error, 'UNAVAILABLE') }
    }
    return commitToRest(request, {
      send: (body) => this.#sendChange({ method: 'POST', path: config.paths.table(identifier), body, subject: subjectOf(identifier) }, identifier),
      load: () => this.loadTable(identifier),
      accept: (response) => this.#tables.acceptCommit(identifier, response, request.base),
    })
  }

  /** Several tables at once, where the server offers it: the protocol's `transactions/commit`. */
  get transactions(): TableTransactions {
    return {
      check: async () => (await this.#configured()).endpoints.require(endpoints.commitTransaction),
      stageTable: async (identifier, creation) => this.#tables.acceptStaged(identifier, await this.#create(identifier, creation, true)),
      commit: async (requests) => {
        const { paths } = await this.#configured()
        const subject = `tables ${requests.map(({ identifier }) => printTableIdentifier(identifier)).join(', ')}`
        for (const { identifier } of requests) this.#tables.forget(identifier)
        return commitTransaction(requests, (body) => this.#sendChange({ method: 'POST', path: paths.transaction(), body, subject }))
      },
    }
  }

  async dropTable(identifier: TableIdentifier, options: { readonly purge?: boolean } = {}): Promise<void> {
    checkIdentifier(identifier)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.dropTable)
    this.#tables.forget(identifier)
    const query = { purgeRequested: options.purge === true ? 'true' : 'false' }
    await this.#change({ method: 'DELETE', path: paths.table(identifier), query, subject: subjectOf(identifier) })
  }

  async renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    checkIdentifier(from)
    checkIdentifier(to)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.renameTable)
    this.#tables.forget(from)
    const body: JsonMembers = { source: identifierJson(from), destination: identifierJson(to) }
    await this.#change({ method: 'POST', path: paths.rename(), body, subject: `${subjectOf(from)} to be ${printTableIdentifier(to)}` })
  }

  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable> {
    checkIdentifier(identifier)
    const { paths, endpoints: offered } = await this.#configured()
    offered.require(endpoints.registerTable)
    const body: JsonMembers = { name: identifier.name, 'metadata-location': metadataLocation }
    const path = paths.register(identifier.namespace)
    const response = await this.#change({ method: 'POST', path, headers: this.#delegation(), body, subject: subjectOf(identifier) })
    return this.#tables.accept(identifier, response)
  }

  async close(): Promise<void> {
    await this.#metrics.close()
    await this.#tables.close()
  }

  /** Tables are loaded with the configuration at hand. */
  #plannerOf(
    identifier: TableIdentifier,
    useCredentials: RemotePlanningOptions['useCredentials'],
  ): NonNullable<LoadedTable['planRemotely']> {
    const config = this.#agreed
    if (config?.endpoints.has(endpoints.planScan) !== true) {
      const message = 'Scans of this table are to be planned by the catalog (scan-planning-mode=server), which does not offer that'
      throw new FloeError('UNSUPPORTED', message, { table: printTableIdentifier(identifier) })
    }
    const [runtime, headers] = [this.#runtime, this.#delegation()]
    const send = (request: RestRequest): Promise<RestResponse> => this.#send(request, identifier)
    const errorOf = (status: number, text: string, subject: string): FloeError => this.#http.errorOf(status, text, subject)
    return async (scan) => planRemotely(scan, { identifier, config, runtime, headers, send, errorOf, useCredentials })
  }

  #delegation(): Readonly<Record<string, string>> {
    const delegation = this.#options.accessDelegation ?? 'vended-credentials'
    return delegation === 'none' ? {} : { 'x-iceberg-access-delegation': delegation }
  }

  async #fetchCredentials(identifier: TableIdentifier): Promise<JsonObject> {
    const { paths, endpoints: offered } = await this.#configured()
    const subject = `credentials of ${subjectOf(identifier)}`
    if (offered.has(endpoints.loadCredentials)) {
      return bodyOf(await this.#send({ method: 'GET', path: paths.credentials(identifier), subject }, identifier), subject)
    }
    return this.#loadBriefly(identifier)
  }

  /** A table's answer for what it says beside the metadata. */
  async #loadBriefly(identifier: TableIdentifier): Promise<JsonObject> {
    const { paths } = await this.#configured()
    const subject = subjectOf(identifier)
    const path = paths.table(identifier)
    return bodyOf(await this.#send({ method: 'GET', path, query: { snapshots: 'refs' }, headers: this.#delegation(), subject }), subject)
  }

  async #exists(request: RestRequest): Promise<boolean> {
    try {
      await this.#send(request)
      return true
    } catch (error) {
      if (statusOf(error) === 404) return false
      throw error
    }
  }

  async *#pages(request: RestRequest): AsyncGenerator<JsonObject, void, undefined> {
    const { pageSize } = this.#options
    let token = ''
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = { ...request.query, pageToken: token, pageSize: pageSize?.toString() }
      const body = bodyOf(await this.#send({ ...request, query }), request.subject ?? request.path)
      yield body
      const next = body.optionalString('next-page-token')
      if (next === undefined || next === '') return
      if (next === token) throw new FloeError('CORRUPT', `The catalog answers with the same page of ${request.subject ?? request.path} again and again`)
      token = next
    }
    throw new FloeError('CORRUPT', `The catalog's list of ${request.subject ?? request.path} has more than ${MAX_PAGES} pages`)
  }

  /** A change that is no commit. Throws `COMMIT_STATE_UNKNOWN` where the answer does not tell what became of it. */
  async #change(request: RestRequest): Promise<RestResponse> {
    try {
      return await this.#sendChange(request)
    } catch (error) {
      throw undecided(error, request.subject ?? request.path)
    }
  }

  /** Sends a change: once, or with a key by which the server recognises it again. */
  async #sendChange(request: RestRequest, table?: TableIdentifier): Promise<RestResponse> {
    const { idempotencyLifetimeMs } = await this.#configured()
    if (idempotencyLifetimeMs === undefined) return this.#send({ ...request, repeatable: false }, table)
    const headers = { ...request.headers, 'idempotency-key': idempotencyKey(this.#runtime) }
    return this.#send({ ...request, headers, repeatable: true, repeatableForMs: idempotencyLifetimeMs }, table)
  }

  /** With the session of the catalog, or of a table that the server gave a token for. */
  #send(request: RestRequest, table?: TableIdentifier): Promise<RestResponse> {
    return this.#http.send(request, table === undefined ? this.#session : this.#sessions.of(table))
  }

  #configured(): Promise<RestConfig> {
    this.#config ??= this.#loadConfig().catch((error: unknown) => {
      this.#config = undefined
      throw error
    })
    return this.#config
  }

  async #loadConfig(): Promise<RestConfig> {
    const { warehouse, properties = {} } = this.#options
    const subject = 'its configuration'
    const response = await this.#send({ method: 'GET', path: 'v1/config', query: { warehouse }, subject })
    const own = new Map(Object.entries(properties))
    if (warehouse !== undefined) own.set('warehouse', warehouse)
    const config = mergeConfig(bodyOf(response, subject), own)
    this.#agreed = config
    this.#tables.useDefaults(config.properties)
    this.#metrics.useConfig(config)
    return config
  }
}

function openSession(auth: RestAuth, http: RestHttp, runtime: Runtime): AuthSession {
  switch (auth.type) {
    case 'none':
      return anonymousSession
    case 'bearer':
      if (typeof auth.token !== 'string' && typeof auth.token !== 'function') throw new FloeError('INVALID', 'A bearer token is a text, or a function that fetches one')
      if (http.base.protocol !== 'https:' && !isLoopback(http.base)) throw unencrypted(http.base)
      return bearerSession(auth.token)
    case 'oauth2':
      if (http.base.protocol !== 'https:' && !isLoopback(http.base)) throw unencrypted(http.base)
      return new OAuth2Session(auth, http, runtime)
    case 'sigv4':
      return new SigV4Session(auth, runtime)
    default: {
      const { type } = auth as { readonly type?: unknown }
      throw new FloeError('INVALID', `The type of rest.auth is none, bearer, oauth2 or sigv4, not ${typeof type === 'string' ? JSON.stringify(type.slice(0, 40)) : typeof type}`)
    }
  }
}

/** A header's value, and what follows a scheme in it, as in `Bearer x`. */
function partsOfHeader(value: string): readonly string[] {
  const space = value.indexOf(' ')
  return space === -1 ? [value] : [value, value.slice(space + 1).trim()]
}

function unencrypted(base: URL): FloeError {
  return new FloeError('INVALID', `Tokens are not sent to ${base.origin} without encryption: use an https address`)
}

function noRootTables(): FloeError {
  return new FloeError('UNSUPPORTED', 'A REST catalog has no tables outside of namespaces: name one, as in shop.events')
}

function subjectOf(identifier: TableIdentifier): string {
  return `table ${printTableIdentifier(identifier)}`
}

function bodyOf(response: RestResponse, subject: string): JsonObject {
  if (response.body === undefined) throw new FloeError('CORRUPT', `The catalog's answer about ${subject} is empty: check the catalog's URI`)
  return response.body
}

function identifierJson(identifier: TableIdentifier): JsonMembers {
  return { namespace: identifier.namespace, name: identifier.name }
}

function namespaceOf(item: JsonValue, page: JsonObject): readonly string[] {
  if (Array.isArray(item) && item.every((level) => typeof level === 'string')) return item as readonly string[]
  throw page.error('namespaces', 'lists of names')
}
