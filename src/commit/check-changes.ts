/** Whether the files of a change fit together and the table's format version. */
import type { DataFile } from '../manifest/data-file.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { SnapshotOperation } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { fileKey, isVector, referencedDataFile } from '../manifest/file-identity.js'
import type { ChangeFilesOptions, FileChanges } from './file-changes.js'

/**
 * The operation that the reference gives to a snapshot of such files. Source: `BaseRowDelta.operation`,
 * `BaseOverwriteFiles.operation`, `StreamingDelete.operation`
 */
export function deriveOperation(changes: FileChanges, options: Pick<ChangeFilesOptions, 'replacePartitions'>): SnapshotOperation {
  if (options.replacePartitions === true) return 'overwrite'
  const [addsData, removesData, addsDeletes] = [changes.addedDataFiles, changes.removedDataFiles, changes.addedDeleteFiles].map(
    (files) => files.length > 0,
  )
  if (addsData === true) return removesData === true || addsDeletes === true ? 'overwrite' : 'append'
  return removesData === true || addsDeletes === true ? 'delete' : 'overwrite'
}

/** Throws `INVALID` for files that are there twice, in the wrong place, or contradict each other. */
export function checkChanges(changes: FileChanges, options: ChangeFilesOptions): void {
  const { addedDataFiles, removedDataFiles, addedDeleteFiles, removedDeleteFiles } = changes
  for (const files of [addedDataFiles, removedDataFiles]) checkList(files, (file) => file.content === 'data', 'data files')
  for (const files of [addedDeleteFiles, removedDeleteFiles]) checkList(files, (file) => file.content !== 'data', 'delete files')
  const added = new Set([...addedDataFiles, ...addedDeleteFiles].map(fileKey))
  const both = [...removedDataFiles, ...removedDeleteFiles].find((file) => added.has(fileKey(file)))
  if (both !== undefined) throw new FloeError('INVALID', 'a file is both added and removed in one commit', { file: both.filePath })
  checkReferences(changes)
  if (options.replacePartitions === true && (addedDataFiles.length === 0 || addedDeleteFiles.length > 0)) {
    throw new FloeError('INVALID', 'replacing partitions takes data files, at least one, and no delete files')
  }
  if (options.operation === 'replace') checkRewrite(changes, options)
}

/**
 * Throws `INVALID` for delete files that tables of this version do not have, or `CONFLICT` when the table was upgraded after
 * `base`. Source: `MergingSnapshotProducer.validateDeleteFileForVersion`
 */
export function checkFormat(metadata: TableMetadata, { addedDeleteFiles }: FileChanges, base: TableMetadata | undefined): void {
  const { formatVersion } = metadata
  const misfit = addedDeleteFiles.find((file) => {
    if (formatVersion === 1) return true
    return file.content === 'position-deletes' && isVector(file) !== formatVersion >= 3
  })
  if (misfit === undefined) return
  const file = misfit.filePath
  if (base !== undefined && base.formatVersion < formatVersion) {
    const message = `another commit upgraded the table to format version ${formatVersion}, where position deletes must be vectors: make the change again`
    throw new FloeError('CONFLICT', message, { file, retryable: false })
  }
  if (formatVersion === 1) throw new FloeError('INVALID', 'format version 1 has no delete files: upgrade the table, or rewrite the data files', { file })
  const what = formatVersion === 2 ? 'has no deletion vectors: write position delete files' : 'takes position deletes as deletion vectors only'
  throw new FloeError('INVALID', `format version ${formatVersion} ${what}`, { file })
}

function checkList(files: readonly DataFile[], belongs: (file: DataFile) => boolean, what: string): void {
  const keys = new Set<string>()
  for (const file of files) {
    if (!belongs(file)) throw new FloeError('INVALID', `a list of ${what} holds a file of ${file.content}`, { file: file.filePath })
    const key = fileKey(file)
    if (keys.has(key)) throw new FloeError('INVALID', `the same file is there twice in a list of ${what}`, { file: file.filePath })
    keys.add(key)
  }
}

/** Spec: Deletion Vectors: at most one of a data file in a snapshot. Source: `BaseRowDelta.validateNoConflictingFileAndPositionDeletes` */
function checkReferences({ removedDataFiles, addedDeleteFiles }: FileChanges): void {
  const removed = new Set(removedDataFiles.map((file) => file.filePath))
  const vectors = new Set<string>()
  for (const file of addedDeleteFiles) {
    const target = referencedDataFile(file)
    if (isVector(file) && file.referencedDataFile === undefined) {
      throw new FloeError('INVALID', 'a deletion vector does not name its data file', { file: file.filePath })
    }
    if (target === undefined) continue
    if (removed.has(target)) throw new FloeError('INVALID', 'a data file is removed while a new delete file refers to it', { file: target })
    if (!isVector(file)) continue
    if (vectors.has(target)) throw new FloeError('INVALID', 'two deletion vectors of one data file are added: merge them', { file: target })
    vectors.add(target)
  }
}

/** Source: `BaseRewriteFiles.validateReplacedAndAddedFiles` */
function checkRewrite(changes: FileChanges, { droppedRowCount = 0 }: ChangeFilesOptions): void {
  const { addedDataFiles, removedDataFiles, addedDeleteFiles, removedDeleteFiles } = changes
  if (removedDataFiles.length + removedDeleteFiles.length === 0) throw new FloeError('INVALID', 'a rewrite replaces files, but removes none')
  if (removedDataFiles.length === 0 && addedDataFiles.length > 0) {
    const file = addedDataFiles[0]!.filePath
    throw new FloeError('INVALID', 'a rewrite adds data files without removing any: their rows would be there twice', { file })
  }
  if (removedDataFiles.length === 0 && removedDeleteFiles.length === 0 && addedDeleteFiles.length > 0) {
    throw new FloeError('INVALID', 'a rewrite adds delete files without removing any')
  }
  const [before, after] = [rowsOf(removedDataFiles), rowsOf(addedDataFiles)]
  if (after !== before - droppedRowCount) {
    const dropped = droppedRowCount === 0 ? '' : `, of which ${droppedRowCount} were deleted,`
    throw new FloeError('INVALID', `a rewrite replaces ${before} rows${dropped} by ${after}: it must keep every row exactly once`)
  }
}

function rowsOf(files: readonly DataFile[]): number {
  return files.reduce((rows, file) => rows + file.recordCount, 0)
}
