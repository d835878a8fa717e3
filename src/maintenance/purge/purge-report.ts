import { createHash } from 'node:crypto'
import { encodeUtf8 } from '../../util/utf8.js'

/** What was done to a branch. */
export interface PurgedBranch {
  readonly branch: string
  /** Rows that were live and are gone; with `dryRun`, that would be. */
  readonly removedRows: number
  /** Data files that held the rows, deleted ones too, and were written anew without them. */
  readonly rewrittenFiles: number
  /** Of the head afterwards. */
  readonly snapshotId: string | undefined
}

/** Something that still holds a purged row, or a key of one. */
export interface HeldData {
  readonly kind: 'branch' | 'tag' | 'snapshot' | 'object' | 'object-version'
  /** The name, the snapshot id, or the location; key values in it are masked. */
  readonly name: string
  readonly versionId?: string | undefined
  readonly reason: string
  /** How it was seen; absent where it is known without looking. */
  readonly seenIn?: string | undefined
  /** When it will be gone, or can be deleted, as far as that is known: ISO 8601. */
  readonly until?: string | undefined
}

/** What was looked at for the proof. */
export interface PurgeScan {
  readonly objects: number
  readonly bytes: number
  /** Bytes that came out of codecs: pages, blocks, blobs, columns. */
  readonly decodedBytes: number
  readonly rows: number
  readonly versions: number
  /** How many values were looked for in columns. */
  readonly keys: number
  /** How many byte strings were looked for in raw and decoded bytes: the forms of values that are not likely to be there by chance. */
  readonly byteForms: number
  /** Objects that could be searched as they are, and not decoded, with the reason. */
  readonly undecoded: readonly { readonly location: string; readonly reason: string }[]
}

export interface PurgeReport {
  readonly table: string
  readonly tableUuid: string | undefined
  /** The columns of the filter; its text when that was asked for. */
  readonly filter: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly dryRun: boolean
  readonly branches: readonly PurgedBranch[]
  readonly droppedTags: readonly string[]
  readonly expiredSnapshots: readonly string[]
  /** With `dryRun`, what is known to go. */
  readonly deletedObjects: readonly string[]
  readonly deletedVersions: readonly { readonly location: string; readonly versionId: string }[]
  /**
   * Whether the store keeps earlier versions of objects: `none` were there, all were looked at (`scanned`), the store did not let
   * them be listed (`forbidden`), or cannot say (`unknown`).
   */
  readonly objectVersions: 'none' | 'scanned' | 'forbidden' | 'unknown'
  readonly held: readonly HeldData[]
  readonly scan: PurgeScan | undefined
  /** Whether nothing is held, and every object could be decoded. */
  readonly isErased: boolean
  /** SHA-256 of the report's JSON without this member, in hex. */
  readonly digest: string
}

/** Adds the digest. */
export function sealReport(report: Omit<PurgeReport, 'digest'>): PurgeReport {
  return Object.freeze({ ...report, digest: digestOf(report) })
}

/** Whether a report, perhaps read back from its JSON, is as it was written. */
export function isSealed(report: PurgeReport): boolean {
  const { digest, ...rest } = report
  return digest === digestOf(rest)
}

function digestOf(report: object): string {
  return createHash('sha256').update(encodeUtf8(JSON.stringify(report))).digest('hex')
}
