import type { PrefixMismatchMode } from './orphan-plan.js'
import type { LocationAliases } from '../location-key.js'
import type { ReachabilityRoot } from '../reachability.js'
import { FloeError } from '../../util/errors.js'
import { checkAmount, checkOneOf, checkTime } from '../../util/option-values.js'

const HOUR_MS = 3_600_000
/** What a file must have lain unused, if nothing else is said. Source: `DeleteOrphanFilesSparkAction` */
export const DEFAULT_MIN_AGE_MS = 72 * HOUR_MS
/** Below this, files of writers under way are in danger. */
export const MIN_AGE_FLOOR_MS = 24 * HOUR_MS

export interface OrphanProgress {
  readonly phase: 'walk' | 'list' | 'remove'
  /** Files walked, listed, or removed so far. */
  readonly files: number
}

export interface PlanOrphansOptions {
  /** How long ago a file must have been written, by the store's clock. Default 3 days. */
  readonly minAgeMs?: number | undefined
  /** In place of {@link minAgeMs}: only files from before, by the store's clock. */
  readonly olderThan?: Date | number | undefined
  /** Take files that are younger than a day: those of a writer under way are then lost. Default false. */
  readonly allowRecentFiles?: boolean | undefined
  /** The folders to list. Default: the table's location. Others need {@link sharedWith}. */
  readonly locations?: readonly string[] | undefined
  /** Other tables that have files in the listed folders: what they reach is spared. */
  readonly sharedWith?: readonly ReachabilityRoot[] | undefined
  /** UUIDs of other tables that kept their metadata in this table's place, and are known to be gone. */
  readonly goneTables?: readonly string[] | undefined
  /** Default `error`. */
  readonly prefixMismatchMode?: PrefixMismatchMode | undefined
  /** Schemes that are one, as `{ 's3a,s3n': 's3' }`; those three are in any case. */
  readonly equalSchemes?: Readonly<Record<string, string>> | undefined
  /** Buckets or hosts that are one, as `{ 'alias-1,alias-2': 'bucket' }`. */
  readonly equalAuthorities?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: OrphanProgress) => void) | undefined
}

/** Maps with comma-separated aliases as keys, one by one. */
export function aliasesOf(options: Pick<PlanOrphansOptions, 'equalSchemes' | 'equalAuthorities'>): LocationAliases {
  return { schemes: flatten(options.equalSchemes), authorities: flatten(options.equalAuthorities) }
}

function flatten(map: Readonly<Record<string, string>> | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(map ?? {}).flatMap(([names, value]) => names.split(',').map((name) => [name.trim(), value.trim()] as const)))
}

/** The time before which a file must have been written. @throws FloeError `INVALID` below a day, unless that is allowed */
export function cutoffOf({ minAgeMs, olderThan, allowRecentFiles }: PlanOrphansOptions, storeTimeMs: number): number {
  const cutoffMs = olderThan === undefined ? storeTimeMs - (minAgeMs ?? DEFAULT_MIN_AGE_MS) : Number(olderThan)
  if (allowRecentFiles !== true && cutoffMs > storeTimeMs - MIN_AGE_FLOOR_MS) throw tooRecent(storeTimeMs - cutoffMs)
  return cutoffMs
}

/** What can be refused before anything is asked of the store. */
export function checkPlanOptions(options: PlanOrphansOptions): void {
  const { minAgeMs, olderThan, allowRecentFiles, prefixMismatchMode } = options
  if (minAgeMs !== undefined && olderThan !== undefined) throw new FloeError('INVALID', 'Give minAgeMs or olderThan, not both')
  checkTime(olderThan, 'olderThan')
  checkAmount(minAgeMs, 0, 'minAgeMs')
  if (minAgeMs !== undefined && minAgeMs < MIN_AGE_FLOOR_MS && allowRecentFiles !== true) throw tooRecent(minAgeMs)
  checkOneOf(prefixMismatchMode, ['error', 'ignore', 'delete'], 'prefixMismatchMode')
}

function tooRecent(ageMs: number): FloeError {
  const hours = Math.max(0, Math.round(ageMs / 360_000) / 10)
  return new FloeError(
    'INVALID',
    `Files that are only ${hours} h old may belong to writers under way, whose commits would lose them: ` +
      'take at least 24 h, or set allowRecentFiles when nothing writes to the table',
  )
}
