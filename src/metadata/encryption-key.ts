/** Encryption keys are kept as the JSON they came as: this package neither wraps nor unwraps them. Spec: Table Metadata › Encryption Keys */
import { FloeError } from '../util/errors.js'
import { isMembers, type JsonValue } from '../util/json.js'

/** The `key-id` of a key. Throws `INVALID` for what is not a key. */
export function encryptionKeyId(key: unknown): string {
  const keyId = isMembers(key as JsonValue) && Object.hasOwn(key as object, 'key-id') ? (key as { readonly 'key-id': unknown })['key-id'] : undefined
  if (typeof keyId !== 'string') throw new FloeError('INVALID', 'an encryption key must be an object with a key-id')
  return keyId
}
