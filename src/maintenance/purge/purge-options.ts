import type { LiteralInput } from '../../expression/expression.js'
import { checkAmount, checkBytes, checkOneOf } from '../../util/option-values.js'

export interface PurgeProgress {
  readonly phase: 'plan' | 'rewrite' | 'expire' | 'delete' | 'scan'
  readonly objects: number
  readonly rows: number
}

export interface PurgeOptions {
  /** Branches whose rows go; the others keep them, and are reported as held. Default: all. */
  readonly branches?: readonly string[] | undefined
  /** What becomes of tags whose rows are to go: they are dropped, or kept and reported as held. Default `drop`. */
  readonly tags?: 'drop' | 'keep' | undefined
  /**
   * Columns whose values in the purged rows are looked for afterwards, by name, beside the values that the filter itself names with
   * `=` and `in`. Default: none.
   */
  readonly scanColumns?: readonly string[] | undefined
  /** Further values to look for: texts, bytes as they are. */
  readonly scanValues?: readonly (string | Uint8Array)[] | undefined
  /** Objects that the table does not reach and that hold a key are deleted when they are so old; younger ones are held. Default one day. */
  readonly leftoverMinAgeMs?: number | undefined
  /** Whether the report names the filter with its values; default false: it then says only which columns it is about. */
  readonly includeFilter?: boolean | undefined
  readonly caseSensitive?: boolean | undefined
  /** Tell what would be done, and change nothing. */
  readonly dryRun?: boolean | undefined
  readonly memoryBudgetBytes?: number | undefined
  readonly onProgress?: ((progress: PurgeProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A value of a filter, as a caller gives it. */
export type PurgeKey = LiteralInput

const DAY_MS = 86_400_000

export function leftoverMinAgeMs({ leftoverMinAgeMs: asked = DAY_MS }: PurgeOptions): number {
  return asked
}

/** @throws FloeError `INVALID` naming the option that is wrong */
export function checkPurgeOptions({ tags, leftoverMinAgeMs: asked, memoryBudgetBytes }: PurgeOptions): void {
  checkOneOf(tags, ['drop', 'keep'], 'tags')
  checkAmount(asked, 0, 'leftoverMinAgeMs')
  checkBytes(memoryBudgetBytes, 1, 'memoryBudgetBytes')
}
