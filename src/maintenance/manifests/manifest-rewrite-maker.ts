import { mayHaveLiveFiles } from '../../commit/added-manifests.js'
import { manifestKey } from '../../manifest/file-identity.js'
import type { SnapshotAttempt, SnapshotContents, SnapshotMaker } from '../../commit/snapshot-operation.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { SnapshotSummary } from '../../snapshot/snapshot-summary.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'
import type { Runtime } from '../../util/runtime.js'
import { manifestRange, readsPerPartition } from './clustering-order.js'
import { rewriteGroup, type RewrittenGroup } from './rewrite-group.js'
import type { RewriteManifestsProgress, RewriteManifestsResult, RewrittenManifests } from './rewritten-manifests.js'
import { selectManifests, type ManifestGroup, type ManifestSelection } from './select-manifests.js'

interface MakerOptions {
  readonly memoryBudgetBytes: number
  readonly spillDirectory: string | undefined
  readonly runtime: Runtime
  readonly onProgress: ((progress: RewriteManifestsProgress) => void) | undefined
}

/** A group and what became of it. */
interface DoneGroup {
  readonly group: ManifestGroup
  readonly rewritten: RewrittenGroup
}

/** Tells that by the time of an attempt others had done what was to be done. */
export class NothingToRewrite extends Error {
  constructor(readonly manifests: readonly ManifestFile[]) {
    super('There are no manifests left to rewrite')
  }
}

/** Makes a snapshot of the same files in other manifests. Source: `BaseRewriteManifests` */
export class ManifestRewriteMaker implements SnapshotMaker {
  readonly name = 'rewrite of manifests'
  /** Groups that were rewritten, for as long as their manifests are there. */
  #done: DoneGroup[] = []
  #skipped: readonly ManifestGroup[] = []
  #writtenFor = ''
  #parents: readonly ManifestFile[] = []
  #manifests: readonly ManifestFile[] = []

  constructor(
    private readonly selection: ManifestSelection,
    private readonly options: MakerOptions,
  ) {}

  operation(): 'replace' {
    return 'replace'
  }

  async makeContents(attempt: SnapshotAttempt): Promise<SnapshotContents> {
    const { parentManifests } = attempt
    const present = new Set(parentManifests.map(manifestKey))
    const key = `${attempt.current.metadata.formatVersion} ${attempt.snapshotId}`
    const isKept = ({ group }: DoneGroup): boolean => group.manifests.every((manifest) => present.has(manifestKey(manifest)))
    this.#done = key === this.#writtenFor ? this.#done.filter(isKept) : []
    this.#writtenFor = key
    const kept = new Set(this.#done.map(({ group }) => groupKey(group)))
    const { groups, skipped } = selectManifests(attempt.current.metadata, parentManifests, this.selection)
    this.#skipped = skipped.filter((group) => !kept.has(groupKey(group)))
    await this.#rewrite(groups.filter((group) => !kept.has(groupKey(group))), attempt)
    if (this.#done.length === 0) throw new NothingToRewrite(parentManifests)
    const replaced = new Set(this.#done.flatMap(({ group }) => group.manifests.map(manifestKey)))
    const others = parentManifests.filter((manifest) => !replaced.has(manifestKey(manifest)) && mayHaveLiveFiles(manifest))
    this.#parents = parentManifests
    this.#manifests = [...this.#done.flatMap(({ rewritten }) => rewritten.manifests), ...others]
    return {
      manifests: this.#manifests,
      summary: new SnapshotSummary(),
      replaced: replaced.size,
      entriesProcessed: this.#done.reduce((sum, { rewritten }) => sum + rewritten.entries, 0),
    }
  }

  /** What the last attempt made of the manifests. */
  result(snapshot: Snapshot | undefined): RewriteManifestsResult {
    const rewritten = this.#done.reduce((sum, { group }) => sum + group.manifests.length, 0)
    return {
      snapshot,
      rewrittenManifests: rewritten,
      addedManifests: this.#done.reduce((sum, done) => sum + done.rewritten.manifests.length, 0),
      keptManifests: this.#parents.length - rewritten,
      entries: this.#done.reduce((sum, done) => sum + done.rewritten.entries, 0),
      bytesBefore: bytesOf(this.#parents),
      bytesAfter: bytesOf(this.#manifests),
      groups: [...this.#done.map((done) => this.#report(done)), ...this.#skipped.map(skippedGroup)],
    }
  }

  async #rewrite(groups: readonly ManifestGroup[], attempt: SnapshotAttempt): Promise<void> {
    const totalManifests = groups.reduce((sum, group) => sum + group.manifests.length, 0)
    let manifests = 0
    const { onProgress } = this.options
    for (const group of groups) {
      const onManifest = onProgress && (() => {
        onProgress({ manifests: ++manifests, totalManifests })
      })
      const rewritten = await rewriteGroup(group, attempt, { ...this.options, targetSizeBytes: this.selection.targetSizeBytes, onManifest })
      checkCounts(group, rewritten)
      this.#done.push({ group, rewritten })
    }
  }

  #report({ group, rewritten }: DoneGroup): RewrittenManifests {
    const { content, specId, order, reason } = group
    const isOfGroup = (manifest: ManifestFile): boolean => manifest.content === content && manifest.partitionSpecId === specId
    const reads = (manifests: readonly ManifestFile[]): number =>
      readsPerPartition(manifests.filter(isOfGroup).map((manifest) => manifestRange(manifest, order.type)), rewritten.partitions, order)
    return {
      content,
      specId,
      rewritten: group.manifests.length,
      added: rewritten.manifests.length,
      reason,
      readsPerPartition: content === 'data' ? { before: reads(this.#parents), after: reads(this.#manifests) } : undefined,
    }
  }
}

/** The report of a group that stays as it is. */
export function skippedGroup({ content, specId, reason }: ManifestGroup): RewrittenManifests {
  return { content, specId, rewritten: 0, added: 0, reason }
}

function groupKey({ content, specId }: ManifestGroup): string {
  return `${content} ${specId}`
}

function bytesOf(manifests: readonly ManifestFile[]): number {
  return manifests.reduce((sum, manifest) => sum + manifest.manifestLengthBytes, 0)
}

/** Source: `BaseRewriteManifests.validateFilesCounts` */
function checkCounts({ manifests }: ManifestGroup, { entries }: RewrittenGroup): void {
  let listed = 0
  for (const { addedFilesCount, existingFilesCount } of manifests) {
    if (addedFilesCount === undefined || existingFilesCount === undefined) return
    listed += addedFilesCount + existingFilesCount
  }
  if (listed === entries) return
  const problem = `The manifest list says that ${listed} files are in manifests that hold ${entries}: check the table before it is rewritten`
  throw new FloeError('CORRUPT', problem, { file: manifests[0]!.manifestPath })
}
