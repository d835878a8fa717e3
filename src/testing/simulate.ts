import type { CatalogBackend, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import { ObjectStoreCatalog } from '../catalog/object-store-catalog.js'
import type { FileIO } from '../io/file-io.js'
import { readPlannedFiles } from '../scan/read-files.js'
import { planScan } from '../scan/plan-scan.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { rowReader } from '../arrow/row-values.js'
import { isFloeError } from '../util/errors.js'
import { CausalTime } from './causal-time.js'
import { checkHistory } from './check-history.js'
import { checkPlan } from './check-plan.js'
import { PriorityOrder, RandomOrder, type Decisions } from './decisions.js'
import { EventLog } from './event-log.js'
import { FaultPlan, type Fault, type FaultKind } from './fault.js'
import { FaultyFileIO, type Request } from './faulty-file-io.js'
import type { ExpiryRecord, History, OperationRecord, Part, ReadRecord } from './history.js'
import { RecordingStore } from './recording-store.js'
import { Scheduler } from './scheduler.js'
import { SeededRandom } from './seeded-random.js'
import { SimulatedRuntime } from './simulated-runtime.js'
import type { ActorPlan, SimulationPlan } from './simulation-plan.js'
import { encodeRows, rowText, SIMULATION_SCHEMA, isTableRow, textOf } from './synthetic-file.js'
import { decodeTextFile } from './text-file.js'
import { TextEngine } from './text-engine.js'
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
  /**
   * Whether sleepers may wake at any moment, answers come with their effects, and clocks follow cause and effect: fewer orders, for
   * walking through all.
   */
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
  /** How often each kind came about: see {@link FaultPlan.effects}. */
  readonly effects: ReadonlyMap<FaultKind, number>
  /** Whether its order was given up, as nothing new lay ahead: nothing was checked then. */
  readonly isCut: boolean
}

const WAREHOUSE = 'memory:///lake'
const IDENTIFIER: TableIdentifier = { namespace: [], name: 'events' }
const START_MS = 1_750_000_000_000
/** What was there before the run is so old. */
const SETUP_AGE_MS = 5 * 86_400_000

const engine = new TextEngine()
const readRows = rowReader(SIMULATION_SCHEMA)

/** Runs a plan to its end, then checks what came of it. The same plan gives the same log, byte for byte. */
export async function simulate(plan: SimulationPlan, options: SimulateOptions = {}): Promise<SimulationResult> {
  checkPlan(plan)
  const run = new SimulationRun(plan, options)
  const history = await run.run()
  const summary = run.summary()
  return { ...summary, history, violations: summary.isCut ? [] : checkHistory(history) }
}

