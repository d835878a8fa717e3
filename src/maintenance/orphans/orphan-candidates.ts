import { exactKey, looseKey, type LocationAliases } from '../location-key.js'
import { reachableFiles, type ReachabilityRoot } from '../reachability.js'
import { aliasesOf, type PlanOrphansOptions } from './orphan-options.js'
import type { OrphanFile } from './orphan-plan.js'

/** Files that are to go unless something turns out to reach them. */
export class OrphanCandidates {
  readonly #byKey = new Map<string, OrphanFile[]>()
  readonly #aliases: LocationAliases
  readonly #isExact: boolean

  constructor(files: readonly OrphanFile[], options: Pick<PlanOrphansOptions, 'prefixMismatchMode' | 'equalSchemes' | 'equalAuthorities'>) {
    this.#aliases = aliasesOf(options)
    this.#isExact = options.prefixMismatchMode === 'delete'
    for (const file of files) {
      const key = this.#keyOf(file.location)
      const same = this.#byKey.get(key)
      if (same === undefined) this.#byKey.set(key, [file])
      else same.push(file)
    }
  }

  /** Drops what the table reaches by the lists and manifests that are not in `walked` yet. */
  async keepReachable(
    root: ReachabilityRoot,
    options: { readonly walked: Set<string>; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    for await (const { location } of reachableFiles(root, options)) this.#byKey.delete(this.#keyOf(location))
  }

  has({ location }: OrphanFile): boolean {
    return this.#byKey.has(this.#keyOf(location))
  }

  get files(): readonly OrphanFile[] {
    return [...this.#byKey.values()].flat()
  }

  #keyOf(location: string): string {
    return this.#isExact ? exactKey(location, this.#aliases) : looseKey(location)
  }
}
