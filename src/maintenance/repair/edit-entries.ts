import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { PartitionPaths } from '../../commit/added-manifests.js'
import type { CommitContext, CommitOperation, ProposedChange } from '../../commit/commit-operation.js'
import { MANIFEST_PARALLELISM, readManifest } from '../../commit/manifest-input.js'
import { encodeAddedFiles, manifestWriterOptions } from '../../commit/manifest-output.js'
import {
  snapshotOperation, type SnapshotAttempt, type SnapshotContents, type SnapshotMaker, type SnapshotOptions,
} from '../../commit/snapshot-operation.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import type { DataFile, ManifestContent, ManifestEntry, ManifestFile } from '../../manifest/data-file.js'
import { STATUS_DELETED, type ManifestEntries } from '../../manifest/manifest-entries.js'
import { ManifestWriter } from '../../manifest/manifest-writer.js'
import { SnapshotSummary } from '../../snapshot/snapshot-summary.js'
import type { Snapshot, SnapshotOperation } from '../../snapshot/snapshot.js'
import type { Runtime } from '../../util/runtime.js'
import { SnapshotTotals } from '../fsck/snapshot-totals.js'

/** What becomes of a live entry: nothing, a file of other properties in its place, or that it goes, with or without a trace. */
export type EntryEdit = 'keep' | 'remove' | 'forget' | DataFile

/** How the entries of a snapshot are to change. */
export interface EntryEditor {
  /** Decides about one live entry. It is asked in the order of the manifest list, data before deletes, once an attempt. */
  edit(entry: ManifestEntry): EntryEdit
  /** Whether a manifest is written anew, even if all its entries stay; those of files deleted before go with that. */
  rewrites(manifest: ManifestFile): boolean
  /** Called before each attempt. @throws FloeError `CONFLICT` when the change no longer fits */
  begin?(current: LoadedTable): void
  /** Called when every entry was decided about. @throws FloeError `CONFLICT` */
  end?(): void
  readonly addedDeletes: readonly DataFile[]
}

export interface EditOptions extends SnapshotOptions {
  /** What the caller does, for messages. */
  readonly name: string
  readonly operation: SnapshotOperation
}

/** What a change of entries comes to. */
export interface EditCounts {
  readonly removedFiles: number
  readonly removedRows: number
  readonly editedFiles: number
  readonly rewrittenManifests: number
}

/**
 * A commit that changes entries of manifests where they stand. Its totals are counted from all its entries, whatever the
 * snapshot before said.
 */
export function editEntries(
  editor: EntryEditor,
  options: EditOptions,
  runtime: Runtime,
): CommitOperation & { readonly counts: EditCounts } {
  const maker = new EntryEditMaker(editor, options)
  return new ExactTotals(snapshotOperation(maker, options, runtime), maker)
}

/** What of a manifest stays, in the order in which it was. */
interface EditedManifest {
  readonly manifest: ManifestFile
  readonly isChanged: boolean
  readonly kept: readonly ManifestEntry[]
  readonly removed: readonly ManifestEntry[]
}

class EntryEditMaker implements SnapshotMaker {
  readonly name: string
  totals: ReadonlyMap<string, bigint> = new Map()
  counts: EditCounts = { removedFiles: 0, removedRows: 0, editedFiles: 0, rewrittenManifests: 0 }

  constructor(
    private readonly editor: EntryEditor,
    private readonly options: EditOptions,
  ) {
    this.name = options.name
  }

  operation(): SnapshotOperation {
    return this.options.operation
  }

  filesOfFailure(): readonly string[] {
    return this.editor.addedDeletes.map((file) => file.filePath)
  }

  async makeContents(attempt: SnapshotAttempt): Promise<SnapshotContents> {
    this.editor.begin?.(attempt.current)
    const run = new EditRun(this.editor, attempt)
    const manifests = await run.manifests()
    this.editor.end?.()
    this.totals = run.totals.totals()
    this.counts = run.counts
    return { manifests, summary: run.summary, replaced: run.counts.rewrittenManifests }
  }
}

/** One attempt. */
class EditRun {
  readonly summary = new SnapshotSummary()
  readonly totals = new SnapshotTotals()
  readonly counts = { removedFiles: 0, removedRows: 0, editedFiles: 0, rewrittenManifests: 0 }
  readonly #paths: PartitionPaths
  /** Entries that came under another spec, and so into another manifest. */
  readonly #moved: ManifestEntry[] = []

  constructor(
    private readonly editor: EntryEditor,
    private readonly attempt: SnapshotAttempt,
  ) {
    this.#paths = new PartitionPaths(attempt.current.metadata)
  }

