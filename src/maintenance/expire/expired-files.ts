import type { ManifestFile } from '../../manifest/data-file.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { looseKey } from '../location-key.js'
import {
  contentFiles,
  manifestFiles,
  statisticsFiles,
  type ReachabilityOptions,
  type ReachabilityRoot,
  type ReachableFile,
  type ReachableType,
} from '../reachability.js'

/** A file that nothing in the table needs any more. */
export interface ExpiredFile {
  readonly location: string
  readonly type: ReachableType
  /** As recorded; `undefined` where nothing records it. */
  readonly sizeBytes: number | undefined
}

/** What an expiry took out of the metadata. */
export interface RemovedSnapshots {
  readonly snapshots: readonly Snapshot[]
  /** All that there were before; those that are still there are kept. */
  readonly statistics: readonly ReachableFile[]
}

export interface ExpiredFilesOptions extends Pick<ReachabilityOptions, 'signal' | 'onUnreadable'> {
  /** Whether data and delete files are looked for, or only the files of metadata. */
  readonly content: boolean
}

/**
 * The files that removed snapshots and their statistics reach, and that no snapshot of any branch or tag of the table reaches
 * now. What is in memory is one record of each manifest, and of each file that goes.
 *
 * Two spellings that may be one file count as one, for keeping it.
 */
export class ExpiredFiles {
  readonly #candidates = new Map<string, ExpiredFile>()
  /** Of the versions that the candidates were held against. */
  readonly #walked = new Set<string>()
  readonly #options: ExpiredFilesOptions

  private constructor(options: ExpiredFilesOptions) {
    this.#options = options
  }

  /**
   * @throws FloeError when a manifest or list of the table as it is now cannot be read; of removed snapshots, they are reported
   * and passed over
   */
  static async find(
    removed: RemovedSnapshots,
    now: ReachabilityRoot,
    options: ExpiredFilesOptions,
  ): Promise<ExpiredFiles> {
    const files = new ExpiredFiles(options)
    const kept: ManifestFile[] = []
    const keptKeys = new Set<string>()
    const { signal, onUnreadable } = options
    for await (const { file, manifest } of manifestFiles(now, now.metadata.snapshots, { signal, walked: files.#walked })) {
      keptKeys.add(looseKey(file.location))
      if (manifest !== undefined) kept.push(manifest)
    }
    const gone = { signal, onUnreadable, walked: new Set(files.#walked) }
    const unread: ManifestFile[] = []
    const metadataOnly: ReachableFile[] = []
    for await (const { file, manifest } of manifestFiles(now, removed.snapshots, gone)) {
      if (keptKeys.has(looseKey(file.location))) continue
      metadataOnly.push(file)
      if (manifest !== undefined) unread.push(manifest)
    }
    // In the order in which they go: content, manifests, lists, statistics.
    if (options.content) for await (const file of contentFiles(now, unread, gone)) files.#add(file)
    for (const type of ['manifest', 'manifest-list']) for (const file of metadataOnly) if (file.type === type) files.#add(file)
    for (const file of removed.statistics) files.#add(file)
    for (const file of statisticsFiles(now.metadata)) files.#keep(file)
    if (files.#hasContent()) await files.#keepContent(now, kept)
    return files
  }

  /** Keeps what a newer version of the table has come to need. */
  async recheck(now: ReachabilityRoot): Promise<void> {
    const added: ManifestFile[] = []
    const { signal } = this.#options
    for await (const { file, manifest } of manifestFiles(now, now.metadata.snapshots, { signal, walked: this.#walked })) {
      this.#keep(file)
      if (manifest !== undefined) added.push(manifest)
    }
    for (const file of statisticsFiles(now.metadata)) this.#keep(file)
    await this.#keepContent(now, added)
  }

  /** In the order in which they are to be deleted. */
  get files(): readonly ExpiredFile[] {
    return [...this.#candidates.values()]
  }

  #add({ location, type, sizeBytes }: ReachableFile): void {
    const key = looseKey(location)
    if (!this.#candidates.has(key)) this.#candidates.set(key, { location, type, sizeBytes })
  }

  #keep(file: Pick<ReachableFile, 'location'>): void {
    this.#candidates.delete(looseKey(file.location))
  }

  #hasContent(): boolean {
    for (const { type } of this.#candidates.values()) if (isContent(type)) return true
    return false
  }

  async #keepContent(now: ReachabilityRoot, manifests: readonly ManifestFile[]): Promise<void> {
    if (this.#candidates.size === 0) return
    for await (const file of contentFiles(now, manifests, { signal: this.#options.signal })) this.#keep(file)
  }
}

function isContent(type: ReachableType): boolean {
  return type === 'data' || type === 'position-deletes' || type === 'equality-deletes' || type === 'deletion-vector'
}
