import { tupleType, readManifestFiles } from '../../commit/manifest-input.js'
import { throwIfAborted } from '../../io/aborted.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import type { ManifestEntries } from '../../manifest/manifest-entries.js'
import { loadManifest } from '../../scan/load-manifests.js'
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { Schema } from '../../schema/schema.js'
import { columnReader } from '../../arrow/column-reader.js'
import { columnByPath } from '../../arrow/column-by-path.js'
import { isFloeError } from '../../util/errors.js'
import type { FsckTable } from '../fsck/fsck-context.js'
import { readFileColumns } from '../fsck/measure-file.js'
import type { PurgeTarget } from './purge-target.js'

const FILES_AT_ONCE = 4

/**
 * Finds which manifests, and so which snapshots, have to do with rows that are to go: they list a file that has such rows, deleted
 * ones too, or its bounds. Every manifest and file is looked at once, however often it is asked about.
 */
export class HolderFinder {
  readonly #manifests = new Map<string, boolean>()
  /** By location: whether a content file holds rows or keys. */
  readonly #files = new Map<string, boolean>()

  constructor(
    private readonly table: FsckTable,
    private readonly target: PurgeTarget,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Content files that hold rows or keys, as far as they were looked at. */
  get files(): readonly string[] {
    return [...this.#files].filter(([, holds]) => holds).map(([location]) => location)
  }

  isHolder(manifest: Pick<ManifestFile, 'manifestPath'>): boolean {
    return this.#manifests.get(manifest.manifestPath) === true
  }

  /** The snapshots of a version of the table that hold rows. */
  async snapshotsOf(loaded: LoadedTable): Promise<ReadonlySet<bigint>> {
    const holders = new Set<bigint>()
    for (const snapshot of loaded.metadata.snapshots) {
      throwIfAborted(this.signal)
      let holds = false
      for (const manifest of await readManifestFiles(loaded, snapshot, { signal: this.signal })) {
        if (await this.#holds(loaded, manifest)) holds = true
      }
      if (holds) holders.add(snapshot.snapshotId)
    }
    return holders
  }

  async #holds(loaded: LoadedTable, manifest: ManifestFile): Promise<boolean> {
    const known = this.#manifests.get(manifest.manifestPath)
    if (known !== undefined) return known
    const partitionType = tupleType(loaded.metadata, manifest.partitionSpecId)
    const entries = await loadManifest(loaded.io, manifest, { partitionType, signal: this.signal })
    const candidates = Array.from({ length: entries.count }, (_, i) => i).filter((i) => this.#mayHold(entries, i))
    // Each of them: what they hold is asked about again, and the values of their rows are wanted.
    const held = await mapParallel(candidates, FILES_AT_ONCE, (i) => this.#fileHolds(entries, i))
    const holds = held.includes(true)
    this.#manifests.set(manifest.manifestPath, holds)
    return holds
  }

  /** By the partition and metrics of an entry, whether it is live or not. */
  #mayHold(entries: ManifestEntries, i: number): boolean {
    const { filters, keys } = this.target
    if (entries.content[i] === 1) return false
    if (entries.content[i] === 2) {
      const ids = entries.dataFile(i, { stats: false }).equalityIds ?? []
      return ids.some((id) => keys.fieldIds.includes(id) || this.target.fieldIds.has(id))
    }
    const { partition } = filters.of(entries.specId, entries.manifest.manifestPath)
    if (partition !== undefined && !partition.mayMatch(entries.partition(i))) return false
    return filters.metrics === undefined || filters.metrics.mayMatch(entries.stats(i))
  }

  async #fileHolds(entries: ManifestEntries, i: number): Promise<boolean> {
    const location = entries.filePath(i)
    const known = this.#files.get(location)
    if (known !== undefined) return known
    const holds = await this.#look(entries, i).catch((error: unknown) => {
      // A file that is gone leaves its bounds in the manifest.
      if (isFloeError(error, 'NOT_FOUND')) return true
      throw error
    })
    this.#files.set(location, holds)
    return holds
  }

  async #look(entries: ManifestEntries, i: number): Promise<boolean> {
    const file = entries.dataFile(i, { stats: false })
    const { target, table } = this
    if (file.content === 'equality-deletes') return this.#equalityKeys(entries, i)
    const test = target.rowTest(target.columns)
    let holds = false
    for await (const { batch } of readFileColumns(table, file, target.columns, this.signal)) {
      const mask = test(batch)
      if (!mask.includes(1)) continue
      holds = true
      target.gather(target.columns, batch, mask)
    }
    return holds
  }

  /** Whether an equality delete file names rows that the filter selects, as far as its columns tell. */
  async #equalityKeys(entries: ManifestEntries, i: number): Promise<boolean> {
    const file = entries.dataFile(i, { stats: false })
    const { target, table } = this
    const ids = new Set(file.equalityIds ?? [])
    const schema = new Schema(target.all.projectIds(ids).fields)
    const canFilter = [...target.fieldIds].every((id) => ids.has(id))
    const test = canFilter ? target.rowTest(schema) : undefined
    const keyIds = target.keys.fieldIds.filter((id) => ids.has(id))
    for await (const { batch } of readFileColumns(table, file, schema, this.signal)) {
      if (test?.(batch).includes(1) === true) return true
      for (const id of keyIds) {
        const read = columnReader(columnByPath(schema, id)(batch), schema.fieldById(id)!.type)
        for (let row = 0; row < batch.numRows; row++) if (target.keys.has(id, read(row))) return true
      }
    }
    return false
  }
}
