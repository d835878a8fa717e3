import type { FileIO, ObjectStatus } from '../../io/file-io.js'
import { parseTableMetadata } from '../../metadata/table-metadata-json.js'
import { decodeUtf8 } from '../../util/utf8.js'

/** Whose metadata a file holds. */
export interface MetadataIdentity {
  /** `undefined`: the table has none. */
  readonly tableUuid: string | undefined
  readonly lastUpdatedMs: number
}

const HEAD_BYTES = 4096

/** Reads as little as tells; `undefined` for what is no table metadata or cannot be read. */
export async function readMetadataIdentity(io: FileIO, { location, sizeBytes }: ObjectStatus): Promise<MetadataIdentity | undefined> {
  try {
    if (location.endsWith('.metadata.json') && !location.endsWith('.gz.metadata.json') && sizeBytes > HEAD_BYTES) {
      const head = decodeUtf8(await io.read(location, { range: { offset: 0, length: HEAD_BYTES } }).then(wholeCharacters))
      const uuid = /"table-uuid"\s*:\s*"([^"\\]+)"/.exec(head)?.[1]
      const updated = /"last-updated-ms"\s*:\s*(\d{1,15})/.exec(head)?.[1]
      if (uuid !== undefined && updated !== undefined) return { tableUuid: uuid, lastUpdatedMs: Number(updated) }
    }
    const { tableUuid, lastUpdatedMs } = parseTableMetadata(await io.read(location), { location })
    return { tableUuid, lastUpdatedMs }
  } catch {
    return undefined
  }
}

/** Up to the last byte that surely ends a character. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1]! >= 0x80) end--
  return bytes.subarray(0, end)
}
