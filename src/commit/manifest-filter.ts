/** Takes files out of manifests while committing. Source: `ManifestFilterManager` */
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile, ManifestContent, ManifestEntry, ManifestFile } from '../manifest/data-file.js'
import { STATUS_DELETED, type ManifestEntries } from '../manifest/manifest-entries.js'
import { ManifestWriter } from '../manifest/manifest-writer.js'
import { mayHaveLiveFiles } from './added-manifests.js'
import { fileKey, manifestKey, referencedDataFile } from '../manifest/file-identity.js'
import { MANIFEST_PARALLELISM, readManifest } from './manifest-input.js'
import { manifestWriterOptions, type NewManifest } from './manifest-output.js'
import type { PartitionSet } from './partition-set.js'
import type { SnapshotAttempt } from './snapshot-operation.js'

const CONTENT_POSITION_DELETES = 1

/** What is to leave the table. */
export interface FilterTargets {
  /** Files by {@link fileKey}. */
  readonly keys: ReadonlySet<string>
  /** Where those files are, and those that {@link danglingFor} and {@link watched} are about. */
  readonly partitions: PartitionSet
  /** Partitions of which every file goes; `all`: the whole table. */
  readonly dropped?: PartitionSet | 'all' | undefined
  /** Data files that are going: delete files that are for them alone go with them. */
  readonly danglingFor?: ReadonlySet<string> | undefined
  /** Data files whose live vectors are to be found. */
  readonly watched?: ReadonlySet<string> | undefined
  /** The lowest data sequence number of the table: delete files below it apply to nothing. */
  readonly olderThan?: bigint | undefined
}

/** A live delete file as the current version has it. */
export interface LiveFile {
  readonly file: DataFile
  readonly sequenceNumber: bigint
}

export interface FilteredManifests {
  /** What becomes of the manifests, in order: those without live files are gone unless this commit made them so. */
  readonly manifests: readonly (ManifestFile | NewManifest)[]
  /** The files that are taken out, each once, without their statistics. */
  readonly removed: readonly DataFile[]
  /** How often a file was there again. */
  readonly duplicates: number
  /** How many manifests were rewritten. */
  readonly replaced: number
  /** Live vectors of {@link FilterTargets.watched}, those that are taken out too. */
  readonly vectors: readonly LiveFile[]
}

interface FilteredManifest {
  readonly manifest: ManifestFile | NewManifest
  readonly removed: readonly DataFile[]
  readonly vectors: readonly LiveFile[]
}

/** Filters the manifests of one content. What was read is not read again in a later attempt with the same targets. */
export class ManifestFilter {
  readonly #known = new Map<string, FilteredManifest>()
  #targets: FilterTargets | undefined

  constructor(private readonly content: ManifestContent) {}

