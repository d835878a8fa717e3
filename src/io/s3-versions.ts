/** The versions of objects in an S3 bucket. */
import type * as S3Sdk from '@aws-sdk/client-s3'
import { FloeError } from '../util/errors.js'
import type { AbortOptions, ObjectVersion, ObjectVersions } from './file-io.js'
import { bucketRoot, decodeKey, folderKey } from './s3-list.js'
import { s3Address, s3ObjectAddress, type S3Store } from './s3-store.js'

/** Lists, reads and deletes versions; a bucket that was never versioned lists each object once, as its version `null`. */
export function s3Versions(store: S3Store): ObjectVersions {
  return {
    list: (prefix, options = {}) => listVersions(store, prefix, options),
    read: (version, options = {}) => readVersion(store, version, options),
    delete: (version) => deleteVersion(store, version),
    heldUntilMs: (version) => heldUntilMs(store, version),
  }
}

async function* listVersions(store: S3Store, prefix: string, { signal }: AbortOptions): AsyncGenerator<ObjectVersion> {
  const { Bucket } = s3Address(prefix)
  const root = bucketRoot(prefix)
  const base = { Bucket, Prefix: folderKey(prefix), EncodingType: 'url' as const }
  let marker: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {}
  while (marker !== undefined) {
    const input = { ...base, ...marker }
    const answer: S3Sdk.ListObjectVersionsCommandOutput = await store.retry({ doing: 'list versions', location: prefix, signal }, (sdk, client, http) =>
      client.send(new sdk.ListObjectVersionsCommand(input), http),
    )
    const decode = answer.EncodingType === 'url' ? decodeKey : (key: string): string => key
    for (const item of answer.Versions ?? []) yield versionOf(root + decode(item.Key ?? ''), item, item.Size ?? 0)
    for (const item of answer.DeleteMarkers ?? []) yield versionOf(root + decode(item.Key ?? ''), item, undefined)
    marker = nextMarker(answer, decode, prefix)
  }
}

/** @throws FloeError `UNAVAILABLE` for a listing that goes on and does not say where */
function nextMarker(
  answer: S3Sdk.ListObjectVersionsCommandOutput,
  decode: (key: string) => string,
  prefix: string,
): { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined {
  if (answer.IsTruncated !== true) return undefined
  const { NextKeyMarker, NextVersionIdMarker } = answer
  if (NextKeyMarker === undefined) throw new FloeError('UNAVAILABLE', 'The store says that its listing of versions goes on, but not where', { file: prefix })
  return { KeyMarker: decode(NextKeyMarker), ...(NextVersionIdMarker === undefined ? {} : { VersionIdMarker: NextVersionIdMarker }) }
}

/** `sizeBytes` undefined: a delete marker. */
function versionOf(location: string, item: S3Sdk.ObjectVersion | S3Sdk.DeleteMarkerEntry, sizeBytes: number | undefined): ObjectVersion {
  return {
    location,
    versionId: item.VersionId ?? 'null',
    isLatest: item.IsLatest ?? false,
    isDeleteMarker: sizeBytes === undefined,
    sizeBytes: sizeBytes ?? 0,
    lastModifiedMs: item.LastModified?.getTime() ?? 0,
  }
}

function readVersion(store: S3Store, { location, versionId }: ObjectVersion, { signal }: AbortOptions): Promise<Uint8Array> {
  const address = s3ObjectAddress(location)
  return store.retry({ doing: 'read the version', location, signal }, async (sdk, client, http) => {
    const answer = await client.send(new sdk.GetObjectCommand({ ...address, VersionId: versionId }), http)
    return (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0)
  })
}

async function deleteVersion(store: S3Store, { location, versionId }: ObjectVersion): Promise<void> {
  const address = s3ObjectAddress(location)
  await store.retry<unknown>(
    { doing: 'delete the version', location },
    (sdk, client, http) => client.send(new sdk.DeleteObjectCommand({ ...address, VersionId: versionId }), http),
    (failure) => (failure.kind === 'not-found' ? {} : undefined),
  )
}

/** What the store says of locks; whoever may not ask, or asks a bucket without locks, learns nothing. */
async function heldUntilMs(store: S3Store, { location, versionId }: ObjectVersion): Promise<number | undefined> {
  const input = { ...s3ObjectAddress(location), VersionId: versionId }
  const attempt = { doing: 'ask for the lock of the version', location }
  try {
    const asking = store.send((sdk, client, http) => client.send(new sdk.GetObjectLegalHoldCommand(input), http))
    const { LegalHold } = await asking.catch(() => ({ LegalHold: undefined }))
    if (LegalHold?.Status === 'ON') return Infinity
    const { Retention } = await store.retry(attempt, (sdk, client, http) => client.send(new sdk.GetObjectRetentionCommand(input), http))
    return Retention?.RetainUntilDate?.getTime()
  } catch {
    return undefined
  }
}
