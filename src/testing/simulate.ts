import type { CatalogBackend, TableIdentifier } from '../catalog/catalog-backend.js'
import { ObjectStoreCatalog } from '../catalog/object-store-catalog.js'
import type { FileIO } from '../io/file-io.js'
import { schema, t } from '../schema/schema-builder.js'
import { isFloeError } from '../util/errors.js'
import { checkHistory } from './check-history.js'
import { PriorityOrder, RandomOrder, type Decisions } from './decisions.js'
import { EventLog } from './event-log.js'
import { FaultPlan, type Fault } from './fault.js'
import { FaultyFileIO, type Request } from './faulty-file-io.js'
import type { History, OperationRecord, Part, ReadRecord } from './history.js'
import { RecordingStore } from './recording-store.js'
import { Scheduler } from './scheduler.js'
import { SeededRandom } from './seeded-random.js'
import { SimulatedRuntime } from './simulated-runtime.js'
import type { ActorPlan, SimulationPlan } from './simulation-plan.js'
import { decodeRows } from './synthetic-file.js'
import { liveFiles, livePositions } from './table-view.js'
import type { Violation } from './violation.js'
import type { Substitutions, WriterContext } from './writer-context.js'
import { WRITER_OPERATIONS, type WriterOperationKind } from './writer-operations.js'

export interface SimulateOptions {
  /** Parts of the run that others stand in for. */
  readonly substitutions?: Substitutions & { readonly io?: (io: FileIO, actor: string) => FileIO }
  /** Who goes next. Default: as the plan says. */
  readonly decisions?: Decisions
  /** Keep the text of the log. Default false. */
  readonly keepsLog?: boolean
  /** Only these requests are steps; all others happen at once. `exists`: whether the object is there. Default: all. */
  readonly isVisible?: (request: Request, exists: boolean) => boolean
  /** Whether sleepers may wake at any moment, and answers come with their effects: fewer orders, for walking through all. */
  readonly isSmall?: boolean
}

export interface SimulationResult {
  readonly violations: readonly Violation[]
  readonly history: History
  /** Of the whole log. */
  readonly hash: string
  readonly log: readonly string[]
  readonly steps: number
  /** Faults that struck. */
  readonly struck: readonly Fault[]
}

const WAREHOUSE = 'memory:///lake'
const IDENTIFIER: TableIdentifier = { namespace: [], name: 'events' }
const START_MS = 1_750_000_000_000

/** Runs a plan to its end, then checks what came of it. The same plan gives the same log, byte for byte. */
export async function simulate(plan: SimulationPlan, options: SimulateOptions = {}): Promise<SimulationResult> {
  const run = new SimulationRun(plan, options)
  const history = await run.run()
  return { ...run.summary(), history, violations: checkHistory(history) }
}

class SimulationRun {
  readonly #log: EventLog
  readonly #scheduler: Scheduler
  readonly #store: RecordingStore
  readonly #faults: FaultPlan
  readonly #rowsOf = new Map<string, readonly string[]>()
  readonly #written = new Map<string, string>()
  readonly #operations: OperationRecord[] = []
  readonly #reads: ReadRecord[] = []
  /** What each actor is at. */
  readonly #under = new Map<string, OperationRecord | ReadRecord>()
  readonly #plan: SimulationPlan
  readonly #options: SimulateOptions

  constructor(plan: SimulationPlan, options: SimulateOptions) {
    this.#plan = plan
    this.#options = options
    this.#log = new EventLog(options.keepsLog)
    const random = new SeededRandom(plan.seed ^ 0x5eed)
    const decisions = options.decisions ?? (plan.order === 'priority' ? new PriorityOrder(plan.seed) : new RandomOrder(plan.seed))
    this.#scheduler = new Scheduler({ decisions, log: this.#log, random, startMs: START_MS, isTimeFree: options.isSmall === true })
    this.#store = new RecordingStore({ now: () => this.#scheduler.nowMs }, () => this.#scheduler.steps)
    this.#faults = new FaultPlan(plan.faults)
  }

