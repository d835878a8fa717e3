import { fileKey, isVector } from '../../manifest/file-identity.js'
import { readManifest, readManifestFiles } from '../../commit/manifest-input.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { throwIfAborted } from '../../io/aborted.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { DataFile } from '../../manifest/data-file.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import { planScan } from '../../scan/plan-scan.js'
import type { PlannedFile } from '../../scan/scan-plan.js'
import type { Snapshot } from '../../snapshot/snapshot.js'

const MANIFESTS_AHEAD = 4

/** A vector or position delete file of a snapshot, and the data files that it applies to. */
export interface LiveDelete {
  readonly file: DataFile
  readonly sequenceNumber: bigint
  /** None: nothing that it may delete of is there any more. */
  readonly targets: readonly PlannedFile[]
}

/** Every live vector and position delete file of a snapshot, in the order of the manifests. Only manifests are read. */
export async function livePositionDeletes(
  { loaded }: DmlContext,
  snapshot: Snapshot,
  signal: AbortSignal | undefined,
): Promise<LiveDelete[]> {
  const { io, metadata } = loaded
  const manifests = (await readManifestFiles(loaded, snapshot, { signal })).filter((manifest) => manifest.content === 'deletes')
  const found = new Map<string, { readonly file: DataFile; readonly sequenceNumber: bigint; readonly targets: PlannedFile[] }>()
  for await (const entries of mapOrdered(manifests, MANIFESTS_AHEAD, (manifest) => readManifest(loaded, manifest, { signal }))) {
    throwIfAborted(signal)
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i)) continue
      const file = entries.dataFile(i)
      if (file.content === 'position-deletes') found.set(fileKey(file), { file, sequenceNumber: entries.sequenceNumber[i]!, targets: [] })
    }
  }
  if (found.size === 0) return []
  const plan = await planScan({ io, metadata, snapshot, schema: currentSchema(metadata), signal })
  for (const file of plan.files()) for (const deletes of file.deletes) found.get(fileKey(deletes))?.targets.push(file)
  return [...found.values()]
}

/** Deletes that share a Puffin file. */
export interface PuffinFile {
  readonly filePath: string
  readonly fileSizeBytes: number
  readonly vectors: readonly LiveDelete[]
  /** The share of the file that vectors take which still apply. */
  readonly liveShare: number
}

/** The vectors among `deletes`, by the file they lie in. */
export function puffinFiles(deletes: readonly LiveDelete[]): PuffinFile[] {
  const byPath = new Map<string, LiveDelete[]>()
  for (const found of deletes) {
    if (!isVector(found.file)) continue
    const group = byPath.get(found.file.filePath)
    if (group === undefined) byPath.set(found.file.filePath, [found])
    else group.push(found)
  }
  return [...byPath].map(([filePath, vectors]) => {
    const { fileSizeBytes } = vectors[0]!.file
    const live = vectors.filter(({ targets }) => targets.length > 0)
    const liveBytes = live.reduce((sum, { file }) => sum + (file.contentSizeBytes ?? 0) + FOOTER_BYTES_PER_BLOB, 0)
    return { filePath, fileSizeBytes, vectors, liveShare: Math.min(1, liveBytes / Math.max(1, fileSizeBytes)) }
  })
}

/** About what a vector takes in the footer. */
const FOOTER_BYTES_PER_BLOB = 250
