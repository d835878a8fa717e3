/** Compares a change with what others committed since it was planned. Source: `MergingSnapshotProducer.validate…` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile, ManifestFile } from '../manifest/data-file.js'
import { STATUS_ADDED, STATUS_DELETED, type ManifestEntries } from '../manifest/manifest-entries.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionKey } from '../partition/partition-key.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { CommitContext } from './commit-operation.js'
import { manifestsOf, snapshotsSince } from './commit-history.js'
import { fileKey, isVector, referencedDataFile } from '../manifest/file-identity.js'
import type { ChangeFilesOptions, FileChanges, NewDeletes } from './file-changes.js'
import { rewriteConflict } from './rewrite-conflict.js'
import { EVERYTHING, filterScope, partitionScope, type FileScope } from './file-scope.js'
import { MANIFEST_PARALLELISM, readManifest } from './manifest-input.js'
import type { LiveFile } from './manifest-filter.js'
import { PartitionSet } from './partition-set.js'
import { tableName } from './table-name.js'

/** What others did that does not forbid the change, but bears on how it is made. */
export interface ConflictFindings {
  /** Data files that others removed with all of their rows: vectors of this change for them are pointless. */
  readonly gone: ReadonlySet<string>
  /** New position delete files for data files that this change has vectors for, by data file. */
  readonly positionDeletes: ReadonlyMap<string, readonly LiveFile[]>
  /** New deletes of data files that this change replaces. */
  readonly newDeletes: readonly NewDeletes[]
}

/** What one snapshot of others did, as far as it matters. */
interface SnapshotEffects {
  readonly gone: readonly string[]
  /** Data files of this change that a rewrite put others in the place of. */
  readonly rewritten: readonly string[]
  readonly isReplace: boolean
  readonly addedDeletes: readonly (LiveFile & { readonly inScope: boolean })[]
  /** Of delete files. */
  readonly removedKeys: readonly string[]
}

type ScopedDelete = SnapshotEffects['addedDeletes'][number]

/** A snapshot of others, while it is looked into. */
interface Inspected {
  readonly snapshot: Snapshot
  readonly plan: Plan
  readonly table: LoadedTable
}

/** Which of the checks a change needs; all without files to check for are left out. */
interface Plan {
  readonly scope: FileScope
  /** Rows that others added in the scope conflict. */
  readonly refusesRows: boolean
  /** Delete files that others added in the scope conflict, unless vectors can be merged. */
  readonly refusesDeletes: boolean
  /** So do equality deletes, which may be one half of an update that nobody can merge. */
  readonly refusesKeys: boolean
  /** Data files that others removed in the scope conflict. */
  readonly refusesRemovals: boolean
}

/** The checks of one change. What a snapshot did is looked up once, over all attempts. */
export class ConflictCheck {
  readonly #changes: FileChanges
  readonly #options: ChangeFilesOptions
  /** Data files that new delete files of this change refer to. */
  readonly #targets: ReadonlyMap<string, DataFile>
  /** The locations of all of them, those that no delete file names among them. */
  readonly #required: ReadonlySet<string>
  readonly #replaced: ReadonlyMap<string, DataFile>
  /** Data files that this change removes with all of their rows, where it is fine that others did so too. */
  readonly #dropped: ReadonlySet<string>
  /** Data files that this change removes or deletes rows of, where it is told from others that a rewrite was first. */
  readonly #followed: ReadonlySet<string>
  readonly #effects = new Map<bigint, SnapshotEffects>()
  #plan: Plan | undefined

  constructor(changes: FileChanges, options: ChangeFilesOptions) {
    this.#changes = changes
    this.#options = options
    const targets = changes.addedDeleteFiles.map((file) => [referencedDataFile(file), file] as const)
    this.#targets = new Map(targets.filter((target): target is [string, DataFile] => target[0] !== undefined))
    this.#required = new Set([...this.#targets.keys(), ...(options.validation?.referencedDataFiles ?? [])])
    // Files that are removed without being written again have no rows that a delete could miss, unless an update has moved one.
    const knows = options.validation?.removesKnownRows === true
    const rewrites = knows || (changes.addedDataFiles.length > 0 && options.replacePartitions !== true)
    const forgives = options.validation?.allowConcurrentDeletes === true && changes.addedDataFiles.length === 0
    this.#dropped = new Set(forgives ? changes.removedDataFiles.map((file) => file.filePath) : [])
    const follows = options.operation !== 'replace' && options.validation !== undefined
    const removed = options.missingFiles === 'ignore' ? [] : changes.removedDataFiles.map((file) => file.filePath)
    this.#followed = new Set(follows ? [...this.#required, ...removed] : [])
    this.#replaced = new Map(rewrites ? changes.removedDataFiles.map((file) => [file.filePath, file]) : [])
  }

