import { bitAt, fixedValues, type Chunk } from '../arrow/arrow-data.js'
import { readManifest, readManifestFiles } from '../commit/manifest-input.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { DataFile } from '../manifest/data-file.js'
import { Schema } from '../schema/schema.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { DmlContext } from './dml-context.js'
import { readFileRows, type RowPositions } from './file-rows.js'
import { baseSnapshot, planChange, runRowChange, type RowChangeOptions, type RowChangeResult } from './row-change.js'

export type ConvertEqualityDeletesOptions = Pick<
  RowChangeOptions,
  'branch' | 'idempotencyToken' | 'summary' | 'dryRun' | 'onProgress' | 'signal'
>

/** What converting equality deletes came to. */
export interface ConvertEqualityDeletesResult
  extends Pick<RowChangeResult, 'snapshot' | 'addedDeleteFiles' | 'removedDeleteFiles' | 'removedDataFiles' | 'isRepeat'> {
  /** Rows that only equality deletes covered, and that positions cover now. */
  readonly convertedRows: number
}

/**
 * Replaces every equality delete of a branch by deletes of positions: vectors, or position delete files on format version 2. The
 * rows of the table stay the same, and reading them costs less. Data files without rows left go. Source: Flink's
 * `ConvertEqualityDeletes`
 *
 * @throws FloeError `CONFLICT` when another commit removed one of the files
 */
export async function convertEqualityDeletes(
  context: DmlContext,
  options: ConvertEqualityDeletesOptions,
): Promise<{ readonly result: ConvertEqualityDeletesResult; readonly table: DmlContext['loaded'] | undefined }> {
  // What others delete meanwhile stays deleted, and what they add is younger than the deletes that go.
  const kind = { name: 'conversion of equality deletes', properties: 'delete', filter: alwaysTrue(), allowConcurrentDeletes: true } as const
  const { result, table } = await runRowChange(context, { ...options, mode: 'merge-on-read', isolation: 'snapshot' }, kind, async (set, progress) => {
    const removed = await liveEqualityDeletes(context, options)
    if (removed.length === 0) return undefined
    const plan = await planChange(context, alwaysTrue(), options)
    const files = [...plan.files()].filter((file) => file.deletes.some((deletes) => deletes.content === 'equality-deletes'))
    const request = { projection: new Schema([]), unfiltered: true, deleted: true, signal: options.signal }
    for await (const { file, positions, deleted } of readFileRows(context, files, request)) {
      set.deleteRows(file, marked(positions, deleted!))
      progress.add(positions.length)
    }
    const extra = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: removed }
    return { operation: 'replace', extra }
  })
  const { snapshot, addedDeleteFiles, removedDeleteFiles, removedDataFiles, isRepeat, deletedRows } = result
  return { result: { snapshot, addedDeleteFiles, removedDeleteFiles, removedDataFiles, isRepeat, convertedRows: deletedRows }, table }
}

function marked(positions: RowPositions, deleted: Chunk): PositionBitmap {
  const bits = fixedValues<Uint8Array>(deleted)
  const bitmap = new PositionBitmap()
  for (let row = 0; row < positions.length; row++) if (bitAt(bits, deleted.offset + row)) bitmap.add(positions.at(row))
  return bitmap
}

async function liveEqualityDeletes(context: DmlContext, { branch, signal }: ConvertEqualityDeletesOptions): Promise<DataFile[]> {
  const snapshot: Snapshot | undefined = baseSnapshot(context, branch)
  const manifests = snapshot === undefined ? [] : await readManifestFiles(context.loaded, snapshot, { signal })
  const found: DataFile[] = []
  for (const manifest of manifests) {
    if (manifest.content !== 'deletes') continue
    const entries = await readManifest(context.loaded, manifest, { signal })
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i)) continue
      const file = entries.dataFile(i)
      if (file.content === 'equality-deletes') found.push(file)
    }
  }
  return found
}
