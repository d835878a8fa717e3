import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path/posix'
import { FloeError } from '../util/errors.js'
import { localPath } from './local-path.js'
import { asFolder, parseLocation, quoteLocation } from './location.js'

/** Throws `INVALID` when a symbolic link on the way to the local `location` leads out of all the prefixes. */
export async function checkLinks(location: string, prefixes: readonly string[]): Promise<void> {
  const place = await resolveLinks(localPath(location))
  for (const prefix of prefixes) {
    if (parseLocation(prefix).scheme !== 'file') continue
    const root = await resolveLinks(localPath(prefix))
    if (place === root || place.startsWith(asFolder(root))) return
  }
  throw new FloeError('INVALID', `Refused to touch ${quoteLocation(location)}: a symbolic link leads out of the allowed locations`, {
    file: location,
  })
}

/** The real path of the part that exists, with the rest appended. */
async function resolveLinks(path: string): Promise<string> {
  let missing = ''
  for (let existing = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, ''); ; existing = dirname(existing)) {
    try {
      return (await realpath(existing)).replace(/\/$/, '') + missing
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || existing === '/') {
        throw new FloeError('INVALID', `Cannot resolve the links of ${quoteLocation(path)}`, { file: path, cause: error })
      }
      missing = `/${existing.slice(existing.lastIndexOf('/') + 1)}${missing}`
    }
  }
}
