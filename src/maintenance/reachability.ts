/**
 * Upkeep of tables: what is reachable from them, what is not, and what to do about either. This folder knows metadata,
 * manifests and the store's listing; it does not know the objects that users hold.
 */
import { versionOf, VERSION_HINT_NAME } from '../catalog/version-file.js'
import { throwIfAborted } from '../io/aborted.js'
import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import { mapOrdered } from '../io/ordered-prefetch.js'
import type { ManifestFile } from '../manifest/data-file.js'
import type { ManifestEntries } from '../manifest/manifest-entries.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { loadManifest, loadManifestList } from '../scan/load-manifests.js'
import type { StructType } from '../schema/type.js'
import type { Snapshot } from '../snapshot/snapshot.js'

/**
 * `previous-metadata`: what the metadata log names; `version-hint`: of path-based tables. Files of these two kinds may be absent.
 */
export type ReachableType =
  | 'metadata'
  | 'previous-metadata'
  | 'version-hint'
  | 'manifest-list'
  | 'manifest'
  | 'data'
  | 'position-deletes'
  | 'equality-deletes'
  | 'deletion-vector'
  | 'statistics'
  | 'partition-statistics'

export interface ReachableFile {
  /** As written in the metadata. */
  readonly location: string
  /** `deletion-vector`: a Puffin file of vectors. */
  readonly type: ReachableType
  /** As recorded; `undefined` where nothing records it. */
  readonly sizeBytes: number | undefined
  /** The manifest that names a data or delete file. */
  readonly manifest?: string | undefined
}

/** A table as of one version; a `LoadedTable` is one. */
export interface ReachabilityRoot {
  readonly metadata: TableMetadata
  readonly metadataLocation?: string | undefined
  readonly io: FileIO
}

