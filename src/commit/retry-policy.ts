/** How often and how fast a commit is tried again. */
import { readInteger, tableProperties } from '../metadata/table-properties.js'

export interface RetryPolicy {
  /** At least 1. */
  readonly maxAttempts: number
  /** Whether {@link maxAttempts} is what somebody asked for. */
  readonly isChosen: boolean
  readonly minWaitMs: number
  readonly maxWaitMs: number
  /** No further attempt begins after this long. */
  readonly totalMs: number
}

/** Of attempts that another commit got in front of: `commit.retry.*`. Throws `INVALID` for a bad property. */
export function commitRetryPolicy(properties: ReadonlyMap<string, string>): RetryPolicy {
  return {
    // A negative number of retries still means one attempt.
    maxAttempts: Math.max(0, readInteger(properties, tableProperties.commitRetries)) + 1,
    isChosen: properties.has(tableProperties.commitRetries.name),
    minWaitMs: readInteger(properties, tableProperties.commitRetryMinWaitMs),
    maxWaitMs: readInteger(properties, tableProperties.commitRetryMaxWaitMs),
    totalMs: readInteger(properties, tableProperties.commitRetryTotalMs),
  }
}

/** Of looking whether a commit has landed: `commit.status-check.*`. Throws `INVALID` for a bad property. */
export function statusCheckPolicy(properties: ReadonlyMap<string, string>): RetryPolicy {
  return {
    maxAttempts: Math.max(0, readInteger(properties, tableProperties.statusChecks)) + 1,
    isChosen: properties.has(tableProperties.statusChecks.name),
    minWaitMs: readInteger(properties, tableProperties.statusCheckMinWaitMs),
    maxWaitMs: readInteger(properties, tableProperties.statusCheckMaxWaitMs),
    totalMs: readInteger(properties, tableProperties.statusCheckTotalMs),
  }
}

/**
 * The wait after attempt `attempt` (from 1): doubles up to the longest, of which a random half is waited at least.
 * Writers that met once are spread out, so that they do not meet again. `random` is in [0, 1).
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const ceiling = Math.min(policy.maxWaitMs, policy.minWaitMs * 2 ** Math.min(attempt - 1, 40))
  return Math.round(ceiling * (0.5 + random / 2))
}
