/** Locations as text: what Iceberg metadata stores, never percent-decoded, never normalised. */
import { FloeError } from '../util/errors.js'
import { redactLocation } from '../util/redact-location.js'

export interface ParsedLocation {
  /** Lower case, without the colon; `file` for a bare absolute path, `s3` for its aliases s3a and s3n. */
  readonly scheme: string
  /** Bucket, or host and port; empty for local files. As written. */
  readonly authority: string
  /** What follows the authority, from its first slash on; may be empty. As written. */
  readonly path: string
}

const S3_ALIASES: ReadonlySet<string> = new Set(['s3', 's3a', 's3n'])

/**
 * Splits `location` by the rules of the engines that write metadata: nothing is decoded, so `%2F`, `?`, `#` and spaces
 * are part of the name. `/a`, `file:/a` and `file:///a` are one place. Throws `INVALID` when there is no scheme and no
 * leading slash.
 */
export function parseLocation(location: string): ParsedLocation {
  if (location.startsWith('/')) return { scheme: 'file', authority: '', path: location }
  const match = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(location)
  if (match === null) {
    throw new FloeError('INVALID', `${quoteLocation(location)} is no location: write an absolute path or a URI such as s3://bucket/key`)
  }
  const scheme = canonicalScheme(match[1]!)
  const rest = match[2]!
  if (!rest.startsWith('//')) return { scheme, authority: '', path: rest }
  const slash = rest.indexOf('/', 2)
  return slash === -1
    ? { scheme, authority: rest.slice(2), path: '' }
    : { scheme, authority: rest.slice(2, slash), path: rest.slice(slash) }
}

/** Lower case, with the aliases of `s3` folded into it. */
export function canonicalScheme(scheme: string): string {
  const lower = scheme.toLowerCase()
  return S3_ALIASES.has(lower) ? 's3' : lower
}

/** One text per place: equal for the aliases of a scheme and the spellings of a local path. The path itself stays as written. */
export function canonicalLocation(location: string): string {
  const { scheme, authority, path } = parseLocation(location)
  const host = scheme === 'file' && authority.toLowerCase() === 'localhost' ? '' : authority
  return `${scheme}://${host}${path}`
}

/** `folder` with exactly one slash at its end. */
export function asFolder(folder: string): string {
  return folder.endsWith('/') ? folder : `${folder}/`
}

/** `folder/name`, with one slash between. */
export function joinLocation(folder: string, ...names: readonly string[]): string {
  return names.reduce((joined, name) => asFolder(joined) + name, folder)
}

/** The folder that holds `location`, without a trailing slash; `undefined` at the root of a store. */
export function parentLocation(location: string): string | undefined {
  const bare = stripTrailingSlashes(location)
  const { path } = parseLocation(bare)
  const slash = path.lastIndexOf('/')
  if (slash === -1 || path === '/') return undefined
  const start = bare.length - path.length
  return slash === 0 ? bare.slice(0, start + 1) : bare.slice(0, start + slash)
}

/** The part after the last slash, trailing slashes aside. */
export function baseName(location: string): string {
  const bare = stripTrailingSlashes(location)
  return bare.slice(bare.lastIndexOf('/') + 1)
}

/** Without trailing slashes; a root such as `/` or `file:///` keeps its own. */
export function stripTrailingSlashes(location: string): string {
  let end = location.length
  while (end > 1 && location[end - 1] === '/' && location[end - 2] !== ':' && location[end - 2] !== '/') end--
  return location.slice(0, end)
}

/** Whether `location` is `folder` itself or lies in it, by canonical text; it must be free of dot segments for this to mean anything. */
export function isInside(folder: string, location: string): boolean {
  const root = stripTrailingSlashes(canonicalLocation(folder))
  const place = canonicalLocation(location)
  return place === root || place.startsWith(asFolder(root))
}

/** For messages: at most 200 characters, control characters escaped, without passwords and signatures. */
export function quoteLocation(given: string): string {
  const location = redactLocation(given)
  return JSON.stringify(location.length > 200 ? `${location.slice(0, 200)}…` : location)
}
