/** Adds data files to a table. Source: `FastAppend`, `MergeAppend` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile, ManifestFile } from '../manifest/data-file.js'
import type { SnapshotSummary } from '../snapshot/snapshot-summary.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { AddedManifests, checkSpecsExist, mayHaveLiveFiles, summariseAdded } from './added-manifests.js'
import type { CommitOperation } from './commit-operation.js'
import { MANIFEST_PARALLELISM } from './manifest-input.js'
import { ManifestMerger } from './manifest-merge.js'
import type { NewManifest } from './manifest-output.js'
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
  readonly #added = new AddedManifests()
  #summary: SnapshotSummary | undefined

  constructor(
    private readonly files: readonly DataFile[],
    private readonly options: AppendOptions,
  ) {}

  operation(): 'append' {
    return 'append'
  }

  prepare(base: LoadedTable): Promise<void> {
    this.#summary = summariseAdded(base.metadata, this.files)
    return Promise.resolve()
  }

  validate(_base: LoadedTable, current: LoadedTable): Promise<void> {
    return Promise.resolve(current).then(({ metadata }) => {
      checkSpecsExist(metadata, this.files)
    })
  }

  async makeContents(attempt: SnapshotAttempt): Promise<SnapshotContents> {
    const { current } = attempt
    const summary = (this.#summary ??= summariseAdded(current.metadata, this.files))
    const fresh = this.#added.encode({ content: 'data', files: this.files }, attempt)
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
}

function checkDataFiles(files: readonly DataFile[]): void {
  const paths = new Set<string>()
  for (const file of files) {
    if (file.content !== 'data') throw new FloeError('INVALID', `an append takes data files only, not ${file.content}`, { file: file.filePath })
    if (paths.has(file.filePath)) throw new FloeError('INVALID', 'the same data file is there twice in one append', { file: file.filePath })
    paths.add(file.filePath)
  }
}