  /** Throws `CONFLICT`, naming table and file, when the change does not go together with what was committed since it was planned. */
  async run(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<ConflictFindings> {
    const { validation } = this.#options
    const branch = this.#options.branch ?? MAIN_BRANCH
    const planned = validation === undefined ? branchHead(base.metadata, branch)?.snapshotId : validation.startingSnapshotId
    const start = context.startOf === undefined ? planned : context.startOf(planned)
    // A change that only adds data files and depends on nothing can follow any history.
    if (validation === undefined && this.#targets.size === 0 && this.#replaced.size === 0) return NOTHING
    this.#plan ??= this.#makePlan(base.metadata)
    const effects: SnapshotEffects[] = []
    for (const snapshot of snapshotsSince(start, branch, current)) {
      let known = this.#effects.get(snapshot.snapshotId)
      if (known === undefined) this.#effects.set(snapshot.snapshotId, (known = await this.#inspect(snapshot, this.#plan, current, context)))
      effects.push(known)
    }
    return this.#combine(effects, this.#plan, current)
  }

  #makePlan(base: TableMetadata): Plan {
    const { validation, replacePartitions = false } = this.#options
    if (validation === undefined) return NO_REFUSALS
    const replaces = replacePartitions || validation.replacesFilter === true
    const addsDeletes = this.#changes.addedDeleteFiles.length > 0
    return {
      scope: replacePartitions ? replacedScope(this.#changes, base) : filterScope(validation, base),
      refusesRows: validation.isolation === 'serializable',
      refusesDeletes: replaces || (addsDeletes && validation.allowConcurrentDeletes !== true),
      refusesKeys: validation.removesKnownRows === true,
      refusesRemovals: replaces,
    }
  }

  async #inspect(snapshot: Snapshot, plan: Plan, table: LoadedTable, context: CommitContext): Promise<SnapshotEffects> {
    const manifests = await manifestsOf(snapshot, table, context.signal)
    const isReplace = snapshot.operation === 'replace'
    const relevant = manifests.filter(
      (manifest) => this.#isRelevant(manifest, plan, table.metadata) || (isReplace && this.#mayRewrite(manifest)),
    )
    const [gone, rewritten, removedKeys]: [string[], string[], string[]] = [[], [], []]
    const effects = { gone, rewritten, isReplace, addedDeletes: [] as ScopedDelete[], removedKeys }
    const read = await mapParallel(relevant, MANIFEST_PARALLELISM, (manifest) => readManifest(table, manifest, { signal: context.signal }))
    for (const entries of read) {
      if (entries.manifest.content === 'data') this.#inspectData(entries, { snapshot, plan, table }, effects)
      else this.#inspectDeletes(entries, { snapshot, plan, table }, effects)
    }
    return effects
  }

  #isRelevant(manifest: ManifestFile, plan: Plan, metadata: TableMetadata): boolean {
    if (manifest.content === 'deletes') return this.#targets.size > 0 || this.#replaced.size > 0 || plan.refusesDeletes || plan.refusesKeys
    const inScope = (plan.refusesRows || plan.refusesRemovals) && plan.scope.mayMatchManifest(manifest, metadata)
    if (plan.refusesRows && inScope && manifest.addedFilesCount !== 0) return true
    return manifest.deletedFilesCount !== 0 && (this.#required.size > 0 || this.#dropped.size > 0 || (plan.refusesRemovals && inScope))
  }

  #mayRewrite(manifest: ManifestFile): boolean {
    return manifest.content === 'data' && manifest.deletedFilesCount !== 0 && this.#followed.size > 0
  }

