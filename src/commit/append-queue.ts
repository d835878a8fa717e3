/** Appends of one process that wait for the same branch become one commit. */
import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import { abortedError } from '../io/aborted.js'
import type { DataFile } from '../manifest/data-file.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { appendFiles } from './append-files.js'
import { commitTable, type CommitResult } from './commit-table.js'

/** Files to be appended. */
export interface QueuedFiles {
  readonly loaded: LoadedTable
  readonly files: readonly DataFile[]
  readonly branch?: string | undefined
  /** Delete the files when it is proven that they were not committed. */
  readonly ownsFiles: boolean
  readonly runtime: Runtime
  readonly signal?: AbortSignal | undefined
}

interface Waiting extends QueuedFiles {
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: unknown) => void
  /** Listens to the signal, as long as the turn has not come. */
  onAbort?: () => void
}

interface Line {
  readonly waiting: Waiting[]
  /** What the last commit of this line left the table at: newer than what most callers have. */
  latest: LoadedTable | undefined
}

const queues = new WeakMap<CatalogBackend, AppendQueue>()

/** The queue of all appends that go through `backend`. */
export function appendQueueOf(backend: CatalogBackend): AppendQueue {
  const known = queues.get(backend)
  if (known !== undefined) return known
  const queue = new AppendQueue(backend)
  queues.set(backend, queue)
  return queue
}

/**
 * Commits appends, one at a time for each branch of a table. Those that arrive while a commit is under way go into the next one
 * together: one snapshot, one request for all. An append that arrives alone waits for nobody.
 */
export class AppendQueue {
  readonly #backend: CatalogBackend
  readonly #lines = new Map<string, Line>()

  constructor(backend: CatalogBackend) {
    this.#backend = backend
  }

  /** Resolves with the commit that the files are in. Throws as `commitTable` does, for these files alone. */
  append(files: QueuedFiles): Promise<CommitResult> {
    const key = lineKey(files)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ...files, resolve, reject }
      const line = this.#lines.get(key)
      if (line !== undefined) {
        line.waiting.push(waiting)
        leaveWhenAborted(waiting, line)
        return
      }
      const started: Line = { waiting: [waiting], latest: undefined }
      this.#lines.set(key, started)
      void this.#serve(key, started)
    })
  }

  /** Never throws: what goes wrong is told to those who wait. */
  async #serve(key: string, line: Line): Promise<void> {
    while (line.waiting.length > 0) {
      const group: Waiting[] = []
      for (const waiting of line.waiting.splice(0)) {
        if (waiting.onAbort !== undefined) waiting.signal?.removeEventListener('abort', waiting.onAbort)
        if (waiting.signal?.aborted === true) await leave(waiting)
        else group.push(waiting)
      }
      if (group.length > 0) await this.#commit(group, line)
    }
    this.#lines.delete(key)
  }

  async #commit(group: readonly Waiting[], line: Line): Promise<void> {
    const [first] = group
    if (group.length === 1) return this.#commitAlone(first!, line)
    const { branch, runtime } = first!
    try {
      const files = group.flatMap((waiting) => waiting.files)
      const operation = appendFiles(files, branch === undefined ? {} : { branch }, runtime)
      const result = await commitTable(this.#backend, newest(group, line), operation, { runtime })
      line.latest = result.table
      for (const waiting of group) waiting.resolve(result)
    } catch (error) {
      if (isFloeError(error, 'COMMIT_STATE_UNKNOWN')) {
        for (const waiting of group) waiting.reject(error)
        return
      }
      // Nothing is in: files of one may be at fault, and then only that one fails.
      for (const waiting of group) await this.#commitAlone(waiting, line)
    }
  }

  async #commitAlone(waiting: Waiting, line: Line): Promise<void> {
    const { files, branch, ownsFiles, runtime, signal } = waiting
    try {
      const operation = appendFiles(files, { ...(branch === undefined ? {} : { branch }), ownsDataFiles: ownsFiles }, runtime)
      const result = await commitTable(this.#backend, newest([waiting], line), operation, { runtime, signal })
      line.latest = result.table
      waiting.resolve(result)
    } catch (error) {
      waiting.reject(error)
    }
  }
}

/** A table that took the name of another is another: its files have nothing to do in there. */
function lineKey({ loaded: { identifier, metadata }, branch = MAIN_BRANCH }: QueuedFiles): string {
  return JSON.stringify([printTableIdentifier(identifier), metadata.tableUuid, branch])
}

/** Who waits for its turn can leave at once. Signals outlive appends, so that none keeps listening to one. */
function leaveWhenAborted(waiting: Waiting, line: Line): void {
  waiting.onAbort = () => {
    const place = line.waiting.indexOf(waiting)
    if (place < 0) return
    line.waiting.splice(place, 1)
    void leave(waiting)
  }
  waiting.signal?.addEventListener('abort', waiting.onAbort, { once: true })
}

/** Files that are left behind cost space, not rows: failing to remove them changes nothing. */
async function leave({ loaded, files, ownsFiles, signal, reject }: Waiting): Promise<void> {
  if (ownsFiles) await loaded.io.delete(files.map((file) => file.filePath)).catch(() => undefined)
  reject(abortedError(signal))
}

/** A newer base spares a lost attempt. A branch that somebody saw is not made anew: the base that has it goes first. */
function newest(group: readonly Waiting[], { latest }: Line): LoadedTable {
  const branch = group[0]!.branch ?? MAIN_BRANCH
  const isBetter = (a: LoadedTable, b: LoadedTable): boolean => {
    const [hasA, hasB] = [a.metadata.refs.has(branch), b.metadata.refs.has(branch)]
    return hasA === hasB ? isNewer(a, b) : hasA
  }
  const own = group.map(({ loaded }) => loaded).reduce((best, loaded) => (isBetter(loaded, best) ? loaded : best))
  return latest !== undefined && isBetter(latest, own) ? latest : own
}

function isNewer({ metadata: a }: LoadedTable, { metadata: b }: LoadedTable): boolean {
  return a.lastSequenceNumber > b.lastSequenceNumber || (a.lastSequenceNumber === b.lastSequenceNumber && a.lastUpdatedMs > b.lastUpdatedMs)
}
