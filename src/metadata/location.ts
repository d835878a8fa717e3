/** Locations as text: joining and trimming, without asking what is there. */
import { FloeError } from '../util/errors.js'

const SLASH = 0x2f

/** The location without slashes at its end; those of a bare scheme, as in `file://`, stay. Throws `INVALID` for an empty one. */
export function stripTrailingSlash(location: string): string {
  if (location === '') throw new FloeError('INVALID', 'a location must not be empty')
  let end = location.length
  while (end > 1 && location.charCodeAt(end - 1) === SLASH && !location.slice(0, end).endsWith('://')) end--
  return location.slice(0, end)
}

/** `folder/name`, with one slash between. */
export function joinLocation(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}
