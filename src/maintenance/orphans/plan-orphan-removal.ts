import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { printTableIdentifier } from '../../catalog/table-identifier.js'
import { completed } from '../../commit/commit-table.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { ObjectStatus } from '../../io/file-io.js'
import { isInside, joinLocation, quoteLocation } from '../../io/location.js'
import { metadataFolder } from '../../metadata/metadata-location.js'
import { readDataFolder } from '../../metadata/location-provider.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { readBoolean, tableProperties } from '../../metadata/table-properties.js'
import { FloeError } from '../../util/errors.js'
import { exactKey } from '../location-key.js'
import { reachableFiles, type ReachabilityRoot } from '../reachability.js'
import { checkNotOlder, isSameVersion } from '../table-view.js'
import { listFiles, type ListedFiles } from './list-files.js'
import { OrphanCandidates } from './orphan-candidates.js'
import { aliasesOf, checkPlanOptions, cutoffOf, type PlanOrphansOptions } from './orphan-options.js'
import type { OrphanPlan, SparedFiles } from './orphan-plan.js'
import { ReachablePlaces } from './reachable-places.js'
import { storeTimeMs } from './store-clock.js'

/** What of a context this takes; rows are not touched. */
export type OrphansContext = Pick<DmlContext, 'backend' | 'loaded' | 'runtime'>

/** A plan, and what spares its execution in this process another walk of the table. */
export interface PlannedOrphans {
  readonly plan: OrphanPlan
  readonly table: LoadedTable
  readonly walked: Set<string>
}

interface SecondLook {
  readonly table: LoadedTable
  readonly newerMetadata: string | undefined
}

const MAX_LOOKS = 5
const LOOK_WAIT_MS = 500
const EXAMPLES = 10
const PROGRESS_FILES = 1000

/**
 * The files in a table's folder that nothing in the table reaches and that are old enough not to belong to a writer under way.
 * The table is looked at before and after the listing; a view that proves to be stale is refused.
 *
 * @throws FloeError `INVALID` with `gc.enabled=false`, for an age below a day, and for files that may be reachable by another
 * spelling; `CONFLICT` when the catalog's view of the table is stale, or another table lives in the same place
 * Source: `DeleteOrphanFilesSparkAction`
 */
export async function planOrphanRemoval(context: OrphansContext, options: PlanOrphansOptions = {}): Promise<PlannedOrphans> {
  return new OrphanPlanner(context, options).plan()
}

class OrphanPlanner {
  constructor(
    private readonly context: OrphansContext,
    private readonly options: PlanOrphansOptions,
  ) {}

  async plan(): Promise<PlannedOrphans> {
    const { context, options } = this
    checkPlanOptions(options)
    const before = await completed(context.loaded)
    checkCollectable(before.metadata)
    const locations = this.#locations(before.metadata)
    const clockMs = await storeTimeMs(before.io, joinLocation(before.metadata.location, 'metadata'), context.runtime)
    // What is asked is refused before all is walked and listed.
    if (clockMs !== undefined) cutoffOf(options, clockMs)
    const places = new ReachablePlaces(locations, aliasesOf(options))
    for (const root of [before, ...(options.sharedWith ?? [])]) await this.#walk(places, root)
    const listed = await this.#list(before, locations, places)
    const { table, newerMetadata } = await this.#lookAgain(before, listed)
    if (listed.tenants.size > 0) throw sharedPlace(listed.tenants)
    if (newerMetadata !== undefined) throw staleView(table, newerMetadata)
    const nowMs = clockMs ?? listed.newestMs
    const cutoffMs = cutoffOf(options, nowMs)
    const isOld = ({ lastModifiedMs }: ObjectStatus): boolean => lastModifiedMs > 0 && lastModifiedMs < cutoffMs
    const ambiguous = listed.ambiguous.filter(isOld)
    const { prefixMismatchMode = 'error' } = options
    if (prefixMismatchMode === 'error' && ambiguous.length > 0) throw await this.#mismatch(ambiguous, places, before)
    const files = prefixMismatchMode === 'delete' ? [...listed.unreachable, ...listed.ambiguous] : listed.unreachable
    const candidates = new OrphanCandidates(files.filter(isOld), { ...options, prefixMismatchMode })
    if (!isSameVersion(before, table)) await candidates.keepReachable(table, { walked: places.walked, signal: options.signal })
    const orphans = candidates.files.map(({ location, sizeBytes, lastModifiedMs, etag }) =>
      Object.freeze({ location, sizeBytes, lastModifiedMs, etag }),
    )
    const plan: OrphanPlan = {
      kind: 'floe-orphan-plan',
      table: printTableIdentifier(table.identifier),
      tableUuid: table.metadata.tableUuid ?? null,
      metadataLocation: table.metadataLocation,
      locations,
      storeTimeMs: nowMs,
      cutoffMs,
      prefixMismatchMode,
      equalSchemes: options.equalSchemes ?? {},
      equalAuthorities: options.equalAuthorities ?? {},
      orphans: Object.freeze(orphans),
      totalBytes: orphans.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
      listedFiles: listed.listedFiles,
      reachableFiles: places.size,
      spared: sparedFiles(listed, files, { isOld, mismatched: prefixMismatchMode === 'delete' ? 0 : ambiguous.length }),
      otherTables: listed.otherTables,
      notListed: writtenFolders(table.metadata).filter((folder) => !locations.some((covering) => isInside(covering, folder))),
    }
    return { plan: Object.freeze(plan), table, walked: places.walked }
  }

