/** What all commits that add a snapshot have in common. Source: `SnapshotProducer` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { ManifestFile } from '../manifest/data-file.js'
import { manifestCompression } from '../manifest/manifest-compression.js'
import { assignFirstRowIds, assignSequenceNumbers, encodeManifestList } from '../manifest/manifest-list.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readInteger, readText, tableProperties } from '../metadata/table-properties.js'
import { ancestorsOf, indexSnapshots } from '../snapshot/ancestry.js'
import { branchHead, checkRefName, findSnapshot, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { carriedSourcePositions } from '../snapshot/source-position.js'
import { SnapshotSummary } from '../snapshot/snapshot-summary.js'
import type { Snapshot, SnapshotOperation as OperationName } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'
import { ENGINE_NAME, ENGINE_VERSION } from './engine.js'
import { keepManifestFiles, readKeptManifestFiles } from './kept-manifest-lists.js'
import { withAllCounts } from './manifest-input.js'
import { ManifestOutput } from './manifest-output.js'

/** The summary property that holds {@link SnapshotOptions.commitToken}. */
export const COMMIT_TOKEN_PROPERTY = 'floe.commit-token'

export interface SnapshotOptions {
  /** The branch to commit to; created on top of `main` when it does not exist. Default `main`. */
  readonly branch?: string
  /** Add the snapshot without making it the head of a branch. */
  readonly stageOnly?: boolean
  /**
   * Makes the commit idempotent: when a snapshot of the branch's history carries the same token, that snapshot is the
   * result and nothing is committed. Use one token for one change, over all tries of it; it holds while history is kept.
   */
  readonly commitToken?: string | undefined
  /** Kept in the snapshot's summary. Names that the summary computes are refused. */
  readonly properties?: ReadonlyMap<string, string>
  /** Called before every attempt with the version that it builds on; throws when the change must not be made to it. */
  readonly guard?: ((current: TableMetadata) => void) | undefined
}

/** One attempt, as the maker of a snapshot's contents sees it. */
export interface SnapshotAttempt {
  readonly current: LoadedTable
  readonly parent: Snapshot | undefined
  /** All manifests of the parent, data and deletes. */
  readonly parentManifests: readonly ManifestFile[]
  readonly snapshotId: bigint
  readonly output: ManifestOutput
  readonly context: CommitContext
}

export interface SnapshotContents {
  /** All manifests of the new snapshot, written; those of this commit have unassigned sequence numbers. */
  readonly manifests: readonly ManifestFile[]
  readonly summary: SnapshotSummary
  /** How many manifests of the parent were rewritten. */
  readonly replaced: number
  /** How many entries moved to other manifests, for makers that do nothing else. */
  readonly entriesProcessed?: number | undefined
  /** Locations of the content files that the snapshot adds, for makers that name files to be cleaned up. */
  readonly contentFiles?: ReadonlySet<string>
}

/** Makes the contents of a snapshot anew for each attempt, from what `prepare` made once. */
export interface SnapshotMaker {
  /** What the caller did, for messages. */
  readonly name: string
  /** May depend on what the last attempt found. */
  operation(): OperationName
  prepare?(base: LoadedTable, context: CommitContext): Promise<void>
  validate?(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void>
  makeContents(attempt: SnapshotAttempt): Promise<SnapshotContents>
  /** Files beside manifests to delete when no attempt landed. */
  filesOfFailure?(): readonly string[]
  /** Files beside manifests that attempts made: those that the snapshot which landed does not add are deleted. */
  filesMade?(): readonly string[]
  /** Files of the caller's that an attempt put others in the place of: deleted when that attempt landed. */
  replacedFiles?(): readonly string[]
}

/** A commit operation that adds one snapshot. Throws `INVALID` for a bad branch name, token or property. */
export function snapshotOperation(maker: SnapshotMaker, options: SnapshotOptions, runtime: Runtime): CommitOperation {
  checkRefName(options.branch ?? MAIN_BRANCH)
  if (options.commitToken === '') throw new FloeError('INVALID', 'a commit token must not be empty')
  const properties = new SnapshotSummary()
  for (const [name, value] of options.properties ?? []) properties.set(name, value)
  return new SnapshotCommit(maker, options, runtime.uuid())
}

class SnapshotCommit implements CommitOperation {
  readonly name: string
  readonly canFollowAny = true
  readonly #branch: string
  readonly #output: ManifestOutput
  /** The same over all attempts: that is how a commit of unknown outcome is recognised. */
  #snapshotId: bigint | undefined
  /** Whether the branch was seen: then it is not made anew when it is gone. */
  #hadBranch = false
  /** What is behind each manifest list that was written. */
  readonly #lists = new Map<string, { readonly manifests: readonly ManifestFile[]; readonly contentFiles: ReadonlySet<string> }>()

