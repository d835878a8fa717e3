import type { LoadedTable } from '../catalog/catalog-backend.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { indexSnapshots } from '../snapshot/ancestry.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { comparePositions, lastSourcePosition, sourcePositionProperty } from '../snapshot/source-position.js'
import { isFloeError, FloeError } from '../util/errors.js'
import type { WriteInput } from '../write/input-items.js'
import type { ApplyChangesOptions } from './apply-changes-options.js'
import { applyEvents, type EventCounts, type EventTarget } from './apply-events.js'
import { appendNothing } from './append-nothing.js'
import { eventReader } from './change-events.js'
import type { DmlContext } from './dml-context.js'
import { checkedEvents } from './checked-events.js'
import { JoinSource, keyIdsOf } from './join-source.js'
import { replanning } from './replan.js'
import { runRowChange, type RowChangeKind, type RowChangeOutcome, type RowChangeResult } from './row-change.js'

export type { ApplyChangesOptions } from './apply-changes-options.js'

export interface ApplyChangesResult extends RowChangeResult {
  /** Events that changed nothing: others of their key came later, in this call or before it. */
  readonly supersededEvents: number
  /** True when the position was not after the stored one: nothing was read or changed. */
  readonly skipped: boolean
  /** The position that is stored now; undefined when none is. */
  readonly sourcePosition: string | undefined
}

/** The result of applying changes, and the table after it. */
export interface ApplyChangesOutcome {
  readonly result: ApplyChangesResult
  readonly table: LoadedTable | undefined
}

/**
 * Applies events of an operational database, in any order, in one snapshot: of every key the last event wins. Of two events of one
 * key and order, the one that comes later in the input wins, so that events which were delivered twice change nothing.
 *
 * @throws FloeError `INVALID` for events without key or order, and for operations that are not known; `CONFLICT` when others were
 * in the way again and again; `NOT_FOUND` when the stored position is not known, see `ifPositionUnknown`
 */
export async function applyChanges(
  context: DmlContext,
  events: WriteInput,
  options: ApplyChangesOptions,
): Promise<ApplyChangesOutcome> {
  const positions = new SourcePositions(options)
  const early = positions.ifApplied(context.loaded.metadata)
  if (early !== undefined) return skipped(context.loaded, early)
  const { metadata } = context.loaded
  const table = currentSchema(metadata)
  const keyIds = keyIdsOf(table, options.keys)
  const order = typeof options.order === 'string' ? [options.order] : options.order
  const presence = options.missingColumns === 'keep'
  const columns = { operation: options.operation, order, codes: options.operations ?? {}, presence }
  const reader = await eventReader(events, table, columns, options)
  const source = new JoinSource(context, { ...options, metadata, schema: reader.schema, keyIds })
  const target: EventTarget = { source, reader, table, options }
  try {
    return await replanning(context, options.signal, async (current) => {
      const applied = positions.ifApplied(current.loaded.metadata)
      if (applied !== undefined) return skipped(current.loaded, applied)
      return applyOnce(current, target, positions)
    })
  } finally {
    await source.close()
  }
}

async function applyOnce(context: DmlContext, target: EventTarget, positions: SourcePositions): Promise<ApplyChangesOutcome> {
  const { source, reader, options } = target
  const kind: RowChangeKind = {
    name: 'change stream',
    properties: 'merge',
    get filter() {
      return source.filter()
    },
  }
  const summary = { ...options.summary, ...positions.summary }
  const guard = (metadata: TableMetadata): void => positions.check(metadata)
  let counts: EventCounts = { superseded: 0 }
  const outcome = await runRowChange(context, { ...options, summary }, kind, async (set, progress) => {
    await source.take(checkedEvents(reader, source.keys))
    counts = await applyEvents({ context, set, progress }, target)
    return { guard }
  })
  const committed = await withPosition(context, outcome, { options, summary, guard })
  const result = { ...committed.result, supersededEvents: counts.superseded, skipped: false, sourcePosition: positions.text }
  return { result, table: committed.table }
}

interface PositionCommit {
  readonly options: ApplyChangesOptions
  readonly summary: Readonly<Record<string, string>>
  readonly guard: (metadata: TableMetadata) => void
}

/** Events that came to nothing have been applied too: their position is stored by a snapshot that changes no row. */
async function withPosition(context: DmlContext, outcome: RowChangeOutcome, commit: PositionCommit): Promise<RowChangeOutcome> {
  const { options, summary, guard } = commit
  if (options.sourcePosition === undefined || outcome.result.snapshot !== undefined) return outcome
  const { branch, signal } = options
  const { table, snapshot } = await appendNothing(context, { branch, summary, guard, signal })
  return { result: { ...outcome.result, snapshot }, table }
}

function skipped(table: LoadedTable, sourcePosition: string): ApplyChangesOutcome {
  const rows = { deletedRows: 0, updatedRows: 0, insertedRows: 0 }
  const files = { addedDataFiles: 0, removedDataFiles: 0, addedDeleteFiles: 0, removedDeleteFiles: 0 }
  return { result: { snapshot: undefined, ...rows, ...files, isRepeat: true, supersededEvents: 0, skipped: true, sourcePosition }, table }
}

/** The position of one call, against those in the table. */
class SourcePositions {
  /** Undefined when the call has none. */
  readonly text: string | undefined
  readonly #options: ApplyChangesOptions
  readonly #source: string

  constructor(options: ApplyChangesOptions) {
    const { source = 'default', sourcePosition } = options
    this.#options = options
    this.#source = source
    this.text = sourcePosition === undefined ? undefined : String(sourcePosition)
    if (typeof sourcePosition === 'number' && !Number.isSafeInteger(sourcePosition)) {
      throw new FloeError('INVALID', `A source position that is a number must be a whole one below 2^53, not ${sourcePosition}: pass a bigint or a text`)
    }
    // A position whose order cannot be told is refused before it is stored.
    if (this.text !== undefined && options.comparePositions === undefined) comparePositions(this.text, '0')
  }

  get summary(): Readonly<Record<string, string>> {
    return this.text === undefined ? {} : { [sourcePositionProperty(this.#source)]: this.text }
  }

  /** The stored position, when it says that the call's events are in the table. */
  ifApplied(metadata: TableMetadata): string | undefined {
    if (this.text === undefined) return undefined
    const stored = this.#stored(metadata)
    const compare = this.#options.comparePositions ?? comparePositions
    return stored !== undefined && compare(this.text, stored) <= 0 ? stored : undefined
  }

  /** @throws FloeError `CONFLICT` when another call has applied the events meanwhile */
  check(metadata: TableMetadata): void {
    const stored = this.ifApplied(metadata)
    if (stored === undefined) return
    throw new FloeError('CONFLICT', `another call has applied source ${JSON.stringify(this.#source)} up to ${stored} meanwhile`, { retryable: true })
  }

  #stored(metadata: TableMetadata): string | undefined {
    const head = branchHead(metadata, this.#options.branch ?? MAIN_BRANCH)
    try {
      return lastSourcePosition(this.#source, head, indexSnapshots(metadata.snapshots))
    } catch (error) {
      if (this.#options.ifPositionUnknown === 'apply' && isFloeError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }
}