  #locations({ location }: TableMetadata): readonly string[] {
    const { locations = [location], sharedWith } = this.options
    if (locations.length === 0) throw new FloeError('INVALID', 'Name at least one folder to list, or leave locations out')
    const outside = locations.find((folder) => !isInside(location, folder))
    if (outside !== undefined && sharedWith === undefined) {
      throw new FloeError(
        'INVALID',
        `${quoteLocation(outside)} lies outside of the table's location, where other tables may keep files: ` +
          'name those tables in sharedWith, or give [] when there are none',
      )
    }
    // A folder inside another is listed with it.
    const isCovered = (folder: string, i: number): boolean =>
      locations.some((other, j) => i !== j && isInside(other, folder) && !(i < j && isInside(folder, other)))
    return locations.filter((folder, i) => !isCovered(folder, i))
  }

  async #walk(places: ReachablePlaces, root: ReachabilityRoot): Promise<void> {
    const { signal, onProgress } = this.options
    let files = 0
    const onFile = (): void => {
      if (++files % PROGRESS_FILES === 0) onProgress?.({ phase: 'walk', files })
    }
    await places.add(root, { signal, onFile })
    onProgress?.({ phase: 'walk', files })
  }

  #list(table: LoadedTable, locations: readonly string[], places: ReachablePlaces): Promise<ListedFiles> {
    const { goneTables = [], signal, onProgress } = this.options
    const onFile = (files: number): void => {
      if (files % PROGRESS_FILES === 0) onProgress?.({ phase: 'list', files })
    }
    const { metadata, metadataLocation, io } = table
    return listFiles(io, places, { metadata, metadataLocation, locations, goneTables: new Set(goneTables), signal, onFile })
  }

  /**
   * The table as it is after the listing. Metadata that is newer than the version which was loaded before must have become the
   * table's by now; some of it is left when the view is stale, or a commit is under way or was given up.
   */
  async #lookAgain(before: LoadedTable, listed: ListedFiles): Promise<SecondLook> {
    const { backend, runtime } = this.context
    let seen = before
    for (let look = 1; ; look++) {
      const table = await completed(await backend.loadTable(before.identifier))
      checkNotOlder(table, seen)
      const log = table.metadata.metadataLog.map(({ metadataFile }) => metadataFile)
      const known = new Set([table.metadataLocation, ...log].map((file) => exactKey(file)))
      const newerMetadata = listed.newerMetadata.find((location) => !known.has(exactKey(location)))
      if (newerMetadata === undefined || look === MAX_LOOKS) return { table, newerMetadata }
      seen = table
      await runtime.sleep(LOOK_WAIT_MS, this.options.signal)
    }
  }

  /** Names what each of some ambiguous files may be. */
  async #mismatch(files: readonly ObjectStatus[], places: ReachablePlaces, table: ReachabilityRoot): Promise<FloeError> {
    const examples = files.slice(0, EXAMPLES).map(({ location }) => location)
    const found = new Map<string, string>()
    for (const root of [table, ...(this.options.sharedWith ?? [])]) {
      for await (const { location } of reachableFiles(root, { signal: this.options.signal })) {
        for (const example of examples) if (places.isLike(example, location)) found.set(example, location)
        if (found.size === examples.length) break
      }
    }
    const pairs = examples.map((example) => `${quoteLocation(example)} and ${quoteLocation(found.get(example) ?? 'a file of the table')}`)
    return new FloeError(
      'INVALID',
      `${files.length} listed files may be ones that the table names otherwise, so nothing was planned: ${pairs.join('; ')}. ` +
        "Say which schemes or buckets are one with equalSchemes and equalAuthorities; prefixMismatchMode 'ignore' leaves such files " +
        "alone, and 'delete' takes them for orphans, which loses data if they are not",
    )
  }
}

/** @throws FloeError `INVALID` with `gc.enabled=false` */
export function checkCollectable({ properties }: TableMetadata): void {
  if (readBoolean(properties, tableProperties.gcEnabled)) return
  const message = 'The table has gc.enabled=false: its files may belong to others, so orphans cannot be told; set the property first'
  throw new FloeError('INVALID', message)
}

/** Where a table's files go, as far as its properties can be read. */
function writtenFolders(metadata: TableMetadata): readonly string[] {
  const folders = [metadata.location, joinLocation(metadata.location, 'metadata')]
  for (const read of [metadataFolder, readDataFolder]) {
    try {
      folders.push(read(metadata))
    } catch {
      // A table with an unusable property cannot be written to by it.
    }
  }
  return [...new Set(folders)]
}

function sparedFiles(
  listed: ListedFiles,
  files: readonly ObjectStatus[],
  { isOld, mismatched }: { readonly isOld: (file: ObjectStatus) => boolean; readonly mismatched: number },
): SparedFiles {
  const ofUnknownAge = files.filter(({ lastModifiedMs }) => lastModifiedMs <= 0).length
  const recent = files.filter((file) => !isOld(file)).length - ofUnknownAge
  return Object.freeze({ recent, hidden: listed.hidden, ofOtherTables: listed.ofOtherTables, mismatched, ofUnknownAge })
}

function sharedPlace(tenants: ReadonlyMap<string, string>): FloeError {
  const [[uuid, file] = ['', '']] = tenants
  return new FloeError(
    'CONFLICT',
    `Another table, of UUID ${uuid}, keeps its metadata in this table's place: its files cannot be told from orphans. ` +
      'If it is gone for good, name its UUID in goneTables',
    { file, retryable: false },
  )
}

function staleView(table: LoadedTable, newer: string): FloeError {
  return new FloeError(
    'CONFLICT',
    'There is newer metadata of this table than the version that the catalog answers with: the view is stale, or a commit is ' +
      'under way. Try again; if it stays so, find out which of the two is the table before anything is removed',
    { table: printTableIdentifier(table.identifier), file: newer },
  )
}
