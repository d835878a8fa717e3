import { editEntries, type EntryEditor } from '../repair/edit-entries.js'
import { commitTable } from '../../commit/commit-table.js'
import { readManifest, readManifestFiles } from '../../commit/manifest-input.js'
import { PositionBitmap } from '../../deletes/position-bitmap.js'
import { convertEqualityDeletes } from '../../dml/convert-equality-deletes.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { readFileRows } from '../../dml/file-rows.js'
import { matchesWholly } from '../../dml/proven-files.js'
import { planChange, runRowChange, type RowChangeOptions } from '../../dml/row-change.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import type { PlannedFile } from '../../scan/scan-plan.js'
import { Schema } from '../../schema/schema.js'
import { branchHead } from '../../snapshot/snapshot-ref.js'
import type { HolderFinder } from './find-holders.js'
import type { PurgeOptions } from './purge-options.js'
import type { PurgedBranch } from './purge-report.js'
import type { PurgeTarget } from './purge-target.js'

export interface ErasedBranch {
  readonly result: PurgedBranch
  readonly table: DmlContext['loaded']
}

/**
 * Takes rows out of a branch so that nothing of them is left in the files that its new head reaches: equality deletes are
 * converted, every file that holds such rows is written anew, also where they were deleted before, and manifests that keep bounds
 * of files from before are written again without.
 */
export async function eraseRows(
  context: DmlContext,
  branch: string,
  { target, finder, options }: { readonly target: PurgeTarget; readonly finder: HolderFinder; readonly options: PurgeOptions },
): Promise<ErasedBranch> {
  const { dryRun = false, signal, memoryBudgetBytes } = options
  let current = context
  const change: RowChangeOptions = { branch, dryRun, signal, memoryBudgetBytes, mode: 'copy-on-write' }
  if (!dryRun && (await hasEqualityDeletes(current, branch, signal))) {
    const { table } = await convertEqualityDeletes(current, { branch, signal })
    if (table !== undefined) current = { ...current, loaded: table }
  }
  const kind = { name: 'purge', properties: 'delete', filter: target.filter, caseSensitive: options.caseSensitive } as const
  let rewrittenFiles = 0
  const { result, table } = await runRowChange(current, change, kind, async (set, progress) => {
    const plan = await planChange(current, target.filter, { branch, signal, caseSensitive: options.caseSensitive })
    const others: PlannedFile[] = []
    for (const file of plan.files()) {
      if (matchesWholly(file)) {
        set.deleteFile(file)
        rewrittenFiles++
      } else others.push(file)
    }
    const touched = new Set<string>()
    // Deleted rows as well: they are still in their file.
    for await (const { file, positions } of readFileRows(current, others, { projection: new Schema([]), deleted: true, signal })) {
      const found = new PositionBitmap()
      positions.addTo(found)
      set.deleteRows(file, found)
      touched.add(file.filePath)
      progress.add(positions.length)
      options.onProgress?.({ phase: 'rewrite', objects: touched.size, rows: positions.length })
    }
    rewrittenFiles += touched.size
  })
  if (table !== undefined) current = { ...current, loaded: table }
  if (!dryRun) current = { ...current, loaded: await scrubManifests(current, branch, finder, signal) }
  const head = branchHead(current.loaded.metadata, branch)
  const removedRows = result.deletedRows
  const snapshotId = dryRun ? undefined : String(head?.snapshotId)
  return { result: { branch, removedRows, rewrittenFiles, snapshotId }, table: current.loaded }
}

async function hasEqualityDeletes({ loaded }: DmlContext, branch: string, signal: AbortSignal | undefined): Promise<boolean> {
  for (const manifest of await readManifestFiles(loaded, branchHead(loaded.metadata, branch), { signal })) {
    if (manifest.content !== 'deletes') continue
    const entries = await readManifest(loaded, manifest, { signal })
    for (let i = 0; i < entries.count; i++) if (entries.isLive(i) && entries.content[i] === 2) return true
  }
  return false
}

/** Writes manifests that list removed files, with their bounds, anew without them. */
async function scrubManifests(
  context: DmlContext,
  branch: string,
  finder: HolderFinder,
  signal: AbortSignal | undefined,
): Promise<DmlContext['loaded']> {
  const { backend, loaded, runtime } = context
  const mustGo = (manifest: ManifestFile): boolean => finder.isHolder(manifest) || manifest.deletedFilesCount !== 0
  const manifests = await readManifestFiles(loaded, branchHead(loaded.metadata, branch), { signal })
  if (!manifests.some(mustGo)) return loaded
  const editor: EntryEditor = { edit: () => 'keep', rewrites: mustGo, addedDeletes: [] }
  const operation = editEntries(editor, { name: 'purge', operation: 'replace', branch }, runtime)
  const { table } = await commitTable(backend, loaded, operation, { runtime, signal })
  return table
}
