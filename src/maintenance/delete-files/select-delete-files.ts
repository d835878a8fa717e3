import { isVector } from '../../manifest/file-identity.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { readInteger, readText, tableProperties } from '../../metadata/table-properties.js'
import { partitionKey } from '../../partition/partition-key.js'
import { checkCount, checkShare } from '../../util/option-values.js'
import { puffinFiles, type LiveDelete } from './live-deletes.js'

/** Files between these shares of the target size are left alone. Source: `SizeBasedFileRewritePlanner` */
const MIN_SHARE = 0.75
const MAX_SHARE = 1.8

export interface DeleteFileSelection {
  /** Default: `write.delete.target-file-size-bytes`. */
  readonly targetFileSizeBytes?: number | undefined
  /** Rewrite files of a partition, or Puffin files, that are not of the target size when there are so many. Default 5. */
  readonly minInputFiles?: number | undefined
  /** Rewrite Puffin files of which vectors that apply take less than this share. Default 0.5. */
  readonly liveRatioThreshold?: number | undefined
  /** Rewrite every one. Default false. */
  readonly rewriteAll?: boolean | undefined
}

/** What is to be done about the deletes of a snapshot. */
export interface SelectedDeletes {
  /** They apply to nothing: they go. */
  readonly dangling: readonly LiveDelete[]
  /** Position delete files that become one, each list of one partition; all of them where the table takes vectors only. */
  readonly groups: readonly (readonly LiveDelete[])[]
  /** Vectors that move to another Puffin file. */
  readonly vectors: readonly LiveDelete[]
  readonly reasons: readonly string[]
}

/**
 * Decides which delete files are rewritten. Source: `BinPackRewritePositionDeletePlanner`
 *
 * @throws FloeError `INVALID` naming the option that is wrong
 */
export function selectDeleteFiles(
  deletes: readonly LiveDelete[],
  metadata: TableMetadata,
  selection: DeleteFileSelection,
): SelectedDeletes {
  checkCount(selection.targetFileSizeBytes, 1, 'targetFileSizeBytes')
  checkCount(selection.minInputFiles, 1, 'minInputFiles')
  checkShare(selection.liveRatioThreshold, 'liveRatioThreshold')
  const live = deletes.filter(({ targets }) => targets.length > 0)
  const dangling = deletes.filter(({ targets }) => targets.length === 0)
  const files = live.filter(({ file }) => !isVector(file))
  const groups = metadata.formatVersion >= 3 ? (files.length === 0 ? [] : [files]) : groupsToCompact(files, metadata, selection)
  const { vectors, reason } = vectorsToMove(deletes, metadata, selection)
  const count = groups.reduce((sum, group) => sum + group.length, 0)
  const what = metadata.formatVersion >= 3 ? 'position delete files become vectors' : 'position delete files are small and share a partition'
  const reasons = [
    dangling.length === 0 ? undefined : `${dangling.length} delete files or vectors apply to nothing`,
    count === 0 ? undefined : `${count} ${what}`,
    reason,
  ]
  return { dangling, groups, vectors, reasons: reasons.filter((text) => text !== undefined) }
}

function groupsToCompact(files: readonly LiveDelete[], metadata: TableMetadata, selection: DeleteFileSelection): (readonly LiveDelete[])[] {
  const { targetFileSizeBytes, minInputFiles = 5, rewriteAll = false } = selection
  const target = targetFileSizeBytes ?? readInteger(metadata.properties, tableProperties.deleteTargetFileSizeBytes)
  const isPerFile = readText(metadata.properties, tableProperties.deleteGranularity) === 'file'
  const byPartition = new Map<string, LiveDelete[]>()
  for (const found of files) {
    const { fileSizeBytes, specId, partition } = found.file
    if (!rewriteAll && fileSizeBytes >= MIN_SHARE * target && fileSizeBytes <= MAX_SHARE * target) continue
    const key = `${specId} ${partitionKey(partition)}`
    const group = byPartition.get(key)
    if (group === undefined) byPartition.set(key, [found])
    else group.push(found)
  }
  return [...byPartition.values()].filter((group) => {
    if (rewriteAll) return true
    const outputs = isPerFile ? new Set(group.flatMap(({ targets }) => targets.map((file) => file.filePath))).size : 1
    const bytes = group.reduce((sum, { file }) => sum + file.fileSizeBytes, 0)
    return group.length > outputs && (group.length >= minInputFiles || bytes >= target)
  })
}

/** Puffin files of which little is left, and small ones when there are many. */
function vectorsToMove(
  deletes: readonly LiveDelete[],
  metadata: TableMetadata,
  { targetFileSizeBytes, minInputFiles = 5, liveRatioThreshold = 0.5, rewriteAll = false }: DeleteFileSelection,
): { readonly vectors: readonly LiveDelete[]; readonly reason: string | undefined } {
  const target = targetFileSizeBytes ?? readInteger(metadata.properties, tableProperties.deleteTargetFileSizeBytes)
  const files = puffinFiles(deletes).filter((file) => file.liveShare > 0)
  const dead = files.filter((file) => file.liveShare < liveRatioThreshold)
  const small = files.filter((file) => file.liveShare >= liveRatioThreshold && file.fileSizeBytes < MIN_SHARE * target)
  const movesSmall = small.length + dead.length >= Math.max(2, minInputFiles)
  const moved = rewriteAll ? files : [...dead, ...(movesSmall ? small : [])]
  const vectors = moved.flatMap((file) => file.vectors.filter(({ targets }) => targets.length > 0))
  if (moved.length === 0) return { vectors, reason: undefined }
  const why = [dead.length === 0 ? undefined : `${dead.length} mostly dead`, movesSmall ? `${small.length} small` : undefined]
  const known = why.filter((text) => text !== undefined)
  const causes = known.length === 0 ? 'all' : known.join(', ')
  return { vectors, reason: `${vectors.length} vectors move out of ${moved.length} Puffin files (${causes})` }
}
