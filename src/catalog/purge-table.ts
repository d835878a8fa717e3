/** Deleting what a dropped table leaves behind. */
import { mapParallel } from '../io/bounded-parallel.js'
import type { FileIO } from '../io/file-io.js'
import { asFolder, isInside, parentLocation, stripTrailingSlashes } from '../io/location.js'
import { checkLocation } from '../io/location-check.js'
import type { ManifestFile } from '../manifest/data-file.js'
import { decodeManifestList } from '../manifest/manifest-list.js'
import { decodeManifest, inlineManifestFile } from '../manifest/manifest-reader.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { StructType } from '../schema/type.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { compareUtf8 } from '../util/utf8.js'
import { versionOf } from './version-file.js'

const PARALLEL = 8
const BATCH = 1000
/** Paths are all that is read of a manifest. */
const NO_TUPLE: StructType = { kind: 'struct', fields: [] }

/** Files that the metadata reaches outside of `folder`, as far as they lie in `prefixes` and can still be read. */
export async function filesOutside(
  io: FileIO,
  metadata: TableMetadata,
  folder: string,
  prefixes: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>()
  const add = (location: string | undefined): void => {
    if (location !== undefined && isAllowed(location, prefixes) && !isInside(folder, location)) found.add(location)
  }
  const manifests = new Map<string, ManifestFile>()
  await mapParallel(metadata.snapshots, PARALLEL, async (snapshot) => {
    add(snapshot.manifestList)
    for (const manifest of await manifestsOf(io, snapshot)) manifests.set(manifest.manifestPath, manifest)
  })
  await mapParallel([...manifests.values()], PARALLEL, async (manifest) => {
    add(manifest.manifestPath)
    for (const path of await pathsOf(io, manifest)) add(path)
  })
  for (const { statisticsPath } of [...metadata.statistics, ...metadata.partitionStatistics]) add(statisticsPath)
  for (const { metadataFile } of metadata.metadataLog) add(metadataFile)
  return [...found].sort(compareUtf8)
}

/**
 * Deletes everything in `folder`: versions after all other files and in their order, `last` after those, then the folders
 * themselves where the store has some.
 */
export async function deleteFolder(io: FileIO, folder: string, last: string): Promise<void> {
  const versions: { readonly version: number; readonly location: string }[] = []
  const others: string[] = []
  const folders = new Set<string>([stripTrailingSlashes(folder)])
  for await (const { location } of io.list(folder)) {
    for (const parent of foldersOf(location, folder)) folders.add(parent)
    if (location === last) continue
    const version = versionOf(location)
    if (version === undefined) others.push(location)
    else versions.push({ version, location })
  }
  versions.sort((a, b) => a.version - b.version)
  await deleteAll(io, others)
  await deleteAll(io, versions.map(({ location }) => location))
  await io.delete([last])
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length)
  for (const location of deepestFirst) await io.delete([asFolder(location)])
}

/** The folders around `location`, up to `root`. */
function foldersOf(location: string, root: string): readonly string[] {
  const parent = parentLocation(location)
  return parent === undefined || !isInside(root, parent) ? [] : [parent, ...foldersOf(parent, root)]
}

/** Deletes in batches, in the order given. */
export async function deleteAll(io: FileIO, locations: readonly string[]): Promise<void> {
  for (let i = 0; i < locations.length; i += BATCH) await io.delete(locations.slice(i, i + BATCH))
}

async function manifestsOf(io: FileIO, snapshot: Snapshot): Promise<readonly ManifestFile[]> {
  try {
    if (snapshot.manifestList !== undefined) return decodeManifestList(await io.read(snapshot.manifestList), snapshot.manifestList)
    return await mapParallel(snapshot.manifests ?? [], PARALLEL, async (location) =>
      inlineManifestFile(location, await io.read(location), snapshot.snapshotId),
    )
  } catch {
    // What cannot be read names nothing to delete.
    return []
  }
}

async function pathsOf(io: FileIO, manifest: ManifestFile): Promise<readonly string[]> {
  try {
    const entries = decodeManifest(manifest, await io.read(manifest.manifestPath), { partitionType: NO_TUPLE })
    return Array.from({ length: entries.count }, (_, i) => entries.filePath(i))
  } catch {
    return []
  }
}

function isAllowed(location: string, prefixes: readonly string[]): boolean {
  try {
    checkLocation(location, { prefixes })
    return true
  } catch {
    return false
  }
}
