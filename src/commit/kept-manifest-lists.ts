/**
 * Manifest lists that commits of this process have read or written, so that a commit on top of the last one reads nothing, and the
 * manifests that both list are the same objects.
 */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { FileIO } from '../io/file-io.js'
import type { ManifestFile } from '../manifest/data-file.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { readManifestFiles, type ReadManifestOptions } from './manifest-input.js'

/** Of all lists together; some hundred bytes each, less where lists share them. */
const MAX_KEPT_MANIFESTS = 50_000

/** By the store, whose locations mean nothing in another; oldest use first. */
const keptLists = new WeakMap<FileIO, Map<string, readonly ManifestFile[]>>()

/** `readManifestFiles`, from memory where the list is kept: nobody writes over one. */
export async function readKeptManifestFiles(
  table: Pick<LoadedTable, 'io' | 'metadata'>,
  snapshot: Snapshot | undefined,
  options: ReadManifestOptions = {},
): Promise<readonly ManifestFile[]> {
  const location = snapshot?.manifestList
  const known = location === undefined ? undefined : keptLists.get(table.io)?.get(location)
  const manifests = known ?? (await readManifestFiles(table, snapshot, options))
  if (location !== undefined) keepManifestFiles(table.io, location, manifests)
  return manifests
}

/** Keeps what the list at `location` of a store decodes to, as the one used last. */
export function keepManifestFiles(io: FileIO, location: string, manifests: readonly ManifestFile[]): void {
  let lists = keptLists.get(io)
  if (lists === undefined) keptLists.set(io, (lists = new Map()))
  lists.delete(location)
  lists.set(location, manifests)
  let kept = 0
  for (const list of lists.values()) kept += list.length
  for (const [oldest, list] of lists) {
    if (kept <= MAX_KEPT_MANIFESTS) break
    lists.delete(oldest)
    kept -= list.length
  }
}
