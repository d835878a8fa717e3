import { abortedError } from '../../io/aborted.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import { schemaById } from '../../metadata/metadata-lookup.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import type { JsonMembers, JsonObject } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'
import type { RemoteScan, RemoteScanFile, TableIdentifier } from '../catalog-backend.js'
import { printTableIdentifier } from '../table-identifier.js'
import type { RestConfig } from './rest-config.js'
import { endpoints, type Endpoint } from './rest-endpoints.js'
import type { RestRequest, RestResponse } from './rest-http.js'
import { ScanTasksReader } from './scan-tasks-json.js'
import { parseStorageCredentials, type StorageCredential } from './storage-access.js'

export interface RemotePlanningOptions {
  readonly identifier: TableIdentifier
  readonly config: RestConfig
  readonly runtime: Runtime
  /** How the catalog is asked to give access to files. */
  readonly headers: Readonly<Record<string, string>>
  readonly send: (request: RestRequest) => Promise<RestResponse>
  /** The error for a plan that failed. */
  readonly errorOf: (status: number, text: string, subject: string) => FloeError
  /** Takes the credentials that come with a plan, for its files. */
  readonly useCredentials: (credentials: readonly StorageCredential[]) => void
}

const POLL_TIMEOUT = 'rest-scan-planning.poll-timeout-ms'
const DEFAULT_POLL_TIMEOUT_MS = 5 * 60_000
const FIRST_POLL_MS = 100
const MAX_POLL_MS = 10_000
const TASKS_AT_ONCE = 4
/** A server that hands out ever more plan tasks is stopped here. */
const MAX_PLAN_TASKS = 100_000

/**
 * Has the server plan a scan: submitted, polled while it works, its tasks fetched. A plan that is not waited for to its end, by an
 * abort or an error, is cancelled. Source: `RESTTableScan`, `ScanTaskIterable`
 */
export async function planRemotely(scan: RemoteScan, options: RemotePlanningOptions): Promise<readonly RemoteScanFile[]> {
  return new RemotePlan(scan, options).run()
}

class RemotePlan {
  readonly #scan: RemoteScan
  readonly #options: RemotePlanningOptions
  readonly #reader: ScanTasksReader
  readonly #subject: string
  #planId: string | undefined

  constructor(scan: RemoteScan, options: RemotePlanningOptions) {
    this.#scan = scan
    this.#options = options
    this.#reader = new ScanTasksReader(scan.metadata, schemaById(scan.metadata, scan.schemaId))
    this.#subject = `a scan of table ${printTableIdentifier(options.identifier)}`
  }

  async run(): Promise<readonly RemoteScanFile[]> {
    try {
      const completed = await this.#completed(await this.#submit())
      const credentials = parseStorageCredentials(completed)
      if (credentials.length > 0) this.#options.useCredentials(credentials)
      return await this.#collect(completed)
    } catch (error) {
      await this.#cancel()
      throw error
    }
  }