export interface ReachabilityOptions {
  /** Of which snapshots; default all, of every branch and tag and of none. */
  readonly snapshots?: Iterable<bigint> | undefined
  /** Whether manifests are read for the data and delete files in them. Default true. */
  readonly content?: boolean | undefined
  /**
   * Manifest lists and manifests walked before, which are left out; those walked now are added. Sharing one set over several
   * versions of a table reads each manifest once. Of no use after a walk that failed or was left early.
   */
  readonly walked?: Set<string> | undefined
  /** Told of a manifest or list that cannot be read, and the walk goes on without; default: the walk fails. */
  readonly onUnreadable?: ((location: string, error: unknown) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

const LISTS_AHEAD = 7
const MANIFESTS_AHEAD = 3
/** Paths, kinds and sizes are all that is read of a manifest. */
const NO_TUPLE: StructType = { kind: 'struct', fields: [] }
const ABORT_CHECK_ROWS = 4096

/**
 * Every file that a table's metadata reaches: itself and its log, statistics, manifest lists, manifests, and the live data and
 * delete files in those. Each list and manifest is read and named once; a content file is named once for each manifest that
 * has it. A few manifests are in memory at a time, and one small record of each.
 *
 * @throws FloeError `NOT_FOUND` or `CORRUPT` for a manifest or list that cannot be read, `ABORTED`
 */
export async function* reachableFiles(root: ReachabilityRoot, options: ReachabilityOptions = {}): AsyncGenerator<ReachableFile> {
  const chosen = options.snapshots === undefined ? undefined : new Set(options.snapshots)
  yield* metadataFiles(root)
  yield* statisticsFiles(root.metadata, chosen)
  const { snapshots } = root.metadata
  yield* snapshotFiles(root, chosen === undefined ? snapshots : snapshots.filter(({ snapshotId }) => chosen.has(snapshotId)), options)
}

/** The table's metadata file, those of its log, and the hint of a path-based table. */
export function metadataFiles({ metadata, metadataLocation }: ReachabilityRoot): readonly ReachableFile[] {
  const files: ReachableFile[] = []
  if (metadataLocation !== undefined) files.push({ location: metadataLocation, type: 'metadata', sizeBytes: undefined })
  for (const { metadataFile } of metadata.metadataLog) files.push({ location: metadataFile, type: 'previous-metadata', sizeBytes: undefined })
  if (metadataLocation !== undefined && versionOf(metadataLocation) !== undefined) {
    const location = joinLocation(metadata.location, 'metadata', VERSION_HINT_NAME)
    files.push({ location, type: 'version-hint', sizeBytes: undefined })
  }
  return files
}

/** Statistics of the chosen snapshots, by default all. */
export function statisticsFiles(metadata: TableMetadata, chosen?: ReadonlySet<bigint>): readonly ReachableFile[] {
  const isChosen = ({ snapshotId }: { readonly snapshotId: bigint }): boolean => chosen === undefined || chosen.has(snapshotId)
  const file = (type: ReachableType) => (entry: { readonly statisticsPath: string; readonly fileSizeBytes: number }): ReachableFile => ({
    location: entry.statisticsPath,
    type,
    sizeBytes: entry.fileSizeBytes,
  })
  return [
    ...metadata.statistics.filter(isChosen).map(file('statistics')),
    ...metadata.partitionStatistics.filter(isChosen).map(file('partition-statistics')),
  ]
}

/** Manifest lists, manifests, and the live files in those, of the given snapshots: all lists and manifests come before the content. */
export async function* snapshotFiles(
  root: Pick<ReachabilityRoot, 'io'>,
  snapshots: readonly Snapshot[],
  options: ReachabilityOptions = {},
): AsyncGenerator<ReachableFile> {
  const unread: ManifestFile[] = []
  for await (const { file, manifest } of manifestFiles(root, snapshots, options)) {
    yield file
    if (manifest !== undefined) unread.push(manifest)
  }
  if (options.content !== false) yield* contentFiles(root, unread, options)
}

/** A manifest list, or a manifest with what its list says of it; partition summaries are left out. */
export interface WalkedManifest {
  readonly file: ReachableFile
  readonly manifest: ManifestFile | undefined
}

/** Manifest lists and manifests of the given snapshots, each once. */
export async function* manifestFiles(
  { io }: Pick<ReachabilityRoot, 'io'>,
  snapshots: readonly Snapshot[],
  options: ReachabilityOptions = {},
): AsyncGenerator<WalkedManifest> {
  const { signal, walked = new Set<string>() } = options
  throwIfAborted(signal)
  const fresh = snapshots.filter(({ manifestList }) => manifestList === undefined || !walked.has(manifestList))
  const lists = mapOrdered(fresh, LISTS_AHEAD, async (snapshot) => {
    const location = snapshot.manifestList ?? `snapshot ${snapshot.snapshotId}`
    return { snapshot, manifests: await readOrReport(location, () => loadManifestList(io, snapshot, { signal }), options) }
  })
  for await (const { snapshot, manifests } of lists) {
    const { manifestList } = snapshot
    if (manifestList !== undefined && !walked.has(manifestList)) {
      walked.add(manifestList)
      yield { file: { location: manifestList, type: 'manifest-list', sizeBytes: undefined }, manifest: undefined }
    }
    for (const manifest of manifests ?? []) {
      if (walked.has(manifest.manifestPath)) continue
      walked.add(manifest.manifestPath)
      const file = { location: manifest.manifestPath, type: 'manifest', sizeBytes: manifest.manifestLengthBytes } as const
      yield { file, manifest: { ...manifest, partitions: undefined } }
    }
  }
}

/** The live data and delete files of manifests. */
export async function* contentFiles(
  { io }: Pick<ReachabilityRoot, 'io'>,
  manifests: readonly ManifestFile[],
  options: Pick<ReachabilityOptions, 'onUnreadable' | 'signal'> = {},
): AsyncGenerator<ReachableFile> {
  const { signal } = options
  const load = (manifest: ManifestFile): Promise<ManifestEntries | undefined> =>
    readOrReport(manifest.manifestPath, () => loadManifest(io, manifest, { partitionType: NO_TUPLE, signal }), options)
  for await (const entries of mapOrdered(manifests, MANIFESTS_AHEAD, load)) if (entries !== undefined) yield* liveFiles(entries, signal)
}

async function readOrReport<T>(
  location: string,
  load: () => Promise<T>,
  { onUnreadable, signal }: Pick<ReachabilityOptions, 'onUnreadable' | 'signal'>,
): Promise<T | undefined> {
  throwIfAborted(signal)
  try {
    return await load()
  } catch (error) {
    if (onUnreadable === undefined || signal?.aborted === true) throw error
    onUnreadable(location, error)
    return undefined
  }
}

function* liveFiles(entries: ManifestEntries, signal: AbortSignal | undefined): Generator<ReachableFile> {
  const manifest = entries.manifest.manifestPath
  for (let i = 0; i < entries.count; i++) {
    if (i % ABORT_CHECK_ROWS === 0) throwIfAborted(signal)
    if (!entries.isLive(i)) continue
    yield { location: entries.filePath(i), type: contentType(entries, i), sizeBytes: entries.fileSizeBytes[i]!, manifest }
  }
}

function contentType(entries: ManifestEntries, i: number): ReachableType {
  switch (entries.content[i]) {
    case 0:
      return 'data'
    case 1:
      return entries.fileFormat(i) === 'puffin' ? 'deletion-vector' : 'position-deletes'
    default:
      return 'equality-deletes'
  }
}
