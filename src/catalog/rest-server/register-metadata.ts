import { FloeError, isFloeError } from '../../util/errors.js'
import type { CatalogBackend } from '../catalog-backend.js'

/** As it is and compressed, `x.gz.metadata.json` among them. */
const METADATA_NAME = /\.metadata\.json(?:\.gz)?$/

/**
 * Has a metadata file registered that a client names. The server's rights are not the client's: nothing is read, nor looked for, but
 * metadata files where tables of the catalog may be, and the answer quotes nothing of what is no metadata.
 * @throws FloeError `INVALID` for another place or name, `CORRUPT` for another content
 */
export async function registerMetadata<T>(catalog: CatalogBackend, location: string, register: () => Promise<T>): Promise<T> {
  if (!METADATA_NAME.test(location)) throw new FloeError('INVALID', 'What is registered must be a metadata file: its name ends in .metadata.json')
  await catalog.checkPlace?.(location)
  try {
    return await register()
  } catch (cause) {
    if (!isFloeError(cause, 'CORRUPT')) throw cause
    throw new FloeError('CORRUPT', 'The file is no metadata that can be registered', { file: location, cause })
  }
}
