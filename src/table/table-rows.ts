import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { ConvertEqualityDeletesOptions, ConvertEqualityDeletesResult } from '../dml/convert-equality-deletes.js'
import type { UpdateRowsOptions } from '../dml/update-rows.js'
import type { RowDelta, RowDeltaOptions } from '../dml/row-delta.js'
import type { RowAssignments } from '../dml/assignments.js'
import type { OverwritePartitionsOptions } from '../dml/overwrite-partitions.js'
import type { OverwriteRowsOptions } from '../dml/overwrite-rows.js'
import type { RowChangeOptions, RowChangeResult } from '../dml/row-change.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { ApplyChangesOptions, ApplyChangesResult } from '../dml/apply-changes.js'
import type { UpsertOptions } from '../dml/upsert-rows.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { indexSnapshots } from '../snapshot/ancestry.js'
import { lastSourcePosition } from '../snapshot/source-position.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { DataFile } from '../manifest/data-file.js'
import type { AppendFilesOptions, AppendRowsOptions } from './append-rows.js'
import { ChangesScan, type ScanChangesOptions } from './changes-scan.js'
import { checkArgument } from './checked-arguments.js'
import { namingTableAsync } from './named-errors.js'
import type { MergeOptions } from './keyed-changes.js'
import type { FilterInput } from './row-changes.js'
import { TableInspection } from './table-inspection.js'
import { TableScan } from './table-scan.js'
import type { WriteInput } from '../write/input-items.js'
import { TableHandle } from './table-handle.js'

/** What a change came to, and the table with it; `undefined`: nothing was committed. */
interface ChangedRows<T> {
  readonly result: T
  readonly table: LoadedTable | undefined
}

/** Reading the rows of a table, and changing them. */
export abstract class TableRows extends TableHandle {
  /** A scan of the current state; refine it, then iterate it. */
  scan(): TableScan {
    const { engine, filterLog } = this.context
    const scan = new TableScan(this.loaded, engine, filterLog === undefined ? {} : { filterLog })
    return this.boundBranch === undefined ? scan : scan.useRef(this.boundBranch)
  }

  /**
   * What changed between two states, row by row, in the order of commits.
   * @throws FloeError `NOT_FOUND` when the state that it starts from has expired
   */
  scanChanges(options: ScanChangesOptions = {}): ChangesScan {
    checkArgument(options, 'object', 'The options of changes')
    const { engine, runtime } = this.context
    return new ChangesScan(this.loaded, engine, runtime, { ...options, to: options.to ?? this.boundBranch })
  }

  /** The metadata tables: snapshots, files, manifests and so on. */
  get inspect(): TableInspection {
    return new TableInspection(this.loaded, this.boundBranch)
  }

  /**
   * Appends rows as one snapshot, and answers it. Nothing is committed when a row does not fit the schema, unless
   * `onInvalid` takes bad rows.
   *
   * @throws FloeError `INVALID` naming the row, its column, the type expected and what was found
   */
  async append(rows: WriteInput, options: AppendRowsOptions = {}): Promise<Snapshot> {
    checkArgument(options, 'object', 'The options of an append')
    const backend = this.requireBackend('append')
    const { engine, runtime } = this.context
    const { appendRows } = await import('./append-rows.js')
    const context = { loaded: this.loaded, backend, engine, runtime }
    const append = (): ReturnType<typeof appendRows> => appendRows(rows, this.bound(options), context)
    const { result, snapshot } = await namingTableAsync(this.identifier, append, options.signal)
    this.moveTo(result.table)
    return snapshot
  }

  /**
   * Appends data files that something else wrote into the table's places, with their counts and bounds: `DataFile` as manifests
   * have it. The files are not opened.
   *
   * @throws FloeError `INVALID` for a file that is there twice, is no data file or has an unknown partition spec
   */
  async appendFiles(files: readonly DataFile[], options: AppendFilesOptions = {}): Promise<Snapshot> {
    checkArgument(files, 'list', 'The files of an append')
    checkArgument(options, 'object', 'The options of an append')
    const backend = this.requireBackend('append')
    const { engine, runtime } = this.context
    const { appendDataFiles } = await import('./append-rows.js')
    const context = { loaded: this.loaded, backend, engine, runtime }
    const append = (): ReturnType<typeof appendDataFiles> => appendDataFiles(files, this.bound(options), context)
    const { result, snapshot } = await namingTableAsync(this.identifier, append, options.signal)
    this.moveTo(result.table)
    return snapshot
  }

  /**
   * Deletes the rows for which `filter` is true, and answers how many there were; without any, nothing is committed. The
   * newest state of the branch is what is looked at.
   *
   * @throws FloeError `CONFLICT` when another commit was in the way
   */
  delete(filter: FilterInput, options: RowChangeOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('delete', options, (changes, context) => changes.deleteFrom(context, filter, this.bound(options)))
  }

  /**
   * Sets columns of the rows for which `filter` is true: to values, or to what functions answer that get the row as it was.
   *
   * @throws FloeError `INVALID` naming the column whose value does not fit, `CONFLICT` when another commit was in the way
   */
  update(filter: FilterInput, assignments: RowAssignments, options: UpdateRowsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('update', options, (changes, context) => changes.updateIn(context, filter, assignments, this.bound(options)))
  }

