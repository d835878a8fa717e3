/** Bugs in what keeps tables fast and small, put into the library for a run: the checker has to find each. */
import { DeleteCarrying } from '../../src/compaction/carry-deletes.js'
import { RowChangeSet } from '../../src/dml/row-change-set.js'
import { ExpiredFiles } from '../../src/maintenance/expire/expired-files.js'
import { ExpiryOperation } from '../../src/maintenance/expire/expiry-operation.js'
import { OrphanCandidates } from '../../src/maintenance/orphans/orphan-candidates.js'
import { ReachablePlaces } from '../../src/maintenance/orphans/reachable-places.js'
import type { LoadedTable } from '../../src/catalog/catalog-backend.js'
import type { FileIO, ObjectStatus } from '../../src/io/file-io.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../../src/schema/reserved-fields.js'
import { Schema } from '../../src/schema/schema.js'
import type { PlanLimits } from '../../src/testing/simulation-plan.js'
import { TextEngine } from '../../src/testing/text-engine.js'
import { patched, storeWith, type PlantedBug } from './planted-bugs.js'

const BRANCHES: PlanLimits = { kinds: ['append', 'append-branch', 'append-branch', 'overwrite'], upkeep: ['expire'] }
const DELETES: PlanLimits = { kinds: ['delete-where', 'append-rows'], upkeep: ['compact-table'], maxOperations: 2 }
const ORPHANS: PlanLimits = { kinds: ['append', 'append', 'delete'], upkeep: ['remove-orphans'], maxOperations: 2 }

/** The table with only some of its snapshots. */
function withSnapshots(table: LoadedTable, keeps: (id: bigint) => boolean): LoadedTable {
  const { metadata } = table
  return { ...table, metadata: { ...metadata, snapshots: metadata.snapshots.filter(({ snapshotId }) => keeps(snapshotId)) } }
}

/** Every file looks as if it had been there for ever. */
function aged(io: FileIO): FileIO {
  const old = (status: ObjectStatus): ObjectStatus => ({ ...status, lastModifiedMs: 1_700_000_000_000 })
  async function* listOld(prefix: string): AsyncGenerator<ObjectStatus> {
    for await (const status of io.list(prefix)) yield status.location.includes('/.floe-clock-') ? status : old(status)
  }
  async function* listFolderOld(folder: string): ReturnType<NonNullable<FileIO['listFolder']>> {
    for await (const entry of io.listFolder!(folder)) yield entry.status === undefined ? entry : { ...entry, status: old(entry.status) }
  }
  const head = async (location: string): Promise<ObjectStatus | undefined> => {
    const status = await io.head(location)
    return status === undefined || location.includes('/.floe-clock-') ? status : old(status)
  }
  return storeWith({ head, list: listOld, listFolder: listFolderOld }, io)
}

export const PLANTED_UPKEEP_BUGS: readonly PlantedBug[] = [
  {
    name: 'an expiry cleans up by the current branch alone',
    substitutions: {},
    patch: patched(ExpiredFiles, 'find', (original) => function find(this: typeof ExpiredFiles, removed, now, options) {
      const head = now.metadata.currentSnapshotId
      const kept = withSnapshots(now as LoadedTable, (id) => id === head)
      const others = now.metadata.snapshots.filter(({ snapshotId }) => snapshotId !== head)
      return original.call(this, { ...removed, snapshots: [...removed.snapshots, ...others] }, kept, options)
    }),
    limits: BRANCHES,
  },
  {
    name: 'an expiry takes the files that what is left shares with what went',
    substitutions: {},
    patch: patched(ExpiredFiles, 'find', (original) => function find(this: typeof ExpiredFiles, removed, now, options) {
      return original.call(this, removed, withSnapshots(now as LoadedTable, () => false), options)
    }),
    limits: BRANCHES,
  },
  {
    name: 'an expiry keeps no more than the heads',
    substitutions: {},
    patch: patched(ExpiryOperation.prototype, 'apply', (original) => function apply(this: ExpiryOperation, current, context) {
      Object.assign(this, { options: { olderThan: Number.MAX_SAFE_INTEGER, retainLast: 1 } })
      return original.call(this, current, context)
    }),
    limits: BRANCHES,
  },
  {
    name: 'orphans are removed whatever their age',
    substitutions: { io: (io) => aged(io) },
    limits: ORPHANS,
  },
  {
    name: 'what the table reaches is not looked at before orphans go',
    substitutions: {},
    patch: () => {
      const standing = patched(ReachablePlaces.prototype, 'standingOf', () => () => 'unreachable')()
      const has = patched(OrphanCandidates.prototype, 'has', () => () => true)()
      return () => {
        standing()
        has()
      }
    },
    limits: ORPHANS,
  },
  {
    name: 'orphans are found and left',
    substitutions: {},
    patch: patched(OrphanCandidates.prototype, 'has', () => () => false),
    limits: ORPHANS,
  },
  {
    name: 'a compaction does not carry over what others deleted meanwhile',
    substitutions: {},
    patch: patched(DeleteCarrying.prototype, 'carry', () => () => Promise.resolve([])),
    limits: DELETES,
  },
  {
    name: 'rows that are copied get new row ids',
    substitutions: {},
    patch: patched(TextEngine.prototype, 'createWriter', (original) => function createWriter(this: TextEngine, options) {
      const lineage: ReadonlySet<number> = new Set([ROW_ID_FIELD.id, LAST_UPDATED_SEQUENCE_NUMBER_FIELD.id])
      return original.call(this, { ...options, schema: new Schema(options.schema.fields.filter(({ id }) => !lineage.has(id))) })
    }),
    limits: DELETES,
  },
  {
    name: 'nobody remembers which data files position deletes are for',
    substitutions: {},
    patch: patched(RowChangeSet.prototype, 'finish', (original) => async function finish(this: RowChangeSet) {
      return { ...(await original.call(this)), deletedPositions: new Map() }
    }),
    limits: { kinds: ['update-where', 'delete-where'], upkeep: ['compact-table'], formatVersion: 2 },
  },
]
