/** What keeps a table fast, while others write to it. None of it changes a row. */
import { compact } from '../compaction/compact.js'
import { convertEqualityDeletes } from '../dml/convert-equality-deletes.js'
import { expireSnapshots } from '../maintenance/expire/expire-snapshots.js'
import { rewriteManifests } from '../maintenance/manifests/rewrite-manifests.js'
import { removeOrphanFiles } from '../maintenance/orphans/remove-orphan-files.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { DmlContext } from '../dml/dml-context.js'
import { isFloeError } from '../util/errors.js'
import { dmlContext, markOf } from './table-operations.js'
import type { WriterContext, WriterOperation } from './writer-context.js'

/** A commit that leaves every row as it is, with its row id. */
async function keepRows(context: WriterContext, run: (dml: DmlContext) => Promise<Snapshot | undefined>): Promise<boolean> {
  const dml = await dmlContext(context)
  context.declare([{ mark: context.operationId, kind: 'snapshot', branch: MAIN_BRANCH, adds: [], removes: [], keepsRowIds: true, isUpkeep: true }])
  const snapshot = await run(dml)
  if (snapshot === undefined) context.withdraw()
  return snapshot !== undefined
}

function compactTable(context: WriterContext): Promise<boolean> {
  const rewriteAll = context.random.chance(0.5)
  const useStartingSequenceNumber = context.random.chance(0.8)
  // Several groups, so that some may be lost to others and planned again.
  const maxFileGroupInputFiles = context.random.pick([2, 3, undefined])
  const partialProgress = context.random.chance(0.3)
  return keepRows(context, async (dml) => {
    const options = { rewriteAll, useStartingSequenceNumber, minInputFiles: 2, maxFileGroupInputFiles, partialProgress }
    const { snapshots, failedGroups } = (await compact(dml, { ...options, summary: markOf(context) })).result
    // With partial progress, a commit that nobody knows the outcome of is told of with its groups.
    const undecided = failedGroups.find(({ error }) => isFloeError(error, 'COMMIT_STATE_UNKNOWN'))
    if (undecided !== undefined) throw undecided.error
    return snapshots[0]
  })
}

function rewriteTableManifests(context: WriterContext): Promise<boolean> {
  return keepRows(context, async (dml) => (await rewriteManifests(dml, { rewriteAll: true, summary: markOf(context) })).result.snapshot)
}

function convertDeletes(context: WriterContext): Promise<boolean> {
  return keepRows(context, async (dml) => (await convertEqualityDeletes(dml, { summary: markOf(context) })).result.snapshot)
}

/** Ages that an expiry leaves, in milliseconds: from nothing to all that was there when the run began. */
const AGES = [0, 20, 500, 60_000]

async function expire(context: WriterContext): Promise<boolean> {
  const { backend, identifier, runtime, random } = context
  const loaded = await backend.loadTable(identifier)
  const olderThan = runtime.now() - random.pick(AGES)
  const retainLast = 1 + random.below(3)
  context.expire({ olderThanMs: olderThan, retainLast })
  context.declare([])
  const { result } = await expireSnapshots({ backend, loaded, runtime }, { olderThan, retainLast })
  return result.expiredSnapshots.length > 0
}

const DAY_MS = 86_400_000

async function removeOrphans(context: WriterContext): Promise<boolean> {
  const { backend, identifier, runtime } = context
  const loaded = await backend.loadTable(identifier)
  context.declare([])
  const { result } = await removeOrphanFiles({ backend, loaded, runtime }, { minAgeMs: DAY_MS })
  return result.removed.length > 0
}

export const UPKEEP_OPERATIONS = {
  'compact-table': compactTable,
  'rewrite-manifests': rewriteTableManifests,
  'convert-deletes': convertDeletes,
  expire,
  'remove-orphans': removeOrphans,
} as const satisfies Record<string, WriterOperation>
