import type { Runtime } from '../util/runtime.js'
import { FloeError } from '../util/errors.js'
import { abortedError } from './aborted.js'

export interface RetryDelay {
  readonly runtime: Pick<Runtime, 'random' | 'sleep'>
  /** Number of failures so far, from 1. */
  readonly attempt: number
  /** What the store asked for, milliseconds; capped at 30 s. */
  readonly retryAfterMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const BASE_MS = 50
const CAP_MS = 5_000
const RETRY_AFTER_CAP_MS = 30_000

/**
 * Waits before the next attempt: uniformly between nothing and a bound that doubles with each failure ("full jitter"), so
 * that writers that failed together do not return together. Throws `ABORTED` when `signal` fires.
 */
export async function waitBeforeRetry(delay: RetryDelay): Promise<void> {
  const bound = Math.min(CAP_MS, BASE_MS * 2 ** delay.attempt)
  const asked = Math.min(RETRY_AFTER_CAP_MS, delay.retryAfterMs ?? 0)
  try {
    await delay.runtime.sleep(asked + delay.runtime.random() * bound, delay.signal)
  } catch (error) {
    throw error instanceof FloeError ? error : abortedError(delay.signal)
  }
}
