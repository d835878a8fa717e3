/** What of a location may be shown. Metadata may name places by URLs that are keys themselves. */

/** User and password of any URL; the user alone where it is no part of the address, as in `abfss://container@account/`. */
const CREDENTIALS = /^([a-z][a-z0-9+.-]*:\/\/)[^/:]*:[^/]*@|^((?:https?|s3[an]?):\/\/)[^/]*@/i
/** Where signatures of presigned URLs stand. In other schemes a question mark is part of a name. */
const QUERY = /^(https?:[^?]*\?).*$/is

/** The location without user, password and query, to be shown in messages and logs. */
export function redactLocation(location: string): string {
  return location.replace(CREDENTIALS, '$1$2***@').replace(QUERY, '$1***')
}
