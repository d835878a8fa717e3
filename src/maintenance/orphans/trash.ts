import type { FileIO } from '../../io/file-io.js'
import { asFolder, baseName, isInside, joinLocation, quoteLocation, stripTrailingSlashes } from '../../io/location.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import type { OrphanFile } from './orphan-plan.js'

const CHUNK_BYTES = 8 * 2 ** 20

/** A folder that orphans are moved to in place of being deleted. */
export class Trash {
  readonly location: string
  readonly #roots: readonly string[]

  /**
   * `place`: a location, or a name inside the table's folder, such as `.trash`.
   * @throws FloeError `INVALID` for a place inside a listed folder that the next listing would take for orphans again
   */
  constructor(place: string, table: { readonly location: string; readonly locations: readonly string[] }) {
    const isAbsolute = place.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(place)
    this.location = stripTrailingSlashes(isAbsolute ? place : joinLocation(table.location, place))
    this.#roots = table.locations
    const root = table.locations.find((folder) => isInside(folder, this.location))
    const first = root === undefined ? '.' : this.location.slice(asFolder(root).length)
    if (/^[._]/.test(first)) return
    throw new FloeError('INVALID', `The trash ${quoteLocation(place)} lies among the table's files: begin its name with a dot, such as .trash`)
  }

  /** Where a file goes: under its path in the folder that was listed. */
  placeOf(location: string): string {
    const root = this.#roots.find((folder) => isInside(folder, location))
    return joinLocation(this.location, root === undefined ? baseName(location) : location.slice(asFolder(root).length))
  }

  /** Copies a file here. One of the same size that is here already was copied by an earlier run. */
  async copy(io: FileIO, file: OrphanFile, signal: AbortSignal | undefined): Promise<void> {
    const target = this.placeOf(file.location)
    try {
      await io.write(target, chunksOf(io, file, signal), { ifNoneMatch: '*', signal })
    } catch (error) {
      if (!isFloeError(error, 'ALREADY_EXISTS')) throw error
    }
    const copied = await io.head(target)
    if (copied?.sizeBytes === file.sizeBytes) return
    throw new FloeError('CONFLICT', `Its copy in the trash has ${copied?.sizeBytes ?? 'no'} bytes, not ${file.sizeBytes}: the file stays`, { file: target })
  }
}

async function* chunksOf(io: FileIO, file: OrphanFile, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < file.sizeBytes; offset += CHUNK_BYTES) {
    const range = { offset, length: Math.min(CHUNK_BYTES, file.sizeBytes - offset) }
    yield await io.read(file.location, { range, signal })
  }
}
