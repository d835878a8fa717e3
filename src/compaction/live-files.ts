import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { DeleteFile } from '../deletes/delete-file.js'
import { fileKey } from '../manifest/file-identity.js'
import { readManifest, readManifestFiles } from '../commit/manifest-input.js'
import type { DataFile } from '../manifest/data-file.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import { planScan } from '../scan/plan-scan.js'
import type { ScanPlan } from '../scan/scan-plan.js'
import { branchHead } from '../snapshot/snapshot-ref.js'
import type { CompactionPlan } from './compaction-plan.js'

/** Every file of a branch, with the deletes that apply to each. */
export function planBranch({ io, metadata }: LoadedTable, branch: string, signal: AbortSignal | undefined): Promise<ScanPlan> {
  return planScan({ io, metadata, snapshot: branchHead(metadata, branch), schema: currentSchema(metadata), signal })
}

/** The locations among `wanted` at which a branch has a data file. */
export async function liveAmong(
  wanted: ReadonlySet<string>,
  table: LoadedTable,
  branch: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const live = new Set<string>()
  if (wanted.size === 0) return live
  for (const file of (await planBranch(table, branch, signal)).files()) if (wanted.has(file.filePath)) live.add(file.filePath)
  return live
}

/**
 * The delete files of a branch that apply to no data file but those at `replaced`, if to any. What replaces these must have been read with
 * them, and be no older than the snapshot that was read. Spec: Scan Planning: that deletes apply depends on path, partition and age
 */
export async function deadDeletes(
  replaced: ReadonlySet<string>,
  plan: Pick<CompactionPlan, 'branch' | 'sequenceNumber'>,
  table: LoadedTable,
  signal: AbortSignal | undefined,
): Promise<readonly DataFile[]> {
  const { branch } = plan
  const candidates = await oldDeletes(plan, table, signal)
  if (candidates.length === 0) return []
  const needed = new Set<string>()
  for (const file of (await planBranch(table, branch, signal)).files()) {
    if (!replaced.has(file.filePath)) for (const deletes of file.deletes) needed.add(fileKey(deletes))
  }
  return candidates.filter((file) => !needed.has(fileKey(file)))
}

/** Delete files that were there when the plan was made: younger ones may be for files that are being replaced. */
async function oldDeletes(
  plan: Pick<CompactionPlan, 'branch' | 'sequenceNumber'>,
  table: LoadedTable,
  signal: AbortSignal | undefined,
): Promise<DeleteFile[]> {
  const snapshot = branchHead(table.metadata, plan.branch)
  const sequenceNumber = BigInt(plan.sequenceNumber)
  const manifests = snapshot === undefined ? [] : await readManifestFiles(table, snapshot, { signal })
  const found: DeleteFile[] = []
  for (const manifest of manifests) {
    if (manifest.content !== 'deletes' || manifest.minSequenceNumber > sequenceNumber) continue
    const entries = await readManifest(table, manifest, { signal })
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i) || entries.sequenceNumber[i]! > sequenceNumber) continue
      found.push({ ...entries.dataFile(i, { stats: false }), sequenceNumber: entries.sequenceNumber[i]! })
    }
  }
  return found
}
