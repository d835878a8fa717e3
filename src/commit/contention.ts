/** What a process remembers of those that it shares a table with, so that all of them get through in turn. */
import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import type { RetryPolicy } from './retry-policy.js'

/** Doublings of the random wait of those whose turn it is. Few, so that who has waited long does not fall behind. */
const RACE_DOUBLINGS = 3
const MOST_OTHERS = 256
/** Attempts take long while many are made: the shortest of late is what one takes. */
const ATTEMPT_GROWTH = 1.2
const MAX_TABLES = 1000

const known = new WeakMap<CatalogBackend, Map<string, Contention>>()

/** What is known of the writers of `table` that do not go through `backend`; kept as long as the backend, for the last 1000 tables. */
export function contentionOf(backend: CatalogBackend, table: LoadedTable): Contention {
  const tables = known.get(backend) ?? new Map<string, Contention>()
  known.set(backend, tables)
  const key = `${printTableIdentifier(table.identifier)} ${table.metadata.tableUuid ?? ''}`
  const contention = tables.get(key) ?? new Contention()
  tables.delete(key)
  tables.set(key, contention)
  for (const oldest of tables.keys()) {
    if (tables.size <= MAX_TABLES) break
    tables.delete(oldest)
  }
  return contention
}

/**
 * An estimate of how many others commit to a table, and whose turn it is: every version has one writer, so that who has seen the
 * most versions of others since its own last has waited longest. With as many others as were seen, it is due.
 *
 * A race that is lost raises the estimate, a commit that fewer came before brings it halfway down to these. A writer that meets
 * nobody never waits.
 */
export class Contention {
  #others = 0
  /** Versions of others since our own last. */
  #landed = 0
  #latest: { readonly sequenceNumber: bigint; readonly location: string } | undefined
  #attemptMs: number | undefined
  #committedMs = -Infinity

  /** Whether others were met of late: then an attempt on a version that is not known to be current is as good as lost. */
  get isMet(): boolean {
    return this.#others >= 1
  }

  /** Counts the versions that have come since the last look. */
  observe(table: LoadedTable): void {
    const now = { sequenceNumber: table.metadata.lastSequenceNumber, location: table.metadataLocation }
    const before = this.#latest
    if (before !== undefined) {
      // Versions of format version 1 have no numbers.
      const isUnnumbered = now.sequenceNumber === 0n && now.location !== before.location
      this.#landed += isUnnumbered ? 1 : Math.max(0, Number(now.sequenceNumber - before.sequenceNumber))
    }
    if (before === undefined || now.sequenceNumber >= before.sequenceNumber) this.#latest = now
  }

  /**
   * The wait before the first attempt of a commit: until those have had their turn that waited meanwhile, counted from our own last
   * commit. `random` is in [0, 1).
   */
  turnMs(policy: RetryPolicy, nowMs: number, random: number): number {
    const passedMs = Math.max(0, nowMs - this.#committedMs)
    const waitMs = this.#spanMs(policy) * this.#others * (0.5 + random) - passedMs
    return Math.round(Math.min(policy.maxWaitMs, policy.totalMs / 2, Math.max(0, waitMs)))
  }

  /**
   * Notes that the attempt of `attemptMs` was overtaken, for the `races`-th time (from 1) in this commit. Answers the wait before
   * the next: until it is our turn, and a random time more, for those who are due at once. `random` is in [0, 1).
   */
  lostMs(policy: RetryPolicy, races: number, attemptMs: number, random: number): number {
    this.#noteAttempt(attemptMs)
    const landed = this.#landed + 1
    // Who was due and lost nevertheless has underrated the others the more. The turn never moves away by that.
    this.#others = Math.min(MOST_OTHERS, this.#others + (landed < this.#others ? 1 : 2))
    const versions = Math.max(0, this.#others - landed) * (0.5 + random) + random * 2 ** Math.min(races - 1, RACE_DOUBLINGS)
    return Math.round(Math.min(policy.maxWaitMs, this.#spanMs(policy) * versions))
  }

  /** Notes our own commit, which left `table`. */
  committed(table: LoadedTable, nowMs: number, attemptMs: number): void {
    this.#noteAttempt(attemptMs)
    if (this.#landed < this.#others) this.#others = (this.#others + this.#landed) / 2
    this.#landed = 0
    this.#committedMs = nowMs
    this.#latest = { sequenceNumber: table.metadata.lastSequenceNumber, location: table.metadataLocation }
  }

  #noteAttempt(attemptMs: number): void {
    this.#attemptMs = Math.max(1, Math.min(attemptMs, (this.#attemptMs ?? Infinity) * ATTEMPT_GROWTH))
  }

  /** What one turn takes. Measuring attempts fits it to a disk as to a far store, where they overlap, and to a machine that is overrun. */
  #spanMs({ minWaitMs }: RetryPolicy): number {
    const attemptMs = this.#attemptMs ?? minWaitMs
    return Math.min(attemptMs, minWaitMs + attemptMs / 4)
  }
}
