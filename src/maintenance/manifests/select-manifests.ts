import { mayHaveLiveFiles } from '../../commit/added-manifests.js'
import { tupleType } from '../../commit/manifest-input.js'
import type { ManifestContent, ManifestFile } from '../../manifest/data-file.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { clusteringOrder, manifestRange, overlapping, type ClusteringOrder } from './clustering-order.js'

/** Below this share of the target size a manifest counts as small. */
const SMALL_SHARE = 0.75
/** From this share of entries of deleted files on a manifest is worth being rewritten without them. */
const DEAD_SHARE = 0.25

/** Which manifests are rewritten. */
export interface ManifestSelection {
  /** The partition fields whose order entries are brought into; by default those of the spec, in its order. */
  readonly clusterBy?: readonly string[] | undefined
  readonly targetSizeBytes: number
  /** Only manifests of this partition spec. Default: of every one. */
  readonly specId?: number | undefined
  /** Only manifests that it answers true for. */
  readonly predicate?: ((manifest: ManifestFile) => boolean) | undefined
  /** Also manifests that are in order. Default false. */
  readonly rewriteAll?: boolean | undefined
}

/** Manifests of one content and partition spec that become others. */
export interface ManifestGroup {
  readonly content: ManifestContent
  readonly specId: number
  readonly order: ClusteringOrder
  readonly manifests: readonly ManifestFile[]
  /** How many there will be, about. */
  readonly plannedManifests: number
  /** Why they are rewritten, or why they are not. */
  readonly reason: string
}

export interface SelectedManifests {
  readonly groups: readonly ManifestGroup[]
  /** Groups that stay as they are. */
  readonly skipped: readonly ManifestGroup[]
}

/** Decides by the records of a snapshot's manifests which are to be rewritten; none is read. */
export function selectManifests(
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  selection: ManifestSelection,
): SelectedManifests {
  const byGroup = new Map<string, ManifestFile[]>()
  for (const manifest of manifests) {
    if (selection.specId !== undefined && manifest.partitionSpecId !== selection.specId) continue
    if (selection.predicate?.(manifest) === false) continue
    // What lists no file any more is left out by every commit, also by that of a rewrite.
    if (!mayHaveLiveFiles(manifest)) continue
    const key = `${manifest.content} ${manifest.partitionSpecId}`
    const group = byGroup.get(key)
    if (group === undefined) byGroup.set(key, [manifest])
    else group.push(manifest)
  }
  const decided = [...byGroup.values()].map((group) => decideGroup(metadata, group, selection))
  return {
    groups: decided.filter(({ isRewritten }) => isRewritten).map(({ group }) => group),
    skipped: decided.filter(({ isRewritten }) => !isRewritten).map(({ group }) => group),
  }
}

function decideGroup(
  metadata: TableMetadata,
  all: readonly ManifestFile[],
  { clusterBy, targetSizeBytes, rewriteAll = false }: ManifestSelection,
): { readonly group: ManifestGroup; readonly isRewritten: boolean } {
  const [{ content, partitionSpecId: specId }] = all as readonly [ManifestFile]
  const order = clusteringOrder(tupleType(metadata, specId), clusterBy)
  const overlaps = overlapping(all.map((manifest) => manifestRange(manifest, order.type)), order)
  const isChosen = (manifest: ManifestFile, place: number): boolean =>
    rewriteAll || overlaps.has(place) || manifest.manifestLengthBytes < SMALL_SHARE * targetSizeBytes || deadShare(manifest) >= DEAD_SHARE
  const chosen = all.filter(isChosen)
  const liveBytes = chosen.reduce((bytes, manifest) => bytes + (1 - deadShare(manifest)) * manifest.manifestLengthBytes, 0)
  const plannedManifests = Math.ceil(liveBytes / targetSizeBytes)
  const dead = chosen.filter((manifest) => deadShare(manifest) >= DEAD_SHARE).length
  const group = { content, specId, order, manifests: chosen, plannedManifests }
  const isRewritten = chosen.length > 0 && (rewriteAll || plannedManifests < chosen.length || overlaps.size > 0 || dead > 0)
  const reason = isRewritten
    ? reasonOf({ chosen: chosen.length, planned: plannedManifests, overlaps: overlaps.size, dead })
    : `${countText(all.length)} near the target size, none overlapping`
  return { group: { ...group, reason }, isRewritten }
}

interface Counts {
  readonly chosen: number
  readonly planned: number
  readonly overlaps: number
  readonly dead: number
}

function reasonOf({ chosen, planned, overlaps, dead }: Counts): string {
  const parts = [
    planned < chosen ? `${countText(chosen)} fit into ${planned}` : countText(chosen),
    overlaps > 0 ? `${overlaps} overlap in their partitions` : undefined,
    dead > 0 ? `${dead} hold many entries of deleted files` : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(', ')
}

/** The share of entries that are of deleted files, as far as the record tells. */
function deadShare(manifest: ManifestFile): number {
  const { addedFilesCount, existingFilesCount, deletedFilesCount } = manifest
  if (!mayHaveLiveFiles(manifest)) return 1
  if (addedFilesCount === undefined || existingFilesCount === undefined || deletedFilesCount === undefined) return 0
  return deletedFilesCount / (addedFilesCount + existingFilesCount + deletedFilesCount)
}

function countText(manifests: number): string {
  return manifests === 1 ? '1 manifest' : `${manifests} manifests`
}