class SimulationRun {
  readonly #log: EventLog
  readonly #scheduler: Scheduler
  readonly #time: CausalTime | undefined
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
    this.#time = options.isSmall === true ? new CausalTime(START_MS) : undefined
    this.#scheduler = new Scheduler({ decisions, log: this.#log, random, startMs: START_MS, time: this.#time })
    this.#store = new RecordingStore({ now: () => this.#scheduler.nowMs }, () => this.#scheduler.steps, this.#time)
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
    return this.#history(finished && (await this.#cleanUp()))
  }

  /** Once nobody writes any more, one removal of orphans leaves none. */
  async #cleanUp(): Promise<boolean> {
    if (!this.#removesOrphans) return true
    this.#scheduler.skip(SETUP_AGE_MS)
    void this.#act({ name: 'last2', operations: ['remove-orphans'], isCold: true }, 102)
    return this.#finish()
  }

  get #removesOrphans(): boolean {
    return this.#plan.actors.some(({ operations }) => operations.includes('remove-orphans'))
  }

  summary(): Omit<SimulationResult, 'history' | 'violations'> {
    const { steps, isCut } = this.#scheduler
    return { hash: this.#log.hash, log: this.#log.lines, steps, struck: this.#faults.struck, effects: this.#faults.effects, isCut }
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
      isCleared: finished && this.#removesOrphans,
    }
  }

  async #finish(): Promise<boolean> {
    try {
      await this.#scheduler.run()
      return !this.#scheduler.isCut
    } catch {
      return false
    }
  }

  /** The table before the run: two files of rows, no faults, nobody else there. */
  async #setUp(): Promise<void> {
    const runtime = new SimulatedRuntime(this.#scheduler, 'setup', new SeededRandom(this.#plan.seed ^ 0xface))
    const catalog = new ObjectStoreCatalog({ warehouse: WAREHOUSE, io: this.#store, runtime })
    await catalog.createTable(IDENTIFIER, {
      schema: SIMULATION_SCHEMA,
      spec: { specId: 0, fields: [] },
      sortOrder: { orderId: 0, fields: [] },
      formatVersion: this.#plan.formatVersion ?? 3,
      properties: new Map(Object.entries(this.#plan.properties)),
    })
    const random = new SeededRandom(this.#plan.seed ^ 0xbead)
    for (const operationId of ['s1', 's2']) await this.#operate('append', { actor: 'setup', operationId, backend: catalog, runtime, random }, {})
    if (this.#removesOrphans) await this.#plantOrphans()
    this.#scheduler.skip(SETUP_AGE_MS)
  }

  /** What a writer left that died long ago. */
  async #plantOrphans(): Promise<void> {
    const folder = `${WAREHOUSE}/${IDENTIFIER.name}`
    await this.#store.write(`${folder}/data/left-behind.parquet`, encodeRows(['left behind']))
    await this.#store.write(`${folder}/metadata/left-behind-m0.avro`, encodeRows(['left behind']))
  }

  async #act(actor: ActorPlan, index: number): Promise<void> {
    this.#time?.join(actor.name, index)
    const runtime = new SimulatedRuntime(this.#scheduler, actor.name, new SeededRandom(this.#plan.seed + 0x1000 * (index + 1)))
    const io = this.#ioOf(actor.name, runtime)
    const { backend: replace } = this.#options.substitutions ?? {}
    const open = (): CatalogBackend => {
      const catalog = new ObjectStoreCatalog({ warehouse: WAREHOUSE, io, runtime })
      return replace?.(catalog, actor.name) ?? catalog
    }
    const kept = open()
    for (const [i, kind] of actor.operations.entries()) {
      if (i > 0) this.#time?.operationBegins()
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
      isVerified: (location) => /\.(?:parquet|puffin)$|version-hint\.text$/.test(location),
      isVisible: (request) => this.#options.isVisible?.(request, this.#store.objects.has(request.location)) !== false,
      delaysAnswers: this.#options.isSmall !== true,
      listAsOf: (prefix, ageMs) => this.#store.listAsOf(prefix, this.#scheduler.nowMs - ageMs),
      onFault: ({ kind }) => this.#under.get(actor)?.faults.push(kind),
    })
    const noting = noteWrites(faulty, (location, body) => {
      this.#written.set(location, this.#under.get(actor)?.id ?? actor)
      if (location.endsWith('.parquet') && body instanceof Uint8Array) this.#noteRows(location, body)
    })
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
    const withdraw = (seenIn?: string): void => {
      record.parts = record.parts.map((part) => ({ ...part, kind: 'nothing', seenIn }))
    }
    const expire = (expiry: ExpiryRecord): void => {
      record.expiry = expiry
    }
    const losesHistory = this.#plan.actors.some(({ operations }) => operations.includes('expire'))
    const told = { declare, withdraw, expire, losesHistory }
    try {
      await WRITER_OPERATIONS[kind]({ ...given, ...told, identifier: IDENTIFIER, rowsOf: this.#rowsOf, substitutions })
      this.#end(record, 'ok')
    } catch (error) {
      record.error = { code: codeOf(error), message: String(error) }
      this.#end(record, isFloeError(error, 'COMMIT_STATE_UNKNOWN') ? 'unknown' : 'failed')
    }
  }

  #noteRows(location: string, body: Uint8Array): void {
    const rows = decodeTextFile(body, location)
    if (rows.every(isTableRow)) this.#rowsOf.set(location, rows.map(textOf))
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
    this.#time?.operationEnds(record.actor)
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
      record.rows = await rowsIn(table)
    } catch (error) {
      record.error = { code: codeOf(error), message: String(error) }
    }
    record.endedAt = this.#scheduler.steps
    this.#time?.operationEnds(actor)
    this.#log.add(`${id} read ${record.rows?.join(' ') ?? record.error?.message ?? ''}`)
  }
}

/** The rows of `main`, as a scan gives them. */
async function rowsIn({ io, metadata }: LoadedTable): Promise<readonly string[]> {
  const read = { io, metadata, schema: SIMULATION_SCHEMA }
  const plan = await planScan({ ...read, snapshot: branchHead(metadata, MAIN_BRANCH) })
  const rows: string[] = []
  for await (const batch of readPlannedFiles(plan.files(), { ...read, engine, projection: SIMULATION_SCHEMA })) {
    for (const { id, v } of readRows(batch)) rows.push(rowText(id as string, v as string | null))
  }
  return rows.sort()
}

function codeOf(error: unknown): string {
  return isFloeError(error) ? error.code : 'NOT_TYPED'
}

/** Says which locations were asked to be written. */
function noteWrites(io: FileIO, note: (location: string, body: Parameters<FileIO['write']>[1]) => void): FileIO {
  return {
    read: (location, options) => io.read(location, options),
    readMany: (location, ranges, options) => io.readMany(location, ranges, options),
    write: (location, body, options) => {
      note(location, body)
      return io.write(location, body, options)
    },
    head: (location) => io.head(location),
    list: (prefix, options) => io.list(prefix, options),
    listFolder: (folder, options) => io.listFolder!(folder, options),
    delete: (locations) => io.delete(locations),
  }
}
