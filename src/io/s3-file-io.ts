import { mapParallel } from './bounded-parallel.js'
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ObjectVersions, ReadOptions, WriteOptions } from './file-io.js'
import { checkRange, planRanges, sliceAnswers } from './range-plan.js'
import { deleteS3, listFolderS3, listS3 } from './s3-list.js'
import { uploadStream } from './s3-multipart.js'
import { endpointOf } from './s3-options.js'
import type { S3FileIOOptions } from './s3-options.js'
import { headS3, readS3 } from './s3-read.js'
import { S3Store } from './s3-store.js'
import { s3Versions } from './s3-versions.js'
import { putS3 } from './s3-write.js'

const DEFAULT_PART_BYTES = 16 * 2 ** 20
const DEFAULT_PARALLEL_PARTS = 3
const DEFAULT_PARALLEL_RANGES = 8

/**
 * Objects of any S3 store: `s3:`, `s3a:` and `s3n:` locations. The SDK is imported with the first request.
 *
 * Reads, listings, deletions and unconditional writes are repeated with full jitter when the store is busy or does not
 * answer. Conditional writes are not, beyond what `s3-write.ts` proves to be harmless: a lost answer throws
 * `COMMIT_STATE_UNKNOWN`. No error holds a credential or a request header.
 */
export class S3FileIO implements FileIO {
  readonly versions: ObjectVersions
  readonly #store: S3Store
  readonly #options: S3FileIOOptions

  constructor(options: S3FileIOOptions = {}) {
    this.#options = options
    this.#store = new S3Store(options)
    this.versions = s3Versions(this.#store)
  }

  get endpoint(): string | undefined {
    const given = endpointOf(this.#options)
    // Without what else a URL may hold: a path, a password.
    return given === undefined || !URL.canParse(given) ? undefined : new URL(given).origin
  }

  read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return readS3(this.#store, location, options)
  }

  async readMany(location: string, ranges: readonly ByteRange[], options: AbortOptions = {}): Promise<Uint8Array[]> {
    for (const range of ranges) checkRange(range, location)
    const { maxGapBytes, parallelRanges = DEFAULT_PARALLEL_RANGES } = this.#options
    const plan = planRanges(ranges, maxGapBytes === undefined ? {} : { maxGapBytes })
    const answers = await mapParallel(plan, parallelRanges, ({ range }) => this.read(location, { range, signal: options.signal }))
    return sliceAnswers(ranges, plan, answers)
  }

  async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectStatus> {
    const { ifNoneMatch, ifMatch, signal, beforeLastByte } = options
    const condition = { ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }), ...(ifMatch === undefined ? {} : { ifMatch }) }
    const write = { location, condition, signal, encryption: this.#options.serverSideEncryption, beforeLastByte }
    const { partSizeBytes = DEFAULT_PART_BYTES, parallelParts = DEFAULT_PARALLEL_PARTS } = this.#options
    const { etag, sizeBytes } =
      body instanceof Uint8Array
        ? { etag: await putS3(this.#store, write, body), sizeBytes: body.length }
        : await uploadStream(this.#store, write, body, { partSizeBytes, parallelParts })
    // The store's clock is not in its answer to a write; a second request for it would double the cost of each.
    return { location, sizeBytes, lastModifiedMs: this.#store.runtime.now(), etag }
  }

  async head(location: string): Promise<ObjectStatus | undefined> {
    const found = await headS3(this.#store, location)
    if (found === undefined) return undefined
    return { location, sizeBytes: found.ContentLength ?? 0, lastModifiedMs: found.LastModified?.getTime() ?? 0, etag: found.ETag }
  }

  list(prefix: string, options: AbortOptions = {}): AsyncIterable<ObjectStatus> {
    return listS3(this.#store, prefix, options)
  }

  listFolder(folder: string, options: AbortOptions = {}): AsyncIterable<FolderEntry> {
    return listFolderS3(this.#store, folder, options)
  }

  delete(locations: readonly string[]): Promise<void> {
    return deleteS3(this.#store, locations)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
