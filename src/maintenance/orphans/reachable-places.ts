import { asFolder, baseName } from '../../io/location.js'
import { exactKey, looseKey, TextSet, type LocationAliases } from '../location-key.js'
import { reachableFiles, type ReachabilityRoot } from '../reachability.js'

/** How a listed file stands to what is reachable: it is, it may be by another spelling, or it is not. */
export type Standing = 'reachable' | 'ambiguous' | 'unreachable'

/**
 * The places that tables reach, as hashes: 32 bytes or so for each file. A file that is reachable is never taken for one that
 * is not.
 */
export class ReachablePlaces {
  /** Lists and manifests that need not be read again. */
  readonly walked = new Set<string>()
  readonly #exact = new TextSet()
  readonly #loose = new TextSet()
  /** Names of files outside of the listed folders: the same name inside may be the same file, by a link or another bucket name. */
  readonly #outsideNames = new TextSet()
  readonly #roots: readonly string[]
  readonly #aliases: LocationAliases

  constructor(roots: readonly string[], aliases: LocationAliases) {
    this.#roots = roots.map((root) => exactKey(asFolder(root), aliases))
    this.#aliases = aliases
  }

  get size(): number {
    return this.#exact.size
  }

  async add(
    root: ReachabilityRoot,
    options: { readonly signal?: AbortSignal | undefined; readonly onFile?: (() => void) | undefined } = {},
  ): Promise<void> {
    for await (const { location } of reachableFiles(root, { walked: this.walked, signal: options.signal })) {
      const exact = exactKey(location, this.#aliases)
      this.#exact.add(exact)
      this.#loose.add(looseKey(location))
      if (!this.#roots.some((folder) => exact.startsWith(folder))) this.#outsideNames.add(baseName(location))
      options.onFile?.()
    }
  }

  standingOf(location: string): Standing {
    if (this.#exact.has(exactKey(location, this.#aliases))) return 'reachable'
    return this.#loose.has(looseKey(location)) || this.#outsideNames.has(baseName(location)) ? 'ambiguous' : 'unreachable'
  }

  /** The spelling of a reachable file that makes `location` ambiguous. */
  isLike(location: string, reachable: string): boolean {
    if (looseKey(location) === looseKey(reachable)) return true
    const exact = exactKey(reachable, this.#aliases)
    return baseName(location) === baseName(reachable) && !this.#roots.some((folder) => exact.startsWith(folder))
  }
}
