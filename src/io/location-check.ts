/** Whether a location found in metadata may be touched at all, decided from its text before any request. */
import { FloeError } from '../util/errors.js'
import { asFolder, isInside, parseLocation, quoteLocation } from './location.js'

export interface LocationRules {
  /** Folders whose content may be touched. */
  readonly prefixes: readonly string[]
  /** Let `http:` and `https:` prefixes count. Default false. */
  readonly allowHttp?: boolean | undefined
}

/** An escape inside an escape is decoded too, this many times. */
const MAX_DECODINGS = 4

/**
 * Throws `INVALID` unless `location` lies in one of the prefixes in all its readings: as written, percent-decoded, and
 * with dot segments resolved. Escapes are left to partition folders (`name=a%2Fb`), where engines write them; elsewhere
 * an encoded slash, dot segment, backslash or NUL is refused, as are user names, other hosts and `http:`.
 */
export function checkLocation(location: string, rules: LocationRules): void {
  const problem = findProblem(location, rules)
  if (problem !== undefined) {
    throw new FloeError('INVALID', `Refused to touch ${quoteLocation(location)}: ${problem}`, { file: location.slice(0, 1000) })
  }
}

function findProblem(location: string, rules: LocationRules): string | undefined {
  if (location.includes('\0') || location.includes('\\')) return 'it holds a NUL or a backslash'
  const { scheme, authority, path } = parseLocation(location)
  if (/^https?$/.test(scheme) && rules.allowHttp !== true) return 'http locations are not allowed'
  if (/[@%]/.test(authority)) return 'its host part holds a user name or an escape'
  for (const segment of path.split('/')) {
    const problem = segmentProblem(segment)
    if (problem !== undefined) return problem
  }
  if (!rules.prefixes.some((prefix) => isInside(prefix, location) && staysInside(prefix, path))) {
    return `it lies outside the allowed locations ${rules.prefixes.map(quoteLocation).join(', ')}; if it belongs to the table, allow its folder`
  }
  return undefined
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '.' || segment === '..') return 'it holds a dot segment'
  if (!segment.includes('%') || segment.indexOf('=') > 0) return undefined
  const decoded = decodeFully(segment)
  if (decoded === '.' || decoded === '..') return 'it holds an encoded dot segment'
  return /[/\\\0]/.test(decoded) ? 'it holds an encoded slash, backslash or NUL' : undefined
}

/** Whether the decoded and resolved path still lies in the decoded prefix. */
function staysInside(prefix: string, path: string): boolean {
  const root = resolveSegments(parseLocation(prefix).path)
  const place = resolveSegments(path)
  return place === root || place.startsWith(asFolder(root))
}

function resolveSegments(path: string): string {
  const kept: string[] = []
  for (const segment of decodeFully(path).split(/[/\\]/)) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}

function decodeFully(text: string): string {
  let decoded = text
  for (let i = 0; i < MAX_DECODINGS && decoded.includes('%'); i++) {
    const next = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    if (next === decoded) break
    decoded = next
  }
  return decoded
}
