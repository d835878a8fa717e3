/**
 * The only place that knows the clock, chance and waiting. Everything else receives a {@link Runtime}, so that a
 * failing schedule replays from its seed.
 */
import { randomBytes, randomUUID } from 'node:crypto'

export interface Runtime {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number
  /** A uniformly random number in [0, 1). */
  random(): number
  /** A random version-4 UUID, lower case. */
  uuid(): string
  /** A random positive 63-bit snapshot id. */
  snapshotId(): bigint
  /** Resolves after `ms` milliseconds; rejects at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The process's own clock and randomness. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  uuid: () => randomUUID(),
  snapshotId: () => {
    const id = randomBytes(8).readBigUInt64BE() & 0x7fff_ffff_ffff_ffffn
    return id === 0n ? 1n : id
  },
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, ms)
      const abort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      signal?.addEventListener('abort', abort, { once: true })
    }),
}
