import { versionOf, VERSION_HINT_NAME } from '../../catalog/version-file.js'
import { tupleType } from '../../commit/manifest-input.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { throwIfAborted } from '../../io/aborted.js'
import type { ObjectStatus } from '../../io/file-io.js'
import { asFolder, baseName, isInside, parentLocation } from '../../io/location.js'
import { readDataFolder } from '../../metadata/location-provider.js'
import { metadataFileLocation } from '../../metadata/metadata-location.js'
import { loadManifest } from '../../scan/load-manifests.js'
import { deleteFiles } from '../delete-files.js'
import { exactKey } from '../location-key.js'
import { manifestFiles, reachableFiles } from '../reachability.js'
import { leftoverMinAgeMs, type PurgeOptions } from './purge-options.js'
import type { HeldData } from './purge-report.js'
import type { PurgeTarget } from './purge-target.js'
import { ObjectScanner } from './scan-object.js'
import { scanManifest } from './scan-manifest.js'

export interface Swept {
  readonly deleted: readonly string[]
  readonly held: readonly HeldData[]
}

/** Searches what the table reaches and what lies about in its folders. */
export class LeftoverSweep {
  readonly scanner: ObjectScanner
  readonly #deleted: string[] = []
  readonly #held: HeldData[] = []

  constructor(
    private readonly context: DmlContext,
    private readonly target: PurgeTarget,
    private readonly options: PurgeOptions,
  ) {
    this.scanner = new ObjectScanner(context, target, options.signal)
  }

  /** Deletes the metadata files before the current one: their snapshots and summaries are those of before. */
  async trimMetadata(): Promise<readonly string[]> {
    const { io, metadata, metadataLocation } = this.context.loaded
    const earlier = new Set(metadata.metadataLog.map(({ metadataFile }) => metadataFile))
    const [own, folder] = [versionOf(metadataLocation), parentLocation(metadataLocation)]
    if (own !== undefined && folder !== undefined) {
      for await (const { location } of io.list(folder, { signal: this.options.signal })) {
        const version = versionOf(location)
        if (version !== undefined && version < own && parentLocation(location) === folder) earlier.add(location)
      }
    }
    earlier.delete(metadataLocation)
    const held = await deleteFiles(io, [...earlier].sort(), { signal: this.options.signal })
    for (const { location } of held) earlier.delete(location)
    return [...earlier]
  }

  async run(): Promise<Swept> {
    const { io } = this.context.loaded
    const reachable = await this.#reachable()
    const left = new Set(reachable.keys())
    for (const folder of tableFolders(this.context.loaded.metadata)) {
      for await (const status of io.list(folder, { signal: this.options.signal })) {
        const key = exactKey(status.location)
        left.delete(key)
        await this.#look(status, reachable.has(key))
      }
    }
    for (const key of left) await this.#lookOutside(reachable.get(key)!)
    await this.#scanManifests()
    return { deleted: this.#deleted, held: this.#held }
  }

  /** By exact key: the location as the table has it. */
  async #reachable(): Promise<ReadonlyMap<string, string>> {
    const { loaded } = this.context
    const reachable = new Map<string, string>()
    for await (const { location } of reachableFiles(loaded, { signal: this.options.signal })) reachable.set(exactKey(location), location)
    return reachable
  }

  /** Files of migrated tables lie elsewhere. */
  async #lookOutside(location: string): Promise<void> {
    const status = await this.context.loaded.io.head(location)
    if (status !== undefined) await this.#look(status, true)
  }

  async #look(status: ObjectStatus, isReachable: boolean): Promise<void> {
    throwIfAborted(this.options.signal)
    const { io } = this.context.loaded
    const { location, sizeBytes } = status
    const seenIn = await this.scanner.scan({ location, sizeBytes, io })
    this.options.onProgress?.({ phase: 'scan', objects: this.scanner.totals.objects, rows: this.scanner.totals.rows })
    if (seenIn === undefined) return
    const name = this.target.keys.mask(location)
    if (isReachable || baseName(location) === VERSION_HINT_NAME) {
      this.#held.push({ kind: 'object', name, seenIn, reason: 'The table reaches it, through a branch or tag that was kept, or by a commit made meanwhile' })
      return
    }
    const freeMs = status.lastModifiedMs + leftoverMinAgeMs(this.options)
    if (freeMs > this.context.runtime.now()) {
      this.#held.push({ kind: 'object', name, seenIn, reason: 'The table does not reach it, and it may be of a write under way', until: new Date(freeMs).toISOString() })
      return
    }
    const [held] = await deleteFiles(io, [location], { signal: this.options.signal })
    if (held === undefined) this.#deleted.push(location)
    else this.#held.push({ kind: 'object', name, seenIn, reason: held.message })
  }

  /** Keys whose bytes tell nothing are in bounds all the same. */
  async #scanManifests(): Promise<void> {
    const { loaded } = this.context
    const { metadata, io } = loaded
    const { signal } = this.options
    for await (const { manifest } of manifestFiles(loaded, metadata.snapshots, { signal })) {
      if (manifest === undefined) continue
      const entries = await loadManifest(io, manifest, { partitionType: tupleType(metadata, manifest.partitionSpecId), signal })
      const seenIn = scanManifest(entries, metadata, this.target)
      const name = this.target.keys.mask(manifest.manifestPath)
      if (seenIn === undefined || this.#held.some((held) => held.name === name)) continue
      this.#held.push({ kind: 'object', name, seenIn, reason: 'The table reaches it' })
    }
  }
}

/** Where a table's files are, each folder once. */
export function tableFolders(metadata: DmlContext['loaded']['metadata']): readonly string[] {
  const metadataFolder = parentLocation(metadataFileLocation(metadata, 'any'))
  const all = [metadata.location, readDataFolder(metadata), ...(metadataFolder === undefined ? [] : [metadataFolder])]
  const folders: string[] = []
  for (const folder of all) if (!folders.some((other) => isInside(asFolder(other), folder) || other === folder)) folders.push(folder)
  return folders
}
