/** Adds data files to a table. Source: `FastAppend`, `MergeAppend` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile, ManifestFile } from '../manifest/data-file.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionPathPrinter } from '../partition/partition-path.js'
import { SnapshotSummary } from '../snapshot/snapshot-summary.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { CommitOperation } from './commit-operation.js'
import { MANIFEST_PARALLELISM } from './manifest-input.js'
import { ManifestMerger } from './manifest-merge.js'
import { encodeAddedFiles, manifestWriterOptions, type NewManifest } from './manifest-output.js'
import { snapshotOperation, type SnapshotAttempt, type SnapshotContents, type SnapshotMaker, type SnapshotOptions } from './snapshot-operation.js'

export interface AppendOptions extends SnapshotOptions {
  /**
   * `merge` merges small manifests as the table's `commit.manifest-merge.*` properties say; `fast` only adds manifests.
   * Default `merge`.
   */
  readonly mode?: 'merge' | 'fast'
  /** Delete the data files when nothing was committed, which is proven then. Default false. */
  readonly ownsDataFiles?: boolean
}

/**
 * The operation that appends `files`. Appends never conflict: a commit by another only makes them try again.
 * Throws `INVALID` for a file that is there twice or is not a data file; committing throws it for an unknown partition spec.
 */
export function appendFiles(files: readonly DataFile[], options: AppendOptions, runtime: Runtime): CommitOperation {
  checkDataFiles(files)
  return snapshotOperation(new AppendMaker(files, options), options, runtime)
}

class AppendMaker implements SnapshotMaker {
  readonly name = 'append'
  readonly #dataMerger = new ManifestMerger()
  readonly #deleteMerger = new ManifestMerger()
  #summary: SnapshotSummary | undefined
  /** The new manifests and what they were made for: another format version or snapshot id needs others. */
  #encoded: { readonly key: string; readonly manifests: readonly NewManifest[] } | undefined

  constructor(
    private readonly files: readonly DataFile[],
    private readonly options: AppendOptions,
  ) {}

  operation(): 'append' {
    return 'append'
  }

  prepare(base: LoadedTable): Promise<void> {
    this.#summary = summarise(base.metadata, this.files)
    return Promise.resolve()
  }

  validate(_base: LoadedTable, current: LoadedTable): Promise<void> {
    const known = new Set(current.metadata.partitionSpecs.map((spec) => spec.specId))
    const lost = this.files.find((file) => !known.has(file.specId))
    if (lost === undefined) return Promise.resolve()
    const message = `partition spec ${lost.specId} was removed by another commit: write the rows again`
    return Promise.reject(new FloeError('CONFLICT', message, { file: lost.filePath, retryable: false }))
  }

  async makeContents(attempt: SnapshotAttempt): Promise<SnapshotContents> {
    const { current } = attempt
    const summary = (this.#summary ??= summarise(current.metadata, this.files))
    const fresh = this.#freshManifests(attempt)
    if (this.options.mode === 'fast') return { manifests: await this.#appendOnly(fresh, attempt), summary, replaced: 0 }
    const context = { table: current, snapshotId: attempt.snapshotId, output: attempt.output, signal: attempt.context.signal }
    const kept = attempt.parentManifests.filter(mayHaveLiveFiles)
    const data = await this.#dataMerger.merge(fresh, kept.filter((manifest) => manifest.content === 'data'), context)
    const deletes = await this.#deleteMerger.merge([], kept.filter((manifest) => manifest.content === 'deletes'), context)
    return { manifests: [...data.manifests, ...deletes.manifests], summary, replaced: data.replaced + deletes.replaced }
  }

  filesOfFailure(): readonly string[] {
    return this.options.ownsDataFiles === true ? this.files.map((file) => file.filePath) : []
  }

  async #appendOnly(fresh: readonly NewManifest[], attempt: SnapshotAttempt): Promise<readonly ManifestFile[]> {
    const written = await mapParallel(fresh, MANIFEST_PARALLELISM, (manifest) =>
      attempt.output.writeManifest(attempt.current, manifest, attempt.context.signal),
    )
    return [...written, ...attempt.parentManifests]
  }

  #freshManifests(attempt: SnapshotAttempt): readonly NewManifest[] {
    const { metadata } = attempt.current
    const key = `${metadata.formatVersion} ${attempt.snapshotId}`
    if (this.#encoded?.key === key) return this.#encoded.manifests
    const specIds = [...new Set(this.files.map((file) => file.specId))]
    const manifests = specIds.flatMap((specId) => {
      const files = this.files.filter((file) => file.specId === specId)
      const options = manifestWriterOptions(metadata, { specId, content: 'data', snapshotId: attempt.snapshotId })
      return encodeAddedFiles(metadata, files, options, () => attempt.output.nextManifestLocation(metadata))
    })
    this.#encoded = { key, manifests }
    return manifests
  }
}

/** Counts that were never recorded may be anything. Source: `MergingSnapshotProducer.apply` */
function mayHaveLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0
}

function checkDataFiles(files: readonly DataFile[]): void {
  const paths = new Set<string>()
  for (const file of files) {
    if (file.content !== 'data') throw new FloeError('INVALID', `an append takes data files only, not ${file.content}`, { file: file.filePath })
    if (paths.has(file.filePath)) throw new FloeError('INVALID', 'the same data file is there twice in one append', { file: file.filePath })
    paths.add(file.filePath)
  }
}

function summarise(metadata: TableMetadata, files: readonly DataFile[]): SnapshotSummary {
  const summary = new SnapshotSummary()
  const printers = new Map<number, (tuple: DataFile['partition']) => string>()
  for (const file of files) {
    let print = printers.get(file.specId)
    if (print === undefined) {
      const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === file.specId)
      if (spec === undefined) throw new FloeError('INVALID', `the table has no partition spec ${file.specId}`, { file: file.filePath })
      print = partitionPathPrinter(spec, currentSchema(metadata))
      printers.set(file.specId, print)
    }
    summary.addedFile(print(file.partition), file)
  }
  return summary
}