  async manifests(): Promise<readonly ManifestFile[]> {
    const { parentManifests } = this.attempt
    const inOrder = [...parentManifests.filter(isOf('data')), ...parentManifests.filter(isOf('deletes'))]
    const manifests: ManifestFile[] = []
    const seen = new Set<string>()
    for (const manifest of inOrder) {
      const isAgain = seen.has(manifest.manifestPath)
      seen.add(manifest.manifestPath)
      const written = await this.#edited(manifest, isAgain)
      if (written !== undefined) manifests.push(written)
    }
    return [...manifests, ...(await this.#writeMoved()), ...(await this.#writeAdded())]
  }

  async #edited(manifest: ManifestFile, isAgain: boolean): Promise<ManifestFile | undefined> {
    const { current, context } = this.attempt
    const entries = await readManifest(current, manifest, { signal: context.signal })
    const edited = this.#decide(entries, isAgain)
    for (const { dataFile } of edited.kept) this.totals.add(dataFile)
    if (!edited.isChanged) return manifest
    this.counts.rewrittenManifests++
    for (const { dataFile } of edited.removed) this.#count(dataFile)
    return this.#write(manifest.partitionSpecId, manifest.content, edited.kept, edited.removed)
  }

  #decide(entries: ManifestEntries, isAgain: boolean): EditedManifest {
    const { manifest } = entries
    let isChanged = this.editor.rewrites(manifest) || isAgain
    const kept: ManifestEntry[] = []
    const removed: ManifestEntry[] = []
    for (let i = 0; i < entries.count; i++) {
      if (entries.status[i] === STATUS_DELETED) continue
      const entry = withFileSequenceNumber(entries.entry(i))
      const edit = this.editor.edit(entry)
      if (edit !== 'keep') isChanged = true
      if (edit === 'forget') this.#count(entry.dataFile)
      else if (edit === 'remove') removed.push(entry)
      else if (edit === 'keep') kept.push(entry)
      else {
        this.counts.editedFiles++
        const changed = { ...entry, dataFile: edit }
        if (edit.specId === entries.specId) kept.push(changed)
        else this.#moved.push(changed)
      }
    }
    return { manifest, isChanged, kept, removed }
  }

  #count(file: DataFile): void {
    this.counts.removedFiles++
    if (file.content === 'data') this.counts.removedRows += Math.max(0, file.recordCount)
    this.summary.removedFile(this.#paths.of(file), file)
  }

  async #write(
    specId: number,
    content: ManifestContent,
    kept: readonly ManifestEntry[],
    removed: readonly ManifestEntry[],
  ): Promise<ManifestFile | undefined> {
    if (kept.length + removed.length === 0) return undefined
    const { current, snapshotId, output, context } = this.attempt
    const writer = new ManifestWriter(manifestWriterOptions(current.metadata, { specId, content, snapshotId }))
    for (const entry of kept) writer.existing(entry)
    for (const entry of removed) writer.deleted(withoutMetrics(entry))
    return output.writeManifest(current, writer.finish(output.nextManifestLocation(current.metadata)), context.signal)
  }

  async #writeMoved(): Promise<readonly ManifestFile[]> {
    const bySpec = new Map<number, ManifestEntry[]>()
    for (const entry of this.#moved) bySpec.set(entry.dataFile.specId, [...(bySpec.get(entry.dataFile.specId) ?? []), entry])
    const written = await mapParallel([...bySpec], MANIFEST_PARALLELISM, ([specId, entries]) => this.#write(specId, 'deletes', entries, []))
    for (const { dataFile } of this.#moved) this.totals.add(dataFile)
    return written.filter((manifest) => manifest !== undefined)
  }

  async #writeAdded(): Promise<readonly ManifestFile[]> {
    const { current, snapshotId, output, context } = this.attempt
    const { metadata } = current
    const { addedDeletes } = this.editor
    for (const file of addedDeletes) {
      this.totals.add(file)
      this.summary.addedFile(this.#paths.of(file), file)
    }
    const encoded = [...new Set(addedDeletes.map((file) => file.specId))].flatMap((specId) => {
      const files = addedDeletes.filter((file) => file.specId === specId)
      const options = manifestWriterOptions(metadata, { specId, content: 'deletes', snapshotId })
      return encodeAddedFiles(metadata, { files }, options, () => output.nextManifestLocation(metadata))
    })
    return mapParallel(encoded, MANIFEST_PARALLELISM, (manifest) => output.writeManifest(current, manifest, context.signal))
  }
}

function isOf(content: ManifestContent): (manifest: ManifestFile) => boolean {
  return (manifest) => manifest.content === content
}

function withFileSequenceNumber(entry: ManifestEntry): ManifestEntry {
  return entry.fileSequenceNumber === undefined ? { ...entry, fileSequenceNumber: entry.sequenceNumber } : entry
}

/** What was wrong with a file's metrics, or was to be forgotten, is not written down again. */
function withoutMetrics(entry: ManifestEntry): ManifestEntry {
  const { columnSizes: _s, valueCounts: _v, nullValueCounts: _n, nanValueCounts: _a, ...unbounded } = entry.dataFile
  const { lowerBounds: _l, upperBounds: _u, ...dataFile } = unbounded
  return { ...entry, dataFile: { ...dataFile, recordCount: Math.max(0, dataFile.recordCount) } }
}

/** Puts the totals that were counted in the place of those that were carried on. */
class ExactTotals implements CommitOperation {
  readonly name: string
  readonly canFollowAny = true

  constructor(
    private readonly operation: CommitOperation,
    private readonly maker: EntryEditMaker,
  ) {
    this.name = operation.name
  }

  get counts(): EditCounts {
    return this.maker.counts
  }

  async prepare(base: LoadedTable, context: CommitContext): Promise<void> {
    await this.operation.prepare?.(base, context)
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    await this.operation.validate?.(base, current, context)
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    const { updates, snapshot } = await this.operation.apply(current, context)
    if (snapshot === undefined) return { updates }
    const exact = { ...snapshot, summary: new Map([...snapshot.summary, ...this.#texts()]) }
    const counted = updates.map((update) => (update.action === 'add-snapshot' ? { ...update, snapshot: exact } : update))
    return { updates: counted, snapshot: exact }
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    return this.operation.unusedFiles?.(committed) ?? []
  }

  #texts(): readonly (readonly [string, string])[] {
    return [...this.maker.totals].map(([name, total]) => [name, String(total)])
  }
}
