import { SpillFolder } from '../../io/spill-folder.js'
import type { Runtime } from '../../util/runtime.js'

/**
 * Rows on this machine's disk that do not fit into memory. Its folder is made on the first write, in one that exists (default: the
 * system's for temporary files), and {@link remove} takes it away with all that is in it.
 */
export class SpillSpace {
  readonly #folder: SpillFolder

  constructor(runtime: Runtime, parent?: string) {
    this.#folder = new SpillFolder(runtime, parent)
  }

  /** Removes everything, at the end, after an abort or failure. Never fails. */
  remove(): Promise<void> {
    return this.#folder.remove()
  }
}
