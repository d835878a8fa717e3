/** The manifests and the summary of files that a commit adds; append and change share them. */
import type { DataFile, ManifestContent, ManifestFile } from '../manifest/data-file.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionPathPrinter } from '../partition/partition-path.js'
import { SnapshotSummary } from '../snapshot/snapshot-summary.js'
import { FloeError } from '../util/errors.js'
import { encodeAddedFiles, manifestWriterOptions, type NewManifest } from './manifest-output.js'
import type { SnapshotAttempt } from './snapshot-operation.js'

export interface AddedFiles {
  readonly content: ManifestContent
  readonly files: readonly DataFile[]
  /** Data sequence number of the files instead of that of the commit: of all, or of each. */
  readonly sequenceNumber?: bigint | ((file: DataFile) => bigint) | undefined
}

/** Encodes the manifests of added files, again only when another format version, snapshot id or list of files asks for it. */
export class AddedManifests {
  #last: { readonly key: string; readonly files: readonly DataFile[]; readonly manifests: readonly NewManifest[] } | undefined

  /** One or more manifests for each spec of the files, which must all be of one content. */
  encode({ content, files, sequenceNumber }: AddedFiles, attempt: SnapshotAttempt): readonly NewManifest[] {
    const { metadata } = attempt.current
    const key = `${metadata.formatVersion} ${attempt.snapshotId}`
    if (this.#last?.key === key && this.#last.files === files) return this.#last.manifests
    const specIds = [...new Set(files.map((file) => file.specId))]
    const manifests = specIds.flatMap((specId) => {
      const options = manifestWriterOptions(metadata, { specId, content, snapshotId: attempt.snapshotId })
      const added = { files: files.filter((file) => file.specId === specId), sequenceNumber }
      return encodeAddedFiles(metadata, added, options, () => attempt.output.nextManifestLocation(metadata))
    })
    this.#last = { key, files, manifests }
    return manifests
  }
}

/** Prints partitions for summaries. Throws `INVALID` for a file of a spec that the table does not have. */
export class PartitionPaths {
  readonly #printers = new Map<number, (tuple: DataFile['partition']) => string>()

  constructor(private readonly metadata: TableMetadata) {}

  of(file: DataFile): string {
    let print = this.#printers.get(file.specId)
    if (print === undefined) {
      const spec = this.metadata.partitionSpecs.find((candidate) => candidate.specId === file.specId)
      if (spec === undefined) throw new FloeError('INVALID', `the table has no partition spec ${file.specId}`, { file: file.filePath })
      print = partitionPathPrinter(spec, currentSchema(this.metadata))
      this.#printers.set(file.specId, print)
    }
    return print(file.partition)
  }
}

/** The summary of a snapshot that only adds `files`. Throws `INVALID` for a spec that the table does not have. */
export function summariseAdded(metadata: TableMetadata, files: readonly DataFile[]): SnapshotSummary {
  const summary = new SnapshotSummary()
  const paths = new PartitionPaths(metadata)
  for (const file of files) summary.addedFile(paths.of(file), file)
  return summary
}

/** Throws `CONFLICT` when another commit removed the partition spec of one of `files`. */
export function checkSpecsExist(metadata: TableMetadata, files: readonly DataFile[]): void {
  const known = new Set(metadata.partitionSpecs.map((spec) => spec.specId))
  const lost = files.find((file) => !known.has(file.specId))
  if (lost === undefined) return
  const message = `partition spec ${lost.specId} was removed by another commit: write the rows again`
  throw new FloeError('CONFLICT', message, { file: lost.filePath, retryable: false })
}

/** Counts that were never recorded may be anything. Source: `MergingSnapshotProducer.apply` */
export function mayHaveLiveFiles(manifest: Pick<ManifestFile, 'addedFilesCount' | 'existingFilesCount'>): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0
}
