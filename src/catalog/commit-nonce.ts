/**
 * A member that makes the bytes of each version their writer's own. Other engines ignore members of table metadata that
 * they do not know.
 */
import type { TableMetadata } from '../metadata/table-metadata.js'

const MEMBER = 'floe-commit-nonce'

export function withNonce(metadata: TableMetadata, nonce: string): TableMetadata {
  return { ...metadata, unknownFields: new Map([...metadata.unknownFields, [MEMBER, nonce]]) }
}

/** The nonce of the commit that wrote the metadata, when that was one of ours. */
export function nonceOf(metadata: TableMetadata): string | undefined {
  const nonce = metadata.unknownFields.get(MEMBER)
  return typeof nonce === 'string' ? nonce : undefined
}

/** The metadata without the nonce of the commit that wrote it. */
export function withoutNonce(metadata: TableMetadata): TableMetadata {
  if (!metadata.unknownFields.has(MEMBER)) return metadata
  return { ...metadata, unknownFields: new Map([...metadata.unknownFields].filter(([name]) => name !== MEMBER)) }
}
