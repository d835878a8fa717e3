import { inflateBlocksAsync, readContainer } from '../avro/container.js'
import type { FileIO } from '../io/file-io.js'
import type { ManifestFile } from '../manifest/data-file.js'
import type { ManifestEntries } from '../manifest/manifest-entries.js'
import { decodeManifestList } from '../manifest/manifest-list.js'
import { decodeManifestBlocks, inlineManifestFile } from '../manifest/manifest-reader.js'
import { releaseBuffers } from '../parquet/release-buffer.js'
import type { StructType } from '../schema/type.js'
import type { Snapshot } from '../snapshot/snapshot.js'

interface LoadOptions {
  readonly signal?: AbortSignal | undefined
}

/** The manifests of a snapshot, in the order of its list. */
export async function loadManifestList(io: FileIO, snapshot: Snapshot, options: LoadOptions = {}): Promise<readonly ManifestFile[]> {
  if (snapshot.manifestList !== undefined) {
    return decodeManifestList(await io.read(snapshot.manifestList, options), snapshot.manifestList)
  }
  // Spec: Table Metadata and Snapshots › v1 may name its manifests in the snapshot itself
  const locations = snapshot.manifests ?? []
  return Promise.all(
    locations.map(async (location) => inlineManifestFile(location, await io.read(location, options), snapshot.snapshotId)),
  )
}

export interface LoadManifestOptions extends LoadOptions {
  /** The struct of the tuples of the manifest's own spec. */
  readonly partitionType: StructType
}

/** Fetches and decodes one manifest; its blocks are inflated off the main thread. */
export async function loadManifest(io: FileIO, manifest: ManifestFile, options: LoadManifestOptions): Promise<ManifestEntries> {
  const bytes = await io.read(manifest.manifestPath, { signal: options.signal })
  const container = readContainer(bytes, manifest.manifestPath)
  const release = (blocks: readonly Uint8Array[]): void => releaseBuffers(blocks.map((block) => block.buffer).filter(isOwn))
  const { partitionType } = options
  const given = container.codec === 'deflate' ? { release } : {}
  return decodeManifestBlocks(manifest, container, await inflateBlocksAsync(container), { partitionType, ...given })
}

/** Small buffers may be parts of one that Node shares. */
function isOwn(buffer: ArrayBufferLike): boolean {
  return buffer.byteLength > SHARED_BYTES
}

const SHARED_BYTES = 32_768
