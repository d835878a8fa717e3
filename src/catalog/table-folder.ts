/** The versions of one path-based table: reading the current one, and creating the next. */
import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { encodeTableMetadata, parseTableMetadata } from '../metadata/table-metadata-json.js'
import { gzip } from '../util/compression.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { withNonce, withoutNonce } from './commit-nonce.js'
import { createExclusively } from './exclusive-create.js'
import type { CreateResult } from './exclusive-create.js'
import type { MetadataCache } from './metadata-cache.js'
import { nextVersionLocation, VERSION_HINT_NAME } from './version-file.js'
import type { VersionFile } from './version-file.js'
import { decodeMarker, encodeDropMarker, MAX_MARKER_BYTES } from './version-marker.js'
import { findLatestVersion, isSameObject, listLatestVersion } from './version-search.js'

export interface TableVersion {
  readonly file: VersionFile
  readonly metadata: TableMetadata
}

/** `version` is the highest number ever used, 0 for none. */
export type TableState =
  | { readonly kind: 'present'; readonly current: TableVersion }
  | { readonly kind: 'dropped'; readonly version: number; readonly location: string }
  | { readonly kind: 'absent'; readonly version: 0 }

export interface TableFolderOptions {
  readonly io: FileIO
  /** The folder of the table, without a trailing slash. */
  readonly location: string
  readonly runtime: Runtime
  readonly cache: MetadataCache
}

/** A version that vanishes between search and read was retired, or its table dropped: search again. */
const MAX_SEARCHES = 5

export class TableFolder {
  readonly location: string
  /** Where the versions are. */
  readonly metadataFolder: string
  readonly #io: FileIO
  readonly #runtime: Runtime
  readonly #cache: MetadataCache
  #known: VersionFile | undefined

  constructor(options: TableFolderOptions) {
    this.location = options.location
    this.metadataFolder = joinLocation(options.location, 'metadata')
    this.#io = options.io
    this.#runtime = options.runtime
    this.#cache = options.cache
  }

  /** The state as of now; only what is newer than last time is read. Throws `CORRUPT` when the newest version is damaged. */
  async load(): Promise<TableState> {
    for (let search = 1; ; search++) {
      const file = search === 1 ? await this.#findLatest() : await listLatestVersion(this.#io, this.metadataFolder)
      if (file === undefined) {
        this.#known = undefined
        return { kind: 'absent', version: 0 }
      }
      const state = await this.#read(file)
      if (state !== undefined) return state
      this.#known = undefined
      if (search === MAX_SEARCHES) throw lostVersion(file)
    }
  }

  /** Whether there is a current version; its content is read only where it might be a drop marker. */
  async exists(): Promise<boolean> {
    const file = await this.#findLatest()
    if (file === undefined) return false
    return file.status.sizeBytes > MAX_MARKER_BYTES || (await this.load()).kind === 'present'
  }

  /** Writes `metadata` as the version after `base`, or after number `version` when there is no table. */
  async create(base: TableVersion | undefined, version: number, metadata: TableMetadata): Promise<CreateResult> {
    const location = this.#nextLocation(base, version)
    const nonce = this.#runtime.uuid()
    const plain = encodeTableMetadata(withNonce(metadata, nonce))
    const body = location.endsWith('.gz.metadata.json') ? gzip(plain) : plain
    const result = await createExclusively(this.#io, { location, body, nonce }, this.#runtime)
    if (result.outcome === 'created') this.remember({ version: version + 1, status: result.status }, metadata)
    return result
  }

  /** Takes the version after `base` to say that the table is dropped. */
  async createDropMarker(base: TableVersion): Promise<CreateResult> {
    const nonce = this.#runtime.uuid()
    const body = encodeDropMarker(base.metadata.tableUuid, nonce)
    return createExclusively(this.#io, { location: this.#nextLocation(base, base.file.version), body, nonce }, this.#runtime)
  }

  /** Whether `version` is still there with its content; `false` when it is gone, retired, or another's. */
  async isIntact(version: TableVersion): Promise<boolean> {
    const now = await this.#io.head(version.file.status.location)
    if (now === undefined) return false
    if (isSameObject(now, version.file.status)) return true
    // Copied or restored bytes have another etag and are the same version.
    const metadata = await this.#parse({ ...version.file, status: now })
    if (metadata === 'gone' || metadata === 'dropped' || metadata === 'retired') return false
    return metadata.tableUuid === version.metadata.tableUuid && metadata.lastUpdatedMs === version.metadata.lastUpdatedMs
  }

  /** Brings the hint up to date. Failures are of no consequence. */
  async writeHint(version: number): Promise<void> {
    try {
      await this.#io.write(joinLocation(this.metadataFolder, VERSION_HINT_NAME), new TextEncoder().encode(String(version)))
    } catch {
      // Readers probe forward from a stale hint, and list without one.
    }
  }

  /** Forgets what was seen of the table. */
  forget(): void {
    this.#known = undefined
  }

  remember(file: VersionFile, metadata: TableMetadata): TableVersion {
    this.#known = file
    this.#cache.keep(file.status, metadata)
    return { file, metadata }
  }

  #findLatest(): Promise<VersionFile | undefined> {
    return findLatestVersion(this.#io, this.metadataFolder, this.#known)
  }

  #nextLocation(base: TableVersion | undefined, version: number): string {
    return nextVersionLocation(this.metadataFolder, version + 1, base?.metadata.properties)
  }

  /** `undefined` when the file is not what the search saw. */
  async #read(file: VersionFile): Promise<TableState | undefined> {
    const cached = this.#cache.find(file.status)
    if (cached !== undefined) return { kind: 'present', current: this.remember(file, cached) }
    const metadata = await this.#parse(file)
    if (metadata === 'dropped') {
      this.#known = undefined
      return { kind: 'dropped', version: file.version, location: file.status.location }
    }
    if (metadata === 'gone' || metadata === 'retired') return undefined
    return { kind: 'present', current: this.remember(file, metadata) }
  }

  async #parse(file: VersionFile): Promise<TableMetadata | 'dropped' | 'retired' | 'gone'> {
    const { location } = file.status
    try {
      const bytes = await this.#io.read(location)
      return decodeMarker(bytes)?.kind ?? withoutNonce(parseTableMetadata(bytes, { location }))
    } catch (error) {
      if (isFloeError(error, 'NOT_FOUND')) return 'gone'
      throw error
    }
  }
}

function lostVersion(file: VersionFile): FloeError {
  return new FloeError(
    'CORRUPT',
    `The newest version of the table, ${file.version}, has no content. Restore it, or delete this file to go back to the one before`,
    { file: file.status.location },
  )
}
