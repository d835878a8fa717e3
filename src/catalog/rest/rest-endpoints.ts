import { FloeError } from '../../util/errors.js'

/** Operations of the protocol, as servers list them. */
export const endpoints = {
  listNamespaces: 'GET /v1/{prefix}/namespaces',
  createNamespace: 'POST /v1/{prefix}/namespaces',
  loadNamespace: 'GET /v1/{prefix}/namespaces/{namespace}',
  namespaceExists: 'HEAD /v1/{prefix}/namespaces/{namespace}',
  dropNamespace: 'DELETE /v1/{prefix}/namespaces/{namespace}',
  updateNamespace: 'POST /v1/{prefix}/namespaces/{namespace}/properties',
  listTables: 'GET /v1/{prefix}/namespaces/{namespace}/tables',
  createTable: 'POST /v1/{prefix}/namespaces/{namespace}/tables',
  loadTable: 'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  tableExists: 'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  updateTable: 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  dropTable: 'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  renameTable: 'POST /v1/{prefix}/tables/rename',
  registerTable: 'POST /v1/{prefix}/namespaces/{namespace}/register',
  reportMetrics: 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
  commitTransaction: 'POST /v1/{prefix}/transactions/commit',
  loadCredentials: 'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials',
  planScan: 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan',
  fetchPlan: 'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}',
  cancelPlan: 'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}',
  fetchScanTasks: 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/tasks',
  listViews: 'GET /v1/{prefix}/namespaces/{namespace}/views',
  createView: 'POST /v1/{prefix}/namespaces/{namespace}/views',
  loadView: 'GET /v1/{prefix}/namespaces/{namespace}/views/{view}',
  viewExists: 'HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}',
  updateView: 'POST /v1/{prefix}/namespaces/{namespace}/views/{view}',
  dropView: 'DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}',
  renameView: 'POST /v1/{prefix}/views/rename',
  registerView: 'POST /v1/{prefix}/namespaces/{namespace}/register-view',
} as const

export type Endpoint = (typeof endpoints)[keyof typeof endpoints]

/** What a server that lists nothing is taken to offer. Source: `RESTSessionCatalog.DEFAULT_ENDPOINTS` */
const DEFAULT_ENDPOINTS: readonly Endpoint[] = [
  endpoints.listNamespaces,
  endpoints.loadNamespace,
  endpoints.createNamespace,
  endpoints.updateNamespace,
  endpoints.dropNamespace,
  endpoints.listTables,
  endpoints.loadTable,
  endpoints.createTable,
  endpoints.updateTable,
  endpoints.dropTable,
  endpoints.renameTable,
  endpoints.registerTable,
  endpoints.reportMetrics,
  endpoints.commitTransaction,
]

const VIEW_ENDPOINTS: readonly Endpoint[] = [
  endpoints.listViews,
  endpoints.loadView,
  endpoints.createView,
  endpoints.updateView,
  endpoints.dropView,
  endpoints.renameView,
]

/** What a server offers. */
export class EndpointSet {
  readonly #offered: ReadonlySet<string>

  /** `listed` as the server's configuration has it; absent or empty for servers that do not list any. */
  constructor(listed: readonly string[] | undefined, options: { readonly views: boolean }) {
    const assumed = options.views ? [...DEFAULT_ENDPOINTS, ...VIEW_ENDPOINTS] : DEFAULT_ENDPOINTS
    this.#offered = new Set<string>(listed === undefined || listed.length === 0 ? assumed : listed)
  }

  has(endpoint: Endpoint): boolean {
    return this.#offered.has(endpoint)
  }

  /** Throws `UNSUPPORTED` unless the server offers the endpoint. */
  require(endpoint: Endpoint): void {
    if (!this.has(endpoint)) throw new FloeError('UNSUPPORTED', `This catalog does not offer ${endpoint}`)
  }
}
