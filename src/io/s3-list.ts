/** Listing and deleting in an S3 bucket. */
import type * as S3Sdk from '@aws-sdk/client-s3'
import { FloeError } from '../util/errors.js'
import type { AbortOptions, FolderEntry, ObjectStatus } from './file-io.js'
import { asFolder, parseLocation } from './location.js'
import { classifyS3Failure, s3Error } from './s3-error.js'
import { s3Address, s3ObjectAddress } from './s3-store.js'
import type { S3Store } from './s3-store.js'

interface Page {
  readonly objects: readonly { readonly key: string; readonly object: S3Sdk._Object }[]
  readonly folders: readonly string[]
}

/** Every object below the folder, in the order of the store, which is that of the keys' bytes. */
export async function* listS3(store: S3Store, prefix: string, options: AbortOptions): AsyncGenerator<ObjectStatus> {
  const root = bucketRoot(prefix)
  for await (const page of pages(store, prefix, undefined, options.signal)) {
    for (const { key, object } of page.objects) yield statusOf(root + key, object)
  }
}

/** What lies directly in the folder; the marker object of the folder itself is left out. */
export async function* listFolderS3(store: S3Store, folder: string, options: AbortOptions): AsyncGenerator<FolderEntry> {
  const root = bucketRoot(folder)
  const own = folderKey(folder)
  for await (const page of pages(store, folder, '/', options.signal)) {
    for (const key of page.folders) yield { location: root + key.replace(/\/$/, ''), status: undefined }
    for (const { key, object } of page.objects) if (key !== own) yield { location: root + key, status: statusOf(root + key, object) }
  }
}

async function* pages(store: S3Store, prefix: string, delimiter: '/' | undefined, signal: AbortSignal | undefined): AsyncGenerator<Page> {
  const { Bucket } = s3Address(prefix)
  const base = { Bucket, Prefix: folderKey(prefix), EncodingType: 'url' as const, ...(delimiter === undefined ? {} : { Delimiter: delimiter }) }
  let token: string | undefined
  do {
    const input = { ...base, ...(token === undefined ? {} : { ContinuationToken: token }) }
    const answer: S3Sdk.ListObjectsV2CommandOutput = await store.retry({ doing: 'list the folder', location: prefix, signal }, (sdk, client, http) =>
      client.send(new sdk.ListObjectsV2Command(input), http),
    )
    const decode = answer.EncodingType === 'url' ? decodeKey : (key: string): string => key
    yield {
      objects: (answer.Contents ?? []).map((object) => ({ key: decode(object.Key ?? ''), object })),
      folders: (answer.CommonPrefixes ?? []).map((folder) => decode(folder.Prefix ?? '')),
    }
    const next = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
    if (answer.IsTruncated === true && (next === undefined || next === token)) {
      throw new FloeError('UNAVAILABLE', 'The store says that its listing goes on, but not where', { file: prefix })
    }
    token = next
  } while (token !== undefined)
}

/** Keys may hold characters that XML cannot; S3 then writes them as in a query string. */
export function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}

/** The location up to the key, in the caller's spelling of scheme and bucket. */
export function bucketRoot(location: string): string {
  const { path } = parseLocation(location)
  return asFolder(location.slice(0, location.length - path.length))
}

/** The key of a folder, with its slash. */
export function folderKey(location: string): string {
  const { Key } = s3Address(location)
  return Key === '' ? '' : asFolder(Key)
}

function statusOf(location: string, object: S3Sdk._Object): ObjectStatus {
  return { location, sizeBytes: object.Size ?? 0, lastModifiedMs: object.LastModified?.getTime() ?? 0, etag: object.ETag }
}

/** A store's bound on the keys of one request. */
const DELETE_BATCH = 1000

/** Deletes in batches; keys that XML cannot hold, and stores without batches, one by one. */
export async function deleteS3(store: S3Store, locations: readonly string[]): Promise<void> {
  const buckets = new Map<string, string[]>()
  for (const location of locations) {
    const { Bucket } = s3ObjectAddress(location)
    buckets.set(Bucket, [...(buckets.get(Bucket) ?? []), location])
  }
  for (const [bucket, all] of buckets) {
    // eslint-disable-next-line no-control-regex -- the control characters are what is looked for
    const unprintable = all.filter((location) => /[\u0000-\u001f\u007f\ufffe\uffff]/.test(location))
    const printable = all.filter((location) => !unprintable.includes(location))
    for (const location of unprintable) await deleteOne(store, location)
    for (let i = 0; i < printable.length; i += DELETE_BATCH) await deleteBatch(store, bucket, printable.slice(i, i + DELETE_BATCH))
  }
}

async function deleteOne(store: S3Store, location: string): Promise<void> {
  const address = s3ObjectAddress(location)
  await store.retry<unknown>(
    { doing: 'delete the object', location },
    (sdk, client, http) => client.send(new sdk.DeleteObjectCommand(address), http),
    (failure) => (failure.kind === 'not-found' ? {} : undefined),
  )
}

async function deleteBatch(store: S3Store, bucket: string, locations: readonly string[]): Promise<void> {
  if (locations.length === 1) return deleteOne(store, locations[0]!)
  const Objects = locations.map((location) => ({ Key: s3ObjectAddress(location).Key }))
  const input = { Bucket: bucket, Delete: { Objects, Quiet: true } }
  const answer = await store.retry<S3Sdk.DeleteObjectsCommandOutput | 'one by one'>(
    { doing: 'delete objects', location: locations[0]! },
    (sdk, client, http) => client.send(new sdk.DeleteObjectsCommand(input), http),
    (failure) => (failure.kind === 'unsupported' ? 'one by one' : undefined),
  )
  if (answer === 'one by one') {
    for (const location of locations) await deleteOne(store, location)
    return
  }
  const byKey = new Map(locations.map((location) => [s3ObjectAddress(location).Key, location]))
  for (const error of answer.Errors ?? []) {
    if (error.Code === 'NoSuchKey') continue
    const location = byKey.get(error.Key ?? '')
    if (location === undefined || error.Code === 'AccessDenied') {
      const refusal = { name: error.Code ?? 'Error', message: error.Message ?? '', $metadata: { httpStatusCode: error.Code === 'AccessDenied' ? 403 : 500 } }
      throw s3Error(classifyS3Failure(refusal, []), 'delete the object', location ?? locations[0]!)
    }
    await deleteOne(store, location)
  }
}
