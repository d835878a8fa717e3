/** What committing is given, and what comes of it. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'

export interface CommitOptions {
  readonly runtime: Runtime
  readonly signal?: AbortSignal | undefined
}

export interface CommitResult {
  /** The version that the change is in. */
  readonly table: LoadedTable
  /** The snapshot that the change made; undefined for changes of metadata alone. */
  readonly snapshot: Snapshot | undefined
  /** 0 when there was nothing to commit, or it had been committed before. */
  readonly attempts: number
  /** What went wrong after the change was in: files that could not be cleaned up. Never a reason to try again. */
  readonly warnings: readonly FloeError[]
}