  /** Throws for rows and removals in the way; notes which data files with deletes of this change are gone. */
  #inspectData(
    entries: ManifestEntries,
    { snapshot: { snapshotId, operation }, plan, table }: Inspected,
    { gone, rewritten }: { readonly gone: string[]; readonly rewritten: string[] },
  ): void {
    // A rewrite adds no rows, and removes none.
    const isReplace = operation === 'replace'
    const forgives = this.#options.validation?.allowConcurrentDeletes === true && operation === 'delete'
    for (let i = 0; i < entries.count; i++) {
      if (entries.snapshotId[i] !== snapshotId) continue
      const status = entries.status[i]
      if (status === STATUS_ADDED && plan.refusesRows && !isReplace && plan.scope.mayMatchFile(entries, i, table.metadata)) {
        throw this.#conflict(`added a data file that may hold rows of ${plan.scope.text}`, entries.filePath(i), table)
      }
      if (status !== STATUS_DELETED) continue
      const path = entries.filePath(i)
      const isTarget = this.#required.has(path)
      if (isReplace && this.#followed.has(path)) rewritten.push(path)
      else if (forgives && (isTarget || this.#dropped.has(path))) gone.push(path)
      else if (isTarget) throw this.#conflict('removed a data file that this change deletes rows of', path, table)
      else if (plan.refusesRemovals && !isReplace && plan.scope.mayMatchFile(entries, i, table.metadata)) {
        throw this.#conflict(`removed a data file of ${plan.scope.text}`, path, table)
      }
    }
  }

  #inspectDeletes(
    entries: ManifestEntries,
    { snapshot, plan, table }: Inspected,
    effects: { readonly addedDeletes: ScopedDelete[]; readonly removedKeys: string[] },
  ): void {
    for (let i = 0; i < entries.count; i++) {
      if (entries.snapshotId[i] !== snapshot.snapshotId) continue
      const status = entries.status[i]
      if (status === STATUS_DELETED) effects.removedKeys.push(fileKey(entries.dataFile(i, { stats: false })))
      if (status !== STATUS_ADDED) continue
      const file = entries.dataFile(i)
      const isRefused = plan.refusesDeletes || (plan.refusesKeys && file.content === 'equality-deletes')
      const inScope = isRefused && plan.scope.mayMatchFile(entries, i, table.metadata)
      effects.addedDeletes.push({ file, sequenceNumber: entries.sequenceNumber[i]!, inScope })
    }
  }

  #combine(effects: readonly SnapshotEffects[], plan: Plan, table: LoadedTable): ConflictFindings {
    const live = liveDeletes(effects)
    if (plan.refusesDeletes || plan.refusesKeys) this.#checkScope(live, plan, table)
    const newDeletes = this.#newDeletes(live, table.metadata)
    const first = newDeletes[0]
    if (first !== undefined && this.#options.carryDeletes === undefined) {
      const what = `deleted rows, with ${first.deletes[0]!.file.filePath}, of a data file that this change replaces`
      throw this.#conflict(what, first.replaced.filePath, table)
    }
    // All else goes together with this change: it need only be made to the files that the rewrite left.
    const [rewritten] = effects.flatMap((effect) => effect.rewritten)
    if (rewritten !== undefined) throw rewriteConflict(this.#conflict('rewrote a data file that this change removes rows of', rewritten, table))
    return { gone: new Set(effects.flatMap(({ gone }) => gone)), positionDeletes: this.#positionDeletes(live, table.metadata), newDeletes }
  }

  /** Source: `validateNoNewDeleteFiles`, but that vectors which can be merged do not conflict. */
  #checkScope(live: readonly ScopedDelete[], plan: Plan, table: LoadedTable): void {
    const mergeable = (file: DataFile): boolean => this.#options.mergeVectors !== undefined && this.#targets.has(referencedDataFile(file) ?? '')
    const carried = (file: DataFile): boolean => this.#options.carryDeletes !== undefined && this.#replaced.has(referencedDataFile(file) ?? '')
    const conflict = live.find(({ file, inScope }) => inScope && !mergeable(file) && !carried(file))
    if (conflict !== undefined) throw this.#conflict(`added a delete file that may be for ${plan.scope.text}`, conflict.file.filePath, table)
  }

  /** Source: `validateNoNewDeletesForDataFiles` */
  #newDeletes(live: readonly ScopedDelete[], metadata: TableMetadata): readonly NewDeletes[] {
    if (live.length === 0 || this.#replaced.size === 0) return []
    // Equality deletes still apply to files that keep their data sequence number.
    const considered = this.#options.dataSequenceNumber === undefined ? live : live.filter(({ file }) => file.content !== 'equality-deletes')
    const deletesOf = deleteLookup(considered, metadata)
    const newDeletes = [...this.#replaced.values()].map((replaced) => ({ replaced, deletes: deletesOf(replaced) }))
    return newDeletes.filter(({ deletes }) => deletes.length > 0)
  }

  #positionDeletes(live: readonly ScopedDelete[], metadata: TableMetadata): ReadonlyMap<string, readonly LiveFile[]> {
    const found = new Map<string, readonly LiveFile[]>()
    const candidates = live.filter(({ file }) => file.content === 'position-deletes' && !isVector(file))
    if (candidates.length === 0) return found
    const deletesOf = deleteLookup(candidates, metadata)
    for (const [filePath, ours] of this.#targets) {
      const theirs = isVector(ours) ? deletesOf({ filePath, specId: ours.specId, partition: ours.partition }) : []
      if (theirs.length > 0) found.set(filePath, theirs)
    }
    return found
  }

  #conflict(what: string, file: string, table: LoadedTable): FloeError {
    const { name } = this.#options
    const message = `another commit ${what}: plan the ${name} again on the current snapshot`
    return new FloeError('CONFLICT', message, { table: tableName(table), file, retryable: false })
  }
}

