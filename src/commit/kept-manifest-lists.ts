/**
 * Manifest lists that commits of this process have read or written, so that a commit on top of the last one reads nothing, and the
 * manifests that both list are the same objects.
 */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { FileIO } from '../io/file-io.js'
import type { ManifestFile } from '../manifest/data-file.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { readManifestFiles, type ReadManifestOptions } from './manifest-input.js'

/** Of all lists of all stores together, a list counting for one more than it has; about a kilobyte each, less where lists share them. */
const MAX_KEPT_MANIFESTS = 100_000
/** Of one store: the heads of some branches. */
const MAX_LISTS = 4

/** By location, oldest use first. */
type KeptLists = Map<string, readonly ManifestFile[]>

/** By the store, whose locations mean nothing in another. */
const listsOf = new WeakMap<FileIO, KeptLists>()
/** Of all stores, oldest use first. */
const allLists = new Set<KeptLists>()
let keptManifests = 0

/** `readManifestFiles`, from memory where the list is kept: nobody writes over one. */
export async function readKeptManifestFiles(
  table: Pick<LoadedTable, 'io' | 'metadata'>,
  snapshot: Snapshot | undefined,
  options: ReadManifestOptions = {},
): Promise<readonly ManifestFile[]> {
  const location = snapshot?.manifestList
  const known = location === undefined ? undefined : listsOf.get(table.io)?.get(location)
  const manifests = known ?? (await readManifestFiles(table, snapshot, options))
  if (location !== undefined) keepManifestFiles(table.io, location, manifests)
  return manifests
}

/** Keeps what the list at `location` of a store decodes to, as the one used last. */
export function keepManifestFiles(io: FileIO, location: string, manifests: readonly ManifestFile[]): void {
  const lists: KeptLists = listsOf.get(io) ?? new Map()
  listsOf.set(io, lists)
  drop(lists, location)
  lists.set(location, manifests)
  keptManifests += manifests.length + 1
  for (const oldest of lists.keys()) {
    if (lists.size <= MAX_LISTS) break
    drop(lists, oldest)
  }
  allLists.delete(lists)
  allLists.add(lists)
  dropUntilBounded()
}

function dropUntilBounded(): void {
  for (const lists of allLists) {
    for (const oldest of lists.keys()) {
      if (keptManifests <= MAX_KEPT_MANIFESTS) return
      drop(lists, oldest)
    }
    allLists.delete(lists)
  }
}

function drop(lists: KeptLists, location: string): void {
  const dropped = lists.get(location)
  if (dropped === undefined) return
  lists.delete(location)
  keptManifests -= dropped.length + 1
}
