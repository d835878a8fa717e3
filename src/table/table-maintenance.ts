import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { CommittedGroups } from '../compaction/commit-groups.js'
import type { CompactionResult } from '../compaction/compact.js'
import type { CommitCompactionOptions, RewriteGroupOptions } from '../compaction/compaction-options.js'
import type { CompactionPlan } from '../compaction/compaction-plan.js'
import type { GroupResult } from '../compaction/rewrite-group.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { ExpireSnapshotsOptions, ExpireSnapshotsResult } from '../maintenance/expire/expire-snapshots.js'
import type { OrphanPlan } from '../maintenance/orphans/orphan-plan.js'
import type { LayoutOptions, TableLayout } from '../maintenance/layout/layout-types.js'
import type { PlanOrphansOptions } from '../maintenance/orphans/orphan-options.js'
import type { RemoveOrphansOptions, RemoveOrphansResult } from '../maintenance/orphans/remove-orphan-files.js'
import type { FsckOptions } from '../maintenance/fsck/fsck-options.js'
import type { FsckReport } from '../maintenance/fsck/fsck-report.js'
import type { PurgeOptions } from '../maintenance/purge/purge-options.js'
import type { PurgeReport } from '../maintenance/purge/purge-report.js'
import type { RepairOptions, RepairResult } from '../maintenance/repair/repair.js'
import type {
  ComputePartitionStatisticsOptions, ComputePartitionStatisticsResult, ComputeStatisticsOptions, ComputeStatisticsResult, MaintainOptions,
  MaintenancePlan, MaintenanceResult, PartitionStatisticsRow, PlanMaintenanceOptions, ReadPartitionStatisticsOptions,
  RewriteManifestsOptions, RewriteManifestsResult, RewritePositionDeletesOptions, RewritePositionDeletesResult,
} from '../maintenance/table-upkeep.js'
import { checkNamedOptions } from './checked-arguments.js'
import type { CompactCallOptions, PlanCallOptions } from './compaction-calls.js'
import { checkPolicy, MAINTENANCE_NAMES, type MaintenanceVerb } from './maintenance-options.js'
import { namingTableAsync } from './named-errors.js'
import type { FilterInput } from './row-changes.js'
import { TableRows } from './table-rows.js'

/** What work on a table came to, and the table with it; `undefined`: nothing was committed. */
interface Maintained<T> {
  readonly result: T
  readonly table: LoadedTable | undefined
}

/** Other tables that have files in the listed folders: what they reach is spared. */
interface SharedWith {
  readonly sharedWith?: readonly TableMaintenance[] | undefined
}

export type PlanOrphansCallOptions = Omit<PlanOrphansOptions, 'sharedWith'> & SharedWith
export type RemoveOrphansCallOptions = Omit<RemoveOrphansOptions, 'sharedWith'> & SharedWith

/** Keeping a table fast, small and sound: none of this changes its rows. */
export abstract class TableMaintenance extends TableRows {
  /**
   * Checks whether the table is what its metadata says: every file, count and bound that a reader relies on. Nothing is changed.
   * @throws FloeError whatever keeps the store from being read; what is wrong with the table is in the report
   */
  async fsck(options: FsckOptions = {}): Promise<FsckReport> {
    checkNamedOptions(options, MAINTENANCE_NAMES.fsck, 'fsck')
    const { backend, engine, runtime } = this.context
    const check = async (): Promise<FsckReport> => {
      const { fsck } = await import('../maintenance/fsck/fsck.js')
      if (backend !== undefined) await this.refresh()
      return fsck({ loaded: this.loaded, engine, runtime }, options)
    }
    return namingTableAsync(this.identifier, check, options.signal)
  }

  /**
   * Measures how the table lies in its files: sizes, overlap, skipping by column, deletes, growth, and what maintenance would help; for
   * `layoutPage` to draw. From metadata and manifests alone, so a table that was opened from a metadata file does.
   *
   * @throws FloeError `NOT_FOUND` for a snapshot, branch or tag that there is not
   */
  async layout(options: LayoutOptions = {}): Promise<TableLayout> {
    checkNamedOptions(options, MAINTENANCE_NAMES.layout, 'layout')
    const measure = async (): Promise<TableLayout> => {
      const { tableLayout } = await import('../maintenance/layout/table-layout.js')
      await this.loadHistory()
      const { ref = this.boundBranch } = options
      return tableLayout({ loaded: this.loaded, nowMs: this.context.runtime.now() }, { ...options, ref })
    }
    return namingTableAsync(this.identifier, measure, options.signal)
  }

  /**
   * Mends what {@link fsck} finds, as far as ordinary commits can, and tells what it cannot. Rows stay, unless the options say that
   * those of missing or doubled files may go.
   */
  repair(options: RepairOptions = {}): Promise<RepairResult> {
    return this.work('repair', options, async (context) => (await import('../maintenance/repair/repair.js')).repair(context, options))
  }

