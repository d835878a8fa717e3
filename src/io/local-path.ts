import { FloeError } from '../util/errors.js'
import { parseLocation, quoteLocation } from './location.js'

/**
 * The path of a local location, byte for byte as the metadata holds it: `/a/b`, `file:/a/b` and `file:///a/b` are one
 * place, and a partition folder `p=a%2Fb` keeps its escape, as Java, Python and DuckDB read it. For a percent-encoded
 * `file:` URL, make a path with `fileURLToPath` first.
 *
 * Throws `INVALID` for another scheme, another host, a relative path or a NUL.
 */
export function localPath(location: string): string {
  const { scheme, authority, path } = parseLocation(location)
  if (scheme !== 'file') throw new FloeError('INVALID', `${quoteLocation(location)} is not on this disk`)
  if (authority !== '' && authority.toLowerCase() !== 'localhost') {
    throw new FloeError('INVALID', `${quoteLocation(location)} names the host ${JSON.stringify(authority)}: write file:/// and an absolute path`)
  }
  if (!path.startsWith('/')) throw new FloeError('INVALID', `${quoteLocation(location)} is not an absolute path`)
  if (path.includes('\0')) throw new FloeError('INVALID', `${quoteLocation(location)} holds a NUL character`)
  return path
}
