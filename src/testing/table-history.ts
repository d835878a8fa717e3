import { decodeMarker } from '../catalog/version-marker.js'
import { versionOf } from '../catalog/version-file.js'
import { tupleType } from '../commit/manifest-input.js'
import type { ManifestEntry, ManifestFile } from '../manifest/data-file.js'
import { decodeManifestList } from '../manifest/manifest-list.js'
import { decodeManifest } from '../manifest/manifest-reader.js'
import { parseTableMetadata } from '../metadata/table-metadata-json.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { History } from './history.js'
import type { StoreEvent } from './recording-store.js'
import { rowsOfEntries, type SnapshotRows } from './snapshot-rows.js'

/** One version of the table as it was made. */
export interface VersionState {
  readonly version: number
  readonly location: string
  /** The moment at which it came to be. */
  readonly step: number
  readonly metadata: TableMetadata
}

/** What a snapshot holds. */
export interface SnapshotState extends SnapshotRows {
  readonly snapshot: Snapshot
  readonly manifests: readonly ManifestFile[]
  /** Live and deleted. */
  readonly entries: readonly ManifestEntry[]
}

/** Every version and snapshot that a table ever had, read from the bytes that the store was given, by nobody's catalog. */
export class TableHistory {
  readonly versions: readonly VersionState[]
  readonly #byId = new Map<bigint, Snapshot>()
  readonly #bytes = new Map<string, Uint8Array>()
  readonly #snapshots = new Map<bigint, SnapshotState>()
  readonly #entries = new Map<string, readonly ManifestEntry[]>()

  /** Throws `CORRUPT` for bytes that are no metadata. */
  constructor(history: History) {
    const made = new Map<string, VersionState>()
    for (const event of history.store) {
      if (event.kind === 'put') this.#put(event, made, history.metadataFolder)
    }
    this.versions = [...made.values()].sort((a, b) => a.version - b.version)
    for (const { metadata } of this.versions) for (const snapshot of metadata.snapshots) this.#byId.set(snapshot.snapshotId, snapshot)
    this.snapshots = [...this.#byId.values()]
  }

  get last(): VersionState {
    return this.versions.at(-1)!
  }

  /** All snapshots that any version lists, those that have expired since among them, in the order of versions. */
  readonly snapshots: readonly Snapshot[]

  snapshot(snapshotId: bigint | undefined): Snapshot | undefined {
    return snapshotId === undefined ? undefined : this.#byId.get(snapshotId)
  }

  /** The history of a branch of a version, by default the last, oldest first, as far as it was ever known. */
  chain(branch: string, { metadata }: Pick<VersionState, 'metadata'> = this.last): readonly Snapshot[] {
    const chain: Snapshot[] = []
    let next = this.snapshot(metadata.refs.get(branch)?.snapshotId)
    while (next !== undefined && chain.length <= this.snapshots.length) {
      chain.push(next)
      next = this.snapshot(next.parentSnapshotId)
    }
    return chain.reverse()
  }

  /** Throws `CORRUPT` or `NOT_FOUND` for a snapshot that cannot be read. */
  stateOf(snapshot: Snapshot): SnapshotState {
    const known = this.#snapshots.get(snapshot.snapshotId)
    if (known !== undefined) return known
    const list = snapshot.manifestList!
    const manifests = decodeManifestList(this.#read(list), list)
    const entries = manifests.flatMap((manifest) => this.#entriesOf(manifest))
    const live = entries.filter(({ status }) => status !== 'deleted')
    const state = { snapshot, manifests, entries, ...rowsOfEntries(live, (location) => this.#read(location)) }
    this.#snapshots.set(snapshot.snapshotId, state)
    return state
  }

  #put(event: Extract<StoreEvent, { readonly kind: 'put' }>, made: Map<string, VersionState>, folder: string): void {
    const { location, step, bytes } = event
    const version = location.startsWith(`${folder}/`) ? versionOf(location) : undefined
    if (version === undefined) {
      if (!this.#bytes.has(location)) this.#bytes.set(location, bytes)
      return
    }
    const marker = decodeMarker(bytes)
    if (marker?.kind === 'retired' && marker.nonce === undefined) made.delete(location)
    if (marker !== undefined || made.has(location)) return
    made.set(location, { version, location, step, metadata: parseTableMetadata(bytes, { location }) })
  }

  #entriesOf(manifest: ManifestFile): readonly ManifestEntry[] {
    const known = this.#entries.get(manifest.manifestPath)
    if (known !== undefined) return known
    const partitionType = tupleType(this.last.metadata, manifest.partitionSpecId)
    const decoded = decodeManifest(manifest, this.#read(manifest.manifestPath), { partitionType })
    const entries = Array.from({ length: decoded.count }, (_, i) => decoded.entry(i))
    this.#entries.set(manifest.manifestPath, entries)
    return entries
  }

  #read(location: string): Uint8Array {
    const bytes = this.#bytes.get(location)
    if (bytes === undefined) throw new FloeError('NOT_FOUND', 'Nobody ever wrote this file', { file: location })
    return bytes
  }
}
