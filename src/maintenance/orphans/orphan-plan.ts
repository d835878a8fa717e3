/** What the removal of orphan files comes to, as plain data that can be kept, read and executed elsewhere. */
import { FloeError } from '../../util/errors.js'

/** What to do with a file that may be one that the metadata names in another spelling. */
export type PrefixMismatchMode = 'error' | 'ignore' | 'delete'

export interface OrphanFile {
  readonly location: string
  readonly sizeBytes: number
  /** By the store's clock. */
  readonly lastModifiedMs: number
  readonly etag?: string | undefined
}

/** Listed files that are not in the plan, by why. */
export interface SparedFiles {
  /** Written after the cutoff. */
  readonly recent: number
  /** Names that begin with a dot or an underscore, outside of partitions. */
  readonly hidden: number
  /** Of other tables inside the listed folders, and metadata that could not be read. */
  readonly ofOtherTables: number
  /** See {@link PrefixMismatchMode}. */
  readonly mismatched: number
  /** The store does not say when they were written. */
  readonly ofUnknownAge: number
}

/** JSON as it is. */
export interface OrphanPlan {
  readonly kind: 'floe-orphan-plan'
  readonly table: string
  readonly tableUuid: string | null
  /** The version that the listing was held against. */
  readonly metadataLocation: string
  readonly locations: readonly string[]
  /** The store's clock when the plan was made. */
  readonly storeTimeMs: number
  /** Only files that were written before, by the store's clock, are in the plan. */
  readonly cutoffMs: number
  readonly prefixMismatchMode: PrefixMismatchMode
  readonly equalSchemes: Readonly<Record<string, string>>
  readonly equalAuthorities: Readonly<Record<string, string>>
  readonly orphans: readonly OrphanFile[]
  readonly totalBytes: number
  readonly listedFiles: number
  readonly reachableFiles: number
  readonly spared: SparedFiles
  /** Folders of other tables that lie in the listed ones; nothing in them is in the plan. */
  readonly otherTables: readonly string[]
  /** Folders that the table writes to and that were not listed, as they lie outside of its location. */
  readonly notListed: readonly string[]
}

/** Reads a plan that was kept as JSON. @throws FloeError `INVALID` for anything else */
export function parseOrphanPlan(text: string): OrphanPlan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new FloeError('INVALID', 'The plan is no JSON: make it anew with planOrphanRemoval', { cause })
  }
  checkOrphanPlan(value)
  return value
}

/** @throws FloeError `INVALID` unless `value` has what the execution of a plan relies on */
export function checkOrphanPlan(value: unknown): asserts value is OrphanPlan {
  const plan = value as Partial<OrphanPlan> | null
  const isPlan =
    typeof plan === 'object' &&
    plan?.kind === 'floe-orphan-plan' &&
    (plan.tableUuid === null || typeof plan.tableUuid === 'string') &&
    Array.isArray(plan.locations) &&
    plan.locations.every((location) => typeof location === 'string') &&
    isModes(plan) &&
    Array.isArray(plan.orphans) &&
    plan.orphans.every(isOrphan)
  if (!isPlan) throw new FloeError('INVALID', 'This is no plan of an orphan removal: make one with planOrphanRemoval')
}

function isModes({ prefixMismatchMode, cutoffMs, equalSchemes, equalAuthorities }: Partial<OrphanPlan>): boolean {
  const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string')
  const isMode = prefixMismatchMode === 'error' || prefixMismatchMode === 'ignore' || prefixMismatchMode === 'delete'
  return isMode && Number.isFinite(cutoffMs) && isMap(equalSchemes) && isMap(equalAuthorities)
}

function isOrphan(value: unknown): boolean {
  const file = value as Partial<OrphanFile> | null
  return typeof file === 'object' && typeof file?.location === 'string' && Number.isFinite(file.sizeBytes) && Number.isFinite(file.lastModifiedMs)
}
