import { FloeError } from '../../util/errors.js'
import { checkCount, checkOneOf, checkShare } from '../../util/option-values.js'

/** Which files have all their rows read and measured. */
export type DataScope = 'none' | 'sample' | 'all'
/** The current snapshot, those of all branches and tags, or every one there is. */
export type SnapshotScope = 'current' | 'refs' | 'all'

export interface FsckProgress {
  readonly snapshots: number
  readonly manifests: number
  readonly files: number
  readonly rows: number
}

export interface FsckOptions {
  /** Default `none`: files are opened, and their rows are not read. */
  readonly data?: DataScope | undefined
  /** Of `sample`: the share of files, chosen by their names, so that the same are chosen again. Default 0.1. */
  readonly sampleRate?: number | undefined
  /** Default `refs`. */
  readonly snapshots?: SnapshotScope | undefined
  /** Findings that are listed; more are counted. Default 10,000. */
  readonly maxFindings?: number | undefined
  /** Files that are looked at side by side. Default 16. */
  readonly concurrency?: number | undefined
  readonly onProgress?: ((progress: FsckProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** The options with their defaults. */
export interface CheckedFsckOptions {
  readonly data: DataScope
  readonly sampleRate: number
  readonly snapshots: SnapshotScope
  readonly maxFindings: number
  readonly concurrency: number
}

/** @throws FloeError `INVALID` naming the option that is wrong */
export function checkFsckOptions(options: FsckOptions): CheckedFsckOptions {
  const { data = 'none', sampleRate = 0.1, snapshots = 'refs', maxFindings = 10_000, concurrency = 16 } = options
  checkOneOf(data, ['none', 'sample', 'all'], 'data')
  checkOneOf(snapshots, ['current', 'refs', 'all'], 'snapshots')
  checkShare(sampleRate, 'sampleRate')
  if (sampleRate === 0) throw new FloeError('INVALID', "A sampleRate of 0 reads nothing: say data: 'none'")
  checkCount(maxFindings, 1, 'maxFindings')
  checkCount(concurrency, 1, 'concurrency')
  return { data, sampleRate, snapshots, maxFindings, concurrency }
}