  constructor(
    private readonly maker: SnapshotMaker,
    private readonly options: SnapshotOptions,
    commitUuid: string,
  ) {
    this.name = maker.name
    this.#branch = options.branch ?? MAIN_BRANCH
    this.#output = new ManifestOutput(commitUuid)
  }

  async prepare(base: LoadedTable, context: CommitContext): Promise<void> {
    this.#checkBranch(base.metadata)
    await this.maker.prepare?.(base, context)
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    this.options.guard?.(current.metadata)
    await this.maker.validate?.(base, current, context)
  }

  findCommitted(current: TableMetadata): Snapshot | undefined {
    const { commitToken, stageOnly } = this.options
    if (commitToken === undefined) return undefined
    const carriesToken = (snapshot: Snapshot): boolean => snapshot.summary.get(COMMIT_TOKEN_PROPERTY) === commitToken
    if (stageOnly === true) return current.snapshots.find(carriesToken)
    const head = current.refs.get(this.#branch)?.snapshotId
    for (const snapshot of ancestorsOf(head, indexSnapshots(current.snapshots))) if (carriesToken(snapshot)) return snapshot
    return undefined
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    const { metadata } = current
    if (readText(metadata.properties, tableProperties.encryptionKeyId) !== undefined) {
      throw new FloeError('UNSUPPORTED', 'the table is encrypted (encryption.key-id): floe cannot write to it')
    }
    this.#checkBranch(metadata)
    const parent = branchHead(metadata, this.#branch)
    const snapshotId = this.#chooseSnapshotId(metadata, context.runtime)
    const parentManifests = await readKeptManifestFiles(current, parent, { signal: context.signal })
    const attempt: SnapshotAttempt = { current, parent, parentManifests, snapshotId, output: this.#output, context }
    const contents = await this.maker.makeContents(attempt)
    const snapshot = await this.#writeSnapshot(attempt, contents)
    return { updates: this.#updates(metadata, snapshot), snapshot }
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    if (committed === undefined) return [...this.#output.written, ...(this.maker.filesOfFailure?.() ?? [])]
    const list = committed.manifestList
    const ours = list === undefined ? undefined : this.#lists.get(list)
    // Whether an earlier try with the same token committed the caller's files cannot be seen here.
    const replaced = ours === undefined ? [] : (this.maker.replacedFiles?.() ?? [])
    const unused = new Set([...this.#output.written, ...(this.maker.filesMade?.() ?? []), ...replaced])
    if (list !== undefined) unused.delete(list)
    for (const location of ours?.contentFiles ?? []) unused.delete(location)
    for (const manifest of ours?.manifests ?? []) unused.delete(manifest.manifestPath)
    return [...unused]
  }

  #checkBranch({ refs }: TableMetadata): void {
    const isThere = refs.has(this.#branch)
    if (this.#hadBranch && !isThere) {
      throw new FloeError('NOT_FOUND', `branch ${this.#branch} was dropped or renamed meanwhile: nothing was committed`)
    }
    this.#hadBranch = isThere
  }

  #chooseSnapshotId(metadata: TableMetadata, runtime: Runtime): bigint {
    while (this.#snapshotId === undefined || findSnapshot(metadata, this.#snapshotId) !== undefined) this.#snapshotId = runtime.snapshotId()
    return this.#snapshotId
  }

  async #writeSnapshot(attempt: SnapshotAttempt, contents: SnapshotContents): Promise<Snapshot> {
    const { current, parent, snapshotId, context } = attempt
    const { metadata } = current
    const { formatVersion } = metadata
    const sequenceNumber = formatVersion === 1 ? 0n : metadata.lastSequenceNumber + 1n
    const counted = formatVersion === 1 ? contents.manifests : await withAllCounts(current, contents.manifests, { signal: context.signal })
    // Spec: Snapshots › Snapshot Row IDs: assigned anew in every attempt.
    const firstRowId = formatVersion >= 3 ? metadata.nextRowId : undefined
    const assigned = firstRowId === undefined ? undefined : assignFirstRowIds(counted, firstRowId)
    const manifests = assignSequenceNumbers(assigned?.manifests ?? counted, { snapshotId, sequenceNumber })
    const bytes = encodeManifestList(manifests, {
      formatVersion,
      snapshotId,
      parentSnapshotId: parent?.snapshotId,
      sequenceNumber,
      firstRowId,
      compression: manifestCompression(metadata.properties),
    })
    const manifestList = await this.#output.writeManifestList(current, bytes, `snap-${snapshotId}-${context.attempt}`, context.signal)
    keepManifestFiles(current.io, manifestList, manifests)
    this.#lists.set(manifestList, { manifests, contentFiles: contents.contentFiles ?? new Set() })
    return {
      snapshotId,
      parentSnapshotId: parent?.snapshotId,
      sequenceNumber,
      timestampMs: Math.max(context.runtime.now(), metadata.lastUpdatedMs + 1),
      manifestList,
      manifests: undefined,
      operation: this.maker.operation(),
      summary: this.#summary(attempt, contents),
      schemaId: metadata.currentSchemaId,
      firstRowId,
      addedRows: assigned === undefined || firstRowId === undefined ? undefined : assigned.nextRowId - firstRowId,
      keyId: undefined,
      unknownFields: new Map(),
    }
  }

  #summary(attempt: SnapshotAttempt, contents: SnapshotContents): ReadonlyMap<string, string> {
    const { metadata } = attempt.current
    const created = contents.manifests.filter((manifest) => manifest.addedSnapshotId === attempt.snapshotId).length
    const built = contents.summary.build(attempt.parent?.summary, {
      partitionLimit: readInteger(metadata.properties, tableProperties.partitionSummaryLimit),
      manifests: {
        created,
        kept: contents.manifests.length - created,
        replaced: contents.replaced,
        entriesProcessed: contents.entriesProcessed,
      },
    })
    const carried = carriedSourcePositions(attempt.parent, indexSnapshots(metadata.snapshots))
    const summary = new Map([...carried, ...(this.options.properties ?? []), ...built])
    if (!summary.has('engine-name')) summary.set('engine-name', ENGINE_NAME).set('engine-version', ENGINE_VERSION)
    if (this.options.commitToken !== undefined) summary.set(COMMIT_TOKEN_PROPERTY, this.options.commitToken)
    return summary
  }

  #updates(metadata: TableMetadata, snapshot: Snapshot): readonly MetadataUpdate[] {
    const add: MetadataUpdate = { action: 'add-snapshot', snapshot }
    if (this.options.stageOnly === true) return [add]
    // The branch keeps its retention.
    const ref = { ...metadata.refs.get(this.#branch), type: 'branch', snapshotId: snapshot.snapshotId } as const
    return [add, { action: 'set-snapshot-ref', name: this.#branch, ref }]
  }
}