  /**
   * Erases the rows that a filter selects: from branches, tags, snapshots, files and earlier versions of objects; then searches all
   * that is left, and reports what was removed, what still holds them and until when. The report is sealed by its digest.
   *
   * @throws FloeError `INVALID` for a filter that selects every row or none
   */
  purge(filter: FilterInput, options: PurgeOptions = {}): Promise<PurgeReport> {
    return this.work('purge', options, async (context) => {
      const [{ purge }, { filterOf }] = await Promise.all([import('../maintenance/purge/purge.js'), import('./row-changes.js')])
      return purge(context, filterOf(filter, 'A purge'), options)
    })
  }

  /**
   * Rewrites files into such of the target size, by default the small ones, with deletes applied and rows in the order of a strategy. The
   * rows stay the same, and so do their ids; what others delete meanwhile stays deleted.
   *
   * @throws FloeError `CONFLICT` when other commits changed what the files are written with
   */
  compact(options: CompactCallOptions = {}): Promise<CompactionResult> {
    return this.work('compaction', options, async (context) => (await import('./compaction-calls.js')).compactIn(context, this.bound(options)))
  }

  /** Which files {@link compact} would rewrite, as JSON data whose groups run anywhere. */
  planCompaction(options: PlanCallOptions = {}): Promise<CompactionPlan> {
    return this.work('compaction plan', options, async (context) => (await import('./compaction-calls.js')).planIn(context, this.bound(options)))
  }

  /**
   * Rewrites the files of one group of a plan, which may be its JSON text. Nothing is committed: the result, JSON data too, goes to
   * {@link commitCompaction}.
   */
  rewriteGroup(groupId: number, plan: CompactionPlan | string, options: RewriteGroupOptions = {}): Promise<GroupResult> {
    return this.work('rewrite of a group', options, async (context) => (await import('./compaction-calls.js')).rewriteIn(context, groupId, plan, options))
  }

  /** Commits groups of a plan that were rewritten, here or elsewhere, as one snapshot. */
  commitCompaction(
    plan: CompactionPlan | string,
    results: readonly GroupResult[],
    options: CommitCompactionOptions = {},
  ): Promise<CommittedGroups> {
    return this.work('commit of a compaction', options, async (context) => (await import('./compaction-calls.js')).commitIn(context, plan, results, options))
  }

  /**
   * Removes old snapshots, branches and tags, and then the files that nothing in the table reaches any more. What is kept, the
   * table's `history.expire.*` properties say, each branch and tag for itself, and the options.
   *
   * @throws FloeError `INVALID` with `gc.enabled=false`; `COMMIT_STATE_UNKNOWN` when the answer to the commit was lost: no file
   * is deleted then
   */
  async expireSnapshots(options: ExpireSnapshotsOptions = {}): Promise<ExpireSnapshotsResult> {
    return this.work('expireSnapshots', options, async (context) => {
      const { expireSnapshots } = await import('../maintenance/expire/expire-snapshots.js')
      return expireSnapshots(context, options)
    })
  }

  /**
   * Which files in the table's folder nothing in the table reaches, as JSON data: files of writers that died, of commits that
   * were refused, of interrupted expiries. Only files that are 3 days old by the store's clock are planned, if nothing else is said.
   *
   * @throws FloeError `INVALID` with `gc.enabled=false`, for an age below a day, and for files that may be the table's by another
   * spelling; `CONFLICT` when the view of the table is stale, or another table lives in the same place
   */
  async planOrphanRemoval(options: PlanOrphansCallOptions = {}): Promise<OrphanPlan> {
    return this.work('planOrphanRemoval', options, async (context) => {
      const { planOrphanRemoval } = await import('../maintenance/orphans/plan-orphan-removal.js')
      const { plan } = await planOrphanRemoval(context, { ...options, sharedWith: await this.newestOf(options.sharedWith) })
      return { result: plan, table: undefined }
    })
  }

  /**
   * Removes the files of such a plan, or of one that is made now; each is looked at again before it goes.
   *
   * @throws FloeError as {@link planOrphanRemoval} does, and `INVALID` for a plan of another table
   */
  async removeOrphanFiles(options: RemoveOrphansCallOptions = {}): Promise<RemoveOrphansResult> {
    return this.work('removeOrphanFiles', options, async (context) => {
      const { removeOrphanFiles } = await import('../maintenance/orphans/remove-orphan-files.js')
      return removeOrphanFiles(context, { ...options, sharedWith: await this.newestOf(options.sharedWith) })
    })
  }

  private async newestOf(tables: readonly TableMaintenance[] | undefined): Promise<readonly LoadedTable[] | undefined> {
    if (tables === undefined) return undefined
    return Promise.all(
      tables.map(async (table) => {
        await (await table.refresh()).loadHistory()
        return table.loaded
      }),
    )
  }

