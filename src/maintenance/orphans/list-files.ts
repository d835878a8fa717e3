import { versionOf, VERSION_HINT_NAME } from '../../catalog/version-file.js'
import { MAX_MARKER_BYTES } from '../../catalog/version-marker.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import type { FileIO, ObjectStatus } from '../../io/file-io.js'
import { asFolder, baseName, canonicalLocation, isInside, joinLocation, parentLocation } from '../../io/location.js'
import { parseMetadataFileName } from '../../metadata/metadata-location.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { hiddenPathTest } from './hidden-path.js'
import { readMetadataIdentity } from './metadata-identity.js'
import type { ReachablePlaces } from './reachable-places.js'

export interface ListedFiles {
  /** Of any age. */
  readonly unreachable: readonly ObjectStatus[]
  /** What may be reachable by another spelling. */
  readonly ambiguous: readonly ObjectStatus[]
  /** Newer than the version that was loaded, by their names or what they say: there is a newer version, or there may be soon. */
  readonly newerMetadata: readonly string[]
  /** Other tables whose folder this table's is, or lies in, by their UUIDs. */
  readonly tenants: ReadonlyMap<string, string>
  readonly otherTables: readonly string[]
  readonly listedFiles: number
  readonly hidden: number
  readonly ofOtherTables: number
  /** When the latest of all listed files was written; 0 when there are none. */
  readonly newestMs: number
}

export interface ListFilesOptions {
  readonly metadata: TableMetadata
  readonly metadataLocation: string
  readonly locations: readonly string[]
  /** Not to be taken for tenants. */
  readonly goneTables: ReadonlySet<string>
  readonly signal?: AbortSignal | undefined
  readonly onFile?: ((listed: number) => void) | undefined
}

const PARALLEL = 8

/** Lists folders, and keeps what tables do not reach. */
export async function listFiles(io: FileIO, places: ReachablePlaces, options: ListFilesOptions): Promise<ListedFiles> {
  const isHidden = hiddenPathTest(options.metadata)
  const unreachable: ObjectStatus[] = []
  const ambiguous: ObjectStatus[] = []
  const metadataFiles: ObjectStatus[] = []
  let [listedFiles, hidden, newestMs] = [0, 0, 0]
  for (const folder of options.locations) {
    const start = asFolder(folder).length
    for await (const status of io.list(folder, { signal: options.signal })) {
      options.onFile?.(++listedFiles)
      newestMs = Math.max(newestMs, status.lastModifiedMs)
      const standing = places.standingOf(status.location)
      if (standing === 'reachable' || baseName(status.location) === VERSION_HINT_NAME) continue
      if (isHidden(status.location.slice(start))) hidden++
      else if (parseMetadataFileName(status.location) !== undefined) metadataFiles.push(status)
      else (standing === 'ambiguous' ? ambiguous : unreachable).push(status)
    }
  }
  const sorted = await new MetadataSorter(io, options).sort(metadataFiles)
  const isForeign = ({ location }: ObjectStatus): boolean => sorted.otherTables.some((folder) => isInside(folder, location))
  const own = [...unreachable, ...sorted.own].filter((status) => !isForeign(status))
  const unclear = ambiguous.filter((status) => !isForeign(status))
  const ofOtherTables = unreachable.length + sorted.own.length + ambiguous.length - own.length - unclear.length + sorted.foreign
  return { ...sorted, unreachable: own, ambiguous: unclear, listedFiles, hidden, ofOtherTables, newestMs }
}

interface SortedMetadata extends Pick<ListedFiles, 'newerMetadata' | 'tenants' | 'otherTables'> {
  /** The table's own, of versions that its log has forgotten. */
  readonly own: readonly ObjectStatus[]
  readonly foreign: number
}

/** Tells whose metadata the files are that the table does not reach. */
class MetadataSorter {
  readonly #own: ObjectStatus[] = []
  readonly #newer: string[] = []
  readonly #tenants = new Map<string, string>()
  readonly #otherTables = new Set<string>()
  readonly #versionsFolder: string | undefined
  readonly #version: number
  #foreign = 0

  constructor(
    private readonly io: FileIO,
    private readonly options: ListFilesOptions,
  ) {
    const version = versionOf(options.metadataLocation)
    this.#version = version ?? 0
    if (version !== undefined) this.#versionsFolder = canonicalLocation(joinLocation(options.metadata.location, 'metadata'))
  }

  async sort(files: readonly ObjectStatus[]): Promise<SortedMetadata> {
    const [versions, others] = [files.filter((file) => this.#isOwnVersion(file)), files.filter((file) => !this.#isOwnVersion(file))]
    for (const file of versions) this.#sortVersion(file)
    await mapParallel(others, PARALLEL, (file) => this.#sortOther(file))
    const otherTables = [...this.#otherTables]
    return { own: this.#own, newerMetadata: this.#newer, tenants: this.#tenants, otherTables, foreign: this.#foreign }
  }

  /** Where numbers are the identity of versions, no other table can have them. */
  #isOwnVersion({ location }: ObjectStatus): boolean {
    if (this.#versionsFolder === undefined || versionOf(location) === undefined) return false
    return canonicalLocation(parentLocation(location) ?? '/') === this.#versionsFolder
  }

  #sortVersion(file: ObjectStatus): void {
    const version = versionOf(file.location)!
    if (version > this.#version) this.#newer.push(file.location)
    // The marker of a retired version keeps its name taken.
    else if (version < this.#version && file.sizeBytes > MAX_MARKER_BYTES) this.#own.push(file)
  }

  async #sortOther(file: ObjectStatus): Promise<void> {
    const { metadata, goneTables } = this.options
    const identity = await readMetadataIdentity(this.io, file)
    if (identity !== undefined && identity.tableUuid === metadata.tableUuid) {
      if (identity.lastUpdatedMs > metadata.lastUpdatedMs) this.#newer.push(file.location)
      else this.#own.push(file)
      return
    }
    const uuid = identity?.tableUuid ?? ''
    if (goneTables.has(uuid)) {
      this.#own.push(file)
      return
    }
    this.#foreign++
    const folder = parentLocation(file.location)!
    const table = baseName(folder) === 'metadata' ? (parentLocation(folder) ?? folder) : folder
    if (!isInside(table, metadata.location)) this.#otherTables.add(table)
    // A file that cannot be read is spared, and says nothing of tables.
    else if (identity !== undefined) this.#tenants.set(uuid, file.location)
  }
}