const NO_REFUSALS: Plan = { scope: EVERYTHING, refusesRows: false, refusesDeletes: false, refusesKeys: false, refusesRemovals: false }
const NOTHING: ConflictFindings = { gone: new Set(), positionDeletes: new Map(), newDeletes: [] }

/** Spec: Partitioning: all data files of an unpartitioned spec are in one partition, and replacing that replaces the table. */
function replacedScope({ addedDataFiles }: FileChanges, metadata: TableMetadata): FileScope {
  const specs = new Map(metadata.partitionSpecs.map((spec) => [spec.specId, spec]))
  const isWhole = addedDataFiles.some((file) => specs.get(file.specId)?.fields.every((field) => field.transform === 'void') === true)
  return isWhole ? EVERYTHING : partitionScope(PartitionSet.of(addedDataFiles))
}

/**
 * New delete files that are still there: a history may hold several vectors of one data file, one after the other. What a
 * rewrite of delete files adds is new only when it stands for something new.
 */
function liveDeletes(effects: readonly SnapshotEffects[]): readonly ScopedDelete[] {
  const live = new Map<string, ScopedDelete>()
  for (const { addedDeletes, removedKeys, isReplace } of effects) {
    const removed = removedKeys.filter((key) => live.delete(key))
    if (isReplace && removed.length === 0) continue
    for (const added of addedDeletes) live.set(fileKey(added.file), added)
  }
  return [...live.values()]
}

/** Finds the delete files that apply to an older data file. Spec: Scan Planning */
function deleteLookup(
  deletes: readonly LiveFile[],
  metadata: TableMetadata,
): (file: Pick<DataFile, 'filePath' | 'specId' | 'partition'>) => readonly LiveFile[] {
  const isGlobal = new Set(
    metadata.partitionSpecs.filter((spec) => spec.fields.every((field) => field.transform === 'void')).map((spec) => spec.specId),
  )
  const placeOf = ({ specId, partition }: Pick<DataFile, 'specId' | 'partition'>): string => `${specId}/${partitionKey(partition)}`
  const everywhere: LiveFile[] = []
  const byPath = new Map<string, LiveFile[]>()
  const byPlace = new Map<string, LiveFile[]>()
  for (const live of deletes) {
    const target = referencedDataFile(live.file)
    if (target !== undefined) push(byPath, target, live)
    else if (live.file.content === 'equality-deletes' && isGlobal.has(live.file.specId)) everywhere.push(live)
    else push(byPlace, placeOf(live.file), live)
  }
  return (file) => [...everywhere, ...(byPath.get(file.filePath) ?? []), ...(byPlace.get(placeOf(file)) ?? [])]
}

function push(map: Map<string, LiveFile[]>, key: string, value: LiveFile): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