  /** Spec: Manifests › Manifest Entry Fields: entries of removed files become deleted, all others are carried over. */
  async filter(manifests: readonly ManifestFile[], targets: FilterTargets, attempt: SnapshotAttempt): Promise<FilteredManifests> {
    // Delete files that have grown too old since are dropped by a later commit.
    if (this.#targets === undefined || !sameTargets(this.#targets, targets)) this.#known.clear()
    this.#targets = targets
    const own = manifests.filter((manifest) => manifest.content === this.content && mayHaveLiveFiles(manifest))
    const filtered = await mapParallel(own, MANIFEST_PARALLELISM, (manifest) => this.#filterOne(manifest, targets, attempt))
    const removed = new Map<string, DataFile>()
    let found = 0
    for (const part of filtered) {
      found += part.removed.length
      for (const file of part.removed) removed.set(fileKey(file), file)
    }
    return {
      manifests: filtered.map((part) => part.manifest),
      removed: [...removed.values()],
      duplicates: found - removed.size,
      replaced: filtered.filter((part) => 'bytes' in part.manifest).length,
      vectors: filtered.flatMap((part) => part.vectors),
    }
  }

  async #filterOne(manifest: ManifestFile, targets: FilterTargets, attempt: SnapshotAttempt): Promise<FilteredManifest> {
    if (!this.#mayConcern(manifest, targets, attempt)) return { manifest, removed: [], vectors: [] }
    const key = `${attempt.current.metadata.formatVersion} ${attempt.snapshotId} ${manifestKey(manifest)}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const entries = await readManifest(attempt.current, manifest, { signal: attempt.context.signal })
    const filtered = this.#filterEntries(manifest, entries, targets, attempt)
    this.#known.set(key, filtered)
    return filtered
  }

  /** Whether the list's record of a manifest leaves room for a file that is looked for. */
  #mayConcern(manifest: ManifestFile, targets: FilterTargets, attempt: SnapshotAttempt): boolean {
    const { metadata } = attempt.current
    if (targets.dropped === 'all') return true
    if (targets.dropped?.mayBeIn(manifest, metadata) === true || targets.partitions.mayBeIn(manifest, metadata)) return true
    return this.content === 'deletes' && manifest.minSequenceNumber > 0n && manifest.minSequenceNumber < (targets.olderThan ?? 0n)
  }

  #filterEntries(manifest: ManifestFile, entries: ManifestEntries, targets: FilterTargets, attempt: SnapshotAttempt): FilteredManifest {
    const decision = this.content === 'data' ? dataDecision(entries, targets) : deleteDecision(entries, targets)
    const isRemoved = new Uint8Array(entries.count)
    const removed: DataFile[] = []
    const vectors: LiveFile[] = []
    for (let i = 0; i < entries.count; i++) {
      if (!entries.isLive(i)) continue
      const { goes, vector } = decision(i)
      if (vector !== undefined) vectors.push({ file: vector, sequenceNumber: entries.sequenceNumber[i]! })
      if (!goes) continue
      isRemoved[i] = 1
      removed.push(entries.dataFile(i, { stats: false }))
    }
    return removed.length === 0
      ? { manifest, removed, vectors }
      : { manifest: rewrite(entries, isRemoved, attempt), removed, vectors }
  }
}

interface Decision {
  readonly goes: boolean
  readonly vector?: DataFile
}

const STAYS: Decision = { goes: false }
const GOES: Decision = { goes: true }

function dataDecision(entries: ManifestEntries, { keys, dropped }: FilterTargets): (i: number) => Decision {
  if (dropped === 'all') return () => GOES
  const drops = dropped?.hasSpec(entries.specId) === true ? dropped : undefined
  return (i) => {
    if (keys.size > 0 && keys.has(entries.filePath(i))) return GOES
    return drops?.has(entries.specId, entries.partition(i)) === true ? GOES : STAYS
  }
}

function deleteDecision(entries: ManifestEntries, targets: FilterTargets): (i: number) => Decision {
  const { keys, dropped, danglingFor, watched, olderThan = 0n } = targets
  if (dropped === 'all') return () => GOES
  const drops = dropped?.hasSpec(entries.specId) === true ? dropped : undefined
  const followsData = (danglingFor?.size ?? 0) + (watched?.size ?? 0) > 0
  // Most entries stay: only what decides is decoded.
  return (i) => {
    const target = followsData ? targetOf(entries, i) : undefined
    const sequenceNumber = entries.sequenceNumber[i]!
    const goes =
      (sequenceNumber > 0n && sequenceNumber < olderThan) ||
      (target !== undefined && danglingFor?.has(target) === true) ||
      (keys.size > 0 && keys.has(fileKey({ filePath: entries.filePath(i), ...entries.contentRange(i) }))) ||
      drops?.has(entries.specId, entries.partition(i)) === true
    // A vector that this commit knows to replace is found again in its next attempt.
    const isWatched = target !== undefined && watched?.has(target) === true && entries.fileFormat(i) === 'puffin'
    return isWatched ? { goes, vector: entries.dataFile(i, { stats: false }) } : goes ? GOES : STAYS
  }
}

/** The one data file that the entry is for, told by its bounds only where the field is missing. */
function targetOf(entries: ManifestEntries, i: number): string | undefined {
  if (entries.content[i] !== CONTENT_POSITION_DELETES) return undefined
  return entries.referencedDataFile(i) ?? referencedDataFile(entries.dataFile(i))
}

/** The manifest without the removed files, under its own spec. Spec: Manifests › Sequence Number Inheritance */
function rewrite(entries: ManifestEntries, isRemoved: Uint8Array, attempt: SnapshotAttempt): NewManifest {
  const { metadata } = attempt.current
  const { content } = entries.manifest
  const options = manifestWriterOptions(metadata, { specId: entries.specId, content, snapshotId: attempt.snapshotId })
  const writer = new ManifestWriter(options)
  for (let i = 0; i < entries.count; i++) {
    // What earlier snapshots deleted is not listed again.
    if (entries.status[i] === STATUS_DELETED) continue
    const entry = withFileSequenceNumber(entries.entry(i))
    if (isRemoved[i] === 1) writer.deleted(entry)
    else writer.existing(entry)
  }
  return writer.finish(attempt.output.nextManifestLocation(metadata))
}

/** Early writers of v2, who left out file sequence numbers, gave no file a data sequence number of another commit. */
function withFileSequenceNumber(entry: ManifestEntry): ManifestEntry {
  return entry.fileSequenceNumber === undefined ? { ...entry, fileSequenceNumber: entry.sequenceNumber } : entry
}

function sameTargets(a: FilterTargets, b: FilterTargets): boolean {
  return a.dropped === b.dropped && sameSet(a.keys, b.keys) && sameSet(a.danglingFor, b.danglingFor) && sameSet(a.watched, b.watched)
}

function sameSet(a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b?.size !== a.size) return false
  for (const key of a) if (!b.has(key)) return false
  return true
}