  /**
   * Brings the entries of manifests into the order of their partitions, in manifests of `commit.manifest.target-size-bytes`, where that
   * gains something: small ones, such that overlap, such that list many deleted files. The table's files stay as they are.
   *
   * @throws FloeError `INVALID` for an unknown partition field or spec
   */
  rewriteManifests(options: RewriteManifestsOptions = {}): Promise<RewriteManifestsResult> {
    return this.work('rewrite of manifests', options, async (context) => {
      const { rewriteManifests } = await import('../maintenance/manifests/rewrite-manifests.js')
      return rewriteManifests(context, this.bound(options))
    })
  }

  /**
   * Counts the distinct values of columns, about, and registers the sketches as statistics of the current snapshot, or another. Engines
   * that plan joins by them read them as those of Spark and Trino.
   *
   * @throws FloeError `NOT_FOUND` for an unknown column, `UNSUPPORTED` for one whose type cannot be counted
   */
  computeStatistics(options: ComputeStatisticsOptions = {}): Promise<ComputeStatisticsResult> {
    return this.work('computation of statistics', options, async (context) => {
      const { computeStatistics } = await import('../maintenance/statistics/compute-statistics.js')
      return computeStatistics(context, this.bound(options))
    })
  }

  /**
   * Counts the files and rows of each partition, from manifests alone, and registers them as partition statistics of the current
   * snapshot, or another.
   *
   * @throws FloeError `INVALID` for a table without partitions
   */
  computePartitionStatistics(options: ComputePartitionStatisticsOptions = {}): Promise<ComputePartitionStatisticsResult> {
    return this.work('computation of partition statistics', options, async (context) => {
      const { computePartitionStatistics } = await import('../maintenance/statistics/compute-partition-statistics.js')
      return computePartitionStatistics(context, this.bound(options))
    })
  }

  /** The partition statistics that are registered for a snapshot, by default the current one; `undefined` when there are none. */
  async partitionStatistics(options: ReadPartitionStatisticsOptions = {}): Promise<readonly PartitionStatisticsRow[] | undefined> {
    checkNamedOptions(options, MAINTENANCE_NAMES['partition statistics'], 'partition statistics')
    const { engine } = this.context
    const read = async (): Promise<readonly PartitionStatisticsRow[] | undefined> => {
      const { partitionStatisticsRows } = await import('../maintenance/statistics/partition-statistics-rows.js')
      return partitionStatisticsRows({ loaded: this.loaded, engine }, this.bound(options))
    }
    return namingTableAsync(this.identifier, read, options.signal)
  }

  /**
   * Compacts position delete files and the Puffin files of vectors, and drops deletes that apply to nothing. On format version 3,
   * position delete files become vectors. Which rows are deleted stays as it was.
   *
   * @throws FloeError `CONFLICT` when others changed the same delete files again and again
   */
  rewritePositionDeletes(options: RewritePositionDeletesOptions = {}): Promise<RewritePositionDeletesResult> {
    return this.work('rewrite of position deletes', options, async (context) => {
      const { rewritePositionDeletes } = await import('../maintenance/delete-files/rewrite-position-deletes.js')
      return rewritePositionDeletes(context, this.bound(options))
    })
  }

  /**
   * Decides what the table needs (compaction, deletes, manifests, statistics, expiry, orphans) and does it, task by task. One that fails
   * does not keep the others; the result says of each what was done and why. Made to be run from cron, by several processes at once.
   */
  maintain(options: MaintainOptions = {}): Promise<MaintenanceResult> {
    return this.work('maintenance', options, async (context) => {
      checkPolicy(options.policy)
      const { maintain } = await import('../maintenance/maintain/maintain.js')
      return maintain(context, this.bound(options))
    })
  }

  /** What {@link maintain} would do now, and why, with the numbers that decide. Only metadata and manifests are read. */
  planMaintenance(options: PlanMaintenanceOptions = {}): Promise<MaintenancePlan> {
    return this.work('maintenance plan', options, async (context) => {
      checkPolicy(options.policy)
      const { planMaintenance } = await import('../maintenance/maintain/plan-maintenance.js')
      return { result: await planMaintenance(context, this.bound(options)), table: undefined }
    })
  }

  /** Runs `run` on the newest state of the table, and moves to what it made of it. */
  protected async work<T>(
    name: MaintenanceVerb,
    options: { readonly signal?: AbortSignal | undefined },
    run: (context: DmlContext) => Promise<Maintained<T>>,
  ): Promise<T> {
    checkNamedOptions(options, MAINTENANCE_NAMES[name], name)
    const backend = this.requireBackend(name)
    const { engine, runtime } = this.context
    const onNewest = async (): Promise<Maintained<T>> => {
      await this.refresh()
      return run({ backend, loaded: this.loaded, engine, runtime })
    }
    const { result, table } = await namingTableAsync(this.identifier, onNewest, options.signal)
    if (table !== undefined) this.moveTo(table)
    return result
  }
}
