/**
 * Where bytes live. Implementations and wrappers of one small port; it knows locations and bytes, never Iceberg.
 */

/** Half-open: `offset` up to `offset + length`. A negative offset counts from the end (suffix read, `length` ignored). */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export interface ObjectStatus {
  readonly location: string
  readonly sizeBytes: number
  /** By the store's clock. */
  readonly lastModifiedMs: number
  /** Opaque version of the content, where the store has one. */
  readonly etag: string | undefined
}

/** What lies directly in a folder: an object, or a folder that holds some. */
export interface FolderEntry {
  /** Of a folder: without a trailing slash. */
  readonly location: string
  /** `undefined`: a folder. */
  readonly status: ObjectStatus | undefined
}

/** An earlier or the present content of an object, or a mark that it was deleted, in a store that keeps such. */
export interface ObjectVersion {
  readonly location: string
  readonly versionId: string
  /** Whether this is what a read of the location answers; of a delete marker, that it answers nothing. */
  readonly isLatest: boolean
  readonly isDeleteMarker: boolean
  readonly sizeBytes: number
  /** By the store's clock. */
  readonly lastModifiedMs: number
}

/** The versions of objects, where a store keeps them: deleting an object only hides it there. */
export interface ObjectVersions {
  /** Every version below the folder, in no particular order. Throws `UNAUTHORIZED` when listing them is not allowed. */
  list(prefix: string, options?: AbortOptions): AsyncIterable<ObjectVersion>
  /** The content of a version that is no delete marker. */
  read(version: ObjectVersion, options?: AbortOptions): Promise<Uint8Array>
  /** Removes one version for good. Throws `UNAUTHORIZED` when it is locked, or that is not allowed. */
  delete(version: ObjectVersion): Promise<void>
  /** Until when a lock holds the version; Infinity for a hold without end, undefined when it is not locked or that is not known. */
  heldUntilMs(version: ObjectVersion): Promise<number | undefined>
}

export interface AbortOptions {
  readonly signal?: AbortSignal | undefined
}

export interface ReadOptions {
  readonly range?: ByteRange
  readonly signal?: AbortSignal | undefined
}

export interface WriteOptions {
  /** `'*'`: create only. The write is refused with `ALREADY_EXISTS` when the object exists. */
  readonly ifNoneMatch?: '*'
  /** Replace only this version. Refused with `CONFLICT` when another is there. */
  readonly ifMatch?: string
  readonly signal?: AbortSignal | undefined
  /**
   * Called when all of the body but its last byte is on its way; that byte waits for the promise, which must settle. It makes
   * sure that writes overlap, to try a store; what has no use for it may ignore it.
   */
  readonly beforeLastByte?: (() => Promise<void>) | undefined
}

/**
 * Locations are taken as written: nothing is percent-decoded, nothing normalised, and results name places in the
 * spelling they were asked in.
 *
 * A failed write carries how it failed in its code: `ALREADY_EXISTS` and `CONFLICT` prove that nothing was written by
 * this request; `COMMIT_STATE_UNKNOWN` says that it may have been.
 */
export interface FileIO {
  /** Which store this is, where the text of a location does not tell: the endpoint of an S3 store that is not Amazon's. */
  readonly endpoint?: string | undefined
  /**
   * Throws `NOT_FOUND`. A range past the end throws `CORRUPT`, never returns fewer bytes silently; a suffix longer than
   * the object is the whole object. The bytes belong to the store: callers must not change them.
   */
  read(location: string, options?: ReadOptions): Promise<Uint8Array>
  /** Reads several ranges of one object, near ones coalesced into one request; results in the order asked. */
  readMany(location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]>
  write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus>
  /** `undefined` when there is no such object. */
  head(location: string): Promise<ObjectStatus | undefined>
  /** Every object whose location starts with the folder `prefix`, in code-point order. */
  list(prefix: string, options?: AbortOptions): AsyncIterable<ObjectStatus>
  /** What lies directly in the folder, in no particular order. Without it, callers fall back on `list`. */
  listFolder?(folder: string, options?: AbortOptions): AsyncIterable<FolderEntry>
  /** Deleting what is not there is not an error. A location that ends in a slash is the empty folder of that name. */
  delete(locations: readonly string[]): Promise<void>
  /** Absent where a store keeps no versions, or cannot be asked for them. */
  readonly versions?: ObjectVersions | undefined
  close?(): Promise<void>
}
