import type { DmlContext } from '../../dml/dml-context.js'
import { throwIfAborted } from '../../io/aborted.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { finding, type Finding, type FindingCode, type FindingPlace } from './finding.js'
import type { CheckedFsckOptions, FsckProgress } from './fsck-options.js'
import { LocationIndex } from './location-index.js'

/** What checking a table takes; nothing is committed. */
export type FsckTable = Pick<DmlContext, 'loaded' | 'engine' | 'runtime'>

/** Running totals of one check. */
export interface FsckTotals {
  snapshots: number
  manifests: number
  files: number
  bytes: number
  filesRead: number
  rowsRead: number
}

/** What a file that is not there, or not what it should be, is called. */
export interface ReadingCodes {
  readonly missing: FindingCode
  readonly damaged: FindingCode
}

/** One run of checks, as its parts see it. */
export class FsckContext {
  readonly totals: FsckTotals = { snapshots: 0, manifests: 0, files: 0, bytes: 0, filesRead: 0, rowsRead: 0 }
  /** Content files and vectors that were looked at already. */
  readonly seenFiles = new LocationIndex()
  /** Manifests that were held against their records already. */
  readonly seenManifests = new LocationIndex()

  constructor(
    readonly table: FsckTable,
    readonly options: CheckedFsckOptions,
    readonly report: (finding: Finding) => void,
    readonly caller: { readonly signal?: AbortSignal | undefined; readonly onProgress?: ((progress: FsckProgress) => void) | undefined },
  ) {}

  get io(): FsckTable['loaded']['io'] {
    return this.table.loaded.io
  }

  get metadata(): FsckTable['loaded']['metadata'] {
    return this.table.loaded.metadata
  }

  find(code: FindingCode, message: string, place: FindingPlace = {}): void {
    this.report(finding(code, message, place))
  }

  /** Tells the caller how far it is. @throws FloeError `ABORTED` */
  advance(): void {
    throwIfAborted(this.caller.signal)
    const { snapshots, manifests, files, rowsRead } = this.totals
    this.caller.onProgress?.({ snapshots, manifests, files, rows: rowsRead })
  }

  /**
   * Runs `read`; what is missing or damaged becomes a finding, and the answer undefined. A store that fails otherwise fails the
   * check: it says nothing of the table.
   */
  async reading<T>(codes: ReadingCodes, place: FindingPlace, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      throwIfAborted(this.caller.signal)
      if (isFloeError(error, 'NOT_FOUND')) this.find(codes.missing, error.message, place)
      else if (isFloeError(error, 'CORRUPT', 'INVALID')) this.find(codes.damaged, error.message, place)
      else if (isFloeError(error, 'UNSUPPORTED')) this.find('file-unchecked', error.message, place)
      else if (error instanceof FloeError) throw error
      else this.find(codes.damaged, error instanceof Error ? error.message : String(error), place)
      return undefined
    }
  }
}

/** A snapshot as a place of findings. */
export function inSnapshot(snapshot: Snapshot): { readonly snapshotId: string } {
  return { snapshotId: String(snapshot.snapshotId) }
}
