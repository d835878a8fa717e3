/** The few XML documents of the S3 protocol, as text. */

interface ListedObject {
  readonly bytes: Buffer
  readonly etag: string
  readonly modified: Date
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

export function errorXml(code: string): string {
  return `<Error><Code>${code}</Code><Message>${code} on demand</Message><RequestId>1</RequestId></Error>`
}

/** Entries without an object are common prefixes. */
type ListedEntry = readonly [key: string, object: ListedObject | undefined]

/** A page of ListObjectsV2. */
export function listingXml(page: readonly ListedEntry[], truncated: boolean, urlEncoded: boolean): string {
  const encode = (key: string): string => (urlEncoded ? encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/') : escapeXml(key))
  const entries = page.map(([key, object]) =>
    object === undefined
      ? `<CommonPrefixes><Prefix>${encode(key)}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${encode(key)}</Key><LastModified>${object.modified.toISOString()}</LastModified>` +
        `<ETag>${escapeXml(object.etag)}</ETag><Size>${object.bytes.length}</Size></Contents>`,
  )
  const token = truncated ? `<NextContinuationToken>${escapeXml(page.at(-1)![0])}</NextContinuationToken>` : ''
  const encoding = urlEncoded ? '<EncodingType>url</EncodingType>' : ''
  return `<ListBucketResult><IsTruncated>${String(truncated)}</IsTruncated>${token}${encoding}${entries.join('')}</ListBucketResult>`
}

interface ListedVersion {
  readonly id: string
  readonly object: ListedObject | undefined
  readonly modified: Date
}

/** A page of ListObjectVersions. */
export function versionsXml(
  page: readonly (readonly [key: string, version: ListedVersion, isLatest: boolean])[],
  truncated: boolean,
  urlEncoded: boolean,
): string {
  const encode = (key: string): string => (urlEncoded ? encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/') : escapeXml(key))
  const entries = page.map(([key, { id, object, modified }, isLatest]) => {
    const head = `<Key>${encode(key)}</Key><VersionId>${id}</VersionId><IsLatest>${String(isLatest)}</IsLatest><LastModified>${modified.toISOString()}</LastModified>`
    return object === undefined ? `<DeleteMarker>${head}</DeleteMarker>` : `<Version>${head}<Size>${object.bytes.length}</Size></Version>`
  })
  const last = page.at(-1)
  const next = truncated && last !== undefined ? `<NextKeyMarker>${encode(last[0])}</NextKeyMarker><NextVersionIdMarker>${last[1].id}</NextVersionIdMarker>` : ''
  const encoding = urlEncoded ? '<EncodingType>url</EncodingType>' : ''
  return `<ListVersionsResult><IsTruncated>${String(truncated)}</IsTruncated>${next}${encoding}${entries.join('')}</ListVersionsResult>`
}

/** The texts of all elements of one name. */
export function elementTexts(document: string, name: string): string[] {
  return [...document.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => unescapeXml(match[1]!))
}

/** The keys of a DeleteObjects request. */
export function deletedKeys(document: string): string[] {
  return elementTexts(document, 'Key')
}

function unescapeXml(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
}
