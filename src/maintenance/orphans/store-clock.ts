import type { FileIO } from '../../io/file-io.js'
import { joinLocation } from '../../io/location.js'
import { newFiles } from '../../io/new-files.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import type { Runtime } from '../../util/runtime.js'

/**
 * The time by the store's clock, as it dates an object that is written into `folder` for this and removed again. `undefined`
 * where nothing may be written.
 */
export async function storeTimeMs(io: FileIO, folder: string, runtime: Pick<Runtime, 'uuid'>): Promise<number | undefined> {
  const location = joinLocation(folder, `.floe-clock-${runtime.uuid()}`)
  try {
    await newFiles(io).write(location, new TextEncoder().encode('What time is it?'), { ifNoneMatch: '*' })
    const status = await io.head(location)
    if (status === undefined || status.lastModifiedMs <= 0) {
      throw new FloeError('UNSUPPORTED', 'The store does not say when an object was written, so that the age of files is not known', { file: location })
    }
    return status.lastModifiedMs
  } catch (error) {
    if (isFloeError(error, 'UNAUTHORIZED')) return undefined
    throw error
  } finally {
    // What stays has a hidden name, and is of no consequence.
    await io.delete([location]).catch(() => undefined)
  }
}
