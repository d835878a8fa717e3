import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { readManifest, readManifestFiles } from '../../commit/manifest-input.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { summaryCount } from '../../snapshot/snapshot-summary.js'

const CONTENT_EQUALITY_DELETES = 2
const MANIFESTS_AHEAD = 4

/** How many equality delete files are live in a snapshot; no manifest is read where its summary says that there are none. */
export async function liveEqualityDeleteFiles(table: LoadedTable, snapshot: Snapshot, signal: AbortSignal | undefined): Promise<number> {
  if (summaryCount(snapshot.summary, 'total-equality-deletes') === 0n) return 0
  const manifests = (await readManifestFiles(table, snapshot, { signal })).filter((manifest) => manifest.content === 'deletes')
  let files = 0
  for await (const entries of mapOrdered(manifests, MANIFESTS_AHEAD, (manifest) => readManifest(table, manifest, { signal }))) {
    for (let i = 0; i < entries.count; i++) if (entries.isLive(i) && entries.content[i] === CONTENT_EQUALITY_DELETES) files++
  }
  return files
}