  /**
   * Replaces the rows for which `filter` is true, by default all, by `rows`.
   *
   * @throws FloeError `INVALID` naming the row that does not fit, `CONFLICT` when another commit was in the way
   */
  overwrite(rows: WriteInput, filter: FilterInput = alwaysTrue(), options: OverwriteRowsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('overwrite', options, (changes, context) => changes.overwriteIn(context, rows, filter, this.bound(options)))
  }

  /**
   * Replaces the partitions that `rows` belong to, and no others: writing the same rows again changes nothing.
   *
   * @throws FloeError as {@link overwrite} does
   */
  overwritePartitions(rows: WriteInput, options: OverwritePartitionsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('overwrite', options, (changes, context) => changes.overwritePartitionsIn(context, rows, this.bound(options)))
  }

  /**
   * Inserts `rows`, and replaces whole the rows that have their keys; `keys` are column names, by default the table's identifier
   * fields. A key that `rows` has twice, or that is null, is refused.
   *
   * @throws FloeError `INVALID` naming the row that does not fit or the key, `CONFLICT` when other commits were in the way
   */
  upsert(rows: WriteInput, keys?: readonly string[], options: UpsertOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('upsert', options, async (_, context) => {
      const { upsertInto } = await import('./keyed-changes.js')
      return upsertInto(context, rows, keys, this.bound(options))
    })
  }

  /**
   * Commits changes by callers that know files, positions or keys, as one snapshot. They are taken as made on the version that
   * this table is at: commits since then are validated against, as `options.isolation` says.
   *
   * @throws FloeError `CONFLICT` when a data file whose rows are deleted is not there any more
   */
  rowDelta(delta: RowDelta, options: RowDeltaOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('row delta', options, (changes, context) => changes.commitDelta(context, delta, this.bound(options)), 'as seen')
  }

  /**
   * Deletes rows by their keys without looking them up, as writers of streams must: equality deletes, which later reads apply.
   * How many rows that are is therefore not known; `convertEqualityDeletes` makes reading cheap again.
   *
   * @throws FloeError `INVALID` for keys that do not fit, and in tables of format version 1
   */
  deleteByKeys(keys: WriteInput, columns: readonly string[], options: RowDeltaOptions = {}): Promise<RowChangeResult> {
    return this.rowDelta({ deleteKeys: { keys, columns } }, options)
  }

  /** Replaces all equality deletes by deletion vectors, or position delete files on version 2. The table's rows stay the same. */
  convertEqualityDeletes(options: ConvertEqualityDeletesOptions = {}): Promise<ConvertEqualityDeletesResult> {
    return this.#changeRows('conversion of equality deletes', options, (changes, context) => changes.convertDeletes(context, this.bound(options)))
  }

  /**
   * Joins `source` to the table by the key columns `on` and does with every row what the clauses say: update or delete rows that
   * match, insert rows that do not, change rows of the table that the source lacks.
   *
   * @throws FloeError as {@link upsert} does, and `INVALID` when a row of the table matches more than one of the source
   */
  merge(source: WriteInput, options: MergeOptions): Promise<RowChangeResult> {
    return this.#changeRows('merge', options, async (_, context) => {
      const { mergeIntoTable } = await import('./keyed-changes.js')
      return mergeIntoTable(context, source, this.bound(options))
    })
  }

  /**
   * Applies change events of an operational database in one snapshot: of every key the last event wins, also against those of
   * earlier calls where the table has the order columns. With a `sourcePosition` a repeated call changes nothing.
   *
   * @throws FloeError as {@link upsert} does
   */
  async applyChanges(events: WriteInput, options: ApplyChangesOptions): Promise<ApplyChangesResult> {
    return this.#changeRows('applying changes', options, async (_, context) => {
      const { applyChangesTo } = await import('./keyed-changes.js')
      return applyChangesTo(context, events, this.bound(options))
    })
  }

  /**
   * The position up to which a source of changes was applied, of a branch's head; `undefined` when it never was.
   * @throws FloeError `NOT_FOUND` when the history that would tell has expired
   */
  lastSourcePosition(source = 'default', branch = this.boundBranch ?? MAIN_BRANCH): string | undefined {
    for (const name of [source, branch]) checkArgument(name, 'string', 'The name of a source or branch')
    const { metadata } = this.loaded
    return lastSourcePosition(source, branchHead(metadata, branch), indexSnapshots(metadata.snapshots))
  }

  /** `state`: what the change is planned on, the newest state or the one that this table shows. */
  async #changeRows<T>(
    name: string,
    options: { readonly signal?: AbortSignal | undefined },
    change: (changes: typeof import('./row-changes.js'), context: DmlContext) => Promise<ChangedRows<T>>,
    state: 'newest' | 'as seen' = 'newest',
  ): Promise<T> {
    checkArgument(options, 'object', 'The options of a change')
    const backend = this.requireBackend(name)
    const { engine, runtime } = this.context
    const run = async (): ReturnType<typeof change> => {
      const changes = await import('./row-changes.js')
      if (state === 'newest') await this.refresh()
      return change(changes, { backend, loaded: this.loaded, engine, runtime })
    }
    const { result, table } = await namingTableAsync(this.identifier, run, options.signal)
    if (table !== undefined) this.moveTo(table)
    return result
  }
}