  async #submit(): Promise<JsonObject> {
    const { config, identifier, headers } = this.#options
    const path = config.paths.plan(identifier)
    // It changes nothing: sent twice, the server plans twice.
    const answer = await this.#ask(endpoints.planScan, { method: 'POST', path, headers, body: planBody(this.#scan), repeatable: true })
    this.#planId = answer.optionalString('plan-id')
    return answer
  }

  /** The answer of a plan that is done. */
  async #completed(first: JsonObject): Promise<JsonObject> {
    const { runtime, config, identifier, headers } = this.#options
    const deadline = runtime.now() + pollTimeoutMs(config)
    let answer = first
    for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(2 * waitMs, MAX_POLL_MS)) {
      const status = answer.requireString('status').toLowerCase()
      if (status === 'completed') return answer
      if (status === 'failed') throw this.#failed(answer)
      if (status === 'cancelled') throw new FloeError('UNAVAILABLE', `The catalog has cancelled ${this.#subject}: try again`)
      const planId = this.#planId
      if (status !== 'submitted' || planId === undefined) throw answer.error('status', 'completed, submitted with a plan-id, cancelled or failed')
      if (runtime.now() + waitMs > deadline) {
        throw new FloeError('UNAVAILABLE', `The catalog has not planned ${this.#subject} in time; ${POLL_TIMEOUT} says how long to wait`)
      }
      await this.#sleep(waitMs)
      answer = await this.#ask(endpoints.fetchPlan, { method: 'GET', path: config.paths.plannedScan(identifier, planId), headers })
    }
  }

  /** The plan's own tasks, and those that its plan tasks stand for. */
  async #collect(completed: JsonObject): Promise<readonly RemoteScanFile[]> {
    const files = [...this.#reader.files(completed)]
    const seen = new Set<string>()
    let waiting = completed.optionalStrings('plan-tasks') ?? []
    while (waiting.length > 0) {
      for (const task of waiting) seen.add(task)
      if (seen.size > MAX_PLAN_TASKS) throw new FloeError('CORRUPT', `The catalog plans ${this.#subject} in more than ${MAX_PLAN_TASKS} tasks`)
      const answers = await mapParallel(waiting, TASKS_AT_ONCE, (task) => this.#fetchTasks(task))
      const next: string[] = []
      for (const answer of answers) {
        for (const file of this.#reader.files(answer)) files.push(file)
        next.push(...(answer.optionalStrings('plan-tasks') ?? []))
      }
      waiting = [...new Set(next)].filter((task) => !seen.has(task))
    }
    this.#planId = undefined
    return files
  }

  #fetchTasks(task: string): Promise<JsonObject> {
    const { config, identifier } = this.#options
    const path = config.paths.scanTasks(identifier)
    return this.#ask(endpoints.fetchScanTasks, { method: 'POST', path, body: { 'plan-task': task }, repeatable: true })
  }

  async #ask(endpoint: Endpoint, request: RestRequest): Promise<JsonObject> {
    this.#options.config.endpoints.require(endpoint)
    const { body } = await this.#options.send({ ...request, signal: this.#scan.signal, subject: this.#subject })
    if (body === undefined) throw new FloeError('CORRUPT', `The catalog's answer about ${this.#subject} is empty`)
    return body
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#scan
    try {
      await this.#options.runtime.sleep(ms, signal)
    } catch (error) {
      throw isFloeError(error) ? error : abortedError(signal)
    }
  }

  #failed(answer: JsonObject): FloeError {
    this.#planId = undefined
    const status = answer.optionalObject('error')?.optionalInt('code') ?? 500
    return this.#options.errorOf(status, JSON.stringify({ error: errorOf(answer) }), this.#subject)
  }

  /** Tells the server to let go of the plan. Whether it does is no matter. */
  async #cancel(): Promise<void> {
    const { config, identifier, send } = this.#options
    const planId = this.#planId
    if (planId === undefined || !config.endpoints.has(endpoints.cancelPlan)) return
    this.#planId = undefined
    await send({ method: 'DELETE', path: config.paths.plannedScan(identifier, planId), subject: this.#subject }).catch(() => undefined)
  }
}

function errorOf(answer: JsonObject): { readonly message: string; readonly type: string } {
  const error = answer.optionalObject('error')
  return { message: error?.optionalString('message') ?? 'the plan failed', type: error?.optionalString('type') ?? '' }
}

/** Source: `PlanTableScanRequestParser` */
function planBody(scan: RemoteScan): JsonMembers {
  return {
    'snapshot-id': scan.snapshotId,
    ...(scan.select.length === 0 ? {} : { select: scan.select }),
    filter: scan.filter,
    'case-sensitive': scan.caseSensitive,
    'use-snapshot-schema': scan.usesSnapshotSchema,
  }
}

function pollTimeoutMs(config: RestConfig): number {
  const text = config.properties.get(POLL_TIMEOUT)
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : DEFAULT_POLL_TIMEOUT_MS
}
