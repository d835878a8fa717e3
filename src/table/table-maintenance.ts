import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { CommittedGroups } from '../compaction/commit-groups.js'
import type { CompactionResult } from '../compaction/compact.js'
import type { CommitCompactionOptions, RewriteGroupOptions } from '../compaction/compaction-options.js'
import type { CompactionPlan } from '../compaction/compaction-plan.js'
import type { GroupResult } from '../compaction/rewrite-group.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { ExpireSnapshotsOptions, ExpireSnapshotsResult } from '../maintenance/expire/expire-snapshots.js'
import type { FsckOptions } from '../maintenance/fsck/fsck-options.js'
import type { FsckReport } from '../maintenance/fsck/fsck-report.js'
import { checkArgument } from './checked-arguments.js'
import type { CompactCallOptions, PlanCallOptions } from './compaction-calls.js'
import { namingTableAsync } from './named-errors.js'
import { TableRows } from './table-rows.js'

/** What work on a table came to, and the table with it; `undefined`: nothing was committed. */
interface Maintained<T> {
  readonly result: T
  readonly table: LoadedTable | undefined
}

/** Keeping a table fast, small and sound: none of this changes its rows. */
export abstract class TableMaintenance extends TableRows {
  /**
   * Checks whether the table is what its metadata says: every file, count and bound that a reader relies on. Nothing is changed.
   * @throws FloeError whatever keeps the store from being read; what is wrong with the table is in the report
   */
  async fsck(options: FsckOptions = {}): Promise<FsckReport> {
    checkArgument(options, 'object', 'The options of fsck')
    const { backend, engine, runtime } = this.context
    const check = async (): Promise<FsckReport> => {
      const { fsck } = await import('../maintenance/fsck/fsck.js')
      if (backend !== undefined) await this.refresh()
      return fsck({ loaded: this.loaded, engine, runtime }, options)
    }
    return namingTableAsync(this.identifier, check, options.signal)
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
    return this.work('compaction', options, async (context) => (await import('./compaction-calls.js')).rewriteIn(context, groupId, plan, options))
  }

  /** Commits groups of a plan that were rewritten, here or elsewhere, as one snapshot. */
  commitCompaction(plan: CompactionPlan | string, results: readonly GroupResult[], options: CommitCompactionOptions = {}): Promise<CommittedGroups> {
    return this.work('compaction', options, async (context) => (await import('./compaction-calls.js')).commitIn(context, plan, results, options))
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

  /** Runs `run` on the newest state of the table, and moves to what it made of it. */
  protected async work<T>(
    name: string,
    options: { readonly signal?: AbortSignal | undefined },
    run: (context: DmlContext) => Promise<Maintained<T>>,
  ): Promise<T> {
    checkArgument(options, 'object', `The options of ${name}`)
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
