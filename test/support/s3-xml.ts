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
