/** Encryption keys stay the JSON they came as: this package neither wraps nor unwraps them. Spec: Table Metadata › Encryption Keys */
import { FloeError } from '../util/errors.js'
import type { JsonValue } from '../util/json.js'
import { isMembers } from '../util/json.js'

/** The `key-id` of a key. Throws `INVALID` for what is not a key. */
export function encryptionKeyId(key: unknown): string {
  const members = key as JsonValue
  const keyId = isMembers(members) && Object.hasOwn(members, 'key-id') ? members['key-id'] : undefined
  if (typeof keyId !== 'string') throw new FloeError('INVALID', 'an encryption key must be an object with a key-id')
  return keyId
}