  async run(): Promise<History> {
    await this.#setUp()
    for (const [i, actor] of this.#plan.actors.entries()) void this.#act(actor, i)
    const finished = await this.#finish()
    // Faults are over now: the table must take one more append, and show it.
    if (finished) {
      for (const [i, kind] of (['append', 'read'] as const).entries()) {
        void this.#act({ name: `last${i}`, operations: [kind], isCold: true }, 100 + i)
        if (!(await this.#finish())) return this.#history(false)
      }
    }
    return this.#history(finished)
  }

  summary(): Omit<SimulationResult, 'history' | 'violations'> {
    return { hash: this.#log.hash, log: this.#log.lines, steps: this.#scheduler.steps, struck: this.#faults.struck }
  }

  #history(finished: boolean): History {
    return {
      metadataFolder: `${WAREHOUSE}/${IDENTIFIER.name}/metadata`,
      operations: this.#operations,
      reads: this.#reads,
      store: this.#store.journal,
      objects: this.#store.objects,
      written: this.#written,
      faults: this.#faults.struck.map(({ kind }) => kind),
      isPatient: this.#plan.properties['commit.retry.num-retries'] === undefined,
      finished,
    }
  }

  async #finish(): Promise<boolean> {
    try {
      await this.#scheduler.run()
      return true
    } catch {
      return false
    }
  }

  /** The table before the run: two files of rows, no faults, nobody else there. */
  async #setUp(): Promise<void> {
    const runtime = new SimulatedRuntime(this.#scheduler, 'setup', new SeededRandom(this.#plan.seed ^ 0xface))
    const catalog = new ObjectStoreCatalog({ warehouse: WAREHOUSE, io: this.#store, runtime })
    await catalog.createTable(IDENTIFIER, {
      schema: schema({ id: t.string }),
      spec: { specId: 0, fields: [] },
      sortOrder: { orderId: 0, fields: [] },
      formatVersion: 3,
      properties: new Map(Object.entries(this.#plan.properties)),
    })
    const random = new SeededRandom(this.#plan.seed ^ 0xbead)
    for (const operationId of ['s1', 's2']) await this.#operate('append', { actor: 'setup', operationId, backend: catalog, runtime, random }, {})
  }

  async #act(actor: ActorPlan, index: number): Promise<void> {
    const runtime = new SimulatedRuntime(this.#scheduler, actor.name, new SeededRandom(this.#plan.seed + 0x1000 * (index + 1)))
    const io = this.#ioOf(actor.name, runtime)
    const { backend: replace } = this.#options.substitutions ?? {}
    const open = (): CatalogBackend => {
      const catalog = new ObjectStoreCatalog({ warehouse: WAREHOUSE, io, runtime })
      return replace?.(catalog, actor.name) ?? catalog
    }
    const kept = open()
    for (const [i, kind] of actor.operations.entries()) {
      if (this.#options.isSmall !== true) await this.#scheduler.turn(actor.name, `begins ${kind}`)
      const backend = actor.isCold === true ? open() : kept
      const operationId = `${actor.name}-${i}`
      if (kind === 'read') await this.#read(actor.name, operationId, backend)
      else {
        const random = new SeededRandom(this.#plan.seed + 0x777 * (index + 1) + i)
        await this.#operate(kind, { actor: actor.name, operationId, backend, runtime, random }, this.#options.substitutions ?? {})
      }
    }
  }

  #ioOf(actor: string, runtime: SimulatedRuntime): FileIO {
    const faulty = new FaultyFileIO(this.#store, {
      actor,
      scheduler: this.#scheduler,
      faults: this.#faults,
      log: this.#log,
      moveClock: (ms) => {
        runtime.skewMs += ms
      },
      isCommit: ({ operation, location }) => operation === 'write' && /\/v\d+\.metadata\.json$/.test(location),
      isVerified: (location) => /\.(?:rows|puffin)$|version-hint\.text$/.test(location),
      isVisible: (request) => this.#options.isVisible?.(request, this.#store.objects.has(request.location)) !== false,
      delaysAnswers: this.#options.isSmall !== true,
      listAsOf: (prefix, ageMs) => this.#store.listAsOf(prefix, this.#scheduler.nowMs - ageMs),
      onFault: ({ kind }) => this.#under.get(actor)?.faults.push(kind),
    })
    const noting = noteWrites(faulty, (location) => this.#written.set(location, this.#under.get(actor)?.id ?? actor))
    return this.#options.substitutions?.io?.(noting, actor) ?? noting
  }

  async #operate(
    kind: WriterOperationKind,
    given: Pick<WriterContext, 'actor' | 'operationId' | 'backend' | 'runtime' | 'random'>,
    substitutions: Substitutions,
  ): Promise<void> {
    let record = this.#begin(kind, given.actor, given.operationId)
    let declared = 0
    const declare = (parts: readonly Part[]): void => {
      if (declared++ > 0) {
        this.#end(record, 'ok')
        record = this.#begin(kind, given.actor, `${given.operationId}.${declared}`)
      }
      record.parts = parts
    }
    try {
      await WRITER_OPERATIONS[kind]({ ...given, identifier: IDENTIFIER, rowsOf: this.#rowsOf, substitutions, declare })
      this.#end(record, 'ok')
    } catch (error) {
      record.error = { code: codeOf(error), message: String(error) }
      this.#end(record, isFloeError(error, 'COMMIT_STATE_UNKNOWN') ? 'unknown' : 'failed')
    }
  }

  #begin(kind: string, actor: string, id: string): OperationRecord {
    const record: OperationRecord = { id, actor, kind, invokedAt: this.#scheduler.steps, endedAt: undefined, outcome: 'open', parts: [], faults: [] }
    this.#operations.push(record)
    this.#under.set(actor, record)
    this.#log.add(`${id} ${kind} begins`)
    return record
  }

  #end(record: OperationRecord, outcome: 'ok' | 'failed' | 'unknown'): void {
    record.outcome = outcome
    record.endedAt = this.#scheduler.steps
    this.#log.add(`${record.id} ${outcome} ${record.error?.message ?? ''}`)
  }

  async #read(actor: string, id: string, backend: CatalogBackend): Promise<void> {
    const record: ReadRecord = { id, actor, invokedAt: this.#scheduler.steps, endedAt: undefined, faults: [] }
    this.#reads.push(record)
    this.#under.set(actor, record)
    try {
      const table = await backend.loadTable(IDENTIFIER)
      record.metadataLocation = table.metadataLocation
      record.snapshotId = table.metadata.currentSnapshotId
      const rows: string[] = []
      for (const live of await liveFiles(table)) {
        const names = decodeRows(await table.io.read(live.file.filePath), live.file.filePath)
        for (const position of livePositions(live)) rows.push(names[position]!)
      }
      record.rows = rows.sort()
    } catch (error) {
      record.error = { code: codeOf(error), message: String(error) }
    }
    record.endedAt = this.#scheduler.steps
    this.#log.add(`${id} read ${record.rows?.join(' ') ?? record.error?.message ?? ''}`)
  }
}

function codeOf(error: unknown): string {
  return isFloeError(error) ? error.code : 'NOT_TYPED'
}

/** Says which locations were asked to be written. */
function noteWrites(io: FileIO, note: (location: string) => void): FileIO {
  return {
    read: (location, options) => io.read(location, options),
    readMany: (location, ranges, options) => io.readMany(location, ranges, options),
    write: (location, body, options) => {
      note(location)
      return io.write(location, body, options)
    },
    head: (location) => io.head(location),
    list: (prefix, options) => io.list(prefix, options),
    listFolder: (folder, options) => io.listFolder!(folder, options),
    delete: (locations) => io.delete(locations),
  }
}
