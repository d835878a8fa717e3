import { fileKey, isVector, referencedDataFile } from '../../manifest/file-identity.js'
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import type { DataFile, ManifestEntry, ManifestFile } from '../../manifest/data-file.js'
import { FloeError } from '../../util/errors.js'
import { entryFingerprint } from '../fsck/entry-fingerprint.js'
import type { EntryEdit, EntryEditor } from './edit-entries.js'
import type { RepairStep } from './repair-plan.js'

/** What was measured or written before the commit. */
export interface PreparedRepair {
  /** By {@link fileKey}: the file as it is. */
  readonly measured: ReadonlyMap<string, DataFile>
  /** By data file: the keys of the vectors that were united. */
  readonly united: ReadonlyMap<string, ReadonlySet<string>>
  /** The unions. */
  readonly addedDeletes: readonly DataFile[]
}

/** Which entries the steps of a repair are about. */
export class RepairEditor implements EntryEditor {
  readonly addedDeletes: readonly DataFile[]
  readonly #manifests = new Set<string>()
  readonly #removed = new Set<string>()
  readonly #moved = new Set<string>()
  readonly #dropsDuplicates: boolean
  #seen = new Set<string>()
  #found = new Map<string, Set<string>>()
  #partitions = new Map<string, DataFile>()
  readonly #targets: ReadonlySet<string>

  constructor(
    steps: readonly RepairStep[],
    private readonly prepared: PreparedRepair,
  ) {
    this.addedDeletes = prepared.addedDeletes
    const targets = new Set<string>()
    for (const { action, finding } of steps) {
      const { file, manifest, dataFile } = finding
      if (action === 'rewrite-manifest' && manifest !== undefined) this.#manifests.add(manifest)
      if (file === undefined) continue
      if (action === 'remove-delete' || action === 'drop-delete' || action === 'drop-file') this.#removed.add(placeKey(file, finding.offset))
      if (action !== 'move-delete') continue
      this.#moved.add(placeKey(file, finding.offset))
      if (dataFile !== undefined) targets.add(dataFile)
    }
    this.#targets = targets
    this.#dropsDuplicates = steps.some(({ action }) => action === 'drop-duplicate')
  }

  begin(_current: LoadedTable): void {
    this.#seen = new Set()
    this.#found = new Map()
    this.#partitions = new Map()
  }

  rewrites(manifest: ManifestFile): boolean {
    return this.#manifests.has(manifest.manifestPath)
  }

  edit(entry: ManifestEntry): EntryEdit {
    const { dataFile: file } = entry
    const key = fileKey(file)
    const place = placeKey(file.filePath, file.contentOffset)
    if (this.#targets.has(file.filePath)) this.#partitions.set(file.filePath, file)
    if (this.#isDuplicate(key, entry)) return 'forget'
    if (this.#removed.has(place)) return 'remove'
    if (this.#isUnited(file, key)) return 'remove'
    const target = this.#moved.has(place) ? this.#partitions.get(referencedDataFile(file) ?? '') : undefined
    const moved = target === undefined ? file : { ...file, specId: target.specId, partition: target.partition }
    const measured = this.prepared.measured.get(key)
    const { specId, partition } = moved
    const edited = measured === undefined ? moved : { ...measured, specId, partition, firstRowId: file.firstRowId }
    return edited === file || entryFingerprint(edited) === entryFingerprint(file) ? 'keep' : edited
  }

  end(): void {
    for (const [dataFile, keys] of this.prepared.united) {
      const found = this.#found.get(dataFile)
      if (found?.size === keys.size) continue
      throw new FloeError('CONFLICT', 'Its deletes were changed while they were repaired: check and repair the table again', { file: dataFile })
    }
  }

  /** Entries of one file that are listed twice; the first one stays. */
  #isDuplicate(key: string, { dataFile }: ManifestEntry): boolean {
    if (!this.#dropsDuplicates || isVector(dataFile)) return false
    if (!this.#seen.has(key)) {
      this.#seen.add(key)
      return false
    }
    return true
  }

  #isUnited(file: DataFile, key: string): boolean {
    const dataFile = isVector(file) ? file.referencedDataFile : undefined
    const united = dataFile === undefined ? undefined : this.prepared.united.get(dataFile)
    if (united === undefined) return false
    const found = this.#found.get(dataFile!) ?? new Set()
    this.#found.set(dataFile!, found.add(key))
    if (united.has(key)) return true
    throw new FloeError('CONFLICT', 'Its deletes were changed while they were repaired: check and repair the table again', { file: dataFile! })
  }
}

/** What a finding says of a content file: its path, and which part of it. */
export function placeKey(file: string, offset: number | undefined): string {
  return offset === undefined ? file : `${file}\0${offset}`
}
